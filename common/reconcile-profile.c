/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "reconcile-internal.h"

/* The kernel makes regions in these units, alloc_hpa() in drivers/cxl/core/region.c. */
#define SMALLEST (256 * MIB)

/* Cards that a profile may use, in the order of their places. */
struct group {
	int *cards;
	size_t n;
};

static void group_clear(struct group *g)
{
	free(g->cards);
}

static bool mapped(const struct picture *p, int card)
{
	for (size_t i = 0; i < p->n_regions; i++)
		for (size_t k = 0; k < p->regions[i].n_mappings; k++)
			if (p->regions[i].mappings[k].memdev == card)
				return true;
	return false;
}

/* Whole, ready, in no use, and nobody wished anything for it. */
static bool is_idle(const struct reconcile_in *in, const struct reconcile *out, int card)
{
	const struct memdev *m = &in->picture->memdevs[card];

	if (!reconcile_ready(in->picture, card) || m->ram_size == UNKNOWN || m->ram_size < SMALLEST ||
	    memdev_ram_allocated(in->picture, card) != 0 || mapped(in->picture, card))
		return false;
	for (size_t i = 0; i < in->wishes->n; i++)
		if (!reconcile_dropped(out, &in->wishes->list[i]) &&
		    wish_has_card(in->picture, &in->wishes->list[i], card))
			return false;
	return true;
}

static const char *place(const struct memdev *m)
{
	return m->path ?: m->host ?: m->name;
}

static int collect(const struct reconcile_in *in, const struct reconcile *out,
		   const struct profile *profile, struct group *g)
{
	const struct memdev *cards = in->picture->memdevs;

	for (size_t i = 0; i < in->picture->n_memdevs; i++) {
		size_t at;

		if (!is_idle(in, out, (int)i) ||
		    profile_set_match(in->profiles, in->picture, (int)i) != profile)
			continue;
		if (grow(&g->cards, g->n, sizeof(*g->cards)) < 0)
			return -ENOMEM;
		for (at = g->n++; at > 0; at--) {
			if (strcmp(place(&cards[g->cards[at - 1]]), place(&cards[i])) <= 0)
				break;
			g->cards[at] = g->cards[at - 1];
		}
		g->cards[at] = (int)i;
	}
	return 0;
}

static int make_request(const struct reconcile_in *in, const struct profile *profile,
			const int *cards, size_t n, struct request **ret)
{
	_cleanup_(request_freep) struct request *q = request_new(VERB_CREATE);

	if (!q)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct memdev *m = &in->picture->memdevs[cards[i]];

		if (request_add_object(q, m->host ?: m->name) < 0)
			return -ENOMEM;
	}
	q->ways = n;
	q->granularity = n > 1 ? profile->granularity : 0;
	q->size = profile->size;
	reconcile_set_memory(q, profile);
	if (asprintf(&q->origin, "profile %s", profile->name) < 0) {
		q->origin = NULL;
		return -ENOMEM;
	}
	*ret = TAKE_PTR(q);
	return 0;
}

