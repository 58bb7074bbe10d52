/* SPDX-License-Identifier: LGPL-2.1-or-later */

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else if (value === true)
            element.setAttribute(name, "");
        else if (value !== undefined && value !== null && value !== false)
            element.setAttribute(name, value);
    }
    element.append(...children.flat().filter(child => child !== undefined && child !== false && child !== ""));
    return element;
}

/**
 * An element: h("button", { class: "primary", onclick: start }, "Start"). Children are elements and text, never
 * markup; attributes that are undefined or false are left out.
 */
export function h(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

/**
 * The same in a drawing.
 */
export function s(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * Replace what is in an element. What had the focus has it afterwards, if it has an id.
 */
export function show(element, ...children) {
    const active = element.contains(document.activeElement) ? document.activeElement.id : "";
    element.replaceChildren(...children.flat().filter(child => child !== undefined && child !== ""));
    if (active)
        document.getElementById(active)?.focus({ preventScroll: true });
}

/**
 * A word about a state, with a mark that does not need colours.
 */
export function badge(tone, text) {
    return h("span", { class: `badge ${tone}` }, h("span", { class: "dot", "aria-hidden": "true" }), text);
}
