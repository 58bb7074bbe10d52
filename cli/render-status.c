/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "util.h"

#include "describe.h"
#include "problems.h"
#include "table.h"

static void label(FILE *out, const struct style *style, const char *name)
{
	fprintf(out, "%s%-10s%s", tint_on(style, TINT_BOLD), name, tint_off(style, TINT_BOLD));
}

static void print_cards(FILE *out, const struct style *style, const struct picture *p)
{
	struct total size = { 0 }, unused = { 0 };

	label(out, style, "cards");
	if (p->n_memdevs == 0) {
		fputs("none\n", out);
		return;
	}
	for (size_t i = 0; i < p->n_memdevs; i++) {
		total_add(&size, p->memdevs[i].ram_size);
		total_add(&unused, memdev_ram_free(p, i));
	}
	fprintf(out, "%zu with ", p->n_memdevs);
	total_print(&size, out);
	fputs(", ", out);
	total_print(&unused, out);
	fputs(" of it in no region\n", out);
}

static void print_slots(FILE *out, const struct style *style, const struct picture *p)
{
	size_t off = 0;

	if (p->n_slots == 0)
		return;
	for (size_t i = 0; i < p->n_slots; i++)
		off += p->slots[i].power == NO;
	label(out, style, "slots");
	fprintf(out, "%zu for hot-plug, %zu of them empty\n", p->n_slots, off);
}

static void print_windows(FILE *out, const struct style *style, const struct picture *p)
{
	struct total size = { 0 }, unused = { 0 };

	label(out, style, "windows");
	if (p->n_windows == 0) {
		fputs("none: firmware set no address range aside for CXL memory\n", out);
		return;
	}
	for (size_t i = 0; i < p->n_windows; i++) {
		total_add(&size, p->windows[i].size);
		total_add(&unused, window_free(&p->windows[i]));
	}
	fprintf(out, "%zu with ", p->n_windows);
	total_print(&size, out);
	fputs(", ", out);
	total_print(&unused, out);
	fputs(" free\n", out);
}

/* What is in the memory of all regions together: several of them may share a node. */
static void print_used(FILE *out, const struct picture *p)
{
	struct total used = { 0 };
	bool any = false;
	char buf[32];

	for (size_t i = 0; i < p->n_nodes; i++) {
		const struct node *n = &p->nodes[i];
		bool ours = false;

		for (size_t k = 0; k < p->n_regions && !ours; k++) {
			struct region_memory m;

			picture_region_memory(p, k, &m);
			ours = m.online && m.node == n->id;
		}
		any |= ours;
		if (ours)
			total_add(&used, n->total == UNKNOWN || n->free == UNKNOWN || n->free > n->total ?
						 UNKNOWN :
						 n->total - n->free);
	}
	if (any && !used.unknown)
		fprintf(out, " (%s used)", format_size(align_down(used.sum, MIB), buf));
}

static void print_uses(FILE *out, const struct style *style, const struct picture *p)
{
	struct total size = { 0 };
	uint64_t online = 0, offline = 0, devdax = 0;
	char buf[32];

	label(out, style, "regions");
	if (p->n_regions == 0) {
		fputs("none\n", out);
		return;
	}
	for (size_t i = 0; i < p->n_regions; i++) {
		struct region_memory m;

		picture_region_memory(p, i, &m);
		total_add(&size, p->regions[i].size);
		online += m.online;
		offline += m.offline;
		if (m.use == USE_DEVDAX)
			devdax += p->regions[i].size;
	}
	fprintf(out, "%zu with ", p->n_regions);
	total_print(&size, out);
	fprintf(out, ": %s online", format_size(online, buf));
	if (online)
		print_used(out, p);
	if (offline)
		fprintf(out, ", %s offline", format_size(offline, buf));
	if (devdax)
		fprintf(out, ", %s as devdax", format_size(devdax, buf));
	fputc('\n', out);
}

static void print_unmanaged(FILE *out, const struct style *style, const struct picture *p)
{
	struct total size = { 0 };

	if (p->n_unmanaged == 0)
		return;
	for (size_t i = 0; i < p->n_unmanaged; i++)
		total_add(&size, p->unmanaged[i].size);
	label(out, style, "unmanaged");
	total_print(&size, out);
	fputs(" of windows, in use without a region (topology shows where)\n", out);
}

