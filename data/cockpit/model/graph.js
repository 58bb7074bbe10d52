/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The picture as boxes and lines: window → host bridge → switch → card → region → dax device → node. A box has
 * a column, a tone, a name, a short text for itself and a long one for those who cannot see what it is joined to.
 */

import { listed, serial, size } from "./format.js";
import { card_free, empty_slots, members, node_used, region_memory, window_free, zone } from "./picture.js";
import { link_text, speed_text } from "./speed.js";
import { USES, card_lines } from "./summary.js";

export const COLUMNS = ["window", "bridge", "switch", "switch2", "switch3", "card", "region", "dax", "node"];
export const TITLES = {
    window: "Windows", bridge: "Host bridges", switch: "Switches", switch2: "Switches", switch3: "Switches",
    card: "Cards", region: "Regions", dax: "DAX devices", node: "NUMA nodes",
};

class Graph {
    boxes = [];
    lines = [];

    add(column, key, box) {
        const old = this.boxes.find(entry => entry.key === key);
        if (!old)
            this.boxes.push({ tone: "idle", column, key, ...box });
        return !old;
    }

    join(from, to) {
        if (!this.lines.some(line => line.from === from && line.to === to))
            this.lines.push({ from, to });
    }
}

/* What is known of something, in one sentence. */
const said = (...words) => words.filter(Boolean).join(", ");

function decoders(entry) {
    const list = entry.decoders ?? [];
    if (!list.length || list.some(decoder => decoder.size === undefined))
        return "decoders unknown";
    return `${list.filter(decoder => decoder.size > 0).length} of ${list.length} decoders`;
}

function add_card(graph, picture, parent, line) {
    const memdev = picture.memdevs.find(entry => entry.memdev === line.name);
    const where = line.slot === undefined ? line.host : `${line.host}, slot ${line.slot}`;
    const use = line.regions.length ? `in ${listed(line.regions)}` : "in no region";
    graph.add("card", `card ${line.name}`, {
        name: line.name,
        tone: line.tone,
        mark: line.tone === "bad" || line.tone === "warn" ? line.state : "",
        text: `${line.size}, ${size(card_free(picture, memdev))} free`,
        label: said(`card ${line.name}: ${line.size}`, `${line.free} free`, `serial ${serial(line.serial)}`,
                    `at ${where}`, line.state, use, link_text(memdev)),
    });
    if (parent)
        graph.join(parent, `card ${line.name}`);
}

function add_slots(graph, picture, key, entry) {
    for (const slot of empty_slots(picture, entry)) {
        graph.add("card", `slot ${slot.slot}`, {
            name: `slot ${slot.slot}`, tone: "empty", text: "empty", label: `slot ${slot.slot}: empty, at ${slot.port}`,
        });
        graph.join(key, `slot ${slot.slot}`);
    }
}

/* A switch below a switch has a column of its own. */
const SWITCHES = COLUMNS.filter(name => name.startsWith("switch"));

/* Switches and cards below a port, by place. */
function add_below(graph, picture, cards, key, entry, depth = 0) {
    const order = (a, b) => (a.parent_dport ?? "") < (b.parent_dport ?? "") ? -1 : 1;
    if (depth >= SWITCHES.length)
        return;
    for (const child of picture.ports.filter(other => other.parent === entry.port).sort(order)) {
        const line = cards.find(card => card.name === child.memdev);
        if (child.kind === "switch") {
            const name = child.host ?? child.port;
            graph.add(SWITCHES[depth], `port ${child.port}`, {
                name, text: decoders(child), label: `switch ${name}: ${child.port}, ${decoders(child)} in use`,
            });
            graph.join(key, `port ${child.port}`);
            add_below(graph, picture, cards, `port ${child.port}`, child, depth + 1);
        } else if (child.kind === "endpoint" && line) {
            add_card(graph, picture, key, line);
        }
    }
    add_slots(graph, picture, key, entry);
}

function add_bridge(graph, picture, cards, entry) {
    const name = entry.host ?? entry.port;
    const added = graph.add("bridge", `port ${entry.port}`, {
        name, text: decoders(entry), label: `host bridge ${name}: ${entry.port}, ${decoders(entry)} in use`,
    });
    if (added)
        add_below(graph, picture, cards, `port ${entry.port}`, entry);
}

