/* SPDX-License-Identifier: LGPL-2.1-or-later */

import { MIB, duration, size } from "./format.js";

/* A rate measured over less is noise. */
const RATE_SECONDS = 0.25;

export const STATES = {
    queued: { text: "waiting", tone: "idle" },
    running: { text: "running", tone: "info" },
    undoing: { text: "taking back", tone: "warn" },
    done: { text: "done", tone: "good" },
    failed: { text: "failed", tone: "bad" },
    cancelled: { text: "cancelled", tone: "idle" },
    stuck: { text: "stuck", tone: "bad" },
    settled: { text: "settled", tone: "idle" },
};

export const is_over = operation => !["queued", "running", "undoing"].includes(operation.state);

/**
 * An operation from its D-Bus properties, each { t, v }; what is not among them is taken from @before.
 */
export function read(path, properties, before = {}) {
    const get = (name, key) => properties[name] === undefined ? before[key] : properties[name].v;
    const steps = properties.Steps?.v.map(([kind, text, state]) => ({ kind, text, state }));
    return {
        path,
        id: get("Id", "id"),
        verb: get("Verb", "verb"),
        summary: get("Summary", "summary") ?? "",
        state: get("State", "state"),
        reason: get("Reason", "reason"),
        result: get("Result", "result"),
        notes: get("Notes", "notes") ?? [],
        regions: get("Regions", "regions") ?? [],
        steps: steps ?? before.steps ?? [],
        step: get("Step", "step") ?? 0,
        bytes: get("Progress", "bytes") ?? [0, 0],
        blockers: get("Blockers", "blockers") ?? "",
        started: get("StartedUsec", "started") ?? 0,
        finished: get("FinishedUsec", "finished") ?? 0,
    };
}

/* The step that is being done, or taken back. */
function current(operation) {
    const { steps, state, step } = operation;
    if (state === "undoing")
        return Math.max(steps.findLastIndex(entry => entry.state === "done" || entry.state === "running"), 0);
    const running = steps.findIndex(entry => entry.state === "running");
    return running >= 0 ? running : Math.min(step, steps.length - 1);
}

/**
 * Since when its present step has been seen, in seconds, and how many bytes were done by then; for progress().
 */
export function watch_step(operation, seen, now) {
    const index = `${operation.state}/${current(operation)}`;
    return seen?.index === index ? seen : { index, since: now, from: operation.bytes[0] };
}

/* "128M of 512M, 45M/s, 8.1s left"; @gained: what of it was done in these seconds */
function bytes_text(done, total, gained, seconds) {
    const words = [`${size(done)} of ${size(total)}`];
    if (seconds >= RATE_SECONDS && gained > 0) {
        const rate = gained / seconds;
        /* Whole MiB: digits that change with every redraw cannot be read. */
        words.push(`${size(rate >= 10 * MIB ? Math.floor(rate / MIB) * MIB : Math.round(rate))}/s`);
        if (done < total)
            words.push(`${duration((total - done) / rate)} left`);
    }
    return words.join(", ");
}

/**
 * What a bar and the words beside it show.
 * @seen: what watch_step() says
 *
 * Returns { fraction, step, detail }; fraction is 0 to 1 of all steps, with the bytes of the present one.
 */
export function progress(operation, seen, now) {
    const n = operation.steps.length;
    if (!n)
        return { fraction: 0, step: "", detail: "" };
    const index = current(operation);
    const [done, total] = operation.bytes;
    const part = total > 0 ? Math.min(done / total, 1) : 0;
    const undoing = operation.state === "undoing";
    return {
        fraction: undoing ? (index + 1) / n : Math.min((operation.step + part) / n, 1),
        step: `Step ${index + 1} of ${n}: ${undoing ? "taking back: " : ""}${operation.steps[index].text}`,
        detail: total > 0 ? bytes_text(Math.min(done, total), total, done - seen.from, now - seen.since) : "",
    };
}
