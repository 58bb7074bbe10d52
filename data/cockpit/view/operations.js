/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { blocker_lines } from "../model/blockers.js";
import { STATES, is_over, progress } from "../model/operation.js";
import { badge, h, show } from "./dom.js";

const set_text = (element, text) => {
    if (element.textContent !== text)
        element.textContent = text;
};

/* One operation: made once, brought up to date as often as something is heard of it. */
class Panel {
    constructor(operation, { cancel, dismiss, why_not }) {
        const id = `operation-${operation.id}`;
        this.state = h("span");
        this.step = h("p", { class: "step" });
        this.detail = h("p", { class: "detail" });
        this.bar = h("progress", { max: 1, value: 0, "aria-label": `Progress of ${operation.summary}` });
        this.blockers = h("div", { class: "blockers" });
        this.notes = h("div");
        this.outcome = h("div");
        this.steps = h("ol");
        this.error = h("p", { class: "alert bad", hidden: true, role: "alert" });
        this.reason = h("p", { class: "quiet", id: `${id}-reason` });
        this.cancel = h("button", {
            type: "button", id: `${id}-cancel`, "aria-describedby": `${id}-reason`,
            "aria-label": `Cancel operation ${operation.id}`, onclick: () => this.#cancel(cancel),
        }, "Cancel");
        this.dismiss = h("button", {
            type: "button", id: `${id}-dismiss`, hidden: true, "aria-label": `Hide operation ${operation.id}`,
            onclick: dismiss,
        }, "Hide");
        this.element = h("article", { class: "panel operation", id, tabindex: -1, "aria-labelledby": `${id}-title` },
                         h("div", { class: "head" },
                           h("h2", { id: `${id}-title` }, operation.summary), this.state, this.cancel, this.dismiss),
                         this.bar, h("div", { class: "words" }, this.step, this.detail),
                         this.blockers, this.error, this.outcome, this.reason, this.notes,
                         h("details", {}, h("summary", {}, "All steps"), this.steps));
        why_not(operation.verb).then(reason => {
            this.cancel.disabled = Boolean(reason);
            set_text(this.reason, is_over(this.shown ?? operation) ? "" : reason);
        });
    }

    async #cancel(cancel) {
        this.error.hidden = true;
        this.cancel.disabled = true;
        const problem = await cancel();
        this.cancel.disabled = false;
        set_text(this.error, problem);
        this.error.hidden = !problem;
    }

    update(operation, seen, now) {
        const over = is_over(operation);
        const words = progress(operation, seen, now);
        if (this.shown?.state !== operation.state) {
            show(this.state, badge(STATES[operation.state].tone, STATES[operation.state].text));
            this.element.dataset.state = operation.state;
        }
        this.cancel.hidden = over;
        this.dismiss.hidden = !over;
        this.bar.hidden = over;
        this.bar.value = words.fraction;
        set_text(this.step, over ? "" : words.step);
        set_text(this.detail, over ? "" : words.detail);
        if (over) {
            set_text(this.reason, "");
            this.error.hidden = true;
        }
        if (this.shown?.blockers !== operation.blockers || this.shown.state !== operation.state)
            this.#show_blockers(over ? [] : blocker_lines(operation.blockers));
        if (this.shown?.state !== operation.state || this.shown.result !== operation.result)
            this.#show_outcome(operation);
        if (JSON.stringify(this.shown?.steps) !== JSON.stringify(operation.steps))
            show(this.steps, operation.steps.map(step =>
                h("li", { class: step.state }, step.text, " ", h("span", { class: "quiet" }, step.state))));
        if (JSON.stringify(this.shown?.notes) !== JSON.stringify(operation.notes))
            show(this.notes, operation.notes.map(note => h("p", { class: "alert info" }, note)));
        this.shown = operation;
    }

    #show_blockers(lines) {
        show(this.blockers, ...lines.length
            ? [h("h3", {}, "In the way"), h("ul", {}, lines.map(line => h("li", {}, line)))]
            : []);
    }

    #show_outcome(operation) {
        const { tone } = STATES[operation.state];
        const text = operation.state === "done" ? operation.result : operation.reason;
        show(this.outcome, is_over(operation) && text ? h("p", { class: `alert ${tone}` }, text) : "");
    }
}

/**
 * Keep panels of operations that go on, and of those that were seen going on until somebody hides them.
 * @actions: cancel(path) → a sentence when it is refused; why_not(verb) → why it is not allowed; say(text)
 *
 * Returns what is called with the machine each time something is heard.
 */
export function operations_view(element, actions) {
    const panels = new Map();
    const hidden = new Set();

    function panel_of(operation) {
        const { path } = operation;
        if (!panels.has(path))
            panels.set(path, new Panel(operation, {
                cancel: () => actions.cancel(path),
                dismiss: () => { hidden.add(path); panels.get(path).element.remove(); panels.delete(path); },
                why_not: actions.why_not,
            }));
        return panels.get(path);
    }

    function tell(panel, operation) {
        /* What came of it is told a moment after the state. */
        if (panel.shown && (panel.shown.state !== operation.state || panel.shown.result !== operation.result))
            actions.say([`${operation.summary}: ${STATES[operation.state].text}.`,
                operation.state === "done" ? operation.result : operation.reason].filter(Boolean).join(" "));
    }

    return machine => {
        const now = performance.now() / 1000;
        for (const operation of [...machine.running(), ...machine.over()]) {
            const { path } = operation;
            if (hidden.has(path) || (is_over(operation) && !panels.has(path) && !actions.awaited(path)))
                continue;
            const panel = panel_of(operation);
            tell(panel, operation);
            panel.update(operation, machine.steps.get(path), now);
            if (!panel.element.isConnected)
                element.prepend(panel.element);
        }
        for (const [path, panel] of panels)
            if (!machine.operations.has(path)) {
                panel.element.remove();
                panels.delete(path);
            }
    };
}
