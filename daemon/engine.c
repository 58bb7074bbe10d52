// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "util.h"

#define CANCELLED "cancelled on request"

/* How long a killed worker may hang in the kernel before the operation is given up as stuck. */
#define KILL_WAIT_USEC (60 * UINT64_C(1000000))

struct engine {
	sd_event *event;
	worker_open_t open;
	struct engine_hooks hooks;
	void *userdata;
	struct operation **operations; /* oldest first */
	size_t n_operations;
	uint64_t last_id;
	struct operation *current;
	struct worker *worker;
	struct door *door; /* for the count of changes only */
	struct picture *picture; /* made when the count was @picture_changes; NULL = none */
	uint64_t picture_changes;
	bool went_on; /* past the point of no return: tried once more already */
	bool undo_cut_off; /* its worker died over the undo step that runs now */
	sd_event_source *kill_timer;
	sd_event_source *next; /* deferred: start what waits */
	engine_started_t started; /* of the current operation, until it is planned */
	void *started_userdata;
};

static void undo_step(struct engine *e);
static void start_undo(struct engine *e, int error);
static void interrupt_step(struct engine *e, struct operation *o);
static void on_step(struct worker *w, struct worker_reply *reply, void *userdata);
static void on_progress(struct worker *w, uint64_t done, uint64_t total, void *userdata);

static uint64_t usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void changed(struct engine *e, struct operation *o)
{
	if (e->hooks.changed)
		e->hooks.changed(o, e->userdata);
}

static void set_reason(struct operation *o, const char *reason)
{
	if (!o->reason && reason)
		o->reason = strdup(reason);
}

/* Forget the oldest finished operations; those that wait or run are never dropped. */
static void trim_history(struct engine *e)
{
	size_t finished = 0;

	for (size_t i = 0; i < e->n_operations; i++)
		finished += operation_is_finished(e->operations[i]);
	for (size_t i = 0; i < e->n_operations && finished > ENGINE_HISTORY;) {
		if (!operation_is_finished(e->operations[i])) {
			i++;
			continue;
		}
		operation_free(e->operations[i]);
		memmove(&e->operations[i], &e->operations[i + 1],
			(e->n_operations - i - 1) * sizeof(*e->operations));
		e->n_operations--;
		finished--;
	}
}

static void drop(struct engine *e, struct operation *o)
{
	for (size_t i = 0; i < e->n_operations; i++)
		if (e->operations[i] == o) {
			memmove(&e->operations[i], &e->operations[i + 1],
				(e->n_operations - i - 1) * sizeof(*e->operations));
			e->n_operations--;
			break;
		}
	operation_free(o);
}

static void schedule_next(struct engine *e)
{
	if (e->next)
		(void)sd_event_source_set_enabled(e->next, SD_EVENT_ONESHOT);
}

static void finish(struct engine *e, enum operation_state state)
{
	struct operation *o = TAKE_PTR(e->current);

	e->kill_timer = sd_event_source_disable_unref(e->kill_timer);
	o->state = state;
	o->progress_done = o->progress_total = 0;
	o->finished_realtime = usec(CLOCK_REALTIME);
	o->total_usec = usec(CLOCK_MONOTONIC) - o->created_usec;
	if (state == OPERATION_STUCK && o->left) {
		char *both = NULL;

		say(&both, 0, "%s; taking it back failed too: %s", o->reason ?: "unknown", o->left);
		if (both) {
			free(o->reason);
			o->reason = both;
		}
	}
	if (e->hooks.finished)
		e->hooks.finished(o, e->userdata);
	trim_history(e);
	schedule_next(e);
}

/* Its turn came, but it cannot be: tell the one who asked, or whoever reads the operation later. */
static void refuse(struct engine *e, int error, const char *reason)
{
	engine_started_t started = TAKE_PTR(e->started);
	struct operation *o = e->current;

	if (!started) {
		set_reason(o, reason);
		finish(e, o->cancelled ? OPERATION_CANCELLED : OPERATION_FAILED);
		return;
	}
	e->current = NULL;
	started(NULL, error, reason, e->started_userdata);
	drop(e, o);
	schedule_next(e);
}

