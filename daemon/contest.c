// SPDX-License-Identifier: LGPL-2.1-or-later
#include "contest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "messages.h"
#include "util.h"

#define SECOND UINT64_C(1000000)
/* udev's queue is worked off by then, also where it is long. What happens later has other reasons. */
#define WATCHED_USEC (60 * SECOND)
#define LOOK_USEC (1 * SECOND)
#define REMEMBERED 16

/* So many blocks are to be in this zone; ZONE_UNKNOWN: offline. */
struct expected {
	uint64_t first, count;
	enum zone zone;
	uint64_t until; /* CLOCK_MONOTONIC */
};

struct contest {
	char *root;
	void (*look)(void *userdata);
	void *userdata;
	sd_event_source *start, *timer;
	struct expected *expected;
	size_t n_expected;
	struct json_object *overruled; /* an array */
	uint64_t count; /* of all that were ever in it */
};

static uint64_t now_usec(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec / 1000;
}

static int on_start(sd_event_source *s, void *userdata)
{
	_cleanup_(rivals_freep) struct rivals *rivals = NULL;
	struct contest *c = userdata;

	(void)s;
	if (rivals_find(c->root, &rivals) < 0)
		return 0;
	for (size_t i = 0; i < rivals->n; i++) {
		const struct rival *r = &rivals->list[i];

		(void)sd_journal_send("MESSAGE=%s %s; to do about it: %s", r->where, r->does,
				      r->advice, "PRIORITY=%i", r->problem ? 4 : 6,
				      "CXLMEM_RIVAL=%s", r->where, MESSAGE_RIVAL, NULL);
	}
	return 0;
}

static int on_timer(sd_event_source *s, uint64_t when, void *userdata)
{
	struct contest *c = userdata;

	(void)s, (void)when;
	c->look(c->userdata);
	return 0;
}

