// SPDX-License-Identifier: LGPL-2.1-or-later
#include "operation.h"

#include <errno.h>
#include <string.h>

#include "util.h"

struct operation *operation_free(struct operation *o)
{
	if (!o)
		return NULL;
	request_free(o->request);
	plan_free(o->plan);
	free(o->step_states);
	free(o->reason);
	free(o->left);
	free(o->expiry);
	free(o->hurried);
	sd_event_source_disable_unref(o->deadline);
	free(o);
	return NULL;
}

struct operation *operation_new(uint64_t id, struct request *request)
{
	struct operation *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->id = id;
	o->request = request;
	return o;
}

int operation_set_plan(struct operation *o, struct plan *plan)
{
	enum step_state *states = calloc(plan->n_steps ?: 1, sizeof(*states));

	if (!states)
		return -ENOMEM;
	o->step_states = states;
	o->plan = plan;
	return 0;
}

int operation_learn(struct operation *o, enum step_kind kind, const struct step_result *result)
{
	struct step_result setting = { .previous = result->previous };
	int r = 0;

	if (result->from && result->to)
		r = plan_rename(o->plan, result->from, result->to);
	if (r == 0 && result->note)
		r = plan_add_note(o->plan, result->note);
	return r < 0 ? r : steps_learn(o->plan->steps, o->plan->n_steps, kind, &setting);
}

const char *operation_state_name(enum operation_state s)
{
	static const char *const names[_OPERATION_STATE_MAX] = {
		[OPERATION_QUEUED] = "queued",	     [OPERATION_RUNNING] = "running",
		[OPERATION_UNDOING] = "undoing",     [OPERATION_DONE] = "done",
		[OPERATION_FAILED] = "failed",	     [OPERATION_CANCELLED] = "cancelled",
		[OPERATION_STUCK] = "stuck",	     [OPERATION_SETTLED] = "settled",
	};

	return names[s];
}

const char *step_state_name(enum step_state s)
{
	static const char *const names[_STEP_STATE_MAX] = {
		[STEP_WAITING] = "waiting", [STEP_RUNNING] = "running", [STEP_DONE] = "done",
		[STEP_FAILED] = "failed",   [STEP_UNDONE] = "undone",
	};

	return names[s];
}