static int ensure_worker(struct engine *e)
{
	if (e->worker && worker_is_dead(e->worker))
		e->worker = worker_free(e->worker);
	return e->worker ? 0 : worker_new(e->event, e->open, &e->worker);
}

/* Ask the worker, or a new one if it died since it was used last: that is found out only now. */
static int run_steps(struct engine *e, const struct step *steps, size_t n, worker_reply_t reply,
		     worker_progress_t progress)
{
	int r = ensure_worker(e);

	if (r >= 0)
		r = worker_run(e->worker, steps, n, reply, progress, e);
	if (r != -EPIPE)
		return r;
	e->worker = worker_free(e->worker);
	r = ensure_worker(e);
	return r < 0 ? r : worker_run(e->worker, steps, n, reply, progress, e);
}

static int scan(struct engine *e, worker_reply_t reply)
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

static void finish_undo(struct engine *e)
{
	struct operation *o = e->current;

	finish(e, o->left      ? OPERATION_STUCK :
		  o->cancelled ? OPERATION_CANCELLED :
				 OPERATION_FAILED);
}

static void note_left(struct operation *o, const char *reason)
{
	char *all = NULL;

	say(&all, 0, "%s%s%s", o->left ?: "", o->left ? "; " : "", reason ?: "unknown error");
	if (all) {
		free(o->left);
		o->left = all;
	}
}

/* Past its plan's point of no return there is only forward. */
static bool is_past_return(const struct operation *o)
{
	return o->plan && o->at > o->plan->no_return;
}

/*
 * There is no way back: do what is left from step @o->at on, once more if it was tried already, as if neither
 * a failure nor the wish to stop had come in between.
 */
static void go_on(struct engine *e)
{
	struct operation *o = e->current;
	int r;

	if (e->went_on) {
		note_left(o, "what is done cannot be taken back; ask for the same once more to finish it");
		finish(e, OPERATION_STUCK);
		return;
	}
	e->went_on = true;
	o->cancelled = false;
	free(o->reason);
	free(o->left);
	o->reason = o->left = NULL;
	o->state = OPERATION_RUNNING;
	if (o->at == o->plan->n_steps) {
		finish(e, OPERATION_DONE);
		return;
	}
	o->step_states[o->at] = STEP_RUNNING;
	changed(e, o);
	r = run_steps(e, &o->plan->steps[o->at], o->plan->n_steps - o->at, on_step, on_progress);
	if (r < 0) {
		set_reason(o, strerror(-r));
		start_undo(e, r);
	}
}

static void on_undone(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;
	struct operation *o = e->current;
	struct step *s = &o->plan->steps[o->at - 1].undo[o->undo_at];
	int r = reply->error;

	(void)w;
	o->kernel_usec += reply->kernel_usec;
	/* A step can be asked for again whatever had become of it, but one more region is one too many. */
	if (r == -EPIPE && !e->undo_cut_off && s->kind != STEP_CREATE_REGION) {
		e->undo_cut_off = true;
		undo_step(e);
		return;
	}
	e->undo_cut_off = false;
	if (r >= 0)
		r = operation_learn(o, s->kind, &reply->result);
	if (r < 0)
		note_left(o, r == -EPIPE ? "the worker process died" : reply->reason ?: strerror(-r));
	/* The step from which there is no return did take effect, then: the rest of the way back is barred. */
	if (r < 0 && is_past_return(o)) {
		o->step_states[o->at - 1] = STEP_DONE;
		go_on(e);
		return;
	}
	o->undo_at++;
	undo_step(e);
}

