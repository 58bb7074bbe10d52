/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_ENGINE_INTERNAL_H
#define CXLMEM_ENGINE_INTERNAL_H

#include <time.h>

#include "engine.h"

/* What the parts of the engine share: engine.c (queue, plan), engine-run.c (steps), engine-undo.c (the way back). */

#define ENGINE_CANCELLED "cancelled on request"

struct engine {
	sd_event *event;
	worker_open_t open;
	struct engine_hooks hooks;
	void *userdata;
	struct journal *journal; /* NULL = nothing is written down */
	char *barred; /* why nothing can be done; NULL = all is well */
	bool held;
	struct operation **operations; /* oldest first */
	size_t n_operations;
	uint64_t last_id;
	struct operation *current;
	struct worker *worker;
	struct door *door; /* for the count of changes only */
	struct picture *picture; /* made when the count was @picture_changes; NULL = none */
	uint64_t picture_changes;
	bool look_again; /* asked for while it was at work */
	bool went_on; /* past the point of no return: tried once more already */
	uint64_t step_usec; /* CLOCK_MONOTONIC, when the running step began */
	bool cut_off; /* a worker died over the step, or undo step, that runs now: it may be done */
	sd_event_source *kill_timer;
	/* Beside the worker that is stuck: for what is in the way at a deadline, or to take it away. */
	struct worker *side;
	sd_event_source *side_timer;
	uint64_t side_id; /* the operation, and the step it was at */
	size_t side_at;
	bool side_again; /* it was asked about another step already */
	sd_event_source *next; /* deferred: start what waits */
	engine_started_t started; /* of the current operation, until it is planned */
	void *started_userdata;
};

/* engine.c */

/**
 * engine_usec - a clock in microseconds
 */
uint64_t engine_usec(clockid_t clock);

/**
 * engine_changed - tell the hook
 */
void engine_changed(struct engine *e, struct operation *o);

/**
 * engine_set_reason - keep the first reason there is; a copy is made
 */
void engine_set_reason(struct operation *o, const char *reason);

/**
 * engine_finish - end the current operation, tell of it, and have the next one begin
 */
void engine_finish(struct engine *e, enum operation_state state);

/**
 * engine_drop_queued - end an operation whose turn has not come
 */
void engine_drop_queued(struct engine *e, struct operation *o, enum operation_state state,
			const char *reason);

/* engine-settle.c */

/**
 * engine_settle_by - what was stuck over the regions and slots of an operation that is done needs nobody any more
 */
void engine_settle_by(struct engine *e, const struct operation *done);

/* engine-deadline.c */

/**
 * engine_arm_deadline - give up on an operation when its request's time is over, counted from now
 *
 * Past the point of no return it goes on all the same. It ends as failed, with the reason that says what was in
 * the way.
 *
 * Return: 0, or -errno.
 */
int engine_arm_deadline(struct engine *e, struct operation *o);

/**
 * engine_revoke - past its deadline, and asked to insist: take away what the running step waits for
 */
void engine_revoke(struct engine *e);

/**
 * engine_forget_side - nothing is wanted any more of the worker beside the one at work
 */
void engine_forget_side(struct engine *e);

/**
 * engine_why_cancelled, engine_cancelled_state - on request, or because its time is over
 */
const char *engine_why_cancelled(const struct operation *o);
enum operation_state engine_cancelled_state(const struct operation *o);

/* engine-run.c */

/**
 * engine_start_steps - hand all steps of the current operation to the worker
 *
 * Return: 0, or -errno (none was begun).
 */
int engine_start_steps(struct engine *e);

/**
 * engine_run_steps - have the worker run steps; a new worker if the old one died since it was used last
 * @undo: -1: they are those of the plan from @at on; else the one that takes step @at - 1 back
 *
 * Return: 0, or -errno.
 */
int engine_run_steps(struct engine *e, const struct step *steps, size_t n, int undo,
		     worker_reply_t reply, worker_progress_t progress);

/**
 * engine_scan - have the worker make a picture; likewise
 *
 * Return: 0, or -errno.
 */
int engine_scan(struct engine *e, worker_reply_t reply);

/**
 * engine_interrupt - stop the running step if the kernel may take long over it, else what comes after it
 */
void engine_interrupt(struct engine *e, struct operation *o);

/* The name of the region that the running step, or undo step, is about to make. */
void engine_on_named(struct engine *e, struct worker_reply *reply);

/* Replies to the steps of the current operation. */
void engine_on_step(struct worker *w, struct worker_reply *reply, void *userdata);
void engine_on_progress(struct worker *w, uint64_t done, uint64_t total, void *userdata);

/* engine-journal.c */

/**
 * engine_write_begin - write down what is going to be done
 *
 * Return: 0, or -errno with a reason.
 */
int engine_write_begin(struct engine *e, struct operation *o, char **ret_reason);

/**
 * engine_write_intent - and what that means for the wishes
 */
void engine_write_intent(struct engine *e, struct operation *o);

/**
 * engine_write_end - write down that it is over, and the wishes that changed with it
 */
void engine_write_end(struct engine *e, struct operation *o);

/* engine-undo.c */

/**
 * engine_start_undo - walk the current operation back, or on when there is no way back
 * @error: of the step that failed, 0 = none did
 */
void engine_start_undo(struct engine *e, int error);

/**
 * engine_continue_undo - walk on from where the current operation's way back had come to
 */
void engine_continue_undo(struct engine *e);

/**
 * engine_past_return - past its plan's point of no return there is only forward
 */
bool engine_past_return(const struct operation *o);

/**
 * engine_go_on - there is no way back: do what is left, once more if it was tried already, as if neither a
 * failure nor the wish to stop had come in between
 */
void engine_go_on(struct engine *e);

/**
 * engine_note_left - add to what undoing could not take back
 */
void engine_note_left(struct operation *o, const char *reason);

#endif