int contest_new(sd_event *event, const char *root, void (*look)(void *userdata), void *userdata,
		struct contest **ret)
{
	struct contest *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->root = strdup(root);
	c->look = look;
	c->userdata = userdata;
	c->overruled = json_object_new_array();
	r = c->root && c->overruled ? sd_event_add_defer(event, &c->start, on_start, c) : -ENOMEM;
	if (r >= 0)
		r = sd_event_source_set_priority(c->start, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC, LOOK_USEC, 0,
					       on_timer, c);
	if (r >= 0)
		r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	if (r < 0) {
		contest_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct contest *contest_free(struct contest *c)
{
	if (!c)
		return NULL;
	sd_event_source_disable_unref(c->start);
	sd_event_source_disable_unref(c->timer);
	json_object_put(c->overruled);
	free(c->expected);
	free(c->root);
	free(c);
	return NULL;
}

static void drop(struct contest *c, size_t i)
{
	c->expected[i] = c->expected[--c->n_expected];
}

/* What is missing here when memory is short is a line in the log. */
static void expect(struct contest *c, const struct expected *e)
{
	if (e->count && grow(&c->expected, c->n_expected, sizeof(*e)) >= 0)
		c->expected[c->n_expected++] = *e;
}

/* Nothing is expected of these blocks any more. */
static void forget(struct contest *c, uint64_t first, uint64_t count)
{
	uint64_t end = first + count;

	for (size_t i = c->n_expected; i-- > 0;) {
		struct expected e = c->expected[i], before = e, after = e;
		uint64_t e_end = e.first + e.count;

		if (e.first >= end || first >= e_end)
			continue;
		drop(c, i);
		before.count = first > e.first ? first - e.first : 0;
		after.first = end;
		after.count = e_end > end ? e_end - end : 0;
		expect(c, &before);
		expect(c, &after);
	}
}

/* What somebody did to these blocks is history. */
static void settle(struct contest *c, uint64_t first, uint64_t count)
{
	for (size_t i = json_object_array_length(c->overruled); i-- > 0;) {
		struct json_object *o = json_object_array_get_idx(c->overruled, i), *a, *b;

		if (json_object_object_get_ex(o, "first", &a) &&
		    json_object_object_get_ex(o, "last", &b) &&
		    json_object_get_uint64(a) < first + count && json_object_get_uint64(b) >= first)
			json_object_array_del_idx(c->overruled, i, 1);
	}
}

void contest_finished(struct contest *c, const struct operation *o)
{
	uint64_t until = now_usec(CLOCK_MONOTONIC) + WATCHED_USEC;

	for (size_t i = 0; o->plan && i < o->plan->n_steps; i++) {
		const struct step *s = &o->plan->steps[i];
		bool leaves = s->kind == STEP_BIND || s->kind == STEP_ONLINE ||
			      s->kind == STEP_OFFLINE;

		for (size_t k = 0; leaves && k < s->n_blocks; k++) {
			struct expected e = { s->blocks[k].first, s->blocks[k].count,
					      s->blocks[k].zone, until };

			forget(c, e.first, e.count);
			if (s->kind == STEP_OFFLINE)
				e.zone = ZONE_UNKNOWN;
			if (o->state != OPERATION_DONE)
				continue;
			settle(c, e.first, e.count);
			expect(c, &e);
		}
	}
	if (!c->n_expected)
		return;
	(void)sd_event_source_set_time_relative(c->timer, LOOK_USEC);
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

static bool as_expected(const struct expected *e, const struct memory_run *run)
{
	if (e->zone == ZONE_UNKNOWN)
		return run->state != MEM_ONLINE;
	return run->state == MEM_ONLINE && run->zone == e->zone;
}

static void describe(bool online, enum zone zone, char buf[static 32])
{
	if (online)
		snprintf(buf, 32, "online in zone %s", zone_name(zone) ?: "unknown");
	else
		snprintf(buf, 32, "offline");
}

/* One case: its text, and who may have done it. */
struct verdict {
	uint64_t first, last; /* blocks */
	char wanted[32], found[32];
	const char *region;
	bool brought_online;
	struct json_object *culprits;
	char *text;
};

/* Who is known to bring memory online without being asked; the others had no part in it. */
static void accuse(struct verdict *v, const struct rivals *rivals)
{
	_cleanup_free_ char *who = NULL;
	const struct rival *first = NULL;

	for (size_t i = 0; v->brought_online && i < rivals->n; i++) {
		const struct rival *r = &rivals->list[i];

		if (!r->problem)
			continue;
		say(&who, 0, "%s%s%s", who ?: "", who ? " and " : "", r->where);
		json_object_array_add(v->culprits, json_object_new_string(r->where));
		first = first ?: r;
	}
	if (first)
		say(&v->text, 0, "memory blocks %" PRIu64 " to %" PRIu64 " of %s were left %s and are %s now: "
				 "that was %s; to do about it: %s",
		    v->first, v->last, v->region, v->wanted, v->found, who ?: "somebody", first->advice);
	else
		say(&v->text, 0, "memory blocks %" PRIu64 " to %" PRIu64 " of %s were left %s and are %s now: "
				 "somebody else did that, and it was no udev rule",
		    v->first, v->last, v->region, v->wanted, v->found);
}

static void remember(struct contest *c, struct verdict *v)
{
	struct json_object *o = json_object_new_object();

	if (!o || json_object_array_add(c->overruled, o) < 0) {
		json_object_put(o);
		return;
	}
	json_object_object_add(o, "first", json_object_new_uint64(v->first));
	json_object_object_add(o, "last", json_object_new_uint64(v->last));
	json_object_object_add(o, "region", json_object_new_string(v->region));
	json_object_object_add(o, "wanted", json_object_new_string(v->wanted));
	json_object_object_add(o, "found", json_object_new_string(v->found));
	json_object_object_add(o, "culprits", json_object_get(v->culprits));
	json_object_object_add(o, "text", json_object_new_string(v->text));
	json_object_object_add(o, "usec", json_object_new_uint64(now_usec(CLOCK_REALTIME)));
	if (json_object_array_length(c->overruled) > REMEMBERED)
		json_object_array_del_idx(c->overruled, 0, 1);
}

static void judge(struct contest *c, const struct picture *p, const struct expected *e,
		  const struct memory_run *run, uint64_t first, uint64_t count)
{
	_cleanup_(rivals_freep) struct rivals *rivals = NULL;
	struct verdict v = {
		.first = first,
		.last = first + count - 1,
		.region = run->region >= 0 ? p->regions[run->region].name : "no region",
		.brought_online = run->state == MEM_ONLINE,
		.culprits = json_object_new_array(),
	};

	if (v.culprits && rivals_find(c->root, &rivals) >= 0) {
		describe(e->zone != ZONE_UNKNOWN, e->zone, v.wanted);
		describe(v.brought_online, run->zone, v.found);
		accuse(&v, rivals);
	}
	if (v.text) {
		(void)sd_journal_send("MESSAGE=%s", v.text, "PRIORITY=%i", 4, "CXLMEM_REGION=%s",
				      v.region, MESSAGE_RIVAL_WON, NULL);
		c->count++;
		remember(c, &v);
	}
	json_object_put(v.culprits);
	free(v.text);
}

void contest_looked(struct contest *c, const struct picture *p)
{
	uint64_t now = now_usec(CLOCK_MONOTONIC);

	for (size_t i = c->n_expected; i-- > 0;)
		if (c->expected[i].until < now)
			drop(c, i);
	for (size_t k = 0; k < p->n_memory; k++) {
		const struct memory_run *run = &p->memory[k];

		for (size_t i = 0; i < c->n_expected; i++) {
			struct expected e = c->expected[i];
			uint64_t first = e.first > run->first ? e.first : run->first;
			uint64_t end = e.first + e.count < run->first + run->count ?
					       e.first + e.count : run->first + run->count;

			if (first >= end || as_expected(&e, run))
				continue;
			judge(c, p, &e, run, first, end - first);
			forget(c, first, end - first);
			/* What is left of it has a new place. */
			i = SIZE_MAX;
		}
	}
}

int contest_rivals(const struct contest *c, struct rivals **ret)
{
	return rivals_find(c->root, ret);
}

uint64_t contest_count(const struct contest *c)
{
	return c->count;
}

int contest_to_json(struct contest *c, struct json_object **ret)
{
	_cleanup_(rivals_freep) struct rivals *rivals = NULL;
	struct json_object *o = NULL, *list = NULL;
	int r;

	r = rivals_find(c->root, &rivals);
	if (r >= 0)
		r = rivals_to_json(rivals, &list);
	if (r < 0)
		return r;
	o = json_object_new_object();
	if (!o) {
		json_object_put(list);
		return -ENOMEM;
	}
	json_object_object_add(o, "rivals", list);
	json_object_object_add(o, "overruled", json_object_get(c->overruled));
	*ret = o;
	return 0;
}