/* Walk on: the undo of step o->at - 1, one of its steps at a time, then the step before it. */
static void undo_step(struct engine *e)
{
	struct operation *o = e->current;
	struct step *s;
	int r;

	while (o->at > 0 && o->undo_at >= o->plan->steps[o->at - 1].n_undo) {
		o->at--;
		if (o->step_states[o->at] == STEP_DONE || o->step_states[o->at] == STEP_RUNNING)
			o->step_states[o->at] = STEP_UNDONE;
		o->undo_at = 0;
		changed(e, o);
	}
	if (o->at == 0) {
		finish_undo(e);
		return;
	}
	s = &o->plan->steps[o->at - 1].undo[o->undo_at];
	r = run_steps(e, s, 1, on_undone, NULL);
	if (r < 0) {
		note_left(o, strerror(-r));
		o->undo_at++;
		/* Without a worker there is no taking back at all: say so instead of spinning. */
		o->at = 0;
		finish_undo(e);
	}
}

/*
 * Steps that the kernel does at once or not at all, and whose undo would hit something that is not ours
 * if they were not done: another client's region, a decoder that somebody else claimed, a region made
 * twice. (When the worker died over one nobody knows; then it is most likely ours, and the door leaves alone
 * what is in use.)
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

/* @error: of the step that failed, 0 = none did */
static void start_undo(struct engine *e, int error)
{
	struct operation *o = e->current;
	const struct step *s;

	o->progress_done = o->progress_total = 0;
	if (error < 0)
		o->step_states[o->at] = STEP_FAILED;
	if (is_past_return(o)) {
		go_on(e);
		return;
	}
	o->state = OPERATION_UNDOING;
	o->undo_at = 0;
	e->undo_cut_off = false;
	s = error < 0 ? &o->plan->steps[o->at] : NULL;
	/* Is it gone or not? It is once it is asked for again, and only then may it be made anew. */
	if (error == -EPIPE && s->kind == STEP_DELETE_REGION &&
	    run_steps(e, s, 1, on_deleted, NULL) >= 0) {
		changed(e, o);
		return;
	}
	if (error == -EPIPE || (s && !failed_means_untouched(s->kind)))
		o->at++;
	changed(e, o);
	undo_step(e);
}

/* All steps that were begun are done; none is half-way. */
static void cancelled_between(struct engine *e)
{
	e->kill_timer = sd_event_source_disable_unref(e->kill_timer);
	set_reason(e->current, CANCELLED);
	start_undo(e, 0);
}

static void on_step(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;
	struct operation *o = e->current;
	int r = reply->error;

	(void)w;
	o->kernel_usec += reply->kernel_usec;
	if (r == -ECANCELED && o->cancelled) {
		o->step_states[o->at] = STEP_WAITING;
		if (is_past_return(o))
			go_on(e);
		else
			cancelled_between(e);
		return;
	}
	/* A hold that failed tells what it found, too. */
	if (operation_learn(o, o->plan->steps[o->at].kind, &reply->result) < 0 && !reply->last) {
		/* The way back has to be known, so it ends here; its death is the last reply. */
		set_reason(o, "out of memory");
		worker_kill(w);
	}
	if (r < 0) {
		e->kill_timer = sd_event_source_disable_unref(e->kill_timer);
		set_reason(o, o->cancelled && r == -EPIPE ? CANCELLED :
			      r == -EPIPE		  ? "the worker process died" :
							    reply->reason ?: strerror(-r));
		start_undo(e, r);
		return;
	}
	o->step_states[o->at] = STEP_DONE;
	o->at++;
	o->progress_done = o->progress_total = 0;
	if (!reply->last) {
		o->step_states[o->at] = STEP_RUNNING;
		changed(e, o);
		/* It may have begun a long one before it heard of the wish to stop. */
		if (o->cancelled)
			interrupt_step(e, o);
	} else if (o->cancelled && !is_past_return(o)) {
		cancelled_between(e);
	} else {
		finish(e, OPERATION_DONE);
	}
}

static void on_progress(struct worker *w, uint64_t done, uint64_t total, void *userdata)
{
	struct engine *e = userdata;

	(void)w;
	e->current->progress_done = done;
	e->current->progress_total = total;
	changed(e, e->current);
}

