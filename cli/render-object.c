/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "util.h"

#include "describe.h"

struct view {
	FILE *out;
	const struct style *style;
	const struct picture *p;
};

static void line(const struct view *v, const char *label, const char *format, ...) _printf_(3, 4);

/* A line of the view. What comes from a device may not move the cursor. */
static void line(const struct view *v, const char *label, const char *format, ...)
{
	char *text;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		make_plain(text);
	fprintf(v->out, "  %-14s%s\n", label, text ?: "?");
	free(text);
}

static void title(const struct view *v, const char *name, const char *what)
{
	_cleanup_free_ char *plain = strdup(name ?: "unknown");

	if (plain)
		make_plain(plain);
	fprintf(v->out, "%s%s%s: %s\n", tint_on(v->style, TINT_BOLD), plain ?: "?",
		tint_off(v->style, TINT_BOLD), what);
}

static void size_line(const struct view *v, const char *label, uint64_t bytes)
{
	char buf[32];

	line(v, label, "%s", format_size(bytes, buf));
}

static void range_line(const struct view *v, uint64_t start, uint64_t size)
{
	if (start == UNKNOWN || size == UNKNOWN || size == 0)
		line(v, "addresses", "unknown");
	else
		line(v, "addresses", "0x%" PRIx64 " to 0x%" PRIx64, start, start + size - 1);
}

static void ways_line(const struct view *v, unsigned int ways, unsigned int granularity)
{
	if (ways > 1)
		line(v, "interleaved", "%u ways of %u bytes", ways, granularity);
}

static const char *yes_no(enum tristate t)
{
	return t == MAYBE ? "unknown" : t == YES ? "yes" : "no";
}

/* Names of what belongs together on one line; finish with list_end(). */
struct list {
	char *text;
	size_t size;
	FILE *f;
};

static void list_add(struct list *l, const char *name)
{
	if (!l->f)
		l->f = open_memstream(&l->text, &l->size);
	else
		fputs(", ", l->f);
	if (l->f)
		fputs(name ?: "unknown", l->f);
}

static void list_end(const struct view *v, const char *label, struct list *l)
{
	if (l->f)
		fclose(l->f);
	line(v, label, "%s", l->text ?: "none");
	free(l->text);
}

static void speed_lines(const struct view *v, const struct speed *s)
{
	const struct {
		const char *label;
		uint64_t value;
		const char *unit;
	} lines[] = {
		{ "reads", s->read_bandwidth, "MB/s" }, { "writes", s->write_bandwidth, "MB/s" },
		{ "read latency", s->read_latency, "ns" }, { "write latency", s->write_latency, "ns" },
	};

	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (lines[i].value == UNKNOWN)
			continue;
		line(v, lines[i].label, "%" PRIu64 " %s", lines[i].value, lines[i].unit);
		known = true;
	}
	if (!known)
		line(v, "speed", "unknown");
}

static void show_window(const struct view *v, int i)
{
	const struct window *w = &v->p->windows[i];
	struct list hosts = { 0 }, regions = { 0 };

	title(v, w->name, "a window, addresses that firmware set aside");
	range_line(v, w->resource, w->size);
	size_line(v, "size", w->size);
	size_line(v, "free", window_free(w));
	size_line(v, "largest hole", window_largest_hole(w));
	ways_line(v, w->ways, w->granularity);
	line(v, "volatile", "%s", yes_no(w->volatile_capable));
	for (size_t k = 0; k < w->n_targets; k++)
		list_add(&hosts, w->targets[k].dport);
	list_end(v, "host bridges", &hosts);
	for (size_t k = 0; k < v->p->n_regions; k++)
		if (v->p->regions[k].window == i)
			list_add(&regions, v->p->regions[k].name);
	list_end(v, "regions", &regions);
}

