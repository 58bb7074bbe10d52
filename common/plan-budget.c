/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan-internal.h"

/* What regions planned earlier in the same plan will have taken of a port. */
struct port_taken {
	unsigned int decoders;
	uint64_t top;	    /* highest start of such a region */
	const char *region; /* and its name, in the budget's own list */
};

struct window_left {
	struct window w; /* as in the picture, but for ... */
	bool own_busy;	 /* ... busy, once something was planned here */
	char *next_region;
};

struct budget {
	const struct picture *p;
	struct port_taken *ports;
	struct window_left *windows;
	bool *taken; /* region numbers in use or set aside */
	size_t n_taken;
	char **names; /* of the planned regions */
	size_t n_names;
};

/* The number in "region12"; -1 if it is no such name. */
static int64_t region_number(const char *name)
{
	uint64_t n;

	if (!name || strncmp(name, "region", 6) != 0 || parse_u64(name + 6, &n) < 0 ||
	    n > INT32_MAX)
		return -1;
	return n;
}

static void take_number(struct budget *b, const char *name)
{
	int64_t n = region_number(name);

	if (n >= 0 && (uint64_t)n < b->n_taken)
		b->taken[n] = true;
}

int budget_new(struct planner *pl, struct budget **ret)
{
	const struct picture *p = pl->p;
	_cleanup_(budget_freep) struct budget *b = calloc(1, sizeof(*b));
	size_t i;

	if (!b)
		return -ENOMEM;
	b->p = p;
	b->n_taken = p->n_regions + p->n_windows + pl->request->n_objects + 1;
	b->ports = calloc(p->n_ports + 1, sizeof(*b->ports));
	b->windows = calloc(p->n_windows + 1, sizeof(*b->windows));
	b->taken = calloc(b->n_taken, sizeof(*b->taken));
	if (!b->ports || !b->windows || !b->taken)
		return -ENOMEM;
	for (i = 0; i < p->n_regions; i++)
		take_number(b, p->regions[i].name);
	for (i = 0; i < p->n_windows; i++) {
		b->windows[i].w = p->windows[i];
		if (strdup_or_null(p->windows[i].next_region, &b->windows[i].next_region) < 0)
			return -ENOMEM;
		take_number(b, p->windows[i].next_region);
	}
	*ret = TAKE_PTR(b);
	return 0;
}

struct budget *budget_free(struct budget *b)
{
	size_t i;

	if (!b)
		return NULL;
	for (i = 0; b->windows && i < b->p->n_windows; i++) {
		if (b->windows[i].own_busy)
			free(b->windows[i].w.busy); /* the names in it are borrowed */
		free(b->windows[i].next_region);
	}
	for (i = 0; i < b->n_names; i++)
		free(b->names[i]);
	free(b->names);
	free(b->windows);
	free(b->ports);
	free(b->taken);
	free(b);
	return NULL;
}

const struct window *budget_window(const struct budget *b, int window)
{
	return &b->windows[window].w;
}

/* Expected name of the next region in a window; never NULL after budget_take() made one up. */
const char *budget_next_region(const struct budget *b, int window)
{
	return b->windows[window].next_region;
}

static bool in_use(const struct decoder *d)
{
	return d->region >= 0 || d->size || (d->dpa_size && d->dpa_size != UNKNOWN);
}

static bool is_unknown(const struct picture *p, int port, const struct decoder *d)
{
	return d->size == UNKNOWN ||
	       (p->ports[port].kind == PORT_ENDPOINT && d->dpa_size == UNKNOWN);
}

static const char *user_of(const struct picture *p, const struct decoder *d)
{
	return d->region >= 0 ? p->regions[d->region].name : "something that is no region";
}

static int all_used(struct planner *pl, const struct budget *b, int port)
{
	const struct port *t = &pl->p->ports[port];
	_cleanup_free_ char *users = NULL;
	char buf[PORT_TEXT_MAX];
	size_t i;

	port_text(pl->p, port, buf);
	for (i = 0; i < t->n_decoders; i++) {
		const char *user = in_use(&t->decoders[i]) ? user_of(pl->p, &t->decoders[i]) :
							     b->ports[port].region;
		char *longer;

		if (asprintf(&longer, "%s%s%s", users ?: "", users ? ", " : "", user) < 0)
			return -ENOMEM;
		free(users);
		users = longer;
	}
	if (t->n_decoders == 1)
		return say(pl->ret_reason, -ENOSPC,
			   "%s has a single decoder and %s uses it: destroy that first", buf,
			   users);
	return say(pl->ret_reason, -ENOSPC,
		   "all %zu decoders of %s are in use (%s): destroy one of them first",
		   t->n_decoders, buf, users);
}

/*
 * The decoder of a port that the kernel will use for the next region: the one behind the highest in
 * use (match_free_decoder() in drivers/cxl/core/region.c, hdm_end in drivers/cxl/core/hdm.c). One
 * that was released below it blocks the port (check_commit_order()), and so does one that is
 * claimed but not committed (cxl_decoder_commit() goes strictly in order).
 * @ret: its index
 */
