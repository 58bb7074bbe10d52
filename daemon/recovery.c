// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recovery.h"

#include <errno.h>
#include <string.h>

#include "json-util.h"

/* The operation that the records read so far are about. */
struct reader {
	struct recovery *out;
	struct operation *o; /* NULL = none, or it is over */
	bool this_boot;
	bool begun;   /* its step, or undo step, is under way */
	int failed;   /* the error of its step; then it is walked back */
};

struct recovery *recovery_free(struct recovery *r)
{
	if (!r)
		return NULL;
	json_object_put(r->wishes);
	json_object_put(r->intent);
	operation_free(r->operation);
	free(r->lost);
	free(r);
	return NULL;
}

static void forget(struct reader *r)
{
	r->o = operation_free(r->o);
	json_object_put(TAKE_PTR(r->out->intent));
}

static int read_begin(struct reader *r, struct json_object *json, const char *boot)
{
	_cleanup_(request_freep) struct request *request = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct json_object *v;
	int e;

	forget(r);
	r->begun = false;
	r->failed = 0;
	e = json_object_object_get_ex(json, "request", &v) ? request_from_json(v, &request, NULL) :
							     -EINVAL;
	if (e == 0)
		e = json_object_object_get_ex(json, "plan", &v) ? plan_from_json(v, &plan, NULL) :
								  -EINVAL;
	/* Of a version that wrote them in another way: it cannot be told what was under way. */
	if (e == -EINVAL || json_number(json, "operation") == UNKNOWN)
		return 0;
	if (e == 0) {
		r->o = operation_new(json_number(json, "operation"), request);
		if (!r->o)
			return -ENOMEM;
		request = NULL;
		e = operation_set_plan(r->o, plan);
	}
	if (e < 0)
		return e;
	plan = NULL;
	r->o->state = OPERATION_RUNNING;
	r->o->started_realtime = json_number(json, "time");
	r->this_boot = streq_null(json_text(json, "boot"), boot);
	return 0;
}

/* A step begins only when those before it are done, and an undo step likewise. */
static void read_step(struct reader *r, struct json_object *json)
{
	uint64_t at = json_number(json, "at"), undo = json_number(json, "undo");
	struct operation *o = r->o;

	if (at >= o->plan->n_steps || (undo != UNKNOWN && undo >= o->plan->steps[at].n_undo))
		return;
	r->begun = true;
	o->named = false;
	if (undo == UNKNOWN) {
		/* Also when it is gone on with past the point of no return. */
		o->state = OPERATION_RUNNING;
		r->failed = 0;
		o->at = at;
		return;
	}
	o->state = OPERATION_UNDOING;
	o->at = at + 1;
	o->undo_at = undo;
}

static int learn(struct operation *o, struct json_object *json, enum step_kind kind)
{
	struct step_result result = { 0 };
	int e = strdup_or_null(json_text(json, "from"), &result.from);

	if (e == 0)
		e = strdup_or_null(json_text(json, "to"), &result.to);
	if (e == 0)
		e = strdup_or_null(json_text(json, "previous"), &result.previous);
	if (e == 0 && (!result.from || !result.to || strcmp(result.from, result.to) != 0))
		e = operation_learn(o, kind, &result);
	step_result_clear(&result);
	return e;
}

static int read_done(struct reader *r, struct json_object *json)
{
	uint64_t at = json_number(json, "at"), undo = json_number(json, "undo");
	struct operation *o = r->o;
	struct json_object *v;
	const struct step *s;
	int error = 0, e;

	if (at >= o->plan->n_steps || (undo != UNKNOWN && undo >= o->plan->steps[at].n_undo))
		return 0;
	s = undo == UNKNOWN ? &o->plan->steps[at] : &o->plan->steps[at].undo[undo];
	if (json_object_object_get_ex(json, "error", &v))
		error = json_object_get_int(v);
	e = learn(o, json, s->kind);
	if (e < 0)
		return e;
	r->begun = false;
	o->named = false;
	if (undo != UNKNOWN) {
		o->state = OPERATION_UNDOING;
		o->at = at + 1;
		o->undo_at = undo + 1;
		/* It is not tried again: what it left is told as before. */
		if (error < 0)
			return say(&o->left, 0, "%s%sstep %ju could not be taken back (%s)", o->left ?: "",
				   o->left ? "; " : "", (uintmax_t)at + 1, strerror(-error));
	} else if (error < 0) {
		o->at = at;
		r->failed = error;
	} else {
		o->at = at + 1;
	}
	return 0;
}