static void print_kernel(FILE *out, const struct style *style, const struct picture *p)
{
	char buf[32];

	label(out, style, "kernel");
	fprintf(out, "%s\n", p->kernel ?: "unknown");
	label(out, style, "memory");
	fprintf(out, "blocks of %s; ", format_size(p->block_size, buf));
	if (!p->auto_online)
		fputs("what the kernel does with new memory is unknown\n", out);
	else if (strcmp(p->auto_online, "offline") == 0)
		fputs("the kernel leaves new memory offline\n", out);
	else
		fprintf(out, "the kernel brings new memory online by itself (%s)\n",
			p->auto_online);
}

static const struct table_column region_columns[] = {
	{ .title = "REGION" },
	{ .title = "SIZE", .right = true },
	{ .title = "USE" },
	{ .title = "STATE" },
	{ .title = "ZONE" },
	{ .title = "NODE", .right = true },
	{ .title = "NODE USED", .right = true },
	{ .title = "CARDS", .flex = true },
};

static void add_node(struct table *t, const struct picture *p, const struct region_memory *m)
{
	int node = m->online ? find_node(p, m->node) : -1;
	char buf[32];

	if (m->node == UNKNOWN)
		table_add(t, TINT_NONE, "-");
	else
		table_add(t, TINT_NONE, "%" PRIu64, m->node);
	if (node < 0 || p->nodes[node].total == UNKNOWN || p->nodes[node].free == UNKNOWN ||
	    p->nodes[node].free > p->nodes[node].total)
		table_add(t, TINT_NONE, "-");
	else
		table_add(t, TINT_NONE, "%s",
			  format_size(align_down(p->nodes[node].total - p->nodes[node].free, MIB),
				      buf));
}

static int print_regions(FILE *out, const struct style *style, const struct picture *p)
{
	_cleanup_(table_freep) struct table *t =
		table_new(region_columns, ARRAY_SIZE(region_columns));

	if (!t)
		return -ENOMEM;
	if (p->n_regions == 0)
		return 0;
	for (size_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->regions[i];
		_cleanup_free_ char *members = describe_members(p, r);
		struct region_memory m;
		char state[STATE_SIZE];

		picture_region_memory(p, i, &m);
		table_add(t, TINT_NONE, "%s", r->name);
		table_add_size(t, r->size);
		table_add(t, use_tint(&m), "%s", describe_use(&m));
		table_add(t, TINT_NONE, "%s", describe_state(&m, state));
		table_add(t, TINT_NONE, "%s", describe_zone(&m));
		add_node(t, p, &m);
		table_add(t, TINT_NONE, "%s", members ?: "unknown");
	}
	fputc('\n', out);
	return table_print(t, out, style, 0);
}

static int print_operations(FILE *out, const struct style *style,
			    const struct operation_line *lines, size_t n)
{
	_cleanup_free_ struct operation_line *running = NULL;
	size_t n_running = 0;

	if (n == 0)
		return 0;
	running = calloc(n, sizeof(*running));
	if (!running)
		return -ENOMEM;
	/* Shallow copies: the strings stay the caller's. */
	for (size_t i = 0; i < n; i++)
		if (!operation_line_is_over(&lines[i]))
			running[n_running++] = lines[i];
	if (n_running == 0)
		return 0;
	fputc('\n', out);
	return render_operations(out, style, running, n_running);
}

int render_status(FILE *out, const struct style *style, const struct picture *p,
		  const struct operation_line *lines, size_t n_lines,
		  struct json_object *rivals, struct json_object *wishes)
{
	int r;

	if (print_problems(out, style, p, lines, n_lines, rivals, wishes) > 0)
		fputc('\n', out);
	print_cards(out, style, p);
	print_slots(out, style, p);
	print_windows(out, style, p);
	print_uses(out, style, p);
	print_unmanaged(out, style, p);
	print_kernel(out, style, p);
	r = print_regions(out, style, p);
	return r < 0 ? r : print_operations(out, style, lines, n_lines);
}