function add_window(graph, picture, cards, window) {
    const key = `window ${window.decoder}`;
    const ways = window.interleave_ways > 1 ? `, ${window.interleave_ways} ways` : "";
    const text = `${size(window.size)}, ${size(window_free(window))} free${ways}`;
    const unmanaged = picture.unmanaged.filter(entry => entry.window === window.decoder);
    const bridges = [];
    graph.add("window", key, { name: window.decoder, text });
    for (const target of window.targets ?? []) {
        const entry = picture.ports.find(other => other.port === target.port);
        if (entry) {
            add_bridge(graph, picture, cards, entry);
            graph.join(key, `port ${entry.port}`);
        } else {
            graph.add("bridge", `target ${target.target}`, {
                name: target.target ?? "unknown", tone: "empty", text: "no CXL device",
                label: `host bridge ${target.target}: no CXL device is enabled below it`,
            });
            graph.join(key, `target ${target.target}`);
        }
        bridges.push(target.target);
    }
    const box = graph.boxes.find(entry => entry.key === key);
    box.label = `window ${window.decoder}: ${text}, across ${listed([...new Set(bridges)]) || "no host bridge"}`;
    if (unmanaged.length) {
        box.tone = "warn";
        box.mark = "in use without a region";
        box.label += `; ${unmanaged.map(entry => `${size(entry.size)} ${entry.what ?? "memory"}`).join(", ")} in use without a region`;
    }
}

function add_node(graph, picture, from, memory) {
    const key = `node ${memory.node}`;
    const used = node_used(picture, memory.node);
    const state = memory.online ? `${zone(memory)}${used === undefined ? "" : `, ${size(used)} used`}` : "offline";
    graph.add("node", key, {
        name: `node${memory.node}`, text: state, tone: memory.online ? "good" : "idle",
        label: said(`NUMA node ${memory.node}: ${memory.online ? "online, zone " : ""}${state}`,
                    speed_text(picture.nodes.find(entry => entry.node === memory.node))),
    });
    graph.join(from, key);
}

const DRIVERS = { kmem: "system-ram", device_dax: "devdax" };

function add_region(graph, picture, region) {
    const memory = region_memory(picture, region);
    const key = `region ${region.region}`;
    const { tone, state } = USES[memory.use];
    const ways = region.interleave_ways > 1 ? `, ${region.interleave_ways} ways` : "";
    const text = `${size(region.size)}${ways}`;
    graph.add("region", key, {
        name: region.region, tone, text,
        mark: tone === "bad" || tone === "warn" ? state : "",
        label: said(`region ${region.region}: ${text}`, `on ${listed(members(region)) || "no card"}`,
                    `in window ${region.window ?? "unknown"}`, state, speed_text(region)),
    });
    for (const name of members(region))
        graph.join(`card ${name}`, key);
    for (const dax of picture.daxes.filter(entry => entry.region === region.region)) {
        const use = DRIVERS[dax.driver] ?? "not used";
        graph.add("dax", `dax ${dax.chardev}`, {
            name: dax.chardev, tone: dax.driver ? tone : "idle", text: use,
            label: `DAX device ${dax.chardev}: ${use}, of ${region.region}`,
        });
        graph.join(key, `dax ${dax.chardev}`);
        if (dax.driver === "kmem" && memory.node !== undefined)
            add_node(graph, picture, `dax ${dax.chardev}`, memory);
    }
}

/**
 * Boxes and lines of a picture, in the order in which they are drawn from top to bottom.
 */
export function graph_of(picture) {
    const graph = new Graph();
    const cards = card_lines(picture);
    for (const window of picture.windows)
        add_window(graph, picture, cards, window);
    /* What no window leads to must not be missing. */
    for (const entry of picture.ports.filter(other => other.kind === "host-bridge"))
        add_bridge(graph, picture, cards, entry);
    for (const line of cards)
        add_card(graph, picture, undefined, line);
    for (const region of picture.regions)
        add_region(graph, picture, region);
    return { boxes: graph.boxes, lines: graph.lines };
}

/**
 * All that lies on the ways through a box, itself among it: a set of keys.
 */
export function related(graph, key) {
    const found = new Set([key]);
    const walk = (from, to, start) => {
        const queue = [start];
        while (queue.length) {
            const at = queue.pop();
            for (const line of graph.lines.filter(entry => entry[from] === at && !found.has(entry[to]))) {
                found.add(line[to]);
                queue.push(line[to]);
            }
        }
    };
    walk("from", "to", key);
    walk("to", "from", key);
    return found;
}
