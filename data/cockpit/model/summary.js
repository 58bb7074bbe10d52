/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { size, sum } from "./format.js";
import { card_free, members, node_used, region_memory, regions_of, zone } from "./picture.js";
import { link_is_slow } from "./speed.js";

/* What a region is used as, what state that is in, and whether it is as it should be. */
export const USES = {
    online: { use_text: "System RAM", state: "online", tone: "good" },
    partial: { use_text: "System RAM", state: "partly online", tone: "warn" },
    offline: { use_text: "System RAM", state: "offline", tone: "idle" },
    devdax: { use_text: "Device DAX", state: "in use as devdax", tone: "info" },
    none: { use_text: "Not used", state: "not used", tone: "idle" },
    incomplete: { use_text: "Incomplete", state: "incomplete", tone: "bad" },
    unknown: { use_text: "Unknown", state: "unknown", tone: "warn" },
};

/**
 * A line for each region.
 */
export function region_lines(picture) {
    return picture.regions.map(region => {
        const memory = region_memory(picture, region);
        const state = memory.use === "partial"
            ? `${size(memory.online)} of ${size(memory.online + memory.offline)} online`
            : USES[memory.use].state;
        return {
            name: region.region,
            size: size(region.size),
            members: members(region),
            ways: region.interleave_ways,
            granularity: region.interleave_granularity,
            use: memory.use,
            ...USES[memory.use],
            state,
            zone: zone(memory),
            node: memory.node,
            used: memory.online ? size(node_used(picture, memory.node)) : undefined,
            origin: region.origin,
        };
    });
}

function card_state(memdev) {
    if (memdev.failing)
        return { state: "failing", tone: "bad" };
    if (memdev.enabled === false)
        return { state: "not enabled", tone: "bad" };
    if (memdev.health?.hw_replacement_needed)
        return { state: "to be replaced", tone: "bad" };
    if (memdev.health?.media && memdev.health.media !== "normal")
        return { state: memdev.health.media, tone: "bad" };
    if (memdev.health?.performance_degraded || memdev.health?.maintenance_needed)
        return { state: "needs attention", tone: "warn" };
    if (link_is_slow(memdev))
        return { state: "slow link", tone: "warn" };
    return undefined;
}

/**
 * A line for each card, by place.
 */
export function card_lines(picture) {
    const order = (a, b) => (a.path ?? a.host ?? "") < (b.path ?? b.host ?? "") ? -1 : 1;
    return [...picture.memdevs].sort(order).map(memdev => {
        const regions = regions_of(picture, memdev.memdev);
        const used = regions.length ? { state: "in use", tone: "good" } : { state: "free", tone: "idle" };
        return {
            name: memdev.memdev,
            size: size(memdev.ram_size),
            free: size(card_free(picture, memdev)),
            serial: memdev.serial,
            host: memdev.host ?? "unknown",
            slot: memdev.slot,
            temperature: memdev.health?.temperature,
            regions: regions.map(region => region.region),
            ...(card_state(memdev) ?? used),
        };
    });
}

/**
 * All capacity by what it is used for. Interleaved or not, it is counted once: by region, and what is in none.
 */
export function capacity(picture) {
    const total = { movable: 0, kernel: 0, devdax: 0, idle: 0, free: 0 };
    for (const region of picture.regions) {
        const memory = region_memory(picture, region);
        const known = memory.movable + memory.kernel;
        total.movable += memory.movable;
        total.kernel += memory.kernel;
        if (memory.use === "devdax")
            total.devdax += region.size;
        else
            total.idle += Math.max((region.size ?? 0) - known, 0);
    }
    total.free = sum(picture.memdevs.map(memdev => card_free(picture, memdev) ?? 0));
    return [
        { key: "movable", label: "Online, movable", bytes: total.movable },
        { key: "kernel", label: "Online, kernel zone", bytes: total.kernel },
        { key: "devdax", label: "Device DAX", bytes: total.devdax },
        { key: "idle", label: "Offline or not used", bytes: total.idle },
        { key: "free", label: "In no region", bytes: total.free },
    ];
}
