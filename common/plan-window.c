/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "name-list.h"
#include "plan-internal.h"

/*
 * How far a window came before it was refused. When no window will do, the one that came furthest
 * has the reason that helps most.
 */
enum stage {
	STAGE_OTHER_BRIDGES, /* does not reach all cards */
	STAGE_MORE_BRIDGES,  /* reaches more bridges than the cards are behind */
	STAGE_KIND,	     /* not for volatile memory */
	STAGE_WAYS,
	STAGE_ORDER,
	STAGE_GRANULARITY,
	STAGE_DECODERS,
	STAGE_ROOM,
	STAGE_HPA_ORDER,
	STAGE_FITS,
};

struct attempt {
	struct planner pl; /* with a reason of its own */
	const struct budget *b;
	const struct window *w;
	struct placement place;
	enum stage stage;
	unsigned int n;
};

#define REASON(a) ((a)->pl.ret_reason)

static bool leads_to(const struct picture *p, const struct window_target *t, int bridge)
{
	if (t->port >= 0)
		return t->port == bridge;
	return t->dport && p->ports[bridge].host && strcmp(t->dport, p->ports[bridge].host) == 0;
}

/* Each target of the window leads to a host bridge of its own that has its share of the cards. */
static int check_bridges(struct attempt *a)
{
	const struct picture *p = a->pl.p;
	const struct window *w = a->w;
	unsigned int count[MEMBERS_MAX] = {}, i;
	char first[PORT_TEXT_MAX], other[PORT_TEXT_MAX];
	size_t t;

	a->stage = STAGE_OTHER_BRIDGES;
	if (!w->n_targets || w->n_targets != w->ways || w->ways > MEMBERS_MAX)
		return say(REASON(a), -ENODATA, "the targets of window %s could not be read",
			   w->name);
	for (i = 0; i < a->n; i++) {
		int bridge = a->place.members[i]->hops[0].port;

		for (t = 0; t < w->n_targets && !leads_to(p, &w->targets[t], bridge); t++)
			;
		if (t == w->n_targets)
			return say(REASON(a), -ENXIO,
				   "window %s does not reach %s, where %s is: "
				   "use another window",
				   w->name, port_text(p, bridge, first),
				   p->memdevs[a->place.members[i]->memdev].name);
		count[t]++;
	}
	a->stage = STAGE_MORE_BRIDGES;
	for (t = 0; t < w->n_targets; t++)
		if (!count[t])
			return say(
				REASON(a), -ENXIO,
				"window %s interleaves over %u host bridges, and none of the cards "
				"is behind %s: use a window without it, or name a card there",
				w->name, w->ways, w->targets[t].dport ?: "one of them");

	a->stage = STAGE_KIND;
	if (w->volatile_capable == NO)
		return say(REASON(a), -ENXIO,
			   "window %s is for persistent memory only: firmware decides that at boot",
			   w->name);
	if (w->volatile_capable == MAYBE)
		return say(REASON(a), -ENODATA, "what window %s is for could not be read", w->name);

	a->stage = STAGE_WAYS;
	for (t = 1; t < w->n_targets; t++)
		if (count[t] != count[0]) {
			for (i = 0;
			     !leads_to(p, &w->targets[0], a->place.members[i]->hops[0].port);)
				i++;
			port_text(p, a->place.members[i]->hops[0].port, first);
			for (i = 0;
			     !leads_to(p, &w->targets[t], a->place.members[i]->hops[0].port);)
				i++;
			port_text(p, a->place.members[i]->hops[0].port, other);
			return say(REASON(a), -ENXIO,
				   "window %s interleaves over its host bridges equally, but %u of "
				   "the "
				   "cards are behind %s and %u behind %s: name as many behind each",
				   w->name, count[0], first, count[t], other);
		}
	/* set_interleave_ways() in drivers/cxl/core/region.c */
	if (count[0] & (count[0] - 1))
		return say(
			REASON(a), -ENXIO,
			"%u ways are no power of two times the %u of window %s: name more or fewer "
			"cards",
			a->n, w->ways, w->name);
	return 0;
}