static int start_steps(struct engine *e)
{
	struct operation *o = e->current;
	int r;

	if (o->plan->n_steps == 0)
		return 0;
	r = run_steps(e, o->plan->steps, o->plan->n_steps, on_step, on_progress);
	if (r >= 0)
		o->step_states[0] = STEP_RUNNING;
	return r;
}

/* From here on others know of it, and will be told of its end. */
static void accept(struct engine *e, struct operation *o, engine_started_t started, void *userdata)
{
	started(o, 0, NULL, userdata);
	if (e->hooks.added)
		e->hooks.added(o, e->userdata);
}

static void forget_picture(struct engine *e)
{
	e->picture = picture_free(e->picture);
}

static bool picture_is_current(struct engine *e)
{
	uint64_t now;

	return e->picture && e->door->ops->changes(e->door, &now) >= 0 && now == e->picture_changes;
}

static void plan_and_run(struct engine *e, const struct picture *picture)
{
	struct operation *o = e->current;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;
	engine_started_t started;
	int r;

	if (o->cancelled) {
		refuse(e, -ECANCELED, CANCELLED);
		return;
	}
	r = plan_make(picture, o->request, &plan, &reason);
	if (r >= 0)
		r = operation_set_plan(o, plan);
	if (r < 0) {
		refuse(e, r, reason ?: strerror(-r));
		return;
	}
	plan = NULL;
	e->went_on = false;
	o->state = OPERATION_RUNNING;
	o->started_realtime = usec(CLOCK_REALTIME);
	/* The worker is at it while the rest is told; what comes of it is heard only after that. */
	r = start_steps(e);
	started = TAKE_PTR(e->started);
	if (started)
		accept(e, o, started, e->started_userdata);
	changed(e, o);
	if (r < 0) {
		set_reason(o, strerror(-r));
		o->step_states[0] = STEP_FAILED;
		start_undo(e, 0);
	} else if (o->plan->n_steps == 0) {
		finish(e, OPERATION_DONE);
	}
}

static void on_picture(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;

	(void)w;
	e->current->kernel_usec += reply->kernel_usec;
	if (reply->error < 0)
		refuse(e, reply->error,
		       reply->error == -EPIPE ? "the worker process died while it looked at the machine" :
						reply->reason);
	else
		plan_and_run(e, reply->picture);
}

static void begin(struct engine *e, struct operation *o);

/* A picture nobody asked for yet; whoever did meanwhile waits for the worker. */
static void on_look(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;

	(void)w;
	forget_picture(e);
	if (reply->error >= 0) {
		e->picture = TAKE_PTR(reply->picture);
		e->picture_changes = reply->changes;
	}
	if (e->current)
		begin(e, e->current);
}

void engine_look(struct engine *e)
{
	if (!e->current && !picture_is_current(e))
		(void)scan(e, on_look);
}

static void begin(struct engine *e, struct operation *o)
{
	_cleanup_(picture_freep) struct picture *picture = NULL;
	int r;

	e->current = o;
	if (picture_is_current(e)) {
		/* What comes of it makes it old. */
		picture = TAKE_PTR(e->picture);
		plan_and_run(e, picture);
		return;
	}
	forget_picture(e);
	if (e->worker && worker_is_busy(e->worker))
		return; /* on_look() comes back here */
	r = scan(e, on_picture);
	if (r < 0)
		refuse(e, r, "no worker process can be started: is the machine out of memory?");
}

static int on_next(sd_event_source *s, void *userdata)
{
	struct engine *e = userdata;

	(void)s;
	for (size_t i = 0; !e->current && i < e->n_operations; i++)
		if (e->operations[i]->state == OPERATION_QUEUED)
			begin(e, e->operations[i]);
	return 0;
}

