/* SPDX-License-Identifier: LGPL-2.1-or-later */

export const MIB = 2 ** 20;

const UNITS = ["", "K", "M", "G", "T"];

function two_digits(value) {
    return String(Math.round(value * 100) / 100);
}

/**
 * Bytes as people write them, "512M", as format_size() of common/util.c does; undefined is "unknown".
 */
export function size(bytes) {
    if (bytes === undefined || bytes === null)
        return "unknown";
    let exponent = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
    const rest = bytes % 1024 ** exponent * 100 % 1024 ** exponent;
    const smaller = bytes / 1024 ** (exponent - 1);

    /* One unit smaller where that is exact and two digits are not: 1152M, not 1.13G. */
    if (exponent > 0 && rest !== 0 && Number.isInteger(smaller) && smaller < 10000)
        exponent--;
    return two_digits(bytes / 1024 ** exponent) + UNITS[exponent];
}

/**
 * Seconds in words, "4.2s", "3min 7s".
 */
export function duration(seconds) {
    if (seconds < 10)
        return `${seconds.toFixed(1)}s`;
    if (seconds < 60)
        return `${Math.floor(seconds)}s`;
    return `${Math.floor(seconds / 60)}min ${Math.floor(seconds % 60)}s`;
}

/**
 * A serial number as cards have it printed; numbers too long for a double come as strings of digits.
 */
export function serial(value) {
    return value === undefined ? "unknown" : `0x${BigInt(value).toString(16)}`;
}

/**
 * "a", "a and b", "a, b and c"
 */
export function listed(words) {
    if (words.length < 2)
        return words.join("");
    return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

/**
 * The sum of some numbers, or undefined when one of them is unknown.
 */
export function sum(values) {
    return values.reduce((a, b) => a === undefined || b === undefined ? undefined : a + b, 0);
}