/* set_interleave_granularity() and cxl_port_setup_targets() in drivers/cxl/core/region.c. */
static int check_granularity(struct attempt *a)
{
	const struct window *w = a->w;
	unsigned int asked = a->pl.request->granularity, deepest, g;
	char buf[PORT_TEXT_MAX];
	int deepest_port, r;

	a->stage = STAGE_ORDER;
	r = order_members(&a->pl, w, a->place.members, a->n, &deepest, &deepest_port);
	if (r < 0)
		return r;

	a->stage = STAGE_GRANULARITY;
	if (w->ways > 1 && !w->granularity)
		return say(REASON(a), -ENODATA, "the granularity of window %s could not be read",
			   w->name);
	if (w->ways > 1 && asked && asked != w->granularity)
		return say(REASON(a), -ENXIO,
			   "granularity %u is not possible in window %s, which interleaves over %u "
			   "host bridges: the window's is %u",
			   asked, w->name, w->ways, w->granularity);
	if (w->ways > 1)
		g = w->granularity;
	else if (asked)
		g = asked;
	else if (a->n == 1 && w->granularity)
		g = w->granularity;
	else
		g = GRANULARITY_MIN; /* spreads best, and is possible on every level below */
	if ((uint64_t)g * deepest > GRANULARITY_MAX)
		return say(REASON(a), -ENXIO,
			   "granularity %u in window %s would need %" PRIu64
			   " at %s, and %d is the "
			   "most: %s",
			   g, w->name, (uint64_t)g * deepest, port_text(a->pl.p, deepest_port, buf),
			   GRANULARITY_MAX,
			   w->ways > 1 ? "use another window" : "ask for a smaller one");
	a->place.granularity = g;
	return 0;
}

static int check_decoders(struct attempt *a)
{
	unsigned int i, j;
	int decoder, r;

	a->stage = STAGE_DECODERS;
	for (i = 0; i < a->n; i++)
		for (j = 0; j < a->place.members[i]->n_hops; j++) {
			r = budget_next_decoder(&a->pl, a->b, a->place.members[i]->hops[j].port,
						&decoder);
			if (r < 0)
				return r;
		}
	return 0;
}

/*
 * Whole memory blocks inside a range; dax_kmem_range() in drivers/dax/kmem.c leaves out the rest.
 */
static void find_blocks(const struct attempt *a, uint64_t resource, uint64_t size,
			uint64_t *ret_first, uint64_t *ret_n)
{
	uint64_t bs = a->pl.p->block_size, first, end;

	*ret_first = *ret_n = 0;
	if (bs == UNKNOWN || !bs || resource > UNKNOWN - bs)
		return;
	first = align_up(resource, bs) / bs;
	end = (resource + size) / bs;
	if (end > first) {
		*ret_first = first;
		*ret_n = end - first;
	}
}

/*
 * A region as large as possible may end inside a memory block. What is behind the last whole block
 * would be lost, and the next region would begin unaligned: leave it on the cards instead, where
 * that is free.
 */
static void spare_tail(struct attempt *a)
{
	uint64_t bs = a->pl.p->block_size, unit = REGION_UNIT * a->n, end, size, place, first, n;
	struct placement *pm = &a->place;

	end = (pm->first_block + pm->n_blocks) * bs;
	if (end <= pm->resource || end == pm->resource + pm->size)
		return;
	size = end - pm->resource;
	if (size % unit || window_place(a->w, size, &place) < 0 || place != pm->resource)
		return;
	find_blocks(a, place, size, &first, &n);
	if (n != pm->n_blocks)
		return;
	pm->spared = pm->size - size;
	pm->size = size;
}

static int no_room(struct attempt *a, uint64_t hole, uint64_t asked)
{
	_cleanup_(name_list_clear) struct name_list users = {};
	const struct window *w = a->w;
	char left[32], want[32];
	size_t i;

	for (i = 0; i < w->n_busy; i++)
		if (name_list_add(&users, w->busy[i].name) < 0)
			return -ENOMEM;
	if (name_list_end(&users) < 0)
		return -ENOMEM;
	if (hole == 0)
		return say(REASON(a), -ENOSPC, "window %s is full%s%s%s", w->name,
			   users.text ? " (" : "", users.text ?: "", users.text ? ")" : "");
	return say(REASON(a), -ENOSPC, "window %s has %s left, %s asked%s%s%s", w->name,
		   format_size(hole, left), format_size(asked, want),
		   users.text ? " (the rest is taken by " : "", users.text ?: "",
		   users.text ? ")" : "");
}

