// SPDX-License-Identifier: LGPL-2.1-or-later
#include "succession.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "entry.h"
#include "recovery.h"
#include "util.h"

/* How often it is looked whether the kernel has let go of a worker of the daemon before. */
#define RETRY_USEC (200 * UINT64_C(1000))

struct succession {
	struct engine *engine;
	struct steward *steward;
	struct journal *journal;
	sd_event_source *timer;
};

static void resume(struct succession *s, struct recovery *r)
{
	struct operation *o = TAKE_PTR(r->operation);

	if (o->state == OPERATION_RUNNING && o->at > o->plan->no_return)
		(void)sd_journal_print(5, "%s: cxlmemd ended past the point of no return; it is "
					  "finished now", o->plan->summary);
	else if (o->at < o->plan->n_steps || o->state == OPERATION_UNDOING)
		(void)sd_journal_print(5, "%s: cxlmemd ended in the middle of it; it is walked back "
					  "now", o->plan->summary);
	steward_recovered(s->steward, o, r->intent);
	engine_resume(s->engine, o, r->error);
}

static void take_over(struct succession *s)
{
	_cleanup_(recovery_freep) struct recovery *r = NULL;
	_cleanup_free_ char *reason = NULL;
	char boot[33] = "";

	if (entry_boot_id(boot) < 0 || recovery_read(s->journal, boot, &r, &reason) < 0) {
		(void)sd_journal_print(3, "%s", reason ?: "the journal cannot be read");
		engine_bar(s->engine, reason ?: "the journal cannot be read");
		engine_hold(s->engine, false);
		return;
	}
	if (r->damaged)
		(void)sd_journal_print(4, "%zu record%s of the journal %s damaged; what %s told is taken as not "
					  "done", r->damaged, r->damaged == 1 ? "" : "s",
				       r->damaged == 1 ? "is" : "are", r->damaged == 1 ? "it" : "they");
	if (r->lost)
		(void)sd_journal_print(5, "%s: the machine went down in the middle of it; what is wished for "
					  "is made anew", r->lost);
	engine_set_journal(s->engine, s->journal);
	steward_set_journal(s->steward, s->journal, r->wishes);
	if (r->operation)
		resume(s, r);
	engine_hold(s->engine, false);
}

static int on_timer(sd_event_source *source, uint64_t when, void *userdata)
{
	struct succession *s = userdata;

	(void)when;
	if (journal_lock(s->journal) == -EAGAIN) {
		(void)sd_event_source_set_time_relative(source, RETRY_USEC);
		(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
		return 0;
	}
	s->timer = sd_event_source_disable_unref(s->timer);
	take_over(s);
	return 0;
}

int succession_new(sd_event *event, struct engine *engine, struct steward *steward, const char *dir,
		   struct succession **ret)
{
	struct succession *s = calloc(1, sizeof(*s));
	_cleanup_free_ char *reason = NULL;
	int r;

	if (!s)
		return -ENOMEM;
	s->engine = engine;
	s->steward = steward;
	*ret = s;
	r = journal_open(dir, &s->journal, &reason);
	if (r < 0) {
		(void)sd_journal_print(3, "%s; nothing can be changed without it", reason ?: strerror(-r));
		engine_bar(engine, reason ?: strerror(-r));
		return 0;
	}
	engine_hold(engine, true);
	if (journal_lock(s->journal) != -EAGAIN) {
		take_over(s);
		return 0;
	}
	(void)sd_journal_print(5, "a worker of the cxlmemd before this one is still in the kernel: operations "
				  "wait for its end");
	r = sd_event_add_time_relative(event, &s->timer, CLOCK_MONOTONIC, RETRY_USEC, 0, on_timer, s);
	if (r < 0) {
		*ret = succession_free(s);
		return r;
	}
	return 0;
}

struct succession *succession_free(struct succession *s)
{
	if (!s)
		return NULL;
	sd_event_source_disable_unref(s->timer);
	journal_free(s->journal);
	free(s);
	return NULL;
}
