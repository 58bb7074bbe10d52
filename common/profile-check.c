/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "profile-internal.h"

/* What must fit together in a profile. A key with a refused value takes part in nothing. */

static bool missing(const struct profile_reader *r, enum profile_key_id k)
{
	return !r->places[k].path;
}

static bool given(const struct profile_reader *r, enum profile_key_id k)
{
	return r->places[k].path && !r->places[k].bad;
}

/* Given or not: its value is known. */
static bool sure(const struct profile_reader *r, enum profile_key_id k)
{
	return !r->places[k].bad;
}

#define ERROR(r, key, ...) reader_error_at(r, &(r)->places[key], __VA_ARGS__)

void profile_default(struct profile *p)
{
	p->max_size = UNKNOWN;
	p->wait_usec = UNKNOWN;
	p->online = true;
}

static void check_match(struct profile_reader *r)
{
	const struct profile *p = r->profile;
	char least[32], most[32];

	if (given(r, KEY_MIN_SIZE) && given(r, KEY_MAX_SIZE) && p->min_size > p->max_size)
		ERROR(r, KEY_MAX_SIZE, "MaxSize=%s is less than MinSize=%s: no card has both",
		      format_size(p->max_size, most), format_size(p->min_size, least));
	for (size_t i = 0; i < p->serials.n; i++)
		if (p->serials.list[i] == 0) {
			r->path = r->places[KEY_SERIAL].path;
			r->line = r->places[KEY_SERIAL].line;
			reader_warning(r, "Serial= has 0: that is what cards without a serial "
					  "number say, Path= tells them apart");
		}
	if (given(r, KEY_TYPE) && p->capacity == CAPACITY_PMEM) {
		r->path = r->places[KEY_TYPE].path;
		r->line = r->places[KEY_TYPE].line;
		reader_warning(r, "Type=pmem: cxlmem uses volatile capacity only, such a card "
				  "needs to have some, too");
	}
}

/* What matches everything has to say so: a forgotten key must not take all cards. */
static void check_not_everything(struct profile_reader *r)
{
	struct key_place whole = { .path = r->path };
	enum profile_key_id k;

	for (k = KEY_SERIAL; k <= KEY_TYPE; k++)
		if (!missing(r, k))
			return;
	if (!missing(r, KEY_MEMBERS))
		return;
	if (r->match.bad)
		return; /* what is wrong there may be what narrows it */
	if (r->match.path)
		reader_error_at(r, &r->match,
				"[Match] has no keys, it matches every card: write Path=* if you "
				"mean it");
	else if (r->empty && !r->failed)
		reader_error_at(r, &whole,
				"the file is empty: a profile begins with [Match] and says for "
				"which cards it is");
	else if (!r->failed)
		reader_error_at(r, &whole,
				"there is no [Match], it matches every card: write [Match] and "
				"Path=* if you mean it");
}

static bool same_member(const struct profile_member *a, const struct profile_member *b)
{
	return a->serial == b->serial && streq_null(a->pattern, b->pattern);
}

static void check_twice(struct profile_reader *r)
{
	const struct profile *p = r->profile;
	char buf[SHOWN_MAX + 4];

	for (size_t i = 0; i < p->n_members; i++)
		for (size_t k = 0; k < i; k++) {
			const struct profile_member *m = &p->members[i];

			if (!same_member(m, &p->members[k]))
				continue;
			if (m->pattern)
				ERROR(r, KEY_MEMBERS, "Members= has \"%s\" twice",
				      shown(m->pattern, buf));
			else
				ERROR(r, KEY_MEMBERS,
				      "Members= has the serial number 0x%" PRIx64 " twice",
				      m->serial);
		}
}