static void show_port(const struct view *v, int i)
{
	const struct port *port = &v->p->ports[i];

	title(v, port->name, port_kind_name(port->kind));
	line(v, "host", "%s", port->host ?: "unknown");
	if (port->parent >= 0)
		line(v, "below", "%s, at %s", v->p->ports[port->parent].name,
		     port->parent_dport ?: "unknown");
	line(v, "enabled", "%s", yes_no(port->enabled));
	for (size_t k = 0; k < port->n_decoders; k++) {
		const struct decoder *d = &port->decoders[k];
		char size[32];

		line(v, d->name ?: "decoder", "%s%s%s%s",
		     d->size == 0 ? "idle" : format_size(d->size, size), d->region >= 0 ? ", " : "",
		     d->region >= 0 ? v->p->regions[d->region].name : "",
		     d->locked == YES ? ", locked" : "");
	}
}

static bool has_card(const struct region *r, int memdev)
{
	for (size_t i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].memdev == memdev)
			return true;
	return false;
}

static void show_card(const struct view *v, int i)
{
	const struct memdev *m = &v->p->memdevs[i];
	struct list regions = { 0 };
	char link[LINK_SIZE];
	enum tint tint;

	title(v, m->name, "a memory card");
	if (m->failing)
		line(v, "failing", "%s", m->failing);
	if (m->serial == UNKNOWN)
		line(v, "serial", "unknown");
	else
		line(v, "serial", "0x%" PRIx64 " (%" PRIu64 ")", m->serial, m->serial);
	line(v, "address", "%s", m->host ?: "unknown");
	line(v, "place", "%s", m->path ?: "unknown");
	if (m->slot >= 0)
		line(v, "slot", "%s", v->p->slots[m->slot].name);
	size_line(v, "volatile", m->ram_size);
	size_line(v, "free", memdev_ram_free(v->p, i));
	if (m->pmem_size != UNKNOWN && m->pmem_size)
		size_line(v, "persistent", m->pmem_size);
	if (m->vendor != UNKNOWN && m->device != UNKNOWN)
		line(v, "PCI ids", "%04" PRIx64 ":%04" PRIx64, m->vendor, m->device);
	line(v, "firmware", "%s", m->firmware ?: "unknown");
	line(v, "enabled", "%s", yes_no(m->enabled));
	if (m->endpoint >= 0)
		line(v, "endpoint", "%s", v->p->ports[m->endpoint].name);
	describe_link(m, link);
	line(v, "link", "%s", *link ? link : "unknown");
	line(v, "health", "%s", describe_health(m, &tint));
	if (m->health.known)
		line(v, "media", "%s", m->health.media ?: "unknown");
	for (size_t k = 0; k < v->p->n_regions; k++)
		if (has_card(&v->p->regions[k], i))
			list_add(&regions, v->p->regions[k].name);
	list_end(v, "regions", &regions);
}

static void show_slot(const struct view *v, int i)
{
	const struct slot *s = &v->p->slots[i];
	_cleanup_free_ char *cards = describe_slot(v->p, i);

	title(v, s->name, "a hot-plug slot");
	line(v, "cards", "%s", cards ?: "?");
	line(v, "address", "%s", s->address ?: "unknown");
	line(v, "port", "%s", s->port ?: "unknown");
	line(v, "power", "%s", yes_no(s->power));
	line(v, "attention", "%s", yes_no(s->attention));
	if (s->button_policy)
		line(v, "button", "%s", s->button_policy);
}

