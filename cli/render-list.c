/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util.h"

#include "describe.h"
#include "table.h"

static void add_name(struct table *t, const char *name)
{
	table_add(t, name ? TINT_NONE : TINT_WARN, "%s", name ?: "unknown");
}

static void add_number(struct table *t, uint64_t n)
{
	if (n == UNKNOWN)
		table_add(t, TINT_WARN, "unknown");
	else
		table_add(t, TINT_NONE, "%" PRIu64, n);
}

/* Of things whose zero means that it could not be read. */
static void add_count(struct table *t, unsigned int n)
{
	add_number(t, n ? n : UNKNOWN);
}

static void add_address(struct table *t, uint64_t address)
{
	if (address == UNKNOWN)
		table_add(t, TINT_WARN, "unknown");
	else
		table_add(t, TINT_NONE, "0x%" PRIx64, address);
}

static void add_targets(struct table *t, const struct window *w)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; f && i < w->n_targets; i++)
		fprintf(f, "%s%s", i ? "," : "", w->targets[i].dport ?: "unknown");
	if (f)
		fclose(f);
	table_add(t, TINT_NONE, "%s", text && *text ? text : "unknown");
	free(text);
}

static const struct table_column window_columns[] = {
	{ .title = "WINDOW" },
	{ .title = "ADDRESS" },
	{ .title = "SIZE", .right = true },
	{ .title = "FREE", .right = true },
	{ .title = "HOLE", .right = true },
	{ .title = "WAYS", .right = true },
	{ .title = "GRAN", .right = true },
	{ .title = "FOR" },
	{ .title = "HOST BRIDGES", .flex = true },
};

static const char *capable_name(const struct window *w)
{
	if (w->volatile_capable == MAYBE)
		return "unknown";
	if (w->volatile_capable == NO)
		return "pmem";
	return w->pmem_capable == YES ? "ram,pmem" : "ram";
}

static void fill_windows(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_windows; i++) {
		const struct window *w = &p->windows[i];

		add_name(t, w->name);
		add_address(t, w->resource);
		table_add_size(t, w->size);
		table_add_size(t, window_free(w));
		table_add_size(t, window_largest_hole(w));
		add_count(t, w->ways);
		add_count(t, w->granularity);
		table_add(t, TINT_NONE, "%s", capable_name(w));
		add_targets(t, w);
	}
}

static const struct table_column port_columns[] = {
	{ .title = "PORT" },
	{ .title = "KIND" },
	{ .title = "AT" },
	{ .title = "PARENT" },
	{ .title = "STATE" },
	{ .title = "DOWN", .right = true },
	{ .title = "DECODERS IN USE", .right = true },
};

static void add_decoders(struct table *t, const struct port *port)
{
	size_t used = 0, unknown = 0;

	for (size_t i = 0; i < port->n_decoders; i++) {
		unknown += port->decoders[i].size == UNKNOWN;
		used += port->decoders[i].size != UNKNOWN && port->decoders[i].size > 0;
	}
	if (port->kind == PORT_ROOT)
		table_add(t, TINT_NONE, "-");
	else if (unknown || port->n_decoders == 0)
		table_add(t, TINT_WARN, "unknown");
	else
		table_add(t, TINT_NONE, "%zu of %zu", used, port->n_decoders);
}

static void add_tristate(struct table *t, enum tristate enabled)
{
	if (enabled == YES)
		table_add(t, TINT_GOOD, "enabled");
	else if (enabled == NO)
		table_add(t, TINT_BAD, "disabled");
	else
		table_add(t, TINT_WARN, "unknown");
}

static void fill_ports(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		const struct port *port = &p->ports[i];

		add_name(t, port->name);
		table_add(t, TINT_NONE, "%s", port_kind_name(port->kind));
		add_name(t, port->host);
		table_add(t, TINT_NONE, "%s", port->parent < 0 ? "-" : p->ports[port->parent].name);
		/* The root has no driver to be bound to. */
		if (port->kind == PORT_ROOT)
			table_add(t, TINT_NONE, "-");
		else
			add_tristate(t, port->enabled);
		if (port->kind == PORT_ENDPOINT)
			table_add(t, TINT_NONE, "-");
		else
			table_add(t, TINT_NONE, "%zu", port->n_dports);
		add_decoders(t, port);
	}
}

static const struct table_column card_columns[] = {
	{ .title = "CARD" },
	{ .title = "SERIAL" },
	{ .title = "ADDRESS" },
	{ .title = "SIZE", .right = true },
	{ .title = "FREE", .right = true },
	{ .title = "STATE" },
	{ .title = "HEALTH" },
	{ .title = "FIRMWARE", .flex = true },
};

