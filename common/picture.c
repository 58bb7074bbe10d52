/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "picture.h"

struct picture *picture_new(void)
{
	struct picture *p = calloc(1, sizeof(*p));

	if (p)
		p->block_size = p->swap_free = UNKNOWN;
	return p;
}

static void free_windows(struct picture *p)
{
	size_t i, j;

	for (i = 0; i < p->n_windows; i++) {
		struct window *w = &p->windows[i];

		for (j = 0; j < w->n_targets; j++) {
			free(w->targets[j].dport);
			free(w->targets[j].alias);
		}
		for (j = 0; j < w->n_busy; j++)
			free(w->busy[j].name);
		free(w->targets);
		free(w->busy);
		free(w->name);
		free(w->next_region);
	}
	free(p->windows);
}

static void free_ports(struct picture *p)
{
	size_t i, j;

	for (i = 0; i < p->n_ports; i++) {
		struct port *port = &p->ports[i];

		for (j = 0; j < port->n_dports; j++)
			free(port->dports[j].name);
		for (j = 0; j < port->n_decoders; j++) {
			free(port->decoders[j].name);
			free(port->decoders[j].mode);
		}
		free(port->dports);
		free(port->decoders);
		free(port->name);
		free(port->host);
		free(port->parent_dport);
	}
	free(p->ports);
}

static void free_slots(struct picture *p)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		free(p->slots[i].name);
		free(p->slots[i].address);
		free(p->slots[i].port);
		free(p->slots[i].button_policy);
		free(p->slots[i].button_request);
	}
	free(p->slots);
}

static void free_regions(struct picture *p)
{
	size_t i, j;

	for (i = 0; i < p->n_regions; i++) {
		struct region *r = &p->regions[i];

		for (j = 0; j < r->n_mappings; j++)
			free(r->mappings[j].decoder);
		free(r->mappings);
		free(r->name);
		free(r->type);
		free(r->origin);
	}
	free(p->regions);
}

struct picture *picture_free(struct picture *p)
{
	size_t i;

	if (!p)
		return NULL;

	free_windows(p);
	free_ports(p);
	free_regions(p);
	free_slots(p);
	for (i = 0; i < p->n_memdevs; i++) {
		free(p->memdevs[i].name);
		free(p->memdevs[i].host);
		free(p->memdevs[i].path);
		free(p->memdevs[i].firmware);
		free(p->memdevs[i].health.media);
		free(p->memdevs[i].failing);
	}
	for (i = 0; i < p->n_daxes; i++) {
		free(p->daxes[i].name);
		free(p->daxes[i].driver);
		free(p->daxes[i].state);
		free(p->daxes[i].drain);
	}
	for (i = 0; i < p->n_unmanaged; i++)
		free(p->unmanaged[i].what);
	for (i = 0; i < p->n_nodes; i++)
		free(p->nodes[i].tier);
	free(p->memdevs);
	free(p->daxes);
	free(p->memory);
	free(p->unmanaged);
	free(p->nodes);
	free(p->kernel);
	free(p->auto_online);
	free(p);
	return NULL;
}

static const struct speed no_speed = { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN };

/* One more zeroed element at the end of an array, or NULL. */
#define APPEND(array, n) (grow(&(array), (n), sizeof(*(array))) < 0 ? NULL : &(array)[(n)++])

struct window *picture_add_window(struct picture *p)
{
	struct window *w = APPEND(p->windows, p->n_windows);

	if (w) {
		w->resource = w->size = w->qos_class = UNKNOWN;
		w->volatile_capable = w->pmem_capable = MAYBE;
	}
	return w;
}

struct port *picture_add_port(struct picture *p)
{
	struct port *port = APPEND(p->ports, p->n_ports);

	if (port) {
		port->parent = port->memdev = -1;
		port->enabled = MAYBE;
	}
	return port;
}

struct memdev *picture_add_memdev(struct picture *p)
{
	struct memdev *m = APPEND(p->memdevs, p->n_memdevs);

	if (m) {
		m->serial = m->ram_size = m->pmem_size = m->numa_node = UNKNOWN;
		m->vendor = m->device = UNKNOWN;
		m->link_speed = m->link_width = UNKNOWN;
		m->max_link_speed = m->max_link_width = UNKNOWN;
		m->enabled = MAYBE;
		m->endpoint = m->slot = -1;
		m->health.life_used = m->health.temperature = UNKNOWN;
		m->health.volatile_errors = m->health.dirty_shutdowns = UNKNOWN;
	}
	return m;
}

struct slot *picture_add_slot(struct picture *p)
{
	struct slot *s = APPEND(p->slots, p->n_slots);

	if (s)
		s->power = s->attention = MAYBE;
	return s;
}

struct region *picture_add_region(struct picture *p)
{
	struct region *r = APPEND(p->regions, p->n_regions);

	if (r) {
		r->window = -1;
		r->resource = r->size = UNKNOWN;
		r->committed = r->enabled = r->locked = MAYBE;
		r->speed = no_speed;
	}
	return r;
}

struct dax *picture_add_dax(struct picture *p)
{
	struct dax *d = APPEND(p->daxes, p->n_daxes);

	if (d) {
		d->region = -1;
		d->resource = d->size = d->align = d->target_node = d->active = UNKNOWN;
	}
	return d;
}

struct memory_run *picture_add_memory(struct picture *p)
{
	struct memory_run *m = APPEND(p->memory, p->n_memory);

	if (m) {
		m->node = UNKNOWN;
		m->region = -1;
	}
	return m;
}

struct unmanaged *picture_add_unmanaged(struct picture *p)
{
	struct unmanaged *u = APPEND(p->unmanaged, p->n_unmanaged);

	if (u) {
		u->window = -1;
		u->resource = u->size = UNKNOWN;
	}
	return u;
}

struct node *picture_add_node(struct picture *p)
{
	struct node *n = APPEND(p->nodes, p->n_nodes);

	if (n) {
		n->total = n->free = n->reclaimable = n->huge = n->huge_free = UNKNOWN;
		n->has_cpu = MAYBE;
		n->speed = no_speed;
	}
	return n;
}

struct window_target *window_add_target(struct window *w)
{
	struct window_target *t = APPEND(w->targets, w->n_targets);

	if (t) {
		t->position = w->n_targets - 1;
		t->port = -1;
	}
	return t;
}

struct busy_range *window_add_busy(struct window *w)
{
	return APPEND(w->busy, w->n_busy);
}

struct dport *port_add_dport(struct port *port)
{
	struct dport *d = APPEND(port->dports, port->n_dports);

	if (d)
		d->id = UNKNOWN;
	return d;
}

struct decoder *port_add_decoder(struct port *port)
{
	struct decoder *d = APPEND(port->decoders, port->n_decoders);

	if (d) {
		d->id = port->n_decoders - 1;
		d->resource = d->size = d->dpa_resource = d->dpa_size = UNKNOWN;
		d->region = -1;
		d->locked = MAYBE;
	}
	return d;
}

struct mapping *region_add_mapping(struct region *r)
{
	struct mapping *m = APPEND(r->mappings, r->n_mappings);

	if (m) {
		m->position = r->n_mappings - 1;
		m->memdev = -1;
	}
	return m;
}
