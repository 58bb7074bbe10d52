/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json-util.h"
#include "mock-kernel.h"

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static char *print(const char *format, ...) _printf_(1, 2);
static char *print(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	if (vasprintf(&s, format, ap) < 0)
		abort();
	va_end(ap);
	return s;
}

struct mock *mock_new(void)
{
	struct mock *m = must(calloc(1, sizeof(*m)));
	struct port *root;

	m->picture = must(picture_new());
	m->picture->kernel = print("6.12.0-mock");
	m->picture->auto_online = print("online");
	m->picture->block_size = 128 * MIB;
	root = must(picture_add_port(m->picture));
	root->name = print("root0");
	root->host = print("ACPI0017:00");
	root->kind = PORT_ROOT;
	root->enabled = YES;
	return m;
}

struct mock *mock_free(struct mock *m)
{
	if (!m)
		return NULL;
	picture_free(m->picture);
	free(m->used_dax);
	free(m->renamed_from);
	free(m->renamed_to);
	free(m);
	return NULL;
}

struct mock *mock_copy(const struct mock *m)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	struct mock *copy = must(calloc(1, sizeof(*copy)));

	if (picture_to_json(m->picture, &json) < 0 ||
	    picture_from_json(json, &copy->picture, &reason) < 0) {
		fprintf(stderr, "copy of a picture: %s\n", reason);
		abort();
	}
	copy->autoprobe_held = m->autoprobe_held;
	copy->unplugs = m->unplugs;
	copy->drains = m->drains;
	mock_set_string(&copy->used_dax, m->used_dax);
	return copy;
}

static int add_port(struct mock *m, int parent, enum port_kind kind, char *host, int decoders,
		    int targets)
{
	struct picture *p = m->picture;
	int index = p->n_ports, i;
	struct port *port = must(picture_add_port(p)), *above = &p->ports[parent];
	struct dport *d = must(port_add_dport(above));

	d->id = above->n_dports - 1;
	if (above->kind == PORT_ROOT)
		d->name = print("%s", host);
	else
		d->name = print("%s/%zu", above->host, above->n_dports - 1);
	port->name = print("%s%d", kind == PORT_ENDPOINT ? "endpoint" : "port", index);
	port->kind = kind;
	port->host = host;
	port->parent = parent;
	port->parent_dport = print("%s", d->name);
	port->depth = above->depth + 1;
	port->enabled = YES;
	for (i = 0; i < decoders; i++) {
		struct decoder *dec = must(port_add_decoder(port));

		dec->name = print("decoder%d.%d", index, i);
		dec->size = 0;
		dec->nr_targets = targets;
		dec->locked = NO;
		if (kind == PORT_ENDPOINT) {
			dec->dpa_size = 0;
			dec->mode = print("none");
		}
	}
	return index;
}

int mock_add_bridge(struct mock *m, const char *host, int decoders, int targets)
{
	return add_port(m, 0, PORT_HOST_BRIDGE, print("%s", host), decoders, targets);
}

int mock_add_switch(struct mock *m, int parent, int decoders)
{
	return add_port(m, parent, PORT_SWITCH, print("switch%zu", m->picture->n_ports), decoders,
			8);
}

int mock_add_card(struct mock *m, int parent, uint64_t ram)
{
	struct picture *p = m->picture;
	int index = p->n_memdevs;
	struct memdev *card = must(picture_add_memdev(p));

	card->name = print("mem%d", index);
	card->host = print("0000:%02x:00.0", 0x20 + index);
	card->serial = 0x1000 + index;
	card->ram_size = ram;
	card->pmem_size = 0;
	card->enabled = YES;
	card->endpoint = add_port(m, parent, PORT_ENDPOINT, print("mem%d", index), 4, 0);
	p->ports[card->endpoint].memdev = index;
	return index;
}

int mock_add_slot(struct mock *m, const char *name, ...)
{
	struct picture *p = m->picture;
	int index = p->n_slots, card;
	struct slot *s = must(picture_add_slot(p));
	va_list ap;

	s->name = print("%s", name);
	s->port = print("0000:00:%02x.0", index);
	s->address = print("0000:%02x:00", 0x20 + index);
	s->power = NO;
	s->attention = NO;
	va_start(ap, name);
	while ((card = va_arg(ap, int)) >= 0) {
		struct memdev *d = &p->memdevs[card];

		s->power = YES;
		d->slot = index;
		free(d->path);
		d->path = print("pci0000:00/%s/%s", s->port, d->host);
	}
	va_end(ap);
	return index;
}