static void check_members(struct profile_reader *r)
{
	const struct profile *p = r->profile;

	if (!given(r, KEY_MEMBERS))
		return;
	check_twice(r);
	if (missing(r, KEY_WAYS) && !ways_allowed(p->n_members))
		ERROR(r, KEY_MEMBERS, "Members= has %zu cards: one region takes " WAYS_ALLOWED,
		      p->n_members);
	else if (given(r, KEY_WAYS) && p->n_members < p->ways)
		ERROR(r, KEY_MEMBERS,
		      "Members= has %zu, fewer than Ways=%u: name all, or leave Ways= out",
		      p->n_members, p->ways);
	else if (given(r, KEY_WAYS) && p->n_members > p->ways)
		ERROR(r, KEY_MEMBERS,
		      "Members= has %zu, more than Ways=%u: write a profile for each set, or "
		      "leave Ways= out",
		      p->n_members, p->ways);
}

static void check_wait(struct profile_reader *r)
{
	struct profile *p = r->profile;
	unsigned int ways = p->ways ?: p->n_members ?: 1;

	if (sure(r, KEY_WAYS) && sure(r, KEY_MEMBERS) && ways == 1 && !missing(r, KEY_WAIT_SEC))
		ERROR(r, KEY_WAIT_SEC,
		      "WaitSec= with one way: a region of one card waits for no other, give "
		      "Ways= or Members=");
	else if (!missing(r, KEY_FEWER) && missing(r, KEY_WAIT_SEC))
		ERROR(r, KEY_FEWER,
		      "Fewer= without WaitSec=: it says what is done when the wait is over, give "
		      "WaitSec=");
	else if (given(r, KEY_FEWER) && given(r, KEY_WAIT_SEC) && p->fewer != FEWER_WAIT &&
		 p->wait_usec == UNKNOWN)
		ERROR(r, KEY_FEWER,
		      "Fewer=%s with WaitSec=infinity: that wait is never over, give a time",
		      fewer_name(p->fewer));
	p->ways = ways;
	if (ways == 1)
		p->wait_usec = 0;
}

static void check_memory(struct profile_reader *r)
{
	struct profile *p = r->profile;
	bool devdax = p->mode == MODE_DEVDAX;

	if (!sure(r, KEY_MODE))
		return;
	if (devdax && !missing(r, KEY_ZONE))
		ERROR(r, KEY_ZONE,
		      "Zone= with Mode=devdax: only system-ram is in a zone, leave it out");
	if (devdax && !missing(r, KEY_ONLINE))
		ERROR(r, KEY_ONLINE,
		      "Online= with Mode=devdax: only system-ram is brought online, leave it out");
	if (!devdax && !missing(r, KEY_ALIGN))
		ERROR(r, KEY_ALIGN,
		      "Align= with Mode=system-ram: only devdax has an alignment, leave it out or "
		      "write Mode=devdax");
	if (!devdax && given(r, KEY_ON_DEADLINE) && p->on_deadline == ON_DEADLINE_REVOKE)
		ERROR(r, KEY_ON_DEADLINE,
		      "OnDeadline=revoke with Mode=system-ram: only devdax can be taken from its "
		      "users, write keep");
	else if (!missing(r, KEY_ON_DEADLINE) && missing(r, KEY_DEADLINE_SEC))
		ERROR(r, KEY_ON_DEADLINE,
		      "OnDeadline= without DeadlineSec=: it says what is done when that time is "
		      "over, give DeadlineSec=");
	else if (given(r, KEY_ON_DEADLINE) && given(r, KEY_DEADLINE_SEC) &&
		 p->on_deadline == ON_DEADLINE_REVOKE && p->deadline_usec == 0)
		ERROR(r, KEY_ON_DEADLINE,
		      "OnDeadline=revoke with DeadlineSec=infinity: that time is never over, give "
		      "another");
	if (devdax && given(r, KEY_ON_FAILURE) && p->on_failure == ON_FAILURE_EVACUATE)
		ERROR(r, KEY_ON_FAILURE,
		      "OnFailure=evacuate with Mode=devdax: only system-ram can be moved elsewhere, write "
		      "keep");
	if (devdax) {
		p->online = false;
		p->zone = ZONE_UNKNOWN;
		return;
	}
	p->mode = MODE_SYSTEM_RAM;
	if (missing(r, KEY_ZONE))
		p->zone = ZONE_MOVABLE;
}

void profile_check(struct profile_reader *r)
{
	check_not_everything(r);
	check_match(r);
	check_members(r);
	check_wait(r);
	check_memory(r);
}
