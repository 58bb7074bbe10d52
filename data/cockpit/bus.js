/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * cxlmemd on D-Bus (docs/dbus.md), through Cockpit's bridge: translates, decides nothing. It runs as an
 * administrator where the session has become one, else as the user, and then polkit has the say.
 */

import { parse } from "./model/json.js";

const NAME = "org.cxlmem1";
const PATH = "/org/cxlmem1";
const MANAGER = "org.cxlmem1.Manager";
const OPERATION = "org.cxlmem1.Operation";
const PROPERTIES = "org.freedesktop.DBus.Properties";

export class Bus {
    constructor(cockpit) {
        this.client = cockpit.dbus(NAME, { bus: "system", superuser: "try" });
    }

    /**
     * Have functions called: picture(), added(path), changed(path, properties), finished(path), and owner(name)
     * when the daemon comes (its name) or goes (null).
     */
    listen({ picture, added, changed, finished, owner }) {
        this.client.subscribe({ interface: MANAGER }, (path, name, signal, values) => {
            if (signal === "PictureChanged")
                picture();
            else if (signal === "OperationAdded")
                added(values[0]);
            else if (signal === "OperationFinished")
                finished(values[0]);
        });
        this.client.subscribe({ interface: PROPERTIES, member: "PropertiesChanged" }, (path, name, signal, values) => {
            if (values[0] === OPERATION)
                changed(path, values[1]);
        });
        this.client.addEventListener("owner", (event, name) => owner(name));
    }

    async #ask(method, types, ...values) {
        const [answer] = await this.client.call(PATH, MANAGER, method, values, types ? { type: types } : {});
        return answer;
    }

    async picture() {
        return parse(await this.#ask("GetPicture"));
    }

    async wishes() {
        return parse(await this.#ask("GetWishes"));
    }

    async rivals() {
        return parse(await this.#ask("GetRivals"));
    }

    /** Paths of the operations that the daemon remembers. */
    async operations() {
        return (await this.#ask("ListOperations")).map(([path]) => path);
    }

    /** All properties of one, as { t, v } by name. */
    async operation(path) {
        const [properties] = await this.client.call(path, PROPERTIES, "GetAll", [OPERATION], { type: "s" });
        return properties;
    }

    /** What a verb would do; an error is the daemon's sentence why it cannot be done. */
    async plan(verb, objects, options) {
        return parse(await this.#ask("Plan", "sasa{ss}", verb, objects, options));
    }

    /** Do it; the path of the operation. */
    async start(verb, objects, options) {
        return this.#ask("Start", "sasa{ss}", verb, objects, options);
    }

    async cancel(path) {
        await this.client.call(path, OPERATION, "Cancel", []);
    }
}

const ABSENT = ["org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"];

/**
 * A sentence for an error of any of these.
 */
export function sentence(error) {
    if (ABSENT.includes(error.name) || error.problem === "not-found")
        return "cxlmemd is not running and could not be started: “systemctl status cxlmemd” says why.";
    return error.message || error.problem || String(error);
}