static void add_health(struct table *t, const struct memdev *m)
{
	enum tint tint;
	const char *word = describe_health(m, &tint);

	table_add(t, tint, "%s", word);
}

static void fill_cards(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct memdev *m = &p->memdevs[i];

		add_name(t, m->name);
		add_address(t, m->serial);
		add_name(t, m->host);
		table_add_size(t, m->ram_size);
		table_add_size(t, memdev_ram_free(p, i));
		add_tristate(t, m->enabled);
		add_health(t, m);
		add_name(t, m->firmware);
	}
}

static const struct table_column slot_columns[] = {
	{ .title = "SLOT" },
	{ .title = "PORT" },
	{ .title = "ADDRESS" },
	{ .title = "POWER" },
	{ .title = "ATTENTION" },
	{ .title = "BUTTON" },
	{ .title = "CARDS", .flex = true },
};

static void add_onoff(struct table *t, enum tristate on)
{
	table_add(t, TINT_NONE, "%s", on == YES ? "on" : on == NO ? "off" : "unknown");
}

/* Who decides on a press of its button, or that one waits for an answer. */
static void add_button(struct table *t, const struct slot *s)
{
	if (streq_null(s->button_request, "power-off"))
		table_add(t, TINT_WARN, "pressed");
	else
		table_add(t, TINT_NONE, "%s", s->button_policy ?: "-");
}

static void add_slot_cards(struct table *t, const struct picture *p, int slot)
{
	_cleanup_free_ char *text = describe_slot(p, slot);

	table_add(t, TINT_NONE, "%s", text ?: "unknown");
}

static void fill_slots(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct slot *s = &p->slots[i];

		add_name(t, s->name);
		add_name(t, s->port);
		add_name(t, s->address);
		add_onoff(t, s->power);
		add_onoff(t, s->attention);
		add_button(t, s);
		add_slot_cards(t, p, i);
	}
}

static const struct table_column region_columns[] = {
	{ .title = "REGION" },
	{ .title = "WINDOW" },
	{ .title = "SIZE", .right = true },
	{ .title = "WAYS", .right = true },
	{ .title = "USE" },
	{ .title = "STATE", .flex = true },
	{ .title = "ZONE" },
	{ .title = "NODE", .right = true },
	{ .title = "CARDS", .flex = true },
};

static void fill_regions(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->regions[i];
		_cleanup_free_ char *members = describe_members(p, r);
		struct region_memory m;
		char state[STATE_SIZE];

		picture_region_memory(p, i, &m);
		add_name(t, r->name);
		table_add(t, TINT_NONE, "%s",
			  r->window < 0 ? "unknown" : p->windows[r->window].name);
		table_add_size(t, r->size);
		add_count(t, r->ways);
		table_add(t, use_tint(&m), "%s", describe_use(&m));
		table_add(t, TINT_NONE, "%s", describe_state(&m, state));
		table_add(t, TINT_NONE, "%s", describe_zone(&m));
		add_number(t, m.node);
		table_add(t, TINT_NONE, "%s", members ?: "unknown");
	}
}

static const struct table_column dax_columns[] = {
	{ .title = "DAX" },
	{ .title = "REGION" },
	{ .title = "ADDRESS" },
	{ .title = "SIZE", .right = true },
	{ .title = "ALIGN", .right = true },
	{ .title = "NODE", .right = true },
	{ .title = "DRIVER" },
	{ .title = "STATE" },
};

static void fill_dax(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_daxes; i++) {
		const struct dax *d = &p->daxes[i];

		add_name(t, d->name);
		table_add(t, TINT_NONE, "%s", d->region < 0 ? "-" : p->regions[d->region].name);
		add_address(t, d->resource);
		table_add_size(t, d->size);
		table_add_size(t, d->align);
		add_number(t, d->target_node);
		table_add(t, TINT_NONE, "%s", d->driver ?: "none");
		/* Only kmem of Linux 7.3 and later has one. */
		table_add(t, TINT_NONE, "%s", d->state ?: "-");
	}
}

static const struct table_column memory_columns[] = {
	{ .title = "BLOCKS" },
	{ .title = "SIZE", .right = true },
	{ .title = "STATE" },
	{ .title = "ZONE" },
	{ .title = "NODE", .right = true },
	{ .title = "REGION" },
};

