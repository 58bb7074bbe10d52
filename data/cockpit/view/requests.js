/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What somebody can ask for, each with the form of its dialog. What comes of it is the planner's to say.
 */

import { serial } from "../model/format.js";
import { card, regions_of } from "../model/picture.js";
import { card_lines } from "../model/summary.js";
import { h } from "./dom.js";

function choice(name, label, values, changed = {}) {
    return h("label", { class: "field" }, h("span", {}, label),
             h("select", { name, ...changed }, values.map(([value, text]) => h("option", { value }, text))));
}

function tick(name, value, text) {
    return h("label", { class: "tick" }, h("input", { type: "checkbox", name, value }), h("span", {}, text));
}

const ticked = form => form.flatMap(part => [...part.querySelectorAll("input:checked")]).map(input => input.value);
const value = (form, name) => form.map(part => part.querySelector(`[name=${name}]`)).find(Boolean)?.value ?? "";

const ZONES = [["movable", "Movable: it can be taken away again"], ["kernel", "Kernel: whatever the kernel likes may land there"]];

/* What has to go along, or may: the daemon takes nothing that is not its own unless it is named. */
function companions(picture, name) {
    const slot = card(picture, name)?.slot;
    const others = picture.memdevs.filter(memdev => slot !== undefined && memdev.slot === slot && memdev.memdev !== name);
    const foreign = regions_of(picture, name).filter(region => !region.origin);
    return [
        ...others.map(memdev => tick("also", memdev.memdev, `Eject ${memdev.memdev} too: it is in the same slot`)),
        ...foreign.map(region => tick("also", region.region, `Destroy ${region.region}, which was not made by cxlmem`)),
    ];
}

function eject(picture, name) {
    const form = companions(picture, name);
    const number = card(picture, name)?.serial;
    return {
        title: `Eject ${name}${number ? ` (serial ${serial(number)})` : ""}`,
        confirm: "Eject", danger: true,
        form,
        read: () => ({ objects: [name, ...ticked(form)], options: {} }),
    };
}

function online(picture, name) {
    const form = [choice("zone", "Zone", ZONES)];
    return {
        title: `Bring ${name} online`, confirm: "Bring online", form,
        read: () => ({ objects: [name], options: { zone: value(form, "zone") } }),
    };
}

function offline(picture, name) {
    return {
        title: `Take ${name} offline`, confirm: "Take offline",
        read: () => ({ objects: [name], options: {} }),
    };
}

function destroy(picture, name) {
    return {
        title: `Destroy ${name}`, confirm: "Destroy", danger: true,
        read: () => ({ objects: [name], options: {} }),
    };
}

function create(picture) {
    const cards = card_lines(picture).map(line =>
        tick("card", line.name, `${line.name}: ${line.free} of ${line.size} free, serial ${serial(line.serial)}`));
    const zone = choice("zone", "Zone", ZONES);
    const mode = choice("mode", "Use as", [["system-ram", "System RAM"], ["devdax", "Device DAX"]], {
        onchange: event => { zone.hidden = event.target.value !== "system-ram" },
    });
    const size = h("label", { class: "field" }, h("span", {}, "Size"),
                   h("input", { type: "text", name: "size", placeholder: "all there is, or such as 512M", autocomplete: "off" }));
    const form = [
        h("fieldset", {}, h("legend", {}, "Cards"), cards.length ? cards : h("p", {}, "No card is there.")), mode, zone, size];
    return {
        title: "Create region", confirm: "Create", form,
        read: () => {
            const objects = ticked(form);
            const options = { mode: value(form, "mode") };
            if (!objects.length)
                return { missing: "Choose a card, or several: then one region is interleaved across them." };
            if (options.mode === "system-ram")
                options.zone = value(form, "zone");
            if (value(form, "size").trim())
                options.size = value(form, "size").trim();
            return { objects, options };
        },
    };
}

const REQUESTS = { create, online, offline, destroy, eject };

/**
 * What a dialog needs to ask for @verb, about @name (no name for create).
 */
export function request_for(verb, picture, name) {
    return { verb, ...REQUESTS[verb](picture, name) };
}