static void show_region(const struct view *v, int i)
{
	const struct region *r = &v->p->regions[i];
	_cleanup_free_ char *members = describe_members(v->p, r);
	struct list daxes = { 0 };
	struct region_memory m;
	char state[STATE_SIZE];

	picture_region_memory(v->p, i, &m);
	title(v, r->name, "a region, memory made of cards");
	size_line(v, "size", r->size);
	range_line(v, r->resource, r->size);
	line(v, "cards", "%s", members ?: "?");
	ways_line(v, r->ways, r->granularity);
	line(v, "window", "%s", r->window < 0 ? "unknown" : v->p->windows[r->window].name);
	line(v, "use", "%s", describe_use(&m));
	line(v, "state", "%s", describe_state(&m, state));
	line(v, "zone", "%s", describe_zone(&m));
	if (m.node != UNKNOWN)
		line(v, "node", "node%" PRIu64, m.node);
	if (m.lost)
		size_line(v, "lost", m.lost);
	for (size_t k = 0; k < v->p->n_daxes; k++)
		if (v->p->daxes[k].region == i)
			list_add(&daxes, v->p->daxes[k].name);
	list_end(v, "dax", &daxes);
	speed_lines(v, &r->speed);
	line(v, "made by", "%s", r->origin ?: "somebody else");
}

static void show_dax(const struct view *v, int i)
{
	const struct dax *d = &v->p->daxes[i];

	title(v, d->name, "a dax device");
	line(v, "region", "%s", d->region < 0 ? "none" : v->p->regions[d->region].name);
	size_line(v, "size", d->size);
	range_line(v, d->resource, d->size);
	size_line(v, "alignment", d->align);
	line(v, "driver", "%s", d->driver ?: "none");
	if (d->target_node != UNKNOWN)
		line(v, "node", "node%" PRIu64, d->target_node);
	if (d->state)
		line(v, "state", "%s", d->state);
	if (d->drain)
		line(v, "drain", "%s", d->drain);
}

static void show_memory(const struct view *v, int i)
{
	const struct memory_run *m = &v->p->memory[i];
	char name[64];

	if (m->count > 1)
		snprintf(name, sizeof(name), "memory%" PRIu64 " to memory%" PRIu64, m->first,
			 m->first + m->count - 1);
	else
		snprintf(name, sizeof(name), "memory%" PRIu64, m->first);
	title(v, name, "memory blocks that are alike");
	if (v->p->block_size != UNKNOWN) {
		size_line(v, "size", m->count * v->p->block_size);
		range_line(v, m->first * v->p->block_size, m->count * v->p->block_size);
	}
	line(v, "state", "%s", mem_state_name(m->state) ?: "unknown");
	line(v, "zone", "%s", zone_name(m->zone) ?: "-");
	if (m->node != UNKNOWN)
		line(v, "node", "node%" PRIu64, m->node);
	line(v, "region", "%s", m->region < 0 ? "none: mapped by firmware" :
						v->p->regions[m->region].name);
}

static void show_node(const struct view *v, int i)
{
	const struct node *n = &v->p->nodes[i];
	struct list regions = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "node%" PRIu64, n->id);
	title(v, name, "a NUMA node");
	size_line(v, "size", n->total);
	size_line(v, "free", n->free);
	if (n->reclaimable != UNKNOWN)
		size_line(v, "reclaimable", n->reclaimable);
	line(v, "processors", "%s", yes_no(n->has_cpu));
	line(v, "tier", "%s", n->tier ?: "none");
	speed_lines(v, &n->speed);
	for (size_t k = 0; k < v->p->n_regions; k++) {
		struct region_memory m;

		picture_region_memory(v->p, k, &m);
		if (m.node == n->id)
			list_add(&regions, v->p->regions[k].name);
	}
	list_end(v, "regions", &regions);
}

void render_object(FILE *out, const struct style *style, const struct picture *p,
		   const struct object *object)
{
	void (*const show[_OBJECT_KIND_MAX])(const struct view *v, int i) = {
		[OBJECT_WINDOW] = show_window, [OBJECT_PORT] = show_port,
		[OBJECT_CARD] = show_card,     [OBJECT_SLOT] = show_slot,
		[OBJECT_REGION] = show_region, [OBJECT_DAX] = show_dax,
		[OBJECT_MEMORY] = show_memory, [OBJECT_NODE] = show_node,
	};
	const struct view v = { .out = out, .style = style, .p = p };

	show[object->kind](&v, object->index);
}