static int read_named(struct reader *r, struct json_object *json)
{
	r->o->named = true;
	return learn(r->o, json, STEP_CREATE_REGION);
}

static int read_record(struct reader *r, struct json_object *json, const char *boot)
{
	const char *kind = json_text(json, "record");
	struct json_object *v;

	if (!kind)
		return 0;
	if (!strcmp(kind, "wishes") && json_object_object_get_ex(json, "wishes", &v)) {
		json_object_put(r->out->wishes);
		r->out->wishes = json_object_get(v);
	} else if (!strcmp(kind, "saved")) {
		json_object_put(TAKE_PTR(r->out->wishes));
	} else if (!strcmp(kind, "begin")) {
		return read_begin(r, json, boot);
	} else if (!r->o || json_number(json, "operation") != r->o->id) {
		return 0;
	} else if (!strcmp(kind, "intent") && json_object_object_get_ex(json, "intent", &v)) {
		json_object_put(r->out->intent);
		r->out->intent = json_object_get(v);
	} else if (!strcmp(kind, "step")) {
		read_step(r, json);
	} else if (!strcmp(kind, "named")) {
		return read_named(r, json);
	} else if (!strcmp(kind, "done")) {
		return read_done(r, json);
	} else if (!strcmp(kind, "end")) {
		forget(r);
	}
	return 0;
}

static void set_states(struct operation *o, bool begun, int failed)
{
	for (size_t i = 0; i < o->at; i++)
		o->step_states[i] = STEP_DONE;
	if (o->state == OPERATION_RUNNING && o->at < o->plan->n_steps)
		o->step_states[o->at] = failed < 0 ? STEP_FAILED : begun ? STEP_RUNNING : STEP_WAITING;
}

static int conclude(struct reader *r)
{
	struct operation *o = r->o;

	if (!o)
		return 0;
	if (!r->this_boot)
		return strdup_or_null(o->plan->summary, &r->out->lost);
	set_states(o, r->begun, r->failed);
	r->out->operation = TAKE_PTR(r->o);
	r->out->error = r->begun ? -EPIPE : r->failed;
	/* All was done, but nobody can say any more what that means for the wishes. */
	if (!r->out->intent && o->at == o->plan->n_steps && o->state == OPERATION_RUNNING &&
	    o->at > 0 && o->plan->no_return == o->plan->n_steps) {
		o->at--;
		o->step_states[o->at] = STEP_RUNNING;
		r->out->error = -EPIPE;
	}
	return say(&o->reason, 0, "cxlmemd ended in the middle of it%s%s",
		   r->failed < 0 ? ", after a step had failed: " : "", r->failed < 0 ? strerror(-r->failed) : "");
}

int recovery_read(struct journal *j, const char *boot, struct recovery **ret, char **ret_reason)
{
	_cleanup_(recovery_freep) struct recovery *out = calloc(1, sizeof(*out));
	_cleanup_json_ struct json_object *all = NULL;
	struct reader reader = { .out = out };
	int r;

	if (!out)
		return -ENOMEM;
	r = journal_read(j, &all, &out->damaged, ret_reason);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < json_object_array_length(all); i++)
		r = read_record(&reader, json_object_array_get_idx(all, i), boot);
	if (r == 0)
		r = conclude(&reader);
	operation_free(reader.o);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(out);
	return 0;
}