static int check_room(struct attempt *a, uint64_t most)
{
	const bool ram = a->pl.request->mode != MODE_DEVDAX;
	uint64_t unit = REGION_UNIT * a->n, hole = window_largest_hole(a->w), size = most;
	char block[32], have[32];

	a->stage = STAGE_ROOM;
	if (hole == UNKNOWN)
		return say(REASON(a), -ENODATA, "size and place of window %s could not be read",
			   a->w->name);
	if (!a->pl.request->size && size > align_down(hole, unit))
		size = align_down(hole, unit);
	if (!size || window_place(a->w, size, &a->place.resource) < 0)
		return no_room(a, hole, size ?: unit);
	a->place.size = size;
	find_blocks(a, a->place.resource, size, &a->place.first_block, &a->place.n_blocks);
	if (ram && !a->place.n_blocks)
		return say(REASON(a), -ENXIO,
			   "no whole memory block (%s) fits in the %s at 0x%" PRIx64
			   " of window %s: "
			   "ask for more, or use --mode devdax",
			   format_size(a->pl.p->block_size, block), format_size(size, have),
			   a->place.resource, a->w->name);
	if (ram && !a->pl.request->size)
		spare_tail(a);
	return 0;
}

/*
 * alloc_region_ref() in drivers/cxl/core/region.c: regions of a port come in the order of their
 * addresses.
 */
static int check_hpa_order(struct attempt *a)
{
	unsigned int i, j;

	a->stage = STAGE_HPA_ORDER;
	for (i = 0; i < a->n; i++) {
		const struct member *m = a->place.members[i];

		for (j = 0; j <= m->n_hops; j++) {
			int port = j < m->n_hops ? m->hops[j].port : m->endpoint;
			char buf[PORT_TEXT_MAX];
			const char *region;

			if (budget_top(&a->pl, a->b, port, &region) < a->place.resource)
				continue;
			if (!region)
				continue; /* nothing there, and the window begins at 0 */
			return say(
				REASON(a), -EBUSY,
				"the room left in window %s is below %s, and %s takes regions only "
				"in the order of their addresses: destroy %s first",
				a->w->name, region, port_text(a->pl.p, port, buf), region);
		}
	}
	return 0;
}

static int attempt(struct attempt *a, uint64_t most)
{
	int r = check_bridges(a);

	if (r == 0)
		r = check_granularity(a);
	if (r == 0)
		r = check_decoders(a);
	if (r == 0)
		r = check_room(a, most);
	if (r == 0)
		r = check_hpa_order(a);
	if (r == 0)
		a->stage = STAGE_FITS;
	return r;
}

/* Fewest ways first, then the most particular (volatile only), then the lowest. */
static bool preferred(const struct window *a, const struct window *b)
{
	if (a->ways != b->ways)
		return a->ways < b->ways;
	if ((a->pmem_capable == NO) != (b->pmem_capable == NO))
		return a->pmem_capable == NO;
	return a->resource < b->resource;
}

/* More memory is better where the request leaves the size open; else the window decides. */
static bool better(const struct attempt *a, const struct attempt *b)
{
	bool ram = a->pl.request->mode != MODE_DEVDAX;
	uint64_t x = ram ? a->place.n_blocks : a->place.size;
	uint64_t y = ram ? b->place.n_blocks : b->place.size;

	if (a->stage != b->stage)
		return a->stage > b->stage;
	if (a->stage == STAGE_FITS && !a->pl.request->size && x != y)
		return x > y;
	return preferred(a->w, b->w);
}

