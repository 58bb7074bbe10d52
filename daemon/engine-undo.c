// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine-internal.h"

#include <errno.h>
#include <string.h>

#include "util.h"

static void undo_step(struct engine *e);

void engine_note_left(struct operation *o, const char *reason)
{
	char *all = NULL;

	say(&all, 0, "%s%s%s", o->left ?: "", o->left ? "; " : "", reason ?: "unknown error");
	if (all) {
		free(o->left);
		o->left = all;
	}
}

bool engine_past_return(const struct operation *o)
{
	return o->plan && o->at > o->plan->no_return;
}

/* What went by its card's name has none any more when its slot is off: name what is still to be done. */
static void note_unfinished(struct operation *o)
{
	if (o->at == o->plan->n_steps || o->plan->steps[o->at].kind != STEP_POWER_OFF) {
		engine_note_left(o, "what is done cannot be taken back; ask for the same once more to finish it");
		return;
	}
	for (size_t i = o->at; i < o->plan->n_steps; i++) {
		_cleanup_free_ char *text = NULL;

		say(&text, 0, "slot %s is still to be powered off, with `cxlmemctl eject slot:%s`",
		    o->plan->steps[i].slot, o->plan->steps[i].slot);
		engine_note_left(o, text);
	}
}

void engine_go_on(struct engine *e)
{
	struct operation *o = e->current;
	int r;

	if (e->went_on) {
		note_unfinished(o);
		engine_finish(e, OPERATION_STUCK);
		return;
	}
	e->went_on = true;
	o->cancelled = false;
	free(o->reason);
	free(o->left);
	free(o->expiry);
	o->reason = o->left = o->expiry = NULL;
	o->state = OPERATION_RUNNING;
	if (o->at == o->plan->n_steps) {
		engine_finish(e, OPERATION_DONE);
		return;
	}
	o->step_states[o->at] = STEP_RUNNING;
	engine_changed(e, o);
	e->step_usec = engine_usec(CLOCK_MONOTONIC);
	r = engine_run_steps(e, &o->plan->steps[o->at], o->plan->n_steps - o->at, -1, engine_on_step,
			     engine_on_progress);
	if (r < 0) {
		engine_set_reason(o, strerror(-r));
		engine_start_undo(e, r);
	}
}

/* What is left is somebody's to decide about; the names are those that it has now. */
static void note_choices(struct operation *o)
{
	_cleanup_free_ char *text = NULL;
	const char *one;

	if (o->plan->n_regions == 0 || o->request->leaving)
		return;
	for (size_t i = 0; i < o->plan->n_regions; i++)
		say(&text, 0, "%s%s%s", text ?: "", text ? " " : "", o->plan->regions[i]);
	if (!text)
		return;
	one = o->plan->n_regions == 1 ? "it" : "them";
	say(&text, 0, "`cxlmemctl destroy %s` takes away what is left of %s, `cxlmemctl adopt %s` keeps %s as %s",
	    text, one, text, one, o->plan->n_regions == 1 ? "it is" : "they are");
	engine_note_left(o, text);
}

static void finish_undo(struct engine *e)
{
	struct operation *o = e->current;

	if (o->left)
		note_choices(o);
	engine_finish(e, o->left ? OPERATION_STUCK : engine_cancelled_state(o));
}

static void on_undone(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;
	struct operation *o = e->current;
	struct step *s = &o->plan->steps[o->at - 1].undo[o->undo_at];
	int r = reply->error;

	(void)w;
	if (reply->named) {
		engine_on_named(e, reply);
		return;
	}
	o->kernel_usec += reply->kernel_usec;
	/* A step can be asked for again whatever had become of it. */
	if (r == -EPIPE && !e->cut_off) {
		e->cut_off = true;
		undo_step(e);
		return;
	}
	e->cut_off = false;
	o->named = false;
	if (r >= 0)
		r = operation_learn(o, s->kind, &reply->result);
	if (r < 0)
		engine_note_left(o, r == -EPIPE ? "the worker process died" : reply->reason ?: strerror(-r));
	/* The step from which there is no return did take effect, then: the rest of the way back is barred. */
	if (r < 0 && engine_past_return(o)) {
		o->step_states[o->at - 1] = STEP_DONE;
		engine_go_on(e);
		return;
	}
	o->undo_at++;
	undo_step(e);
}

