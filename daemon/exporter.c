// SPDX-License-Identifier: LGPL-2.1-or-later
#include "exporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "http.h"
#include "util.h"

struct exporter {
	sd_event *event;
	struct exporter_sources from;
	struct metrics_counts counts;
	struct http *http; /* NULL where nobody could listen */
};

/* Somebody who waits; known to the scanner, whose answer comes in any case. */
struct ask {
	struct exporter *exporter;
	enum metrics_format format;
	exporter_reply_t reply; /* NULL = was answered without the machine */
	void *userdata;
	sd_event_source *patience;
};

static uint64_t count_errors(const struct profile_set *profiles)
{
	uint64_t n = 0;

	for (size_t i = 0; i < profiles->problems.n; i++)
		n += profiles->problems.list[i].error;
	return n;
}

static int make_text(struct exporter *e, const struct picture *p, enum metrics_format format, char **ret)
{
	_cleanup_(rivals_freep) struct rivals *rivals = NULL;
	struct metrics m = {
		.version = CXLMEM_VERSION,
		.picture = p,
		.counts = &e->counts,
		.records = health_watch_records(e->from.health),
		.broken = steward_is_broken(e->from.steward),
		.profile_errors = count_errors(steward_profiles(e->from.steward)),
		.overruled = contest_count(e->from.contest),
	};
	struct operation *o;

	if (p && steward_count(e->from.steward, p, m.wishes) < 0)
		return -ENOMEM;
	(void)contest_rivals(e->from.contest, &rivals);
	m.rivals = rivals;
	for (size_t i = 0; (o = engine_nth(e->from.engine, i)); i++)
		m.operations[o->state]++;
	return metrics_text(&m, format, ret);
}

static void answer(struct ask *a, const struct picture *p)
{
	exporter_reply_t reply = TAKE_PTR(a->reply);
	_cleanup_free_ char *text = NULL;

	a->patience = sd_event_source_disable_unref(a->patience);
	if (!reply)
		return;
	if (make_text(a->exporter, p, a->format, &text) < 0)
		text = NULL;
	reply(text, a->userdata);
}

static void on_picture(const struct picture *p, int error, const char *reason, void *userdata)
{
	struct ask *a = userdata;

	(void)reason;
	if (error == -ECANCELED && a->reply)
		TAKE_PTR(a->reply)(NULL, a->userdata);
	answer(a, p);
	free(a);
}

static int on_impatient(sd_event_source *s, uint64_t when, void *userdata)
{
	(void)s, (void)when;
	answer(userdata, NULL);
	return 0;
}

int exporter_ask(struct exporter *e, enum metrics_format format, exporter_reply_t reply, void *userdata)
{
	struct ask *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	*a = (struct ask){ e, format, reply, userdata };
	r = sd_event_add_time_relative(e->event, &a->patience, CLOCK_MONOTONIC, EXPORTER_WAIT_USEC, 0, on_impatient,
				       a);
	if (r >= 0)
		r = scanner_ask(e->from.scanner, on_picture, a);
	if (r < 0) {
		sd_event_source_disable_unref(a->patience);
		free(a);
	}
	return r < 0 ? r : 0;
}

/* A request that came over the socket. */
struct scrape {
	struct exporter *exporter;
	uint64_t id;
	enum metrics_format format;
};

static void on_text(const char *text, void *userdata)
{
	struct scrape *s = userdata;

	http_answer(s->exporter->http, s->id, metrics_content_type(s->format), text);
	free(s);
}

/* The older format is for those who ask for it and not for the other. */
static enum metrics_format choose_format(const char *accept)
{
	return strstr(accept, "text/plain") && !strstr(accept, "application/openmetrics-text") ?
		       METRICS_PROMETHEUS : METRICS_OPENMETRICS;
}

static void on_scrape(uint64_t id, const char *accept, void *userdata)
{
	struct exporter *e = userdata;
	struct scrape *s = calloc(1, sizeof(*s));

	if (s) {
		*s = (struct scrape){ e, id, choose_format(accept) };
		if (exporter_ask(e, s->format, on_text, s) == 0)
			return;
		free(s);
	}
	http_answer(e->http, id, NULL, NULL);
}

int exporter_listen(struct exporter *e, const char *socket_path)
{
	return http_new(e->event, socket_path, "/metrics", on_scrape, e, &e->http);
}

static void on_measured(bool good, uint64_t usec, void *userdata)
{
	struct exporter *e = userdata;

	metrics_count_scan(&e->counts, good, usec);
}

int exporter_new(sd_event *event, const struct exporter_sources *sources, struct exporter **ret)
{
	struct exporter *e = calloc(1, sizeof(*e));
	struct timespec ts;

	if (!e)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &ts);
	e->event = sd_event_ref(event);
	e->from = *sources;
	e->counts.started_usec = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	scanner_measure(e->from.scanner, on_measured, e);
	*ret = e;
	return 0;
}

struct exporter *exporter_free(struct exporter *e)
{
	if (!e)
		return NULL;
	http_free(e->http);
	sd_event_unref(e->event);
	free(e);
	return NULL;
}

void exporter_finished(struct exporter *e, const struct operation *o)
{
	if (e)
		metrics_count_finished(&e->counts, o);
}

void exporter_refused(struct exporter *e, const struct operation *o)
{
	if (e)
		metrics_count_refused(&e->counts, o);
}

void exporter_stepped(struct exporter *e, const struct step *s, uint64_t usec)
{
	if (e)
		metrics_count_step(&e->counts, s, usec);
}
