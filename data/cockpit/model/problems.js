/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { size } from "./format.js";
import { has_window, region_memory } from "./picture.js";

const bad = text => ({ tone: "bad", text });
const warn = text => ({ tone: "warn", text });

function of_card(picture, memdev) {
    const name = memdev.memdev;
    const health = memdev.health ?? {};
    const list = [];
    if (memdev.failing)
        list.push(bad(`${name} is failing: ${memdev.failing}. Take the memory of its regions offline, which moves what is in it elsewhere.`));
    if (health.media && health.media !== "normal")
        list.push(bad(`${name}: the media is ${health.media}.`));
    if (health.hw_replacement_needed)
        list.push(bad(`${name} says that it needs to be replaced.`));
    if (health.performance_degraded)
        list.push(warn(`${name} says that its performance is degraded.`));
    if (health.maintenance_needed)
        list.push(warn(`${name} says that it needs maintenance.`));
    if (memdev.enabled === false)
        list.push(bad(`${name} (${memdev.host ?? "address unknown"}) is not enabled: “cxl enable-memdev ${name}” may say why.`));
    else if (memdev.ram_size === undefined)
        list.push(warn(`${name}: the capacity could not be read.`));
    else if (memdev.enabled && has_window(picture, memdev) === false)
        list.push(warn(`${name} cannot be used: firmware set no window aside for its host bridge.`));
    return list;
}

function of_region(picture, region) {
    const memory = region_memory(picture, region);
    const name = region.region;
    switch (memory.use) {
    case "incomplete":
        return [bad(`${name} is not complete: destroy it to be rid of it.`)];
    case "partial":
        return [warn(`${name} is only in part online: ${size(memory.online)} of ${size(memory.online + memory.offline)}.`)];
    case "unknown":
        return [warn(`${name}: how it is used could not be read.`)];
    default:
        return [];
    }
}

/* What is to be there by itself and is not, in the daemon's words. */
function of_wishes(wishes) {
    const list = wishes.broken ? [bad(wishes.broken)] : [];
    for (const wish of wishes.wishes ?? [])
        if (wish.text && wish.reason)
            list.push(warn(`${wish.text}: ${wish.reason}`));
    return [...list, ...(wishes.reports ?? []).map(warn)];
}

/* Who else brings memory online, and where that had its way. */
function of_rivals(rivals) {
    return [
        ...(rivals.overruled ?? []).filter(entry => entry.text).map(entry => bad(entry.text)),
        ...(rivals.rivals ?? []).filter(entry => entry.problem && entry.where && entry.does && entry.advice)
                .map(entry => warn(`${entry.where} ${entry.does}; to do about it: ${entry.advice}`)),
    ];
}

/**
 * All that is wrong, the worst first: sentences with a tone. The list of cli/problems.c.
 */
export function problems(picture, operations, wishes, rivals) {
    const list = [
        ...operations.filter(operation => operation.state === "stuck").map(operation => bad(
            `Operation ${operation.id} (${operation.summary}) could not be undone and needs a decision: ${operation.reason}`)),
        ...picture.memdevs.flatMap(memdev => of_card(picture, memdev)),
        ...picture.regions.flatMap(region => of_region(picture, region)),
        ...of_wishes(wishes),
        ...of_rivals(rivals),
    ];
    return [...list.filter(entry => entry.tone === "bad"), ...list.filter(entry => entry.tone !== "bad")];
}
