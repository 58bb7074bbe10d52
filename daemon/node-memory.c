// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node-memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

/* "Node 1 MemTotal:   524288 kB", "Node 1 HugePages_Free:     4", and in /proc/meminfo without the node */
static uint64_t number_of(const char *text, const char *field)
{
	const char *s = strstr(text, field);
	uint64_t n;

	return s && sscanf(s + strlen(field), " %" SCNu64, &n) == 1 ? n : UNKNOWN;
}

static uint64_t times(uint64_t n, uint64_t by)
{
	return n == UNKNOWN || by == UNKNOWN ? UNKNOWN : n * by;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a == UNKNOWN || b == UNKNOWN ? UNKNOWN : a + b;
}

static char *read_proc(struct door *door, const char *path)
{
	uint64_t t = door_time();
	char *text = calloc(1, SYSFS_VALUE_MAX);
	FILE *f = fopen(path, "re");

	if (text && f)
		text[fread(text, 1, SYSFS_VALUE_MAX - 1, f)] = '\0';
	if (f)
		fclose(f);
	door->kernel_usec += door_time() - t;
	return text;
}

/* "0-1,3"; what cannot be read bars nothing. */
static bool is_listed(const char *list, uint64_t id)
{
	while (list && *list >= '0' && *list <= '9') {
		uint64_t first = strtoull(list, (char **)&list, 10), last = first;

		if (*list == '-')
			last = strtoull(list + 1, (char **)&list, 10);
		if (id >= first && id <= last)
			return true;
		if (*list == ',')
			list++;
	}
	return false;
}

static void read_barred(struct door *door, struct picture *p)
{
	static const char field[] = "Mems_allowed_list:";
	_cleanup_free_ char *text = read_proc(door, "/proc/self/status");
	const char *list = text ? strstr(text, field) : NULL;

	if (!list)
		return;
	list += strlen(field);
	list += strspn(list, " \t");
	for (size_t i = 0; i < p->n_nodes; i++)
		p->nodes[i].barred = !is_listed(list, p->nodes[i].id);
}

static void read_node(struct door *door, struct node *node, uint64_t huge_size)
{
	_cleanup_free_ char *text = NULL;

	node->total = node->free = node->reclaimable = node->huge = node->huge_free = UNKNOWN;
	if (sysfs_read(door, &text, "devices/system/node/node%" PRIu64 "/meminfo", node->id) < 0)
		return;
	node->total = times(number_of(text, " MemTotal:"), KIB);
	node->free = times(number_of(text, " MemFree:"), KIB);
	node->reclaimable = times(plus(plus(number_of(text, " Active(file):"), number_of(text, " Inactive(file):")),
				       number_of(text, " SReclaimable:")), KIB);
	node->huge = times(number_of(text, " HugePages_Total:"), huge_size);
	node->huge_free = times(number_of(text, " HugePages_Free:"), huge_size);
}

void node_memory_read(struct door *door, struct picture *p)
{
	_cleanup_free_ char *all = read_proc(door, "/proc/meminfo");
	uint64_t huge_size = all ? times(number_of(all, "Hugepagesize:"), KIB) : UNKNOWN;

	p->swap_free = all ? times(number_of(all, "SwapFree:"), KIB) : UNKNOWN;
	for (size_t i = 0; i < p->n_nodes; i++)
		read_node(door, &p->nodes[i], huge_size);
	read_barred(door, p);
}
