// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.h"

#include <errno.h>
#include <string.h>

#include "engine-internal.h"
#include "util.h"

uint64_t engine_usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void engine_changed(struct engine *e, struct operation *o)
{
	if (e->hooks.changed)
		e->hooks.changed(o, e->userdata);
}

void engine_set_reason(struct operation *o, const char *reason)
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
	if (e->next && !e->held)
		(void)sd_event_source_set_enabled(e->next, SD_EVENT_ONESHOT);
}

void engine_finish(struct engine *e, enum operation_state state)
{
	struct operation *o = TAKE_PTR(e->current);

	/* Its own events are still on their way: who follows it looks when they are here. */
	e->look_again = false;
	e->kill_timer = sd_event_source_disable_unref(e->kill_timer);
	o->deadline = sd_event_source_disable_unref(o->deadline);
	engine_forget_side(e);
	o->state = state;
	o->progress_done = o->progress_total = 0;
	o->finished_realtime = engine_usec(CLOCK_REALTIME);
	if (state == OPERATION_STUCK && o->left) {
		char *both = NULL;

		say(&both, 0, "%s; %s%s", o->reason ?: "unknown",
		    o->request->leaving ? "" : "taking it back failed too: ", o->left);
		if (both) {
			free(o->reason);
			o->reason = both;
		}
	}
	if (state == OPERATION_DONE && o->plan)
		engine_settle_by(e, o);
	engine_write_end(e, o);
	/* Nobody hears of it before, so this is its end. */
	o->total_usec = engine_usec(CLOCK_MONOTONIC) - o->created_usec;
	if (e->journal && o->plan)
		o->journal_usec = journal_usec(e->journal) - o->journal_usec;
	if (e->hooks.finished)
		e->hooks.finished(o, e->userdata);
	trim_history(e);
	schedule_next(e);
}

void engine_drop_queued(struct engine *e, struct operation *o, enum operation_state state,
			const char *reason)
{
	engine_set_reason(o, reason);
	o->state = state;
	o->finished_realtime = engine_usec(CLOCK_REALTIME);
	if (e->hooks.finished)
		e->hooks.finished(o, e->userdata);
}

/* Its turn came, but it cannot be: tell the one who asked, or whoever reads the operation later. */
static void refuse(struct engine *e, int error, const char *reason)
{
	engine_started_t started = TAKE_PTR(e->started);
	struct operation *o = e->current;

	if (!started) {
		engine_set_reason(o, reason);
		engine_finish(e, engine_cancelled_state(o));
		return;
	}
	e->current = NULL;
	if (e->hooks.refused)
		e->hooks.refused(o, e->userdata);
	started(NULL, error, reason, e->started_userdata);
	drop(e, o);
	schedule_next(e);
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

/* A block that somebody takes offline is there again without a uevent when that fails (drivers/base/memory.c). */
static bool is_in_motion(const struct picture *p)
{
	for (size_t i = 0; i < p->n_memory; i++)
		if (p->memory[i].state == MEM_GOING_OFFLINE)
			return true;
	return false;
}

static bool picture_is_current(struct engine *e)
{
	uint64_t now;

	return e->picture && !is_in_motion(e->picture) && e->door->ops->changes(e->door, &now) >= 0 &&
	       now == e->picture_changes;
}

static void complete(struct engine *e, struct picture *p)
{
	if (e->hooks.picture)
		e->hooks.picture(p, e->userdata);
}

static void plan_and_run(struct engine *e, const struct picture *picture)
{
	struct operation *o = e->current;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;
	engine_started_t started;
	int r;

	if (o->cancelled) {
		refuse(e, o->expiry ? -ETIMEDOUT : -ECANCELED, engine_why_cancelled(o));
		return;
	}
	if (e->barred) {
		refuse(e, -EROFS, e->barred);
		return;
	}
	r = plan_make(picture, o->request, &plan, &reason);
	if (r >= 0)
		r = operation_set_plan(o, plan);
	if (r >= 0) {
		plan = NULL;
		o->started_realtime = engine_usec(CLOCK_REALTIME);
		r = engine_write_begin(e, o, &reason);
	}
	if (r < 0) {
		refuse(e, r, reason ?: strerror(-r));
		return;
	}
	e->went_on = e->cut_off = false;
	o->state = OPERATION_RUNNING;
	/* The worker is at it while the rest is told; what comes of it is heard only after that. */
	r = engine_start_steps(e);
	if (e->hooks.planned)
		e->hooks.planned(o, picture, e->userdata);
	engine_write_intent(e, o);
	started = TAKE_PTR(e->started);
	if (started)
		accept(e, o, started, e->started_userdata);
	engine_changed(e, o);
	if (r < 0) {
		engine_set_reason(o, strerror(-r));
		o->step_states[0] = STEP_FAILED;
		engine_start_undo(e, 0);
	} else if (o->plan->n_steps == 0) {
		engine_finish(e, OPERATION_DONE);
	}
}

static void on_picture(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct engine *e = userdata;

	(void)w;
	e->current->kernel_usec += reply->kernel_usec;
	if (reply->error < 0) {
		refuse(e, reply->error,
		       reply->error == -EPIPE ? "the worker process died while it looked at the machine" :
						reply->reason);
	} else {
		complete(e, reply->picture);
		plan_and_run(e, reply->picture);
	}
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
		complete(e, e->picture);
	}
	if (e->current)
		begin(e, e->current);
	else if (e->picture && e->hooks.looked)
		e->hooks.looked(e->picture, e->userdata);
	if (e->look_again)
		schedule_next(e);
}