int mock_add_window(struct mock *m, uint64_t start, uint64_t size, unsigned int granularity,
		    unsigned int ways, ...)
{
	struct picture *p = m->picture;
	int index = p->n_windows, other;
	struct window *w = must(picture_add_window(p));
	unsigned int i, n = 0;
	va_list ap;

	w->name = print("decoder0.%d", index);
	w->resource = start;
	w->size = size;
	w->ways = ways;
	w->granularity = granularity;
	w->volatile_capable = YES;
	w->pmem_capable = NO;
	va_start(ap, ways);
	for (i = 0; i < ways; i++) {
		struct window_target *t = must(window_add_target(w));

		t->port = va_arg(ap, int);
		t->dport = print("%s", p->ports[t->port].host);
	}
	va_end(ap);
	/* memregion_alloc(): each window sets the lowest free number aside */
	do {
		free(w->next_region);
		w->next_region = print("region%u", n++);
		for (other = 0; other < index; other++)
			if (streq_null(p->windows[other].next_region, w->next_region))
				break;
	} while (other < index || picture_find_region(p, w->next_region) >= 0);
	return index;
}

struct port *mock_endpoint(struct mock *m, int memdev)
{
	return &m->picture->ports[m->picture->memdevs[memdev].endpoint];
}

static void run(struct mock *m, struct step s)
{
	_cleanup_free_ char *reason = NULL;

	if (mock_run_step(m, &s, &reason) < 0) {
		fprintf(stderr, "setting up: %s\n", reason);
		abort();
	}
}

#define RUN(m, k, ...) run(m, (struct step){ .kind = STEP_##k, .resource = UNKNOWN, __VA_ARGS__ })

/* The endpoint decoder that is next in line. */
static char *next_decoder(struct mock *m, int memdev)
{
	struct port *port = mock_endpoint(m, memdev);
	size_t i = 0;

	while (i < port->n_decoders && port->decoders[i].dpa_size)
		i++;
	assert(i < port->n_decoders);
	return port->decoders[i].name;
}

