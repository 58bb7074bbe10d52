/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { Bus, sentence } from "./bus.js";
import { Machine } from "./machine.js";
import { May } from "./may.js";
import { follow_theme } from "./theme.js";
import { PlanDialog } from "./view/dialog.js";
import { h, show } from "./view/dom.js";
import { operations_view } from "./view/operations.js";
import { machine_line, show_capacity, show_problems } from "./view/overview.js";
import { request_for } from "./view/requests.js";
import { show_cards, show_history, show_regions } from "./view/tables.js";
import { topology_view } from "./view/topology.js";

const place = id => document.getElementById(id);

function start(cockpit) {
    const bus = new Bus(cockpit);
    const may = new May(cockpit, bus.client);
    const why_not = verb => may.why_not(verb);
    const awaited = new Set();

    const show_topology = topology_view(place("topology"));
    const show_operations = operations_view(place("operations"), {
        why_not,
        awaited: path => awaited.has(path),
        cancel: path => bus.cancel(path).then(() => "", sentence),
        say: text => { place("spoken").textContent = text },
    });

    function act(verb, name) {
        const request = request_for(verb, machine.picture, name);
        const started = async path => {
            awaited.add(path);
            await machine.follow(path);
            place("operations").querySelector("article")?.focus();
        };
        new PlanDialog(request, { bus, why_not, started }).open();
    }

    let drawn;
    function draw() {
        show(place("trouble"), machine.trouble ? h("p", { class: "alert bad" }, machine.trouble) : "");
        show_operations(machine);
        place("create").disabled = !machine.picture;
        if (!machine.picture)
            return;
        show_history(place("history-body"), machine.over());
        show_problems(place("problems"), machine);
        place("page").setAttribute("aria-busy", "false");
        if (drawn === machine.picture)
            return;
        drawn = machine.picture;
        place("machine").textContent = machine_line(machine.picture);
        show_capacity(place("capacity-body"), machine.picture);
        show_topology(machine.picture);
        show_cards(place("cards"), machine.picture, act);
        show_regions(place("regions"), machine.picture, act);
    }

    const machine = new Machine(bus, draw);
    place("create").addEventListener("click", () => act("create"));
    machine.begin();
}

follow_theme();
start(window.cockpit);
