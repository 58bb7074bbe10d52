/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A string, or a number: what may contain digits of JSON. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
const WHOLE = /^-?\d{16,}$/;

/**
 * Parse JSON of the daemon's. Whole numbers that a double cannot hold, such as serials, become strings of
 * digits; Number() and BigInt() take both.
 */
export function parse(text) {
    return JSON.parse(text.replace(TOKEN, token => WHOLE.test(token) ? `"${token}"` : token));
}
