// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine-internal.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "util.h"

/* How long a killed worker may hang in the kernel before that is worth a word. */
#define KILL_WAIT_USEC (60 * UINT64_C(1000000))

static int ensure_worker(struct engine *e)
{
	if (e->worker && worker_is_dead(e->worker))
		e->worker = worker_free(e->worker);
	return e->worker ? 0 : worker_new_journaled(e->event, e->open, e->journal, &e->worker);
}

int engine_run_steps(struct engine *e, const struct step *steps, size_t n, int undo,
		     worker_reply_t reply, worker_progress_t progress)
{
	const struct operation *o = e->current;
	const struct entry_place place = { o->id, undo < 0 ? o->at : o->at - 1, undo, e->cut_off };
	int r = ensure_worker(e);

	if (r >= 0)
		r = worker_run_journaled(e->worker, steps, n, &place, reply, progress, e);
	if (r != -EPIPE)
		return r;
	e->worker = worker_free(e->worker);
	r = ensure_worker(e);
	return r < 0 ? r : worker_run_journaled(e->worker, steps, n, &place, reply, progress, e);
}

int engine_scan(struct engine *e, worker_reply_t reply)
{
	int r = ensure_worker(e);

	if (r >= 0)
		r = worker_scan(e->worker, 0, reply, e);
	if (r != -EPIPE)
		return r;
	e->worker = worker_free(e->worker);
	r = ensure_worker(e);
	return r < 0 ? r : worker_scan(e->worker, 0, reply, e);
}

/* All steps that were begun are done; none is half-way. */
static void cancelled_between(struct engine *e)
{
	e->kill_timer = sd_event_source_disable_unref(e->kill_timer);
	engine_set_reason(e->current, engine_why_cancelled(e->current));
	engine_start_undo(e, 0);
}

void engine_on_named(struct engine *e, struct worker_reply *reply)
{
	struct operation *o = e->current;

	o->named = true;
	if (strcmp(reply->result.from, reply->result.to) == 0 ||
	    operation_learn(o, STEP_CREATE_REGION, &reply->result) >= 0)
		return;
	/* The way back has to be known, so it ends here; its death is the last reply. */
	engine_set_reason(o, "out of memory");
	worker_kill(e->worker);
}

void engine_on_step(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;
	struct operation *o = e->current;
	int r = reply->error;
	uint64_t now;

	(void)w;
	if (reply->named) {
		engine_on_named(e, reply);
		return;
	}
	o->kernel_usec += reply->kernel_usec;
	if (reply->result.note)
		(void)sd_journal_print(4, "%s: %s", o->plan->summary, reply->result.note);
	if (r == -ECANCELED && o->cancelled) {
		o->step_states[o->at] = STEP_WAITING;
		if (engine_past_return(o))
			engine_go_on(e);
		else
			cancelled_between(e);
		return;
	}
	/* A hold that failed tells what it found, too. */
	if (operation_learn(o, o->plan->steps[o->at].kind, &reply->result) < 0 && !reply->last) {
		/* The way back has to be known, so it ends here; its death is the last reply. */
		engine_set_reason(o, "out of memory");
		worker_kill(w);
	}
	if (r < 0) {
		e->kill_timer = sd_event_source_disable_unref(e->kill_timer);
		engine_set_reason(o, o->cancelled && r == -EPIPE ? engine_why_cancelled(o) :
			      r == -EPIPE		  ? "the worker process died" :
							    reply->reason ?: strerror(-r));
		engine_start_undo(e, r);
		return;
	}
	now = engine_usec(CLOCK_MONOTONIC);
	if (e->hooks.stepped)
		e->hooks.stepped(o, &o->plan->steps[o->at], now - e->step_usec, e->userdata);
	e->step_usec = now;
	o->step_states[o->at] = STEP_DONE;
	o->named = false;
	e->cut_off = false;
	o->at++;
	o->progress_done = o->progress_total = 0;
	if (!reply->last) {
		o->step_states[o->at] = STEP_RUNNING;
		engine_changed(e, o);
		engine_revoke(e);
		/* It may have begun a long one before it heard of the wish to stop. */
		if (o->cancelled)
			engine_interrupt(e, o);
	} else if (o->cancelled && !engine_past_return(o)) {
		cancelled_between(e);
	} else {
		engine_finish(e, OPERATION_DONE);
	}
}

void engine_on_progress(struct worker *w, uint64_t done, uint64_t total, void *userdata)
{
	struct engine *e = userdata;

	(void)w;
	e->current->progress_done = done;
	e->current->progress_total = total;
	engine_changed(e, e->current);
}

int engine_start_steps(struct engine *e)
{
	struct operation *o = e->current;
	int r;

	if (o->plan->n_steps == 0)
		return 0;
	e->step_usec = engine_usec(CLOCK_MONOTONIC);
	r = engine_run_steps(e, o->plan->steps, o->plan->n_steps, -1, engine_on_step,
			     engine_on_progress);
	if (r >= 0)
		o->step_states[0] = STEP_RUNNING;
	return r;
}

/*
 * The kernel has not let go of a killed worker. Until it does nobody knows what the step will have done, and what it
 * holds is what other operations would wait for, too: so this one is not over, and is walked back when it does.
 */
static int on_kill_timeout(sd_event_source *s, uint64_t when, void *userdata)
{
	struct engine *e = userdata;

	(void)s;
	(void)when;
	(void)sd_journal_print(4, "%s: %s, but the kernel does not give way; it is walked back as soon as it does",
			       e->current->plan->summary, engine_why_cancelled(e->current));
	return 0;
}

void engine_interrupt(struct engine *e, struct operation *o)
{
	if (o->state != OPERATION_RUNNING || o->at >= o->plan->n_steps || e->kill_timer ||
	    engine_past_return(o))
		return;
	if (!step_may_block(o->plan->steps[o->at].kind)) {
		worker_stop(e->worker);
		return;
	}
	worker_kill(e->worker);
	(void)sd_event_add_time_relative(e->event, &e->kill_timer, CLOCK_MONOTONIC, KILL_WAIT_USEC,
					 0, on_kill_timeout, e);
}
