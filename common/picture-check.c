/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "picture-fields.h"

#define COMPARE(name, type, member)                                       \
	static int name(const void *a, const void *b)                     \
	{                                                                 \
		const struct type *x = a, *y = b;                         \
                                                                          \
		return (x->member > y->member) - (x->member < y->member); \
	}

COMPARE(by_position, mapping, position)
COMPARE(by_target, window_target, position)
COMPARE(by_start, busy_range, start)
COMPARE(by_id, decoder, id)
COMPARE(by_first, memory_run, first)

static void sort(void *array, size_t n, size_t size, int (*compare)(const void *, const void *))
{
	if (n > 1)
		qsort(array, n, size, compare);
}

/* Whether a range ends beyond what 64 bits hold; an unknown one does not. */
static bool overflows(uint64_t start, uint64_t size)
{
	return start != UNKNOWN && size != UNKNOWN && start > UNKNOWN - size;
}

static int check_window(struct window *w, char **ret_reason)
{
	size_t i;

	if (overflows(w->resource, w->size))
		return say(ret_reason, -EINVAL, "%s ends beyond 64 bits", w->name);
	sort(w->targets, w->n_targets, sizeof(*w->targets), by_target);
	sort(w->busy, w->n_busy, sizeof(*w->busy), by_start);
	for (i = 0; i < w->n_busy; i++)
		if (overflows(w->busy[i].start, w->busy[i].size))
			return say(ret_reason, -EINVAL, "busy[%zu] of %s ends beyond 64 bits", i,
				   w->name);
	return 0;
}

static int check_port(const struct picture *p, int index, char **ret_reason)
{
	struct port *port = &p->ports[index];
	size_t i;

	if (port->parent >= index)
		return say(ret_reason, -EINVAL, "%s stands before its parent %s", port->name,
			   p->ports[port->parent].name);
	sort(port->decoders, port->n_decoders, sizeof(*port->decoders), by_id);
	for (i = 0; i < port->n_decoders; i++) {
		const struct decoder *d = &port->decoders[i];

		if (overflows(d->resource, d->size) || overflows(d->dpa_resource, d->dpa_size))
			return say(ret_reason, -EINVAL, "%s ends beyond 64 bits", d->name);
	}
	return 0;
}

int picture_check(struct picture *p, char **ret_reason)
{
	size_t i;
	int r = 0;

	if (p->block_size != UNKNOWN &&
	    (p->block_size < MIB || p->block_size > 4 * GIB || p->block_size & (p->block_size - 1)))
		return say(ret_reason, -EINVAL, "block_size is no size of memory blocks");
	for (i = 0; r == 0 && i < p->n_windows; i++)
		r = check_window(&p->windows[i], ret_reason);
	for (i = 0; r == 0 && i < p->n_ports; i++)
		r = check_port(p, i, ret_reason);
	for (i = 0; r == 0 && i < p->n_memdevs; i++) {
		const struct memdev *m = &p->memdevs[i];

		if (m->endpoint >= 0 && p->ports[m->endpoint].kind != PORT_ENDPOINT)
			r = say(ret_reason, -EINVAL, "endpoint of %s is no endpoint port", m->name);
	}
	for (i = 0; r == 0 && i < p->n_regions; i++) {
		struct region *g = &p->regions[i];

		sort(g->mappings, g->n_mappings, sizeof(*g->mappings), by_position);
		if (overflows(g->resource, g->size))
			r = say(ret_reason, -EINVAL, "%s ends beyond 64 bits", g->name);
	}
	for (i = 0; r == 0 && i < p->n_daxes; i++)
		if (overflows(p->daxes[i].resource, p->daxes[i].size))
			r = say(ret_reason, -EINVAL, "%s ends beyond 64 bits", p->daxes[i].name);
	for (i = 0; r == 0 && i < p->n_memory; i++)
		if (p->memory[i].first > INT32_MAX || p->memory[i].count > INT32_MAX)
			r = say(ret_reason, -EINVAL, "memory[%zu] has too big a block number", i);
	if (r == 0)
		sort(p->memory, p->n_memory, sizeof(*p->memory), by_first);
	return r;
}
