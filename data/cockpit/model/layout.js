/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { COLUMNS, TITLES } from "./graph.js";

/* Pixels. */
export const HEIGHT = 46;
const WIDTHS = {
    window: 140, bridge: 112, switch: 116, switch2: 116, switch3: 116, card: 116, region: 104, dax: 98, node: 130,
};
const ROW = 58;
const HEAD = 30;
const GAP = { least: 20, most: 84 };

const mean = values => values.reduce((a, b) => a + b, 0) / values.length;

/*
 * Put boxes as near as they can be to where they want to be, in that order, none over another: those that
 * would be are drawn as one block around the middle of where they want to be.
 */
function spread(boxes) {
    const blocks = [];
    for (const box of boxes.sort((a, b) => a.want - b.want)) {
        let block = { boxes: [box], top: box.want };
        while (blocks.length && blocks.at(-1).top + blocks.at(-1).boxes.length * ROW > block.top) {
            const all = [...blocks.pop().boxes, ...block.boxes];
            block = { boxes: all, top: mean(all.map((entry, index) => entry.want - index * ROW)) };
        }
        blocks.push(block);
    }
    let room = HEAD;
    for (const block of blocks) {
        const top = Math.max(block.top, room);
        block.boxes.forEach((box, index) => { box.y = top + index * ROW });
        room = top + block.boxes.length * ROW;
    }
}

/* Where a box wants to be: beside what it is joined to on one side. */
function wish(box, lines, placed, end, other) {
    const beside = lines.filter(line => line[end] === box.key && placed.has(line[other]))
            .map(line => placed.get(line[other]).y);
    return beside.length ? mean(beside) : Infinity;
}

function place_by(boxes, lines, placed, end, other) {
    for (const box of boxes)
        box.want = wish(box, lines, placed, end, other);
    const last = Math.max(HEAD - ROW, ...boxes.filter(box => box.want !== Infinity).map(box => box.want));
    boxes.filter(box => box.want === Infinity).forEach((box, index) => { box.want = last + (index + 1) * ROW });
    spread(boxes);
    for (const box of boxes)
        placed.set(box.key, box);
}

/**
 * Places for the boxes of a graph (model/graph.js) in a drawing that is at best @width pixels wide.
 *
 * Returns { width, height, titles: [{ x, text }], boxes: [{ ...box, x, y, width }], lines: [{ from, to, path }] }.
 */
export function layout(graph, width) {
    const columns = COLUMNS.map(name => graph.boxes.filter(box => box.column === name)
            .map(box => ({ ...box, width: WIDTHS[name] })));
    const used = COLUMNS.filter((name, index) => columns[index].length);
    const boxes_wide = used.reduce((wide, name) => wide + WIDTHS[name], 0);
    const gap = Math.min(Math.max(Math.floor((width - boxes_wide) / Math.max(used.length - 1, 1)), GAP.least), GAP.most);
    const left = name => used.slice(0, used.indexOf(name)).reduce((x, other) => x + WIDTHS[other] + gap, 0);
    const placed = new Map();
    const middle = COLUMNS.indexOf("card");
    /* Cards have a row each; everything else is beside them. */
    columns[middle].forEach((box, row) => { box.y = HEAD + row * ROW; placed.set(box.key, box) });
    for (let index = middle - 1; index >= 0; index--)
        place_by(columns[index], graph.lines, placed, "from", "to");
    for (let index = middle + 1; index < COLUMNS.length; index++)
        place_by(columns[index], graph.lines, placed, "to", "from");
    const boxes = columns.flat();
    for (const box of boxes)
        box.x = left(box.column);
    return {
        width: boxes_wide + Math.max(used.length - 1, 0) * gap,
        height: Math.max(...boxes.map(box => box.y), HEAD) + HEIGHT + 2,
        titles: used.map(name => ({ x: left(name), text: TITLES[name] })),
        boxes,
        lines: graph.lines.map(line => ({ ...line, path: path(placed.get(line.from), placed.get(line.to)) })),
    };
}

function path(from, to) {
    const x1 = from.x + from.width;
    const y1 = from.y + HEIGHT / 2;
    const y2 = to.y + HEIGHT / 2;
    const bend = (to.x - x1) / 2;
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${to.x - bend} ${y2} ${to.x} ${y2}`;
}
