/* SPDX-License-Identifier: LGPL-2.1-or-later */

const less = (is, could) => is !== undefined && could !== undefined && is < could;

/* MT/s are 2500 or multiples of 1000. */
const link = (speed, width) => [
    speed === undefined ? "" : ` ${speed / 1000} GT/s`,
    width === undefined ? "" : ` x${width}`,
].join("");

/**
 * Whether the PCIe link of a card is slower or narrower than both of its ends could.
 */
export function link_is_slow(memdev) {
    return less(memdev.link_speed, memdev.max_link_speed) || less(memdev.link_width, memdev.max_link_width);
}

/**
 * "PCIe 32 GT/s x8 of 32 GT/s x16", as describe_link() of cli/describe.c; "" when it is not known.
 */
export function link_text(memdev) {
    if (memdev.link_speed === undefined && memdev.link_width === undefined)
        return "";
    const best = link_is_slow(memdev) ? ` of${link(memdev.max_link_speed, memdev.max_link_width)}` : "";
    return `PCIe${link(memdev.link_speed, memdev.link_width)}${best}`;
}

/**
 * "reads 28.0 GB/s, 170 ns" for a region or node; "" where firmware and cards do not tell.
 */
export function speed_text({ read_bandwidth: bandwidth, read_latency: latency } = {}) {
    const words = [
        bandwidth === undefined ? "" : `${(bandwidth / 1000).toFixed(1)} GB/s`,
        latency === undefined ? "" : `${latency} ns`,
    ].filter(Boolean);
    return words.length ? `reads ${words.join(", ")}` : "";
}
