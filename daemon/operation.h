/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_OPERATION_H
#define CXLMEM_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "learn.h"
#include "plan.h"
#include "request.h"

struct engine;

enum operation_state {
	OPERATION_QUEUED,
	OPERATION_RUNNING,
	OPERATION_UNDOING,
	OPERATION_DONE,
	OPERATION_FAILED,    /* rolled back: the machine is as it was */
	OPERATION_CANCELLED, /* the same, on request */
	OPERATION_STUCK,     /* an undo failed too: the reason says what is left */
	OPERATION_SETTLED,   /* it was stuck, and somebody has done something about what it left */
	_OPERATION_STATE_MAX,
};

enum step_state { STEP_WAITING, STEP_RUNNING, STEP_DONE, STEP_FAILED, STEP_UNDONE, _STEP_STATE_MAX };

/* One request on its way: queued, planned when its turn comes, run step by step, or walked back. */
struct operation {
	struct engine *engine; /* that runs it */
	uint64_t id;
	struct request *request;
	struct plan *plan; /* NULL until its turn has come */
	enum operation_state state;
	enum step_state *step_states; /* one for each step of the plan */
	size_t at;                    /* steps done; while undoing, steps still to look at */
	size_t undo_at;               /* within the undo of step @at */
	char *reason;                 /* why it failed; NULL otherwise */
	char *left;                   /* what undoing could not take back */
	bool named; /* the region that the running step makes has its name: it may be there */
	bool cancelled;               /* somebody asked for it, or its time is over */
	bool revoking;                /* its time is over, and what is in use is taken away */
	char *expiry;                 /* its time is over: why it is not done; then it has failed */
	char *hurried; /* why it has less time than it was given; NULL = it has that, or its own card goes */
	sd_event_source *deadline;
	uint64_t progress_done, progress_total; /* bytes, within the running step */
	uint64_t created_usec;                  /* CLOCK_MONOTONIC */
	uint64_t started_realtime, finished_realtime; /* microseconds, CLOCK_REALTIME; 0 = not yet */
	uint64_t kernel_usec, journal_usec, total_usec;
};

struct operation *operation_free(struct operation *o);

/**
 * operation_new - an operation that waits; takes the request over
 *
 * Return: the operation, or NULL when out of memory (the request is then still the caller's).
 */
struct operation *operation_new(uint64_t id, struct request *request);

/**
 * operation_set_plan - what it is going to do; takes the plan over
 *
 * Return: 0, or -ENOMEM (the plan is then still the caller's).
 */
int operation_set_plan(struct operation *o, struct plan *plan);

/**
 * operation_learn - carry what a step found out (names, settings, a note) into the plan
 * @kind: of the step that found it
 *
 * Return: 0, or -ENOMEM.
 */
int operation_learn(struct operation *o, enum step_kind kind, const struct step_result *result);

static inline bool operation_is_finished(const struct operation *o)
{
	return o->state >= OPERATION_DONE;
}

const char *operation_state_name(enum operation_state s);
const char *step_state_name(enum step_state s);

#endif