/*
 * Steps that the kernel does at once or not at all, and whose undo would hit something that is not ours
 * if they were not done: another client's region, a decoder that somebody else claimed, a region made
 * twice. (When the worker died over one nobody knows; then it is ours, and the door leaves alone what is in
 * use.)
 */
static bool failed_means_untouched(enum step_kind k)
{
	return k == STEP_CREATE_REGION || k == STEP_ALLOC_DPA || k == STEP_DELETE_REGION;
}

static void on_deleted(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;

	(void)w;
	if (reply->error >= 0)
		e->current->at++;
	e->current->kernel_usec += reply->kernel_usec;
	undo_step(e);
}

/* Memory brought online again on a card that goes all the same is lost; unless somebody has it stay. */
static bool stays_offline(const struct operation *o, const struct step *undo)
{
	return undo->kind == STEP_ONLINE && o->request->leaving && (!o->cancelled || o->expiry);
}

/* Walk on: the undo of step o->at - 1, one of its steps at a time, then the step before it. */
static void undo_step(struct engine *e)
{
	struct operation *o = e->current;
	struct step *s;
	int r;

	while (o->at > 0) {
		s = &o->plan->steps[o->at - 1];
		if (o->undo_at < s->n_undo) {
			if (!stays_offline(o, &s->undo[o->undo_at]))
				break;
			if (!o->left)
				engine_note_left(o, "what was taken offline stays so");
			o->undo_at++;
			continue;
		}
		o->at--;
		if (o->step_states[o->at] == STEP_DONE || o->step_states[o->at] == STEP_RUNNING)
			o->step_states[o->at] = STEP_UNDONE;
		o->undo_at = 0;
		engine_changed(e, o);
	}
	if (o->at == 0) {
		finish_undo(e);
		return;
	}
	s = &o->plan->steps[o->at - 1].undo[o->undo_at];
	/* One more region would be one too many. */
	if (s->kind == STEP_CREATE_REGION && o->named && !s->policy)
		(void)strdup_or_null("made", &s->policy);
	r = engine_run_steps(e, s, 1, (int)o->undo_at, on_undone, NULL);
	if (r < 0) {
		engine_note_left(o, strerror(-r));
		o->undo_at++;
		/* Without a worker there is no taking back at all: say so instead of spinning. */
		o->at = 0;
		finish_undo(e);
	}
}

void engine_continue_undo(struct engine *e)
{
	undo_step(e);
}

/* @error: of the step that failed, 0 = none did */
void engine_start_undo(struct engine *e, int error)
{
	struct operation *o = e->current;
	const struct step *s;

	o->progress_done = o->progress_total = 0;
	if (error < 0)
		o->step_states[o->at] = STEP_FAILED;
	e->cut_off = error == -EPIPE;
	if (engine_past_return(o)) {
		engine_go_on(e);
		return;
	}
	o->state = OPERATION_UNDOING;
	o->undo_at = 0;
	s = error < 0 ? &o->plan->steps[o->at] : NULL;
	/* Its name is known before it is made. */
	if (error == -EPIPE && s->kind == STEP_CREATE_REGION && !o->named)
		error = 0;
	o->named = false;
	/* Is it gone or not? It is once it is asked for again, and only then may it be made anew. */
	if (error == -EPIPE && s->kind == STEP_DELETE_REGION &&
	    engine_run_steps(e, s, 1, -1, on_deleted, NULL) >= 0) {
		engine_changed(e, o);
		return;
	}
	if (error == -EPIPE || (error < 0 && !failed_means_untouched(s->kind)))
		o->at++;
	e->cut_off = false;
	engine_changed(e, o);
	undo_step(e);
}