int engine_new(sd_event *event, worker_open_t open_door, const struct engine_hooks *hooks,
	       void *userdata, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->event = sd_event_ref(event);
	e->open = open_door;
	e->hooks = *hooks;
	e->userdata = userdata;
	r = open_door(&e->door);
	if (r >= 0)
		r = sd_event_add_defer(event, &e->next, on_next, e);
	if (r >= 0)
		r = sd_event_source_set_enabled(e->next, SD_EVENT_OFF);
	if (r < 0) {
		engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

struct engine *engine_free(struct engine *e)
{
	if (!e)
		return NULL;
	if (e->started)
		e->started(NULL, -ECANCELED, "cxlmemd is stopping", e->started_userdata);
	worker_free(e->worker);
	door_close(e->door);
	forget_picture(e);
	sd_event_source_disable_unref(e->kill_timer);
	sd_event_source_disable_unref(e->next);
	for (size_t i = 0; i < e->n_operations; i++)
		operation_free(e->operations[i]);
	free(e->operations);
	sd_event_unref(e->event);
	free(e);
	return NULL;
}

int engine_start(struct engine *e, struct request *request, engine_started_t started,
		 void *userdata)
{
	bool first = !engine_busy(e);
	struct operation *o;
	int r;

	r = grow(&e->operations, e->n_operations, sizeof(*e->operations));
	if (r < 0)
		return r;
	o = operation_new(e->last_id + 1, request);
	if (!o)
		return -ENOMEM;
	e->last_id++;
	o->engine = e;
	o->created_usec = usec(CLOCK_MONOTONIC);
	e->operations[e->n_operations++] = o;
	if (first) {
		e->started = started;
		e->started_userdata = userdata;
		begin(e, o);
	} else {
		accept(e, o, started, userdata);
	}
	return 0;
}

/* The kernel has not let go of a killed worker: nothing more can be done until it does. */
static int on_kill_timeout(sd_event_source *s, uint64_t when, void *userdata)
{
	struct engine *e = userdata;
	struct operation *o = e->current;

	(void)s;
	(void)when;
	set_reason(o, CANCELLED);
	note_left(o, "the kernel does not give way; nothing more was done, and what it holds may be "
		     "free only after a reboot");
	e->worker = worker_free(e->worker);
	finish(e, OPERATION_STUCK);
	return 0;
}

static void interrupt_step(struct engine *e, struct operation *o)
{
	if (o->state != OPERATION_RUNNING || o->at >= o->plan->n_steps || e->kill_timer ||
	    is_past_return(o))
		return;
	if (!step_may_block(o->plan->steps[o->at].kind)) {
		worker_stop(e->worker);
		return;
	}
	worker_kill(e->worker);
	(void)sd_event_add_time_relative(e->event, &e->kill_timer, CLOCK_MONOTONIC, KILL_WAIT_USEC,
					 0, on_kill_timeout, e);
}

int engine_cancel(struct engine *e, uint64_t id)
{
	struct operation *o = engine_get(e, id);

	if (!o)
		return -ENOENT;
	if (operation_is_finished(o))
		return -EALREADY;
	/* It is walking back already, for a reason of its own. */
	if (o->state == OPERATION_UNDOING)
		return 0;
	if (o->state == OPERATION_RUNNING && is_past_return(o))
		return -EBUSY;
	o->cancelled = true;
	if (o == e->current) {
		interrupt_step(e, o);
		return 0;
	}
	set_reason(o, "cancelled before its turn came");
	o->state = OPERATION_CANCELLED;
	o->finished_realtime = usec(CLOCK_REALTIME);
	if (e->hooks.finished)
		e->hooks.finished(o, e->userdata);
	return 0;
}

bool engine_busy(const struct engine *e)
{
	for (size_t i = 0; i < e->n_operations; i++)
		if (!operation_is_finished(e->operations[i]))
			return true;
	return false;
}

struct operation *engine_get(struct engine *e, uint64_t id)
{
	for (size_t i = 0; i < e->n_operations; i++)
		if (e->operations[i]->id == id)
			return e->operations[i];
	return NULL;
}

struct operation *engine_nth(struct engine *e, size_t n)
{
	return n < e->n_operations ? e->operations[n] : NULL;
}