int budget_next_decoder(struct planner *pl, const struct budget *b, int port, int *ret)
{
	const struct picture *p = pl->p;
	const struct port *t = &p->ports[port];
	char buf[PORT_TEXT_MAX], size[32];
	size_t used = 0, i;

	port_text(p, port, buf);
	if (!t->n_decoders)
		return say(pl->ret_reason, -ENODATA, "the decoders of %s could not be read", buf);
	for (i = 0; i < t->n_decoders; i++) {
		if (t->decoders[i].id != (int)i || is_unknown(p, port, &t->decoders[i]))
			return say(pl->ret_reason, -ENODATA, "decoder%zu of %s could not be read",
				   i, buf);
		if (in_use(&t->decoders[i]))
			used = i + 1;
	}
	for (i = 0; i < used; i++) {
		const struct decoder *d = &t->decoders[i];

		if (!in_use(d))
			return say(
				pl->ret_reason, -EBUSY,
				"%s of %s was released out of order and blocks it until %s, which "
				"uses %s, is destroyed: destroy that first",
				d->name, buf, user_of(p, &t->decoders[used - 1]),
				t->decoders[used - 1].name);
		if (d->region >= 0 && p->regions[d->region].committed == NO)
			return say(pl->ret_reason, -EBUSY,
				   "%s is only half made and holds %s of %s: destroy it first",
				   p->regions[d->region].name, d->name, buf);
		if (d->region < 0 && t->kind == PORT_ENDPOINT && !d->size)
			return say(pl->ret_reason, -EBUSY,
				   "%s holds %s of %s for no region: free it first, with `cxl "
				   "free-dpa %s`",
				   d->name, format_size(d->dpa_size, size), buf, buf);
	}
	used += b->ports[port].decoders;
	if (used >= t->n_decoders)
		return all_used(pl, b, port);
	*ret = used;
	return 0;
}

/* Highest start of the regions a port takes part in, 0 if none; and what is there. */
uint64_t budget_top(struct planner *pl, const struct budget *b, int port, const char **ret_region)
{
	const struct port *t = &pl->p->ports[port];
	uint64_t top = b->ports[port].top;
	size_t i;

	*ret_region = b->ports[port].region;
	for (i = 0; i < t->n_decoders; i++) {
		const struct decoder *d = &t->decoders[i];
		uint64_t start = d->resource;

		if (!in_use(d))
			continue;
		if (d->region >= 0 && pl->p->regions[d->region].size)
			start = pl->p->regions[d->region].resource;
		if (start == UNKNOWN || (d->region < 0 && !d->size) || start < top)
			continue;
		top = start;
		*ret_region = user_of(pl->p, d);
	}
	return top;
}

static int add_busy(struct window_left *left, uint64_t start, uint64_t size, char *name)
{
	struct window *w = &left->w;
	struct busy_range *busy = NULL;
	size_t n = 0, i;

	if (!left->own_busy) {
		for (i = 0; i < w->n_busy; i++) {
			if (grow(&busy, n, sizeof(*busy)) < 0) {
				free(busy);
				return -ENOMEM;
			}
			busy[n++] = w->busy[i];
		}
		w->busy = busy;
		left->own_busy = true;
	}
	if (grow(&w->busy, w->n_busy, sizeof(*w->busy)) < 0)
		return -ENOMEM;
	for (i = w->n_busy; i && w->busy[i - 1].start > start; i--)
		w->busy[i] = w->busy[i - 1];
	w->busy[i] = (struct busy_range){ start, size, name };
	w->n_busy++;
	return 0;
}

/*
 * Take what a planned region will take. Its name is the window's next; the one after that is the
 * lowest number that is neither in use nor set aside (memregion_alloc() in create_region_store()).
 */
int budget_take(struct budget *b, int window, uint64_t resource, uint64_t size,
		struct member *const *members, unsigned int n)
{
	struct window_left *left = &b->windows[window];
	_cleanup_free_ char *next = NULL;
	size_t free_number = 0;
	unsigned int i, j;
	char *name;

	if (grow(&b->names, b->n_names, sizeof(*b->names)) < 0)
		return -ENOMEM;
	while (free_number < b->n_taken && b->taken[free_number])
		free_number++;
	if (asprintf(&next, "region%zu", free_number) < 0) {
		next = NULL;
		return -ENOMEM;
	}
	take_number(b, next);
	name = b->names[b->n_names++] = left->next_region;
	left->next_region = TAKE_PTR(next);

	for (i = 0; i < n; i++) {
		for (j = 0; j < members[i]->n_hops; j++) {
			struct port_taken *t = &b->ports[members[i]->hops[j].port];

			if (t->region == name)
				continue; /* another member came by here already */
			t->decoders++;
			t->top = resource;
			t->region = name;
		}
	}
	return add_busy(left, resource, size, name);
}