int mock_add_region(struct mock *m, int window, const char *mode, uint64_t size, unsigned int ways,
		    ...)
{
	struct picture *p = m->picture;
	struct window *w = &p->windows[window];
	char *region = must(strdup(w->next_region)), *policy = NULL, dax[48];
	unsigned int i;
	va_list ap;
	int index;

	RUN(m, CREATE_REGION, .window = w->name, .region = region);
	index = picture_find_region(p, region);
	free(region);
	region = p->regions[index].name;
	if (strcmp(mode, "empty") == 0)
		return index;
	RUN(m, SET_INTERLEAVE, .region = region, .ways = ways,
	    .granularity = w->ways > 1 ? w->granularity : 256);
	RUN(m, ALLOC_HPA, .region = region, .size = size);
	va_start(ap, ways);
	for (i = 0; i < ways; i++) {
		int card = va_arg(ap, int);
		char *decoder = next_decoder(m, card);

		RUN(m, ALLOC_DPA, .memdev = p->memdevs[card].name, .decoder = decoder,
		    .size = size / ways);
		RUN(m, ATTACH, .region = region, .memdev = p->memdevs[card].name,
		    .decoder = decoder, .position = i);
	}
	va_end(ap);
	if (strcmp(mode, "attached") == 0)
		return index;
	RUN(m, COMMIT, .region = region);
	if (strcmp(mode, "committed") == 0)
		return index;
	RUN(m, HOLD_AUTOPROBE);
	RUN(m, ENABLE, .region = region);
	RUN(m, RELEASE_AUTOPROBE);
	snprintf(dax, sizeof(dax), "%.40s", p->daxes[picture_region_dax(p, index)].name);
	if (strcmp(mode, "unbound") == 0)
		return index;
	if (strcmp(mode, "devdax") == 0) {
		RUN(m, BIND, .dax = dax, .driver = (char *)"device_dax");
		return index;
	}
	mock_set_string(&policy, p->auto_online);
	mock_set_string(&p->auto_online, strcmp(mode, "movable") == 0 ? "online_movable" :
					 strcmp(mode, "kernel") == 0  ? "online_kernel" :
									"offline");
	RUN(m, BIND, .dax = dax, .driver = (char *)"kmem");
	free(p->auto_online);
	p->auto_online = policy;
	return index;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Where a region is: what tells it from others without its name. */
static uint64_t region_place(const struct picture *p, int region)
{
	return region < 0 ? UNKNOWN : p->regions[region].resource;
}

/* A card's decoders by the card: the kernel numbers endpoints as they come. */
static const char *decoder_label(const struct picture *p, const char *name, char buf[static 64])
{
	size_t i, j;

	for (i = 0; i < p->n_memdevs; i++) {
		const struct port *port;

		if (p->memdevs[i].endpoint < 0)
			continue;
		port = &p->ports[p->memdevs[i].endpoint];
		for (j = 0; j < port->n_decoders; j++)
			if (streq_null(port->decoders[j].name, name)) {
				snprintf(buf, 64, "%s/%zu", p->memdevs[i].name, j);
				return buf;
			}
	}
	return name;
}

char *mock_signature(const struct mock *m)
{
	const struct picture *p = m->picture;
	char **lines = NULL, *text;
	size_t n = 0, i, j, size = 0;
	char label[64];

#define LINE(...)                                        \
	do {                                             \
		if (grow(&lines, n, sizeof(*lines)) < 0) \
			abort();                         \
		lines[n++] = print(__VA_ARGS__);         \
	} while (0)

	LINE("policy %s autoprobe %d", p->auto_online ?: "none", !m->autoprobe_held);
	for (i = 0; i < p->n_memdevs; i++)
		LINE("card %s enabled %d", p->memdevs[i].name, p->memdevs[i].enabled);
	for (i = 0; i < p->n_slots; i++)
		LINE("slot %s power %d", p->slots[i].name, p->slots[i].power);
	for (i = 0; i < p->n_windows; i++)
		for (j = 0; j < p->windows[i].n_busy; j++)
			LINE("busy %" PRIx64 " %" PRIx64, p->windows[i].busy[j].start,
			     p->windows[i].busy[j].size);
	for (i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->regions[i];

		LINE("region window %d at %" PRIx64 " size %" PRIx64 " ways %u/%u committed %d "
		     "enabled %d",
		     r->window, r->resource, r->size, r->ways, r->granularity, r->committed,
		     r->enabled);
		for (j = 0; j < r->n_mappings; j++)
			LINE("member of %" PRIx64 ": %d %d %s", r->resource,
			     r->mappings[j].position, r->mappings[j].memdev,
			     decoder_label(p, r->mappings[j].decoder, label));
	}
	for (i = 0; i < p->n_ports; i++)
		for (j = 0; j < p->ports[i].n_decoders; j++) {
			const struct decoder *d = &p->ports[i].decoders[j];

			if (d->region >= 0 || d->size || (d->dpa_size && d->dpa_size != UNKNOWN))
				LINE("%s region %" PRIx64 " hpa %" PRIx64 " %" PRIx64
				     " dpa %" PRIx64 " %" PRIx64 " %u/%u",
				     decoder_label(p, d->name, label), region_place(p, d->region),
				     d->resource, d->size,
				     d->dpa_resource, d->dpa_size, d->ways, d->granularity);
		}
	for (i = 0; i < p->n_daxes; i++) {
		const struct dax *d = &p->daxes[i];
		uint64_t first = align_up(d->resource, p->block_size) / p->block_size;

		LINE("dax of %" PRIx64 " at %" PRIx64 " driver %s drain %s align %" PRIx64,
		     region_place(p, d->region), d->resource, d->driver ?: "none",
		     d->drain ?: "none", d->align);
		/* unplugged is as good as offline: neither is used, both can be brought online */
		if (streq_null(d->state, "unplugged"))
			LINE("blocks %" PRIu64 " + %" PRIu64 " state %d zone %d of %" PRIx64, first,
			     (d->resource + d->size) / p->block_size - first, MEM_OFFLINE,
			     ZONE_UNKNOWN, region_place(p, d->region));
	}
	for (i = 0; i < p->n_memory; i++)
		LINE("blocks %" PRIu64 " + %" PRIu64 " state %d zone %d of %" PRIx64,
		     p->memory[i].first, p->memory[i].count, p->memory[i].state, p->memory[i].zone,
		     region_place(p, p->memory[i].region));
#undef LINE
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (i = 0; i < n; i++)
		size += strlen(lines[i]) + 1;
	text = must(calloc(1, size + 1));
	for (i = 0; i < n; i++) {
		strcat(strcat(text, lines[i]), "\n");
		free(lines[i]);
	}
	free(lines);
	return text;
}
