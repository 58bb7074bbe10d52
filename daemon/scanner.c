// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scanner.h"

#include <errno.h>
#include <string.h>

#include "util.h"

/* Reading sysfs waits for locks that an operation may hold; longer than this, say so. */
#define SCAN_WAIT_USEC (30 * UINT64_C(1000000))

struct asker {
	scanner_reply_t reply;
	void *userdata;
};

struct askers {
	struct asker *list;
	size_t n;
};

struct scanner {
	sd_event *event;
	worker_open_t open;
	scanner_complete_t complete;
	void *userdata;
	scanner_measured_t measured;
	void *measured_userdata;
	uint64_t began; /* CLOCK_MONOTONIC */
	struct worker *worker;
	sd_event_source *timer;
	struct askers served; /* by the scan that runs */
	struct askers waiting; /* for the next one */
	bool stopping;
};

static void answer(struct askers *a, const struct picture *p, int error, const char *reason)
{
	struct askers now = *a;

	/* An answer may ask again. */
	*a = (struct askers){};
	for (size_t i = 0; i < now.n; i++)
		now.list[i].reply(p, error, reason, now.list[i].userdata);
	free(now.list);
}

static void start_scan(struct scanner *s);

static uint64_t now_usec(const struct scanner *s)
{
	uint64_t usec = 0;

	(void)sd_event_now(s->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static void on_picture(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct scanner *s = userdata;

	(void)w;
	s->timer = sd_event_source_disable_unref(s->timer);
	if (s->measured)
		s->measured(reply->picture != NULL, now_usec(s) - s->began, s->measured_userdata);
	if (reply->picture && s->complete)
		s->complete(reply->picture, s->userdata);
	answer(&s->served, reply->picture, reply->error,
	       reply->error == -EPIPE ? "the kernel did not let the machine be looked at (an operation may "
					"hold its locks), or the worker process died; try again" :
					reply->reason);
	start_scan(s);
}

static int on_timeout(sd_event_source *source, uint64_t when, void *userdata)
{
	struct scanner *s = userdata;

	(void)source;
	(void)when;
	/* Its end answers those who wait. One that hangs for good is left to the kernel. */
	worker_kill(s->worker);
	return 0;
}

static int ask_worker(struct scanner *s)
{
	int r = 0;

	if (!s->worker)
		r = worker_new(s->event, s->open, &s->worker);
	return r < 0 ? r : worker_scan(s->worker, DOOR_SCAN_HEALTH, on_picture, s);
}

static void start_scan(struct scanner *s)
{
	int r;

	if (s->served.n || !s->waiting.n)
		return;
	s->served = s->waiting;
	s->waiting = (struct askers){};
	s->began = now_usec(s);
	r = ask_worker(s);
	/* One that died since it was used last is found out only now. */
	if (r == -EPIPE) {
		s->worker = worker_free(s->worker);
		r = ask_worker(s);
	}
	if (r >= 0)
		r = sd_event_add_time_relative(s->event, &s->timer, CLOCK_MONOTONIC,
					       SCAN_WAIT_USEC, 0, on_timeout, s);
	if (r < 0)
		answer(&s->served, NULL, r, "no worker process can be started");
}

int scanner_new(sd_event *event, worker_open_t open_door, scanner_complete_t complete,
		void *userdata, struct scanner **ret)
{
	struct scanner *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->open = open_door;
	s->complete = complete;
	s->userdata = userdata;
	*ret = s;
	return 0;
}

struct scanner *scanner_free(struct scanner *s)
{
	if (!s)
		return NULL;
	s->stopping = true;
	answer(&s->served, NULL, -ECANCELED, "cxlmemd is stopping");
	answer(&s->waiting, NULL, -ECANCELED, "cxlmemd is stopping");
	worker_free(s->worker);
	sd_event_source_disable_unref(s->timer);
	sd_event_unref(s->event);
	free(s);
	return NULL;
}

void scanner_measure(struct scanner *s, scanner_measured_t measured, void *userdata)
{
	s->measured = measured;
	s->measured_userdata = userdata;
}

int scanner_ask(struct scanner *s, scanner_reply_t reply, void *userdata)
{
	int r;

	if (s->stopping)
		return -ECANCELED;
	r = grow(&s->waiting.list, s->waiting.n, sizeof(*s->waiting.list));
	if (r < 0)
		return r;
	s->waiting.list[s->waiting.n++] = (struct asker){ reply, userdata };
	start_scan(s);
	return 0;
}
