// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine-internal.h"

#include <errno.h>
#include <string.h>

#include "time-span.h"
#include "util.h"

/* How long the question of what is in the way may take: its answer is worth a moment, but no more. */
#define EXPLAIN_USEC (2 * UINT64_C(1000000))
/* After its mappings were taken away, memory may still be in use by I/O that is under way. */
#define REVOKE_WAIT_USEC (10 * UINT64_C(1000000))

static const struct step *running_step(const struct operation *o)
{
	return o->state == OPERATION_RUNNING && o->plan && o->at < o->plan->n_steps ?
		       &o->plan->steps[o->at] : NULL;
}

void engine_forget_side(struct engine *e)
{
	e->side = worker_free(e->side);
	e->side_timer = sd_event_source_disable_unref(e->side_timer);
}

/* One that walks back or on already, or has been asked to, is left to that. */
static bool can_expire(const struct operation *o)
{
	return o->state == OPERATION_RUNNING && !o->cancelled && !engine_past_return(o);
}

/* @why: what is in the way, or NULL */
static void expire(struct engine *e, const char *why)
{
	struct operation *o = e->current;
	const struct step *s = running_step(o);
	_cleanup_free_ char *step = NULL;
	char span[64], grace[64] = "";

	if (o->request->leaving || o->hurried) {
		if (s)
			(void)step_text(s, &step);
		say(&o->expiry, 0, "%s, and it was not through with: %s", o->hurried ?: "its card goes",
		    step ?: "its first step");
		o->cancelled = true;
		engine_interrupt(e, o);
		return;
	}
	format_time_span(o->request->deadline_usec, span);
	if (o->revoking)
		format_time_span(REVOKE_WAIT_USEC, grace);
	if (!why && s)
		(void)step_text(s, &step);
	say(&o->expiry, 0, "%s are over%s%s%s and %s%s", span, grace[0] ? ", " : "", grace,
	    grace[0] ? " more after it was taken away from its users," : "",
	    why ?: "it was not through with: ", why ? "" : step ?: "its first step");
	o->cancelled = true;
	engine_interrupt(e, o);
}

static void explain_and_expire(struct engine *e);

static void on_explained(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;
	bool current = e->current && e->current->id == e->side_id && can_expire(e->current);

	(void)w;
	if (current && e->current->at == e->side_at) {
		expire(e, reply->error >= 0 ? reply->text : NULL);
	} else if (current && !e->side_again) {
		/* It was through with that one meanwhile, and is at another. */
		e->side_again = true;
		explain_and_expire(e);
		return;
	} else if (current) {
		expire(e, NULL);
	}
	engine_forget_side(e);
}

static int on_side_timeout(sd_event_source *s, uint64_t when, void *userdata)
{
	struct engine *e = userdata;

	(void)s;
	(void)when;
	/* Its end is the reply. */
	worker_kill(e->side);
	return 0;
}

/* A worker beside the one that is stuck. */
static int start_side(struct engine *e)
{
	int r;

	engine_forget_side(e);
	r = worker_new(e->event, e->open, &e->side);
	if (r >= 0)
		r = sd_event_add_time_relative(e->event, &e->side_timer, CLOCK_MONOTONIC,
					       EXPLAIN_USEC, 0, on_side_timeout, e);
	if (r < 0)
		engine_forget_side(e);
	e->side_id = e->current->id;
	e->side_at = e->current->at;
	return r;
}

static void explain_and_expire(struct engine *e)
{
	const struct step *s = running_step(e->current);
	int r = s ? start_side(e) : -ENODATA;

	if (r >= 0)
		r = worker_explain(e->side, s, on_explained, e);
	if (r >= 0)
		return;
	engine_forget_side(e);
	expire(e, NULL);
}

static void on_revoked(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;

	(void)w;
	(void)reply;
	/* The worker that waits hears of it from the kernel; if nothing comes of it, the time runs out again. */
	engine_forget_side(e);
}

void engine_revoke(struct engine *e)
{
	struct operation *o = e->current;
	const struct step *s = running_step(o);
	struct step revoke = {
		.kind = STEP_REVOKE,
		.position = -1,
		.size = UNKNOWN,
		.resource = UNKNOWN,
	};

	if (!o->revoking || !s || s->kind != STEP_DRAIN)
		return;
	revoke.dax = s->dax;
	if (start_side(e) >= 0 && worker_run(e->side, &revoke, 1, on_revoked, NULL, e) < 0)
		engine_forget_side(e);
}

static int on_deadline(sd_event_source *source, uint64_t when, void *userdata)
{
	struct operation *o = userdata;
	struct engine *e = o->engine;
	const struct step *s = running_step(o);
	char span[64];

	(void)source;
	(void)when;
	format_time_span(o->request->deadline_usec, span);
	if (o != e->current && o->state == OPERATION_QUEUED) {
		say(&o->expiry, 0, "%s are over and its turn had not come", span);
		engine_drop_queued(e, o, OPERATION_FAILED, o->expiry);
		return 0;
	}
	if (o != e->current || o->cancelled)
		return 0;
	if (!o->plan) {
		say(&o->expiry, 0, "%s are over and the machine has not been looked at yet", span);
		o->cancelled = true;
		return 0;
	}
	if (!can_expire(o))
		return 0;
	if (o->hurried) {
		expire(e, NULL);
		return 0;
	}
	/* Memory of the system cannot be taken away from who uses it, devdax can. */
	if (o->request->revoke && !o->revoking && !(s && s->kind == STEP_OFFLINE)) {
		o->revoking = true;
		(void)sd_event_source_set_time_relative(o->deadline, REVOKE_WAIT_USEC);
		(void)sd_event_source_set_enabled(o->deadline, SD_EVENT_ONESHOT);
		engine_revoke(e);
		return 0;
	}
	/* A card that is about to go leaves no time to ask what is in the way. */
	if (o->request->leaving) {
		expire(e, NULL);
		return 0;
	}
	e->side_again = false;
	explain_and_expire(e);
	return 0;
}

int engine_arm_deadline(struct engine *e, struct operation *o)
{
	if (!o->request->deadline_usec)
		return 0;
	return sd_event_add_time_relative(e->event, &o->deadline, CLOCK_MONOTONIC,
					  o->request->deadline_usec, 0, on_deadline, o);
}

void engine_hurry(struct engine *e, struct operation *o, uint64_t usec, const char *why)
{
	int r = 0;

	if (o != e->current || !can_expire(o) || (why && o->request->leaving))
		return;
	if (!why) {
		o->request->leaving = true;
		o->hurried = (free(o->hurried), NULL);
	} else if (!o->hurried) {
		r = strdup_or_null(why, &o->hurried);
	}
	if (r >= 0)
		r = o->deadline ? sd_event_source_set_time_relative(o->deadline, usec) :
				  sd_event_add_time_relative(e->event, &o->deadline, CLOCK_MONOTONIC, usec,
							     0, on_deadline, o);
	if (r >= 0)
		r = sd_event_source_set_enabled(o->deadline, SD_EVENT_ONESHOT);
	if (r < 0)
		expire(e, NULL);
}

const char *engine_why_cancelled(const struct operation *o)
{
	return o->expiry ?: ENGINE_CANCELLED;
}

enum operation_state engine_cancelled_state(const struct operation *o)
{
	return o->cancelled && !o->expiry ? OPERATION_CANCELLED : OPERATION_FAILED;
}
