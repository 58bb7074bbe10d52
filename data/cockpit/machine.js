/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is known of the machine, kept fresh: asks again when the daemon says that something changed, one question
 * of a kind at a time.
 */

import { sentence } from "./bus.js";
import { is_over, read, watch_step } from "./model/operation.js";
import { complete } from "./model/picture.js";

/* Signals come in swarms; a picture is asked for once they are over, or at the latest after this many ms. */
const SETTLE = 150;
const AGAIN = 5000;

const STOPPED = "cxlmemd was stopped: what is shown here was so until then. Reload the page to start it.";

const seconds = () => performance.now() / 1000;

export class Machine {
    constructor(bus, show) {
        this.bus = bus;
        this.show = show;
        this.picture = undefined;
        this.wishes = {};
        this.rivals = {};
        this.operations = new Map();
        this.steps = new Map();
        this.trouble = "";
        bus.listen({
            picture: () => this.look_soon(),
            added: path => this.follow(path),
            changed: (path, properties) => this.#changed(path, properties),
            finished: path => this.follow(path),
            owner: name => this.#owner(name),
        });
    }

    /** Read everything anew. */
    async begin() {
        try {
            const paths = await this.bus.operations();
            await Promise.all(paths.map(path => this.follow(path)));
        } catch (error) {
            this.#fail(error);
        }
        await this.look();
    }

    look_soon() {
        this.timer ??= setTimeout(() => this.look(), SETTLE);
    }

    async look() {
        clearTimeout(this.timer);
        this.timer = undefined;
        if (this.#stopped)
            return;
        if (this.looking) {
            this.again = true;
            return;
        }
        this.looking = true;
        try {
            [this.picture, this.wishes, this.rivals] = await Promise.all([
                this.bus.picture().then(complete), this.bus.wishes(), this.bus.rivals()]);
            if (!this.#stopped)
                this.trouble = "";
        } catch (error) {
            this.#fail(error);
            if (this.owner)
                this.timer = setTimeout(() => this.look(), AGAIN);
        }
        this.looking = false;
        this.show(this);
        if (this.again) {
            this.again = false;
            this.look_soon();
        }
    }

    /* Then nothing is asked any more: D-Bus would start the daemon for it. */
    get #stopped() {
        return this.trouble === STOPPED;
    }

    /* A question that was under way when the daemon went is no news. */
    #fail(error) {
        if (!this.#stopped)
            this.trouble = sentence(error);
    }

    /** Operations that go on, the oldest first. */
    running() {
        return [...this.operations.values()].filter(operation => !is_over(operation)).sort((a, b) => a.id - b.id);
    }

    /** Those that are over, the last first. */
    over() {
        return [...this.operations.values()].filter(is_over).sort((a, b) => b.id - a.id);
    }

    /** Ask for all of an operation, and show it. */
    async follow(path) {
        if (this.#stopped)
            return;
        try {
            this.#take(path, await this.bus.operation(path));
        } catch (error) {
            /* The daemon remembers the last ones only. */
            this.operations.delete(path);
        }
        this.show(this);
    }

    #changed(path, properties) {
        if (!this.operations.has(path))
            return;
        this.#take(path, properties);
        this.show(this);
    }

    #take(path, properties) {
        const operation = read(path, properties, this.operations.get(path));
        this.operations.set(path, operation);
        this.steps.set(path, watch_step(operation, this.steps.get(path), seconds()));
    }

    /* Whoever stopped the daemon does not want it started by a page that nobody looks at. */
    #owner(name) {
        const before = this.owner;
        this.owner = name ?? "";
        if (this.owner === before)
            return;
        if (this.owner) {
            this.trouble = "";
            this.operations.clear();
            this.steps.clear();
            this.begin();
        } else if (before) {
            this.trouble = STOPPED;
            this.show(this);
        }
    }
}
