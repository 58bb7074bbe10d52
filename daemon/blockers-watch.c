// SPDX-License-Identifier: LGPL-2.1-or-later
#include "blockers-watch.h"

#include <errno.h>
#include <string.h>

#include "util.h"

#define USEC_PER_SEC UINT64_C(1000000)
/* So long without progress is worth a look, and so often another one. */
#define PATIENCE_USEC USEC_PER_SEC
#define AGAIN_USEC (2 * USEC_PER_SEC)
/* Reading what a process has mapped waits for locks of that process. */
#define ANSWER_USEC (10 * USEC_PER_SEC)
/* The answer costs work: one at a time, for all clients. */
#define ASKERS_MAX 64

struct asker {
	char *name;
	blockers_reply_t reply;
	void *userdata;
};

/* The step that an operation is at, and how far. */
struct place {
	uint64_t operation, done;
	size_t at;
};

struct blockers_watch {
	sd_event *event;
	worker_open_t open;
	blockers_told_t told;
	void *userdata;
	struct worker *worker; /* for one answer: seldom needed, and not to lie about meanwhile */
	sd_event_source *answer_timer, *look_timer;
	struct asker *askers; /* the first one is being served, if @serving */
	size_t n_askers;
	bool serving, stopping;
	struct place place; /* operation 0: nothing is watched */
	struct place asked; /* where it was when it was last looked at */
	char *dax;
	char *text;
};

static bool same_place(const struct place *a, const struct place *b)
{
	return a->operation == b->operation && a->at == b->at && a->done == b->done;
}

static void serve(struct blockers_watch *w);

static void answer_first(struct blockers_watch *w, const char *text, int error, const char *reason)
{
	struct asker a = w->askers[0];

	memmove(w->askers, w->askers + 1, --w->n_askers * sizeof(*w->askers));
	w->serving = false;
	a.reply(text, error, reason, a.userdata);
	free(a.name);
}

static void on_reply(struct worker *worker, struct worker_reply *reply, void *userdata)
{
	struct blockers_watch *w = userdata;

	w->answer_timer = sd_event_source_disable_unref(w->answer_timer);
	/* Its last reply: it may go, see on_io() of worker.c. */
	w->worker = worker_free(worker);
	answer_first(w, reply->error < 0 ? NULL : reply->text, reply->error,
		     reply->error == -EPIPE ? "the processes of this machine could not be looked at in "
					      "time; try again" :
					      reply->reason);
	serve(w);
}

static int on_answer_timeout(sd_event_source *s, uint64_t when, void *userdata)
{
	struct blockers_watch *w = userdata;

	(void)s, (void)when;
	/* Its end is the reply. */
	worker_kill(w->worker);
	return 0;
}

static int ask_worker(struct blockers_watch *w)
{
	int r = worker_new(w->event, w->open, &w->worker);

	if (r >= 0)
		r = worker_blockers(w->worker, w->askers[0].name, on_reply, w);
	if (r >= 0)
		r = sd_event_add_time_relative(w->event, &w->answer_timer, CLOCK_MONOTONIC, ANSWER_USEC,
					       0, on_answer_timeout, w);
	if (r < 0)
		w->worker = worker_free(w->worker);
	return r;
}

static void serve(struct blockers_watch *w)
{
	while (w->n_askers && !w->serving && !w->stopping) {
		int r = ask_worker(w);

		if (r >= 0)
			w->serving = true;
		else
			answer_first(w, NULL, r, "no worker process can be started");
	}
}

int blockers_watch_ask(struct blockers_watch *w, const char *name, blockers_reply_t reply, void *userdata)
{
	char *copy;
	int r;

	if (w->stopping)
		return -ECANCELED;
	if (w->n_askers >= ASKERS_MAX)
		return -EBUSY;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	r = grow(&w->askers, w->n_askers, sizeof(*w->askers));
	if (r < 0) {
		free(copy);
		return r;
	}
	w->askers[w->n_askers++] = (struct asker){ copy, reply, userdata };
	serve(w);
	return 0;
}

