/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { graph_of, related } from "../model/graph.js";
import { HEIGHT, layout } from "../model/layout.js";
import { s, show } from "./dom.js";

/* Pixels: where text begins, and what a letter of each size needs. What does not fit is in the tooltip. */
const TEXT_X = 13;
const NAME_LETTER = 7.4;
const TEXT_LETTER = 6;

function shortened(text, pixels) {
    const room = Math.floor(pixels);
    return text.length > room ? `${text.slice(0, room - 1)}…` : text;
}

function draw_box(box) {
    const label = box.label ?? box.name;
    const room = box.width - TEXT_X - 4;
    return s("g", {
        class: `box ${box.column.replace(/\d/, "")} ${box.tone}`, role: "listitem", "aria-label": label,
        transform: `translate(${box.x} ${box.y})`, "data-key": box.key,
    },
             s("title", {}, label),
             s("rect", { width: box.width, height: HEIGHT, rx: 6 }),
             s("rect", { class: "stripe", x: 0, y: 7, width: 4, height: HEIGHT - 14, rx: 2 }),
             s("text", { class: "name", x: TEXT_X, y: 19 }, shortened(box.name, room / NAME_LETTER)),
             s("text", { class: "text", x: TEXT_X, y: 36 }, shortened(box.mark || box.text, room / TEXT_LETTER)));
}

function highlight(drawing, graph, key) {
    const keys = key && related(graph, key);
    drawing.classList.toggle("chosen", Boolean(keys));
    for (const element of drawing.querySelectorAll("[data-key]"))
        element.classList.toggle("on", Boolean(keys?.has(element.dataset.key)));
    for (const element of drawing.querySelectorAll("[data-from]"))
        element.classList.toggle("on", Boolean(keys?.has(element.dataset.from) && keys.has(element.dataset.to)));
}

/* Lines first: they lie below the boxes. */
function draw(graph, width) {
    const plan = layout(graph, width);
    const drawing = s("svg", {
        role: "list", "aria-label": "Topology, from windows to NUMA nodes",
        width: plan.width, height: plan.height, viewBox: `-1 0 ${plan.width + 2} ${plan.height}`,
    },
                      plan.titles.map(title => s("text", { class: "title", x: title.x, y: 14, "aria-hidden": "true" }, title.text)),
                      plan.lines.map(line => s("path", { class: "line", d: line.path, "aria-hidden": "true", "data-from": line.from, "data-to": line.to })),
                      plan.boxes.map(draw_box));
    drawing.addEventListener("pointerover", event =>
        highlight(drawing, graph, event.target.closest("[data-key]")?.dataset.key));
    drawing.addEventListener("pointerleave", () => highlight(drawing, graph));
    return drawing;
}

/**
 * Keep the drawing of a machine in an element, as wide as there is room. Returns what is called with each picture.
 */
export function topology_view(element) {
    let graph;
    let width = 0;
    new ResizeObserver(() => {
        if (graph && element.clientWidth !== width)
            update();
    }).observe(element);

    function update() {
        width = element.clientWidth;
        show(element, draw(graph, width));
    }

    return picture => {
        const next = graph_of(picture);
        if (JSON.stringify(next) === JSON.stringify(graph))
            return;
        graph = next;
        update();
    };
}
