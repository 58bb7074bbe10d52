// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory-block.h"
#include "node-memory.h"
#include "scan.h"
#include "sysfs.h"

struct numbers {
	const char *prefix;
	uint64_t *values;
	size_t n;
};

static int collect_number(const char *name, void *userdata)
{
	struct numbers *l = userdata;
	size_t skip = strlen(l->prefix);
	uint64_t v;
	int r;

	if (strncmp(name, l->prefix, skip) || parse_u64(name + skip, &v) < 0)
		return 0;
	r = grow(&l->values, l->n, sizeof(*l->values));
	if (r < 0)
		return r;
	l->values[l->n++] = v;
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Directory entries like memory12 or node3, as sorted numbers; a missing directory has none. */
static int list_numbers(struct door *door, const char *directory, const char *prefix,
			struct numbers *ret)
{
	int r;

	ret->prefix = prefix;
	r = sysfs_each(door, collect_number, ret, "%s", directory);
	if (r < 0 && r != -ENOENT)
		return r;
	if (ret->n > 1)
		qsort(ret->values, ret->n, sizeof(*ret->values), compare_u64);
	return 0;
}

static bool in_window(const struct picture *p, uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < p->n_windows; i++) {
		const struct window *w = &p->windows[i];

		if (w->resource != UNKNOWN && w->size != UNKNOWN &&
		    start < w->resource + w->size && start + size > w->resource)
			return true;
	}
	return false;
}

static int find_node(const char *name, void *userdata)
{
	uint64_t *node = userdata, v;

	if (strncmp(name, "node", 4) || parse_u64(name + 4, &v) < 0)
		return 0;
	*node = v;
	return 1;
}

static int add_block(struct door *door, struct picture *p, uint64_t number)
{
	struct memory_run *last = p->n_memory ? &p->memory[p->n_memory - 1] : NULL;
	struct memory_run run = { .first = number, .count = 1, .node = UNKNOWN };
	int r;

	/* Gone since we listed it: it is no block any more. */
	r = memory_block_read(door, number, &run.state, &run.zone);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	run.region = picture_region_at(p, number * p->block_size, p->block_size);
	/* A region's memory is all on one node (its window's), so one look is enough for each. */
	if (last && run.region >= 0 && last->region == run.region)
		run.node = last->node;
	else
		(void)sysfs_each(door, find_node, &run.node,
				 "devices/system/memory/memory%" PRIu64, number);
	if (last && last->first + last->count == number && last->state == run.state &&
	    last->zone == run.zone && last->region == run.region && last->node == run.node) {
		last->count++;
		return 0;
	}
	last = picture_add_memory(p);
	if (!last)
		return -ENOMEM;
	*last = run;
	return 0;
}

/* A list like "0,2-4" (lib/vsprintf.c, bitmap_list_string()). */
static bool list_has(const char *list, uint64_t n)
{
	while (*list) {
		uint64_t from, to;
		int used = 0;

		if (sscanf(list, "%" SCNu64 "-%" SCNu64 "%n", &from, &to, &used) != 2) {
			if (sscanf(list, "%" SCNu64 "%n", &from, &used) != 1)
				return false;
			to = from;
		}
		if (n >= from && n <= to)
			return true;
		list += used;
		if (*list == ',')
			list++;
	}
	return false;
}

static int add_nodes(struct door *door, struct picture *p)
{
	struct numbers nodes = {}, tiers = {};
	int r;

	r = list_numbers(door, "devices/system/node", "node", &nodes);
	if (r < 0)
		goto out;
	r = list_numbers(door, "devices/virtual/memory_tiering", "memory_tier", &tiers);
	if (r < 0)
		goto out;
	for (size_t i = 0; i < nodes.n; i++) {
		_cleanup_free_ char *cpus = NULL;
		struct node *node = picture_add_node(p);

		if (!node) {
			r = -ENOMEM;
			goto out;
		}
		node->id = nodes.values[i];
		if (sysfs_read(door, &cpus, "devices/system/node/node%" PRIu64 "/cpulist",
			       node->id) >= 0)
			node->has_cpu = *cpus ? YES : NO;
	}
	for (size_t i = 0; i < tiers.n; i++) {
		_cleanup_free_ char *list = NULL;

		if (sysfs_read(door, &list,
			       "devices/virtual/memory_tiering/memory_tier%" PRIu64 "/nodelist",
			       tiers.values[i]) < 0)
			continue;
		for (size_t k = 0; k < p->n_nodes; k++)
			if (!p->nodes[k].tier && list_has(list, p->nodes[k].id) &&
			    asprintf(&p->nodes[k].tier, "memory_tier%" PRIu64, tiers.values[i]) < 0) {
				p->nodes[k].tier = NULL;
				r = -ENOMEM;
				goto out;
			}
	}
	node_memory_read(door, p);
	r = 0;
out:
	free(nodes.values);
	free(tiers.values);
	return r;
}

int scan_memory(struct door *door, struct picture *p, char **ret_reason)
{
	struct numbers blocks = {};
	int r;

	r = memory_block_size(door, &p->block_size);
	if (r < 0)
		p->block_size = UNKNOWN;
	(void)sysfs_read(door, &p->auto_online, "devices/system/memory/auto_online_blocks");

	r = list_numbers(door, "devices/system/memory", "memory", &blocks);
	if (r < 0)
		return say(ret_reason, r, "/sys/devices/system/memory cannot be read: %s",
			   strerror(-r));
	for (size_t i = 0; i < blocks.n && p->block_size != UNKNOWN; i++) {
		if (!in_window(p, blocks.values[i] * p->block_size, p->block_size))
			continue;
		r = add_block(door, p, blocks.values[i]);
		if (r < 0)
			break;
	}
	free(blocks.values);
	return r < 0 ? r : add_nodes(door, p);
}
