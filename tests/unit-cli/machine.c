/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test.h"

static char *name(const char *before, int n, const char *after)
{
	char *s;

	assert_true(asprintf(&s, "%s%d%s", before, n, after) >= 0);
	return s;
}

static char *copy(const char *s)
{
	char *c = s ? strdup(s) : NULL;

	assert_true(!s || c);
	return c;
}

struct picture *machine_new(void)
{
	struct picture *p = picture_new();
	struct port *root;

	assert_non_null(p);
	p->kernel = copy("7.3.4");
	p->block_size = 128 * MIB;
	p->auto_online = copy("online");
	root = picture_add_port(p);
	root->name = copy("root0");
	root->kind = PORT_ROOT;
	root->host = copy("ACPI0017:00");
	root->depth = 0;
	root->enabled = YES;
	return p;
}

static void add_decoders(struct port *port, int number, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct decoder *d = port_add_decoder(port);
		char *s;

		assert_true(asprintf(&s, "decoder%d.%u", number, i) >= 0);
		d->name = s;
		d->id = i;
		d->size = 0;
		d->dpa_size = 0;
		d->region = -1;
	}
}

static int add_port(struct picture *p, int parent, enum port_kind kind, const char *host,
		    const char *prefix, unsigned int n_decoders)
{
	int index = p->n_ports;
	struct port *port = picture_add_port(p);

	port->name = name(prefix, index, "");
	port->kind = kind;
	port->host = copy(host);
	port->parent = parent;
	port->depth = p->ports[parent].depth + 1;
	port->enabled = YES;
	port->memdev = -1;
	add_decoders(port, index, n_decoders);
	return index;
}

int machine_bridge(struct picture *p, const char *host, unsigned int n_decoders)
{
	return add_port(p, 0, PORT_HOST_BRIDGE, host, "port", n_decoders);
}

int machine_switch(struct picture *p, int parent, const char *host, unsigned int n_decoders)
{
	return add_port(p, parent, PORT_SWITCH, host, "port", n_decoders);
}

int machine_card(struct picture *p, int parent, uint64_t serial, const char *host, uint64_t size)
{
	int index = p->n_memdevs, endpoint;
	_cleanup_free_ char *called = name("mem", index, "");
	struct memdev *m;

	endpoint = add_port(p, parent, PORT_ENDPOINT, called, "endpoint", 2);
	p->ports[endpoint].memdev = index;
	m = picture_add_memdev(p);
	m->name = copy(called);
	m->serial = serial;
	m->host = copy(host);
	m->ram_size = size;
	m->pmem_size = 0;
	m->enabled = YES;
	m->endpoint = endpoint;
	m->firmware = copy("BWFW VERSION 00");
	return index;
}

void machine_slot(struct picture *p, const char *called, const char *address, const char *port,
		  enum tristate power)
{
	struct slot *s = picture_add_slot(p);

	s->name = copy(called);
	s->address = copy(address);
	s->port = copy(port);
	s->power = power;
}

int machine_window(struct picture *p, uint64_t resource, uint64_t size, ...)
{
	int index = p->n_windows, bridge;
	struct window *w = picture_add_window(p);
	va_list ap;

	w->name = name("decoder0.", index, "");
	w->resource = resource;
	w->size = size;
	w->volatile_capable = YES;
	w->pmem_capable = YES;
	va_start(ap, size);
	while ((bridge = va_arg(ap, int)) >= 0) {
		struct window_target *t = window_add_target(w);

		t->position = w->ways++;
		t->dport = copy(p->ports[bridge].host);
		t->port = bridge;
	}
	va_end(ap);
	w->granularity = w->ways > 1 ? 1024 : 256;
	return index;
}

static void use_decoder(struct picture *p, int port, int region, uint64_t resource, uint64_t size)
{
	for (; port > 0; port = p->ports[port].parent)
		for (size_t i = 0; i < p->ports[port].n_decoders; i++) {
			struct decoder *d = &p->ports[port].decoders[i];

			if (d->region == region)
				break;
			if (d->size)
				continue;
			d->size = size;
			d->resource = resource;
			d->region = region;
			break;
		}
}

int machine_region(struct picture *p, int window, uint64_t resource, uint64_t size,
		   const char *driver, ...)
{
	int index = p->n_regions, memdev;
	struct region *r = picture_add_region(p);
	struct busy_range *b = window_add_busy(&p->windows[window]);
	struct dax *d = picture_add_dax(p);
	va_list ap;

	r->name = name("region", index, "");
	r->window = window;
	r->resource = b->start = resource;
	r->size = b->size = size;
	r->type = copy("ram");
	r->granularity = 1024;
	r->committed = YES;
	r->enabled = YES;
	r->ways = 0;
	b->name = copy(r->name);
	va_start(ap, driver);
	while ((memdev = va_arg(ap, int)) >= 0) {
		struct mapping *m = region_add_mapping(r);

		m->position = r->ways++;
		m->memdev = memdev;
		use_decoder(p, p->memdevs[memdev].endpoint, index, resource, size);
	}
	va_end(ap);
	for (size_t i = 0; i < r->n_mappings; i++) {
		struct port *port = &p->ports[p->memdevs[r->mappings[i].memdev].endpoint];

		for (size_t k = 0; k < port->n_decoders; k++)
			if (port->decoders[k].region == index) {
				port->decoders[k].dpa_size = size / r->ways;
				port->decoders[k].mode = copy("ram");
			}
	}
	d->name = name("dax", index, ".0");
	d->region = index;
	d->resource = resource;
	d->size = size;
	d->align = 2 * MIB;
	d->target_node = index + 1;
	d->driver = copy(driver);
	return index;
}

void machine_memory(struct picture *p, int region, uint64_t first, uint64_t count,
		    enum mem_state state, enum zone zone, uint64_t node)
{
	struct memory_run *m = picture_add_memory(p);

	m->first = first;
	m->count = count;
	m->state = state;
	m->zone = zone;
	m->node = node;
	m->region = region;
}

void machine_node(struct picture *p, uint64_t id, uint64_t total, uint64_t free_bytes,
		  enum tristate has_cpu, const char *tier)
{
	struct node *n = picture_add_node(p);

	n->id = id;
	n->total = total;
	n->free = free_bytes;
	n->has_cpu = has_cpu;
	n->tier = copy(tier);
}

struct picture *machine_two_bridges(void)
{
	struct picture *p = machine_new();
	int a = machine_bridge(p, "pci0000:0c", 4), b = machine_bridge(p, "pci0000:de", 4);
	int mem0 = machine_card(p, a, 0x1000, "0000:0d:00.0", 512 * MIB), region0;

	machine_card(p, b, 0x1001, "0000:df:00.0", 512 * MIB);
	machine_window(p, 0x100000000, 4 * GIB, a, -1);
	machine_window(p, 0x200000000, 4 * GIB, b, -1);
	machine_window(p, 0x300000000, 4 * GIB, a, b, -1);
	region0 = machine_region(p, 0, 0x100000000, 512 * MIB, "kmem", mem0, -1);
	machine_memory(p, region0, 32, 2, MEM_ONLINE, ZONE_MOVABLE, 1);
	machine_memory(p, region0, 34, 2, MEM_OFFLINE, ZONE_UNKNOWN, 1);
	machine_node(p, 0, 1 * GIB, 700 * MIB, YES, "memory_tier4");
	machine_node(p, 1, 256 * MIB, 200 * MIB, NO, "memory_tier4");
	return p;
}