static int no_window(struct planner *pl, const struct member *members, unsigned int n)
{
	_cleanup_(name_list_clear) struct name_list bridges = {};
	const char *names[MEMBERS_MAX];
	unsigned int i, j, count = 0;

	if (!pl->p->n_windows)
		return say(
			pl->ret_reason, -ENXIO,
			"this machine has no CXL window: firmware sets windows aside at boot, look "
			"in its setup");
	for (i = 0; i < n; i++) {
		int bridge = members[i].hops[0].port;

		for (j = 0; j < i && members[j].hops[0].port != bridge; j++)
			;
		if (j < i)
			continue;
		names[count] = pl->p->ports[bridge].host ?: pl->p->ports[bridge].name;
		if (name_list_add(&bridges, names[count++]) < 0)
			return -ENOMEM;
	}
	if (count == 1)
		return say(pl->ret_reason, -ENXIO,
			   "no window reaches host bridge %s: firmware sets windows aside at boot, "
			   "look in its setup",
			   names[0]);
	if (count == 2)
		return say(
			pl->ret_reason, -ENXIO,
			"no window spans both host bridges %s and %s: make regions behind one of "
			"them (--ways)",
			names[0], names[1]);
	return say(pl->ret_reason, -ENXIO,
		   "no window spans the %u host bridges %s: make regions behind fewer of them "
		   "(--ways)",
		   count, bridges.text);
}

/* How much a region of these members can be at most, or what was asked, in whole units. */
static int region_size(struct planner *pl, const struct member *members, unsigned int n,
		       uint64_t *ret)
{
	uint64_t unit = REGION_UNIT * n, asked = pl->request->size, least = UNKNOWN, size;
	const char *smallest = NULL;
	char a[32], b[32], c[32];
	unsigned int i;

	for (i = 0; i < n; i++)
		if (members[i].room < least) {
			least = members[i].room;
			smallest = pl->p->memdevs[members[i].memdev].name;
		}
	if (least > UNKNOWN / MEMBERS_MAX)
		return say(pl->ret_reason, -ENODATA, "the capacity of %s makes no sense", smallest);
	if (!asked) {
		size = align_down(least, REGION_UNIT) * n;
		if (!size)
			return say(pl->ret_reason, -ENOSPC,
				   "%s has %s left, and a region takes at least %s of each card",
				   smallest, format_size(least, a), format_size(REGION_UNIT, b));
		*ret = size;
		return 0;
	}
	size = align_down(asked, unit);
	if (!size)
		return say(pl->ret_reason, -EINVAL,
			   "size %s is too small: a region of %u way%s takes at least %s",
			   format_size(asked, a), n, n == 1 ? "" : "s", format_size(unit, b));
	if (size / n > least && n == 1)
		return say(pl->ret_reason, -ENOSPC, "%s has %s left, %s asked: ask for less",
			   smallest, format_size(least, a), format_size(size, b));
	if (size / n > least)
		return say(pl->ret_reason, -ENOSPC,
			   "%s has %s left, %s asked is %s of each of %u cards: ask for less",
			   smallest, format_size(least, a), format_size(size, b),
			   format_size(size / n, c), n);
	*ret = size;
	return 0;
}

/*
 * Choose the window for a region of @members, and with it their order, the granularity, the size
 * and the place. @only is a window's index, or -1 for the best of all.
 */
int choose_window(struct planner *pl, const struct budget *b, int only, struct member *members,
		  unsigned int n, struct placement *ret)
{
	_cleanup_free_ char *best_reason = NULL;
	struct attempt best = {};
	int best_error = 0, r;
	uint64_t most = 0;
	size_t i, j;

	r = region_size(pl, members, n, &most);
	if (r < 0)
		return r;
	for (i = 0; i < pl->p->n_windows; i++) {
		_cleanup_free_ char *reason = NULL;
		struct attempt a = {
			.pl = *pl,
			.b = b,
			.w = budget_window(b, i),
			.place = { .window = i, .ways = n },
			.n = n,
		};

		if (only >= 0 && i != (size_t)only)
			continue;
		for (j = 0; j < n; j++)
			a.place.members[j] = &members[j];
		a.pl.ret_reason = &reason;
		r = attempt(&a, most);
		if (r == -ENOMEM)
			return r;
		if (best.w && !better(&a, &best))
			continue;
		best = a;
		best_error = r;
		free(best_reason);
		best_reason = TAKE_PTR(reason);
	}
	if (!best.w || (best.stage == STAGE_OTHER_BRIDGES && best_error == -ENXIO && only < 0))
		return no_window(pl, members, n);
	if (best_error < 0)
		return say(pl->ret_reason, best_error, "%s", best_reason);
	*ret = best.place;
	return 0;
}