static void fill_memory(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_memory; i++) {
		const struct memory_run *m = &p->memory[i];

		if (m->count == 1)
			table_add(t, TINT_NONE, "%" PRIu64, m->first);
		else
			table_add(t, TINT_NONE, "%" PRIu64 "-%" PRIu64, m->first,
				  m->first + m->count - 1);
		table_add_size(t, p->block_size == UNKNOWN ? UNKNOWN : m->count * p->block_size);
		add_name(t, mem_state_name(m->state));
		if (m->state == MEM_OFFLINE)
			table_add(t, TINT_NONE, "-");
		else
			add_name(t, zone_name(m->zone));
		add_number(t, m->node);
		table_add(t, TINT_NONE, "%s",
			  m->region < 0 ? "unmanaged" : p->regions[m->region].name);
	}
}

static const struct table_column node_columns[] = {
	{ .title = "NODE", .right = true },
	{ .title = "SIZE", .right = true },
	{ .title = "FREE", .right = true },
	{ .title = "CPUS" },
	{ .title = "TIER" },
	{ .title = "REGIONS", .flex = true },
};

static void add_node_regions(struct table *t, const struct picture *p, uint64_t id)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool any = false;

	for (size_t i = 0; f && i < p->n_daxes; i++) {
		if (p->daxes[i].region < 0 || p->daxes[i].target_node != id)
			continue;
		fprintf(f, "%s%s", any ? "," : "", p->regions[p->daxes[i].region].name);
		any = true;
	}
	if (f)
		fclose(f);
	table_add(t, TINT_NONE, "%s", text && *text ? text : "-");
	free(text);
}

static void fill_nodes(struct table *t, const struct picture *p)
{
	for (size_t i = 0; i < p->n_nodes; i++) {
		const struct node *n = &p->nodes[i];

		add_number(t, n->id);
		table_add_size(t, n->total);
		table_add_size(t, n->free);
		if (n->has_cpu == MAYBE)
			table_add(t, TINT_WARN, "unknown");
		else
			table_add(t, TINT_NONE, "%s", n->has_cpu == YES ? "yes" : "no");
		table_add(t, TINT_NONE, "%s", n->tier ?: "-");
		add_node_regions(t, p, n->id);
	}
}

#define COLUMNS(c) c, ARRAY_SIZE(c)

static const struct list {
	const char *name, *key, *none;
	const struct table_column *columns;
	size_t n_columns;
	void (*fill)(struct table *t, const struct picture *p);
} lists[_LIST_MAX] = {
	[LIST_WINDOWS] = { "windows", "windows", "firmware set no windows aside for CXL memory",
			   COLUMNS(window_columns), fill_windows },
	[LIST_PORTS] = { "ports", "ports", "there are no CXL ports", COLUMNS(port_columns),
			 fill_ports },
	[LIST_CARDS] = { "cards", "memdevs", "there are no cards", COLUMNS(card_columns),
			 fill_cards },
	[LIST_SLOTS] = { "slots", "slots", "there are no hot-plug slots for CXL cards",
			 COLUMNS(slot_columns), fill_slots },
	[LIST_REGIONS] = { "regions", "regions", "there are no regions", COLUMNS(region_columns),
			   fill_regions },
	[LIST_DAX] = { "dax", "daxes", "there are no dax devices", COLUMNS(dax_columns), fill_dax },
	[LIST_MEMORY] = { "memory", "memory", "there are no memory blocks inside windows",
			  COLUMNS(memory_columns), fill_memory },
	[LIST_NODES] = { "nodes", "nodes", "no NUMA nodes could be read", COLUMNS(node_columns),
			 fill_nodes },
};

const char *list_kind_name(enum list_kind kind)
{
	return lists[kind].name;
}

const char *list_kind_key(enum list_kind kind)
{
	return lists[kind].key;
}

int render_list(FILE *out, const struct style *style, const struct picture *p, enum list_kind kind)
{
	const struct list *list = &lists[kind];
	_cleanup_(table_freep) struct table *t = table_new(list->columns, list->n_columns);

	if (!t)
		return -ENOMEM;
	list->fill(t, p);
	if (table_rows(t) == 0) {
		fprintf(out, "%s\n", list->none);
		return 0;
	}
	return table_print(t, out, style, 0);
}

int render_everything(FILE *out, const struct style *style, const struct picture *p)
{
	bool any = false;

	for (enum list_kind kind = 0; kind < _LIST_MAX; kind++) {
		const struct list *list = &lists[kind];
		_cleanup_(table_freep) struct table *t = table_new(list->columns, list->n_columns);
		int r;

		if (!t)
			return -ENOMEM;
		list->fill(t, p);
		if (table_rows(t) == 0)
			continue;
		fprintf(out, "%s%s%s%s\n", any ? "\n" : "", tint_on(style, TINT_BOLD), list->name,
			tint_off(style, TINT_BOLD));
		r = table_print(t, out, style, 2);
		if (r < 0)
			return r;
		any = true;
	}
	return 0;
}
