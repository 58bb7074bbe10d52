/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "picture.h"

/* The kernel allocates address space for regions in these units, alloc_hpa() in
 * drivers/cxl/core/region.c. */
#define HPA_ALIGN (256 * MIB)

#define FIND(array, n, wanted)                                        \
	({                                                            \
		int _found = -1;                                      \
		for (size_t _i = 0; (wanted) && _i < (n); _i++)       \
			if (streq_null((array)[_i].name, (wanted))) { \
				_found = _i;                          \
				break;                                \
			}                                             \
		_found;                                               \
	})

int picture_find_window(const struct picture *p, const char *name)
{
	return FIND(p->windows, p->n_windows, name);
}

int picture_find_port(const struct picture *p, const char *name)
{
	return FIND(p->ports, p->n_ports, name);
}

int picture_find_memdev(const struct picture *p, const char *name)
{
	return FIND(p->memdevs, p->n_memdevs, name);
}

int picture_find_slot(const struct picture *p, const char *name)
{
	return FIND(p->slots, p->n_slots, name);
}

int picture_find_region(const struct picture *p, const char *name)
{
	return FIND(p->regions, p->n_regions, name);
}

int picture_find_dax(const struct picture *p, const char *name)
{
	return FIND(p->daxes, p->n_daxes, name);
}

bool region_lost_cards(const struct region *r)
{
	for (size_t i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].memdev < 0)
			return true;
	return r->n_mappings < r->ways;
}

int picture_region_at(const struct picture *p, uint64_t start, uint64_t size)
{
	if (start == UNKNOWN || size == UNKNOWN)
		return -1;
	for (size_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->regions[i];

		if (r->resource != UNKNOWN && r->size != UNKNOWN && start >= r->resource &&
		    start - r->resource < r->size && size <= r->size - (start - r->resource))
			return (int)i;
	}
	return -1;
}

int picture_region_dax(const struct picture *p, int region)
{
	size_t i;

	for (i = 0; i < p->n_daxes; i++)
		if (p->daxes[i].region == region)
			return i;
	return -1;
}

/* Where a device stands in the place of a card, or NULL if it is not above it. */
static const char *find_above(const struct memdev *m, const char *port)
{
	const char *at = m->path;
	size_t n = port ? strlen(port) : 0;

	while (n && at && *at) {
		const char *end = strchr(at, '/');

		/* the last one is the card itself */
		if (!end)
			return NULL;
		if ((size_t)(end - at) == n && strncmp(at, port, n) == 0)
			return at;
		at = end + 1;
	}
	return NULL;
}

bool picture_below(const struct picture *p, int memdev, const char *port)
{
	return find_above(&p->memdevs[memdev], port) != NULL;
}

int picture_slot_of(const struct picture *p, int memdev)
{
	const char *deepest = NULL;
	int found = -1;
	size_t i;

	for (i = 0; i < p->n_slots; i++) {
		const char *at = find_above(&p->memdevs[memdev], p->slots[i].port);

		if (at && (!deepest || at > deepest)) {
			deepest = at;
			found = i;
		}
	}
	return found;
}

uint64_t memdev_ram_allocated(const struct picture *p, int memdev)
{
	const struct port *port;
	uint64_t sum = 0;
	size_t i;

	if (p->memdevs[memdev].endpoint < 0)
		return UNKNOWN;
	port = &p->ports[p->memdevs[memdev].endpoint];
	if (!port->n_decoders)
		return UNKNOWN;
	for (i = 0; i < port->n_decoders; i++) {
		const struct decoder *d = &port->decoders[i];

		if (d->dpa_size == UNKNOWN)
			return UNKNOWN;
		if (d->dpa_size && !streq_null(d->mode, "pmem") &&
		    __builtin_add_overflow(sum, d->dpa_size, &sum))
			return UNKNOWN;
	}
	return sum;
}

/*
 * Walk the free, aligned holes of a window from the bottom up. @at is where to go on and is moved
 * behind the hole; false when there is no further one.
 */
