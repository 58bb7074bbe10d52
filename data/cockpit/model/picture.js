/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What follows from a picture of a machine (common/picture.h): the same rules as in common/picture-query.c
 * and cli/describe.c. Numbers that are not known are undefined.
 */

import { sum } from "./format.js";

const LISTS = ["windows", "ports", "memdevs", "slots", "regions", "daxes", "memory", "unmanaged", "nodes"];

/**
 * Complete what came over the bus: every list is there.
 */
export function complete(json) {
    const picture = { ...json };
    for (const key of LISTS)
        picture[key] ??= [];
    return picture;
}

export function card(picture, name) {
    return picture.memdevs.find(memdev => memdev.memdev === name);
}

export function port(picture, name) {
    return picture.ports.find(entry => entry.port === name);
}

export function members(region) {
    return (region.mappings ?? []).map(mapping => mapping.memdev).filter(name => name !== undefined);
}

export function regions_of(picture, name) {
    return picture.regions.filter(region => members(region).includes(name));
}

/**
 * Capacity of a card that no decoder has claimed.
 */
export function card_free(picture, memdev) {
    const decoders = port(picture, memdev.endpoint)?.decoders ?? [];
    if (!decoders.length || memdev.ram_size === undefined)
        return undefined;
    const taken = sum(decoders.filter(decoder => decoder.mode !== "pmem")
            .map(decoder => decoder.dpa_size));
    return taken === undefined || taken > memdev.ram_size ? undefined : memdev.ram_size - taken;
}

export function window_free(window) {
    const busy = sum((window.busy ?? []).map(range => range.size));
    return window.size === undefined || busy === undefined || busy > window.size
        ? undefined
        : window.size - busy;
}

function host_bridge_of(picture, name) {
    let entry = port(picture, name);
    for (let depth = 0; entry && entry.kind !== "host-bridge" && depth < 16; depth++)
        entry = port(picture, entry.parent);
    return entry?.kind === "host-bridge" ? entry : undefined;
}

/**
 * Whether firmware set a window aside that a card can be used in; undefined when that cannot be told.
 */
export function has_window(picture, memdev) {
    const bridge = host_bridge_of(picture, memdev.endpoint);
    if (!bridge)
        return undefined;
    return picture.windows.some(window =>
        (window.targets ?? []).some(target => target.port === bridge.port));
}

/* Bytes of a run of memory blocks that are between two block numbers. */
function overlap(picture, run, first, last) {
    const from = Math.max(run.first, first);
    const to = Math.min(run.first + run.count, last);
    return Math.max(to - from, 0) * picture.block_size;
}

/* Blocks of kmem's device, counted by state and zone. */
function count(picture, region, dax) {
    const block = picture.block_size;
    const start = dax.resource ?? region.resource;
    const length = dax.resource !== undefined && dax.size !== undefined ? dax.size : region.size;
    const memory = { online: 0, offline: 0, movable: 0, kernel: 0, use: "unknown" };
    if (!block || start === undefined)
        return memory;
    const first = Math.ceil(start / block);
    const last = Math.floor((start + length) / block);
    const whole = Math.max(last - first, 0) * block;
    let unknown = 0;
    for (const run of picture.memory) {
        const bytes = overlap(picture, run, first, last);
        if (run.state === "online" || run.state === "going-offline") {
            memory.online += bytes;
            if (run.zone)
                memory[run.zone] += bytes;
        } else if (run.state === "offline") {
            memory.offline += bytes;
        } else {
            unknown += bytes;
        }
    }
    /* Linux 7.3 takes the blocks away altogether. */
    if (memory.online + memory.offline + unknown === 0 && dax.state === "unplugged")
        memory.offline = whole;
    if (!unknown)
        memory.use = !memory.online ? "offline" : memory.online === whole ? "online" : "partial";
    return memory;
}

/**
 * How a region is used now, derived and never stored: picture_region_memory() of common/picture-query.c.
 */
export function region_memory(picture, region) {
    const dax = picture.daxes.find(entry => entry.region === region.region);
    const none = { online: 0, offline: 0, movable: 0, kernel: 0, node: dax?.target_node };
    if (region.size === 0 || region.decode_state === "reset" || region.enabled === false)
        return { ...none, use: "incomplete" };
    if (region.size === undefined)
        return { ...none, use: "unknown" };
    if (!dax?.driver)
        return { ...none, use: "none" };
    if (dax.driver !== "kmem")
        return { ...none, use: dax.driver === "device_dax" ? "devdax" : "unknown" };
    return { ...none, ...count(picture, region, dax) };
}

export function zone(memory) {
    if (!memory.online)
        return undefined;
    if (memory.movable + memory.kernel < memory.online)
        return "unknown";
    if (!memory.kernel)
        return "movable";
    return memory.movable ? "mixed" : "kernel";
}

/**
 * Bytes in use on a node, by whole MiB: digits that change all the time cannot be read.
 */
export function node_used(picture, id) {
    const node = picture.nodes.find(entry => entry.node === id);
    if (node?.total === undefined || node.free === undefined || node.free > node.total)
        return undefined;
    return Math.floor((node.total - node.free) / 2 ** 20) * 2 ** 20;
}

/**
 * Hot-plug slots below a port of the topology that have nothing in them.
 */
export function empty_slots(picture, entry) {
    return picture.slots.filter(slot => slot.power !== true && slot.port &&
        (`pci${slot.port.slice(0, slot.port.lastIndexOf(":"))}` === entry.host ||
         (entry.dports ?? []).some(dport => dport.dport === slot.port)));
}