static void look_in(struct blockers_watch *w, uint64_t usec)
{
	(void)sd_event_source_set_time_relative(w->look_timer, usec);
	(void)sd_event_source_set_enabled(w->look_timer, SD_EVENT_ONESHOT);
}

static void on_looked(const char *text, int error, const char *reason, void *userdata)
{
	struct blockers_watch *w = userdata;

	(void)error, (void)reason;
	/* It went on, or is over: what was found is old. */
	if (w->stopping || !same_place(&w->asked, &w->place))
		return;
	if (text && !streq_null(text, w->text)) {
		free(w->text);
		w->text = strdup(text);
		if (w->told)
			w->told(w->place.operation, w->userdata);
	}
	look_in(w, AGAIN_USEC);
}

static int on_look(sd_event_source *s, uint64_t when, void *userdata)
{
	struct blockers_watch *w = userdata;

	(void)s, (void)when;
	w->asked = w->place;
	if (blockers_watch_ask(w, w->dax, on_looked, w) < 0)
		look_in(w, AGAIN_USEC);
	return 0;
}

static void forget(struct blockers_watch *w)
{
	w->place = (struct place){};
	w->text = (free(w->text), NULL);
	w->dax = (free(w->dax), NULL);
	(void)sd_event_source_set_enabled(w->look_timer, SD_EVENT_OFF);
}

/* What waits for users of memory; NULL = it does not. */
static const char *waits_for(const struct operation *o)
{
	const struct step *s;

	if (o->state != OPERATION_RUNNING || !o->plan || o->at >= o->plan->n_steps)
		return NULL;
	s = &o->plan->steps[o->at];
	return s->kind == STEP_OFFLINE || s->kind == STEP_DRAIN ? s->dax : NULL;
}

void blockers_watch_changed(struct blockers_watch *w, const struct operation *o)
{
	const char *dax = waits_for(o);
	const struct place place = { o->id, o->progress_done, o->at };

	if (!dax) {
		if (w->place.operation == o->id)
			forget(w);
		return;
	}
	if (same_place(&w->place, &place))
		return;
	forget(w);
	w->dax = strdup(dax);
	if (!w->dax)
		return;
	w->place = place;
	look_in(w, PATIENCE_USEC);
}

void blockers_watch_finished(struct blockers_watch *w, const struct operation *o)
{
	if (w->place.operation == o->id)
		forget(w);
}

const char *blockers_watch_text(const struct blockers_watch *w, uint64_t operation)
{
	return w->place.operation == operation ? w->text : NULL;
}

int blockers_watch_new(sd_event *event, worker_open_t open_door, blockers_told_t told, void *userdata,
		       struct blockers_watch **ret)
{
	struct blockers_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	r = sd_event_add_time_relative(event, &w->look_timer, CLOCK_MONOTONIC, 0, 0, on_look, w);
	if (r >= 0)
		r = sd_event_source_set_enabled(w->look_timer, SD_EVENT_OFF);
	if (r < 0) {
		sd_event_source_disable_unref(w->look_timer);
		free(w);
		return r;
	}
	w->event = sd_event_ref(event);
	w->open = open_door;
	w->told = told;
	w->userdata = userdata;
	*ret = w;
	return 0;
}

struct blockers_watch *blockers_watch_free(struct blockers_watch *w)
{
	if (!w)
		return NULL;
	w->stopping = true;
	while (w->n_askers)
		answer_first(w, NULL, -ECANCELED, "cxlmemd is stopping");
	worker_free(w->worker);
	forget(w);
	sd_event_source_disable_unref(w->answer_timer);
	sd_event_source_disable_unref(w->look_timer);
	sd_event_unref(w->event);
	free(w->askers);
	free(w);
	return NULL;
}
