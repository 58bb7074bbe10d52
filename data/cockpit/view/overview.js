/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { size, sum } from "../model/format.js";
import { problems } from "../model/problems.js";
import { capacity } from "../model/summary.js";
import { h, show } from "./dom.js";

const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/**
 * What the machine is, in a line.
 */
export function machine_line(picture) {
    if (!picture.windows.length && !picture.memdevs.length)
        return "There is no CXL memory on this machine: firmware set no windows aside, and there are no cards.";
    const total = sum(picture.memdevs.map(memdev => memdev.ram_size));
    const empty = picture.slots.filter(slot => slot.power === false).length;
    return [
        `${count(picture.memdevs.length, "card", "cards")} with ${size(total)}`,
        count(picture.windows.length, "window", "windows"),
        count(picture.regions.length, "region", "regions"),
        empty ? count(empty, "empty slot", "empty slots") : "",
        picture.kernel ? `Linux ${picture.kernel}` : "",
    ].filter(Boolean).join(" · ");
}

/**
 * Show what is wrong, the worst first; nothing when nothing is.
 */
export function show_problems(element, machine) {
    const list = problems(machine.picture, [...machine.operations.values()], machine.wishes, machine.rivals);
    show(element, list.map(entry => h("p", { class: `alert ${entry.tone}` },
                                      h("strong", {}, entry.tone === "bad" ? "Problem: " : "Warning: "), entry.text)));
}

/**
 * Show the capacity of all cards as one bar, with what each part of it is.
 */
export function show_capacity(element, picture) {
    const parts = capacity(picture);
    const text = parts.filter(part => part.bytes).map(part => `${part.label}: ${size(part.bytes)}`).join(", ");
    const bar = h("div", { class: "bar", role: "img", "aria-label": `Capacity. ${text || "None"}` },
                  parts.filter(part => part.bytes).map(part => {
                      const piece = h("div", { class: `part ${part.key}` });
                      piece.style.flexGrow = part.bytes;
                      return piece;
                  }));
    show(element, bar, h("dl", { class: "legend" }, parts.map(part => h("div", { class: part.bytes ? "" : "none" },
        h("dt", {}, h("span", { class: `part ${part.key}`, "aria-hidden": "true" }), part.label),
        h("dd", {}, size(part.bytes))))));
}