static int make_key(const struct reconcile_in *in, const struct profile *profile, const int *cards,
		    size_t n, char **ret)
{
	size_t size = 0;
	FILE *f = open_memstream(ret, &size);

	if (!f)
		return -ENOMEM;
	fprintf(f, "profile %s", profile->name);
	for (size_t i = 0; i < n; i++) {
		const struct memdev *m = &in->picture->memdevs[cards[i]];

		fprintf(f, " %s/%" PRIx64, place(m), m->serial);
	}
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

static int name_cards(const struct reconcile_in *in, const int *cards, size_t n, char **ret)
{
	size_t size = 0;
	FILE *f = open_memstream(ret, &size);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " and ",
			in->picture->memdevs[cards[i]].name);
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

/* Ask for a region of these cards, unless that was tried, or something else is to be done first. */
static int propose(const struct reconcile_in *in, struct reconcile *out,
		   const struct profile *profile, const int *cards, size_t n)
{
	_cleanup_free_ char *key = NULL, *names = NULL;
	const struct attempt *tried;
	int r;

	r = make_key(in, profile, cards, n, &key);
	if (r == 0)
		r = name_cards(in, cards, n, &names);
	if (r < 0)
		return r;
	tried = reconcile_tried(in, out, key);
	if (tried)
		return reconcile_report(out, "profile %s cannot be followed for %s: %s",
					profile->name, names, tried->reason);
	if (out->request)
		return 0;
	r = make_request(in, profile, cards, n, &out->request);
	if (r < 0)
		return r;
	out->key = TAKE_PTR(key);
	(void)say(&out->why, 0, "%s: as profile %s says", names, profile->name);
	return out->why ? 0 : -ENOMEM;
}

/*
 * Of more cards than a set takes: the first neighbours that can be in one region; the first ones if
 * none can, so that the refusal is heard.
 */
static int choose(const struct reconcile_in *in, const struct profile *profile,
		  const struct group *g, size_t ways, size_t *ret)
{
	*ret = 0;
	for (size_t i = 0; g->n > ways && i + ways <= g->n; i++) {
		_cleanup_(request_freep) struct request *q = NULL;
		_cleanup_(plan_freep) struct plan *plan = NULL;
		int r;

		r = make_request(in, profile, &g->cards[i], ways, &q);
		if (r == 0)
			r = plan_make(in->picture, q, &plan, NULL);
		if (r == -ENOMEM)
			return r;
		if (r == 0) {
			*ret = i;
			break;
		}
	}
	return 0;
}

static void take_out(struct group *g, size_t at, size_t n)
{
	memmove(&g->cards[at], &g->cards[at + n], (g->n - at - n) * sizeof(*g->cards));
	g->n -= n;
}

static int full_sets(const struct reconcile_in *in, struct reconcile *out,
		     const struct profile *profile, struct group *g, size_t ways)
{
	int r = 0;

	while (r == 0 && g->n >= ways) {
		size_t at;

		r = choose(in, profile, g, ways, &at);
		if (r == 0)
			r = propose(in, out, profile, &g->cards[at], ways);
		take_out(g, at, ways);
	}
	return r;
}

/* Since when the one that waits longest has been there. */
static uint64_t waiting_since(const struct reconcile_in *in, const struct group *g)
{
	uint64_t since = in->now;

	for (size_t i = 0; i < g->n; i++) {
		const struct memdev *m = &in->picture->memdevs[g->cards[i]];

		for (size_t k = 0; k < in->n_arrivals; k++)
			if (in->arrivals[k].serial == m->serial &&
			    streq_null(in->arrivals[k].path, place(m)) &&
			    in->arrivals[k].since < since)
				since = in->arrivals[k].since;
	}
	return since;
}

/* Which members are not there: by number, because a pattern names no card. */
static int report_wait(const struct reconcile_in *in, struct reconcile *out,
		       const struct profile *profile, const struct group *g, bool over)
{
	_cleanup_free_ char *names = NULL;
	size_t missing = profile->ways - g->n;

	if (name_cards(in, g->cards, g->n, &names) < 0)
		return -ENOMEM;
	return reconcile_report(out, "profile %s: %s %s for %zu more card%s to make a set of %u%s",
				profile->name, names, g->n > 1 ? "wait" : "waits", missing,
				missing > 1 ? "s" : "", profile->ways,
				over ? "; WaitSec= is over and Fewer=wait" : "");
}

static int too_few(const struct reconcile_in *in, struct reconcile *out,
		   const struct profile *profile, struct group *g)
{
	uint64_t since = waiting_since(in, g), ways = g->n;

	if (profile->wait_usec == UNKNOWN)
		return report_wait(in, out, profile, g, false);
	if (in->now - since < profile->wait_usec) {
		reconcile_again(out, since + profile->wait_usec);
		return report_wait(in, out, profile, g, false);
	}
	switch (profile->fewer) {
	case FEWER_LESS:
		while (!ways_allowed(ways))
			ways--;
		return full_sets(in, out, profile, g, ways);
	case FEWER_SEPARATE:
		return full_sets(in, out, profile, g, 1);
	default:
		return report_wait(in, out, profile, g, true);
	}
}

/* Each member of a named set is one card; a second that fits the same pattern is not of the set. */
static void keep_members(const struct reconcile_in *in, const struct profile *profile,
			 struct group *g)
{
	for (size_t i = 0; i < g->n;) {
		int member = profile_member(profile, in->picture, g->cards[i]);
		bool taken = member < 0;

		for (size_t k = 0; k < i && !taken; k++)
			taken = profile_member(profile, in->picture, g->cards[k]) == member;
		if (taken)
			take_out(g, i, 1);
		else
			i++;
	}
}

static int follow(const struct reconcile_in *in, struct reconcile *out,
		  const struct profile *profile)
{
	_cleanup_(group_clear) struct group g = { 0 };
	int r = collect(in, out, profile, &g);

	if (r < 0)
		return r;
	if (profile->n_members > 0)
		keep_members(in, profile, &g);
	r = full_sets(in, out, profile, &g, profile->ways);
	return r == 0 && g.n > 0 ? too_few(in, out, profile, &g) : r;
}

int reconcile_profiles(const struct reconcile_in *in, struct reconcile *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->profiles->n; i++)
		r = follow(in, out, in->profiles->list[i]);
	return r;
}