static bool next_hole(const struct window *w, size_t *busy, uint64_t *at, uint64_t *ret_start,
		      uint64_t *ret_size)
{
	uint64_t end = w->resource + w->size;

	while (*at < end) {
		uint64_t start, stop = end;

		if (*at > UNKNOWN - HPA_ALIGN)
			return false;
		start = align_up(*at, HPA_ALIGN);
		if (*busy < w->n_busy) {
			const struct busy_range *b = &w->busy[*busy];

			stop = b->start < end ? b->start : end;
			if (b->start + b->size > *at)
				*at = b->start + b->size;
			(*busy)++;
		} else {
			*at = end;
		}
		if (start < stop) {
			*ret_start = start;
			*ret_size = stop - start;
			return true;
		}
	}
	return false;
}

static bool window_known(const struct window *w)
{
	return w->resource != UNKNOWN && w->size != UNKNOWN && w->resource <= UNKNOWN - w->size;
}

uint64_t window_largest_hole(const struct window *w)
{
	uint64_t at = w->resource, start, size, best = 0;
	size_t busy = 0;

	if (!window_known(w))
		return UNKNOWN;
	while (next_hole(w, &busy, &at, &start, &size)) {
		size = align_down(size, HPA_ALIGN);
		if (size > best)
			best = size;
	}
	return best;
}

int window_place(const struct window *w, uint64_t size, uint64_t *ret)
{
	uint64_t at = w->resource, start, room;
	size_t busy = 0;

	if (!window_known(w) || !size)
		return -ENOSPC;
	while (next_hole(w, &busy, &at, &start, &room))
		if (room >= size) {
			*ret = start;
			return 0;
		}
	return -ENOSPC;
}

/* Count one run of blocks in; blocks outside @first..@last belong to somebody else. */
static void count_run(const struct picture *p, const struct memory_run *run, uint64_t first,
		      uint64_t last, struct region_memory *m, uint64_t *unknown)
{
	uint64_t from = run->first > first ? run->first : first;
	uint64_t to = run->count > last - run->first ? last : run->first + run->count;
	uint64_t bytes;

	if (run->first >= last || from >= to)
		return;
	bytes = (to - from) * p->block_size;
	switch (run->state) {
	case MEM_ONLINE:
	case MEM_GOING_OFFLINE:
		m->online += bytes;
		if (run->zone == ZONE_MOVABLE)
			m->movable += bytes;
		else if (run->zone == ZONE_KERNEL)
			m->kernel += bytes;
		break;
	case MEM_OFFLINE:
		m->offline += bytes;
		break;
	default:
		*unknown += bytes;
	}
}

void picture_region_memory(const struct picture *p, int region, struct region_memory *ret)
{
	const struct region *r = &p->regions[region];
	struct region_memory m = { .use = USE_UNKNOWN, .node = UNKNOWN };
	uint64_t start = r->resource, size = r->size, first, last, whole, unknown = 0;
	int dax = picture_region_dax(p, region);
	const struct dax *d = dax < 0 ? NULL : &p->daxes[dax];
	size_t i;

	if (d)
		m.node = d->target_node;
	if (r->size == 0 || r->committed == NO || r->enabled == NO) {
		m.use = USE_INCOMPLETE;
		goto out;
	}
	if (r->size == UNKNOWN)
		goto out;
	if (!d || !d->driver) {
		m.use = USE_NONE;
		goto out;
	}
	if (strcmp(d->driver, "kmem") != 0) {
		m.use = strcmp(d->driver, "device_dax") == 0 ? USE_DEVDAX : USE_UNKNOWN;
		goto out;
	}

	if (d->resource != UNKNOWN && d->size != UNKNOWN) {
		start = d->resource;
		size = d->size;
	}
	if (p->block_size == UNKNOWN || !p->block_size || start == UNKNOWN ||
	    start > UNKNOWN - size || start + size > UNKNOWN - p->block_size)
		goto out;
	first = align_up(start, p->block_size) / p->block_size;
	last = (start + size) / p->block_size;
	whole = last > first ? (last - first) * p->block_size : 0;
	m.lost = r->size > whole ? r->size - whole : 0;
	for (i = 0; i < p->n_memory; i++)
		count_run(p, &p->memory[i], first, last, &m, &unknown);
	/* Linux 7.3 takes the blocks away altogether when a dax device is unplugged */
	if (m.online + m.offline + unknown == 0 && streq_null(d->state, "unplugged"))
		m.offline = whole;

	if (unknown)
		m.use = USE_UNKNOWN;
	else if (!m.online)
		m.use = USE_OFFLINE;
	else
		m.use = m.online == whole ? USE_ONLINE : USE_PARTIAL;
out:
	*ret = m;
}