struct door *engine_door(struct engine *e)
{
	return e->door;
}

void engine_look(struct engine *e)
{
	e->look_again = e->held || e->current || (e->worker && worker_is_busy(e->worker));
	if (e->look_again)
		return;
	if (!picture_is_current(e)) {
		(void)engine_scan(e, on_look);
		return;
	}
	complete(e, e->picture);
	if (e->hooks.looked)
		e->hooks.looked(e->picture, e->userdata);
}

static void begin(struct engine *e, struct operation *o)
{
	_cleanup_(picture_freep) struct picture *picture = NULL;
	uint64_t before = e->door->kernel_usec;
	int r;

	e->current = o;
	if (picture_is_current(e)) {
		/* What comes of it makes it old. Whose its regions are may have changed without the kernel. */
		picture = TAKE_PTR(e->picture);
		complete(e, picture);
	}
	o->kernel_usec += e->door->kernel_usec - before;
	if (picture) {
		plan_and_run(e, picture);
		return;
	}
	forget_picture(e);
	if (e->worker && worker_is_busy(e->worker))
		return; /* on_look() comes back here */
	r = engine_scan(e, on_picture);
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
	if (!e->current && e->look_again)
		engine_look(e);
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
	engine_forget_side(e);
	door_close(e->door);
	forget_picture(e);
	sd_event_source_disable_unref(e->kill_timer);
	sd_event_source_disable_unref(e->next);
	for (size_t i = 0; i < e->n_operations; i++)
		operation_free(e->operations[i]);
	free(e->operations);
	free(e->barred);
	sd_event_unref(e->event);
	free(e);
	return NULL;
}

void engine_hold(struct engine *e, bool hold)
{
	e->held = hold;
	schedule_next(e);
}

bool engine_is_held(const struct engine *e)
{
	return e->held;
}

void engine_resume(struct engine *e, struct operation *o, int error)
{
	if (grow(&e->operations, e->n_operations, sizeof(*e->operations)) < 0) {
		operation_free(o);
		return;
	}
	o->engine = e;
	o->created_usec = engine_usec(CLOCK_MONOTONIC);
	o->journal_usec = e->journal ? journal_usec(e->journal) : 0;
	if (o->id > e->last_id)
		e->last_id = o->id;
	/* What others asked for meanwhile comes after it. */
	memmove(e->operations + 1, e->operations, e->n_operations * sizeof(*e->operations));
	e->operations[0] = o;
	e->n_operations++;
	e->current = o;
	e->went_on = false;
	if (e->hooks.added)
		e->hooks.added(o, e->userdata);
	e->cut_off = error == -EPIPE;
	if (o->state == OPERATION_UNDOING)
		engine_continue_undo(e);
	else if (o->at < o->plan->n_steps)
		engine_start_undo(e, error);
	else {
		o->reason = (free(o->reason), NULL);
		engine_finish(e, OPERATION_DONE);
	}
}

int engine_start(struct engine *e, struct request *request, engine_started_t started,
		 void *userdata)
{
	bool first = !engine_busy(e) && !e->held;
	struct operation *o;
	int r;

	r = grow(&e->operations, e->n_operations, sizeof(*e->operations));
	if (r < 0)
		return r;
	o = operation_new(e->last_id + 1, request);
	if (!o)
		return -ENOMEM;
	o->engine = e;
	r = engine_arm_deadline(e, o);
	if (r < 0) {
		o->request = NULL; /* the caller's again */
		operation_free(o);
		return r;
	}
	e->last_id++;
	o->created_usec = engine_usec(CLOCK_MONOTONIC);
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
	if (o->state == OPERATION_RUNNING && engine_past_return(o))
		return -EBUSY;
	o->cancelled = true;
	if (o == e->current) {
		engine_interrupt(e, o);
		return 0;
	}
	engine_drop_queued(e, o, OPERATION_CANCELLED, "cancelled before its turn came");
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
