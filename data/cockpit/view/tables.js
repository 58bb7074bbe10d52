/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { serial } from "../model/format.js";
import { STATES } from "../model/operation.js";
import { card_lines, region_lines } from "../model/summary.js";
import { badge, h, show } from "./dom.js";

const NONE = h("span", { class: "quiet" }, "–");
const some = value => value === undefined || value === "" ? NONE.cloneNode(true) : String(value);

/* @columns: [title, class]; @rows: lists of what goes into a cell, the first names the row. */
function table(caption, columns, rows, nothing) {
    if (!rows.length)
        return h("p", { class: "quiet" }, nothing);
    return h("table", {},
             h("caption", { class: "spoken" }, caption),
             h("thead", {}, h("tr", {}, columns.map(([title, kind]) =>
                 h("th", { scope: "col", class: kind }, title || h("span", { class: "spoken" }, "Actions"))))),
             h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {},
                 h("th", { scope: "row" }, first),
                 rest.map((cell, index) => h("td", { class: columns[index + 1][1] }, cell))))));
}

function button(name, verb, text, run, kind = "") {
    return h("button", {
        type: "button", id: `${verb}-${name}`, class: `small ${kind}`, "aria-label": `${text} ${name}`, onclick: run,
    }, `${text}…`);
}

const CARDS = [["Card"], ["State"], ["Size", "number"], ["Free", "number"], ["In"], ["Serial"], ["Place"], ["", "actions"]];

/**
 * Show the cards. @act(verb, name) is called when a button is pressed.
 */
export function show_cards(element, picture, act) {
    const rows = card_lines(picture).map(card => [
        card.name, badge(card.tone, card.state), card.size, card.free, some(card.regions.join(", ")),
        serial(card.serial), card.slot === undefined ? card.host : `${card.host}, slot ${card.slot}`,
        h("div", { class: "buttons" }, button(card.name, "eject", "Eject", () => act("eject", card.name))),
    ]);
    show(element, table("Cards", CARDS, rows, "No card is there."));
}

const REGIONS = [["Region"], ["State"], ["Size", "number"], ["Use"], ["Zone"], ["Node", "number"],
    ["Used", "number"], ["Cards"], ["Made by"], ["", "actions"]];

function region_buttons(region, act) {
    const memory = ["online", "partial", "offline"].includes(region.use);
    return h("div", { class: "buttons" },
             memory && region.use !== "online" && button(region.name, "online", "Online", () => act("online", region.name)),
             memory && region.use !== "offline" && button(region.name, "offline", "Offline", () => act("offline", region.name)),
             button(region.name, "destroy", "Destroy", () => act("destroy", region.name), "danger"));
}

/**
 * Show the regions.
 */
export function show_regions(element, picture, act) {
    const rows = region_lines(picture).map(region => [
        region.name, badge(region.tone, region.state), region.size, region.use_text,
        some(region.zone), some(region.node), some(region.used),
        region.ways > 1 ? `${region.members.join(", ")} (${region.ways} ways)` : region.members.join(", "),
        region.origin ?? "somebody else", region_buttons(region, act),
    ]);
    show(element, table("Regions", REGIONS, rows, "There is no region: make one of one card or more."));
}

const HISTORY = [["Operation"], ["State"], ["What"], ["Ended"], ["Outcome"]];

/**
 * Show operations that are over.
 */
export function show_history(element, operations) {
    const rows = operations.map(operation => [
        `${operation.id}`, badge(STATES[operation.state].tone, STATES[operation.state].text), operation.summary,
        operation.finished ? new Date(operation.finished / 1000).toLocaleTimeString() : "–",
        some(operation.reason || operation.result),
    ]);
    show(element, table("Earlier operations", HISTORY, rows, "Nothing was done since cxlmemd started."));
}
