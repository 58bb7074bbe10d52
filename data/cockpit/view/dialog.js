/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { sentence } from "../bus.js";
import { h, show } from "./dom.js";

const SETTLE = 250;

function plan_steps(plan) {
    const no_return = plan.no_return ?? plan.steps.length;
    return h("ol", { class: "plan" }, plan.steps.map((step, index) => h("li", {}, step.text,
        index === no_return && h("span", { class: "quiet" }, " (from here on there is no way back)"))));
}

/**
 * Shows what would be done before anything is: asks for the plan whenever something in the form changes.
 */
export class PlanDialog {
    /**
     * @request: { title, verb, confirm, danger, form: elements, read() → { objects, options } or { missing } }
     * @bus: Bus; @why_not(verb): why it is not allowed; @started(path): called with the operation
     */
    constructor(request, { bus, why_not, started }) {
        Object.assign(this, { request, bus, started });
        this.form = h("form", { method: "dialog" }, request.form ?? []);
        this.form.addEventListener("submit", event => event.preventDefault());
        this.form.addEventListener("input", () => this.#changed());
        this.plan = h("div", { class: "body", "aria-live": "polite" });
        this.reason = h("p", { class: "quiet", id: "dialog-reason" });
        this.confirm = h("button", {
            type: "button", id: "dialog-confirm", disabled: true, "aria-describedby": "dialog-reason",
            class: request.danger ? "primary danger" : "primary", onclick: () => this.#start(),
        }, request.confirm);
        this.close = h("button", { type: "button", id: "dialog-close", onclick: () => this.element.close() }, "Close");
        this.element = h("dialog", { "aria-labelledby": "dialog-title" },
                         h("h2", { id: "dialog-title" }, request.title), this.form, this.plan, this.reason,
                         h("footer", {}, this.confirm, this.close));
        this.element.addEventListener("close", () => this.element.remove());
        this.allowed = why_not(request.verb).then(reason => {
            this.denied = Boolean(reason);
            this.reason.textContent = reason;
        });
    }

    open() {
        document.body.append(this.element);
        this.element.showModal();
        this.#plan();
    }

    #changed() {
        this.confirm.disabled = true;
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.#plan(), SETTLE);
    }

    async #plan() {
        const asked = this.request.read();
        this.asked = asked;
        this.confirm.disabled = true;
        if (asked.missing) {
            show(this.plan, h("p", { class: "quiet" }, asked.missing));
            return;
        }
        if (!this.plan.firstChild)
            show(this.plan, h("p", { class: "quiet" }, "Planning…"));
        try {
            const plan = await this.bus.plan(this.request.verb, asked.objects, asked.options);
            await this.allowed;
            if (asked === this.asked)
                this.#show(plan);
        } catch (error) {
            if (asked === this.asked)
                this.#refuse(error);
        }
    }

    #show(plan) {
        show(this.plan, h("p", { class: "summary" }, plan.summary),
             (plan.notes ?? []).map(note => h("p", { class: "alert warn" }, note)),
             plan.steps.length ? h("h3", {}, "Steps") : h("p", { class: "quiet" }, "There is nothing to do."),
             plan_steps(plan));
        this.confirm.disabled = this.denied || !plan.steps.length;
    }

    #refuse(error) {
        show(this.plan, h("p", { class: "alert bad", role: "alert" }, sentence(error)));
    }

    async #start() {
        const { objects, options } = this.asked;
        this.confirm.disabled = true;
        try {
            const path = await this.bus.start(this.request.verb, objects, options);
            this.element.close();
            this.started(path);
        } catch (error) {
            this.#refuse(error);
        }
    }
}
