/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { size } from "./format.js";
import { parse } from "./json.js";

const PROCESSES = 8;
const BLOCKS = 4;

const parts = pairs => pairs.filter(([bytes]) => bytes).map(([bytes, what]) => `${size(bytes)} ${what}`).join(", ");

function of_process(blockers, process) {
    const who = `${process.name ?? "?"} (pid ${process.pid})`;
    if (blockers.devdax) {
        const how = process.mapped ? process.open ? "open and mapped" : "mapped" : "open";
        return `${who} has ${blockers.dax ?? "it"} ${how}`;
    }
    const huge = process.huge ? `, ${size(process.huge)} of it in huge pages` : "";
    const all = parts([[process.pinned, "pinned for I/O"], [process.locked, "locked"]]);
    return `${who}: ${size(process.bytes ?? 0)} on node ${blockers.node}${huge}${all && `; in all ${all}`}`;
}

function of_block(block) {
    const what = parts([
        [block.kernel, "of the kernel's own"],
        [block.huge, "in huge pages"],
        [block.held, "mapped by no process (in a pipe, or under I/O)"],
        [block.locked, "locked"],
        [block.movable, "that can be moved"],
    ]);
    return `memory block ${block.block}${block.going ? ", going offline" : ""}: ${what || "nothing in it"}`;
}

function of_device(blockers) {
    const dax = blockers.dax ?? "it";
    if (blockers.active === undefined)
        return `this kernel does not say what of ${dax} is in use by I/O or pipes: only open files and mappings are seen`;
    const held = blockers.active && !blockers.processes?.length
        ? ", although no process has it open or mapped: held by a pipe, io_uring or a device"
        : "";
    return `${size(blockers.active)} of ${dax} is in use${held}`;
}

/**
 * Who and what is in the way, a sentence each, as blockers_lines() of common/blockers.c words them.
 * @text: JSON of the daemon's; empty when nothing is
 */
export function blocker_lines(text) {
    if (!text)
        return [];
    const blockers = parse(text);
    const processes = blockers.processes ?? [];
    const blocks = (blockers.blocks ?? []).filter(block =>
        block.going || block.kernel || block.huge || block.held || block.locked);
    const lines = blockers.devdax ? [of_device(blockers)] : [];
    lines.push(...processes.slice(0, PROCESSES).map(process => of_process(blockers, process)));
    if (processes.length > PROCESSES)
        lines.push(`and ${processes.length - PROCESSES} more processes`);
    lines.push(...blocks.slice(0, BLOCKS).map(of_block));
    if (blocks.length > BLOCKS)
        lines.push(`and ${blocks.length - BLOCKS} more memory blocks`);
    if (blockers.partial)
        lines.push("(there was no time to look at everything)");
    return lines;
}
