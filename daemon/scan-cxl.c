// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cxl/libcxl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "scan.h"
#include "sysfs.h"

static void cxl_unrefp(struct cxl_ctx **ctx)
{
	if (*ctx)
		cxl_unref(*ctx);
}

/* libcxl answers ULLONG_MAX, as we do, for what it could not read; zero-sized decoders read as 0. */
static enum tristate tri(int v)
{
	return v < 0 ? MAYBE : v ? YES : NO;
}

/* libcxl has no getter for these two; the attribute is missing on kernels that do not know it. */
static enum tristate read_tristate(struct door *door, const char *device, const char *attribute)
{
	uint64_t v;

	if (sysfs_read_u64(door, &v, "bus/cxl/devices/%s/%s", device, attribute) < 0)
		return MAYBE;
	return v ? YES : NO;
}

static int add_window(struct door *door, struct picture *p, struct cxl_decoder *d)
{
	struct cxl_target *target;
	struct window *w;
	int r;

	w = picture_add_window(p);
	if (!w)
		return -ENOMEM;
	r = strdup_or_null(cxl_decoder_get_devname(d), &w->name);
	if (r < 0)
		return r;
	w->resource = cxl_decoder_get_resource(d);
	w->size = cxl_decoder_get_size(d);
	w->ways = cxl_decoder_get_interleave_ways(d);
	w->granularity = cxl_decoder_get_interleave_granularity(d);
	w->volatile_capable = tri(cxl_decoder_is_volatile_capable(d));
	w->pmem_capable = tri(cxl_decoder_is_pmem_capable(d));
	r = cxl_root_decoder_get_qos_class(d);
	if (r >= 0)
		w->qos_class = (uint64_t)r;
	/* The id is taken from the machine again when the region is made; here it is for people. */
	(void)sysfs_read(door, &w->next_region, "bus/cxl/devices/%s/create_ram_region", w->name);

	cxl_target_foreach(d, target) {
		struct window_target *t = window_add_target(w);

		if (!t)
			return -ENOMEM;
		t->position = cxl_target_get_position(target);
		r = strdup_or_null(cxl_target_get_devname(target), &t->dport);
		if (r < 0)
			return r;
		r = strdup_or_null(cxl_target_get_firmware_node(target), &t->alias);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_decoder(struct port *port, struct cxl_decoder *d, bool endpoint)
{
	struct decoder *dec = port_add_decoder(port);
	int r;

	if (!dec)
		return -ENOMEM;
	r = strdup_or_null(cxl_decoder_get_devname(d), &dec->name);
	if (r < 0)
		return r;
	dec->id = cxl_decoder_get_id(d);
	dec->resource = cxl_decoder_get_resource(d);
	dec->size = cxl_decoder_get_size(d);
	dec->ways = cxl_decoder_get_interleave_ways(d);
	dec->granularity = cxl_decoder_get_interleave_granularity(d);
	dec->locked = tri(cxl_decoder_is_locked(d));
	if (!endpoint)
		return 0;
	dec->dpa_resource = cxl_decoder_get_dpa_resource(d);
	dec->dpa_size = cxl_decoder_get_dpa_size(d);
	return strdup_or_null(cxl_decoder_mode_name(cxl_decoder_get_mode(d)), &dec->mode);
}

/*
 * A host bridge's or switch's decoder keeps the range of its last region after its release: the range says
 * nothing about use. What does: the region attribute, and the number of decoders committed in the port
 * (commit_end in drivers/cxl/core/hdm.c). One below that mark that has no region was released out of order,
 * or belongs to firmware, which locks it.
 */
static bool is_leftover(const struct decoder *d, uint64_t committed)
{
	if (d->region >= 0 || d->size == 0)
		return false;
	return (uint64_t)d->id >= committed || d->locked != YES;
}

/* cxl_decoder_get_region() would enumerate all regions of the root; the attribute itself is one read. */
static void link_decoders(struct door *door, struct picture *p)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		struct port *port = &p->ports[i];
		uint64_t committed = UNKNOWN;

		for (size_t k = 0; k < port->n_decoders; k++) {
			_cleanup_free_ char *name = NULL;
			struct decoder *d = &port->decoders[k];

			if (d->size == 0)
				continue;
			if (sysfs_read(door, &name, "bus/cxl/devices/%s/region", d->name) < 0)
				continue;
			d->region = picture_find_region(p, name);
			if (port->kind == PORT_ENDPOINT || d->region >= 0 || *name)
				continue;
			if (committed == UNKNOWN &&
			    sysfs_read_u64(door, &committed, "bus/cxl/devices/%s/decoders_committed",
					   port->name) < 0)
				continue;
			if (is_leftover(d, committed))
				d->resource = d->size = 0;
		}
	}
}

static int add_dports(struct port *port, struct cxl_port *cport)
{
	struct cxl_dport *dport;

	cxl_dport_foreach(cport, dport) {
		struct dport *d = port_add_dport(port);
		int r;

		if (!d)
			return -ENOMEM;
		r = strdup_or_null(cxl_dport_get_devname(dport), &d->name);
		if (r < 0)
			return r;
		d->id = (uint64_t)cxl_dport_get_id(dport);
	}
	return 0;
}

static int add_port(struct picture *p, struct cxl_port *cport, enum port_kind kind, int parent)
{
	struct cxl_dport *above = cxl_port_get_parent_dport(cport);
	struct port *port = picture_add_port(p);
	struct cxl_decoder *d;
	int r;

	if (!port)
		return -ENOMEM;
	port->kind = kind;
	port->parent = parent;
	port->depth = cxl_port_get_depth(cport);
	/* The root has no driver to be bound to. */
	port->enabled = kind == PORT_ROOT ? MAYBE : tri(cxl_port_is_enabled(cport));
	r = strdup_or_null(cxl_port_get_devname(cport), &port->name);
	if (r < 0)
		return r;
	r = strdup_or_null(cxl_port_get_host(cport), &port->host);
	if (r < 0)
		return r;
	r = strdup_or_null(above ? cxl_dport_get_devname(above) : NULL, &port->parent_dport);
	if (r < 0)
		return r;
	r = add_dports(port, cport);
	if (r < 0 || kind == PORT_ROOT)
		return r;
	cxl_decoder_foreach(cport, d) {
		r = add_decoder(port, d, kind == PORT_ENDPOINT);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_ports_below(struct picture *p, struct cxl_port *parent, int parent_index)
{
	struct cxl_endpoint *endpoint;
	struct cxl_port *port;
	int r, index;

	cxl_port_foreach(parent, port) {
		index = (int)p->n_ports;
		r = add_port(p, port,
			     p->ports[parent_index].kind == PORT_ROOT ? PORT_HOST_BRIDGE : PORT_SWITCH,
			     parent_index);
		if (r < 0)
			return r;
		r = add_ports_below(p, port, index);
		if (r < 0)
			return r;
	}
	cxl_endpoint_foreach(parent, endpoint) {
		r = add_port(p, cxl_endpoint_get_port(endpoint), PORT_ENDPOINT, parent_index);
		if (r < 0)
			return r;
	}
	return 0;
}

static void read_health(struct cxl_memdev *memdev, struct health *h)
{
	struct cxl_cmd *cmd = cxl_cmd_new_get_health_info(memdev);
	const char *media = "normal";
	int v;

	if (!cmd)
		return;
	if (cxl_cmd_submit(cmd) < 0 || cxl_cmd_get_mbox_status(cmd) != 0) {
		cxl_cmd_unref(cmd);
		return;
	}
	h->known = true;
	h->maintenance_needed = cxl_cmd_health_info_get_maintenance_needed(cmd) > 0;
	h->performance_degraded = cxl_cmd_health_info_get_performance_degraded(cmd) > 0;
	h->replacement_needed = cxl_cmd_health_info_get_hw_replacement_needed(cmd) > 0;
	if (cxl_cmd_health_info_get_media_not_ready(cmd) > 0)
		media = "not-ready";
	else if (cxl_cmd_health_info_get_media_data_lost(cmd) > 0)
		media = "data-lost";
	else if (cxl_cmd_health_info_get_media_persistence_lost(cmd) > 0)
		media = "persistence-lost";
	else if (cxl_cmd_health_info_get_media_data_loss_imminent(cmd) > 0)
		media = "data-loss-imminent";
	else if (cxl_cmd_health_info_get_media_normal(cmd) <= 0)
		media = NULL;
	(void)strdup_or_null(media, &h->media);
	v = cxl_cmd_health_info_get_life_used(cmd);
	if (v >= 0)
		h->life_used = (uint64_t)v;
	/* Below zero is a temperature too; 0x7fff and 0xffff mean that the card has no sensor. */
	v = cxl_cmd_health_info_get_temperature(cmd);
	if (v != 0xffff && v != 0x7fff && v > -274)
		h->temperature = (uint64_t)(int64_t)v;
	v = cxl_cmd_health_info_get_volatile_errors(cmd);
	if (v >= 0)
		h->volatile_errors = (uint64_t)v;
	v = cxl_cmd_health_info_get_dirty_shutdowns(cmd);
	if (v >= 0)
		h->dirty_shutdowns = (uint64_t)v;
	cxl_cmd_unref(cmd);
}

static int add_memdev(struct picture *p, struct cxl_memdev *memdev, unsigned int flags)
{
	struct memdev *m = picture_add_memdev(p);
	int r;

	if (!m)
		return -ENOMEM;
	m->serial = cxl_memdev_get_serial(memdev);
	m->ram_size = cxl_memdev_get_ram_size(memdev);
	m->pmem_size = cxl_memdev_get_pmem_size(memdev);
	m->enabled = tri(cxl_memdev_is_enabled(memdev));
	r = cxl_memdev_get_numa_node(memdev);
	if (r >= 0)
		m->numa_node = (uint64_t)r;
	r = strdup_or_null(cxl_memdev_get_devname(memdev), &m->name);
	if (r < 0)
		return r;
	r = strdup_or_null(cxl_memdev_get_host(memdev), &m->host);
	if (r < 0)
		return r;
	/* The typo is libcxl's ABI. */
	r = strdup_or_null(cxl_memdev_get_firmware_verison(memdev), &m->firmware);
	if (r < 0)
		return r;
	if (flags & DOOR_SCAN_HEALTH) {
		read_health(memdev, &m->health);
		/* The kernel reads the card's list and tells of each address through a trace event (card-trace.h). */
		(void)cxl_memdev_trigger_poison_list(memdev);
	}
	return 0;
}

struct leftover {
	struct picture *p;
	struct door *door;
};

/* libcxl drops a memdev of which any attribute cannot be read: show it, with the rest unknown. */
static int add_leftover_memdev(const char *name, void *userdata)
{
	struct leftover *l = userdata;
	struct memdev *m;
	unsigned int id;
	char end;

	if (sscanf(name, "mem%u%c", &id, &end) != 1 || picture_find_memdev(l->p, name) >= 0)
		return 0;
	m = picture_add_memdev(l->p);
	if (!m)
		return -ENOMEM;
	(void)sysfs_read_u64(l->door, &m->serial, "bus/cxl/devices/%s/serial", name);
	(void)sysfs_read_u64(l->door, &m->ram_size, "bus/cxl/devices/%s/ram/size", name);
	(void)sysfs_read_u64(l->door, &m->pmem_size, "bus/cxl/devices/%s/pmem/size", name);
	return strdup_or_null(name, &m->name);
}

static void link_memdevs(struct picture *p)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		struct port *port = &p->ports[i];

		if (port->kind != PORT_ENDPOINT)
			continue;
		port->memdev = picture_find_memdev(p, port->host);
		if (port->memdev >= 0)
			p->memdevs[port->memdev].endpoint = (int)i;
	}
	for (size_t i = 0; i < p->n_windows; i++)
		for (size_t k = 0; k < p->windows[i].n_targets; k++)
			for (size_t j = 0; j < p->n_ports; j++)
				if (p->ports[j].kind == PORT_HOST_BRIDGE &&
				    streq_null(p->ports[j].host, p->windows[i].targets[k].dport))
					p->windows[i].targets[k].port = (int)j;
}

/* What could not be read is UINT_MAX for libcxl. */
static unsigned int known_ways(unsigned int ways)
{
	return ways <= MEMBERS_MAX ? ways : 0;
}

static int add_region(struct door *door, struct picture *p, struct cxl_region *region, int window)
{
	struct region *r = picture_add_region(p);
	struct cxl_memdev_mapping *mapping;
	enum cxl_decoder_mode mode;
	int e;

	if (!r)
		return -ENOMEM;
	r->window = window;
	e = strdup_or_null(cxl_region_get_devname(region), &r->name);
	if (e < 0)
		return e;
	r->resource = cxl_region_get_resource(region);
	r->size = cxl_region_get_size(region);
	r->ways = known_ways(cxl_region_get_interleave_ways(region));
	r->granularity = cxl_region_get_interleave_granularity(region);
	r->committed = tri(cxl_region_decode_is_committed(region));
	r->enabled = tri(cxl_region_is_enabled(region));
	r->locked = read_tristate(door, r->name, "locked");
	mode = cxl_region_get_mode(region);
	e = strdup_or_null(mode == CXL_DECODER_MODE_NONE ? NULL : cxl_decoder_mode_name(mode),
			   &r->type);
	if (e < 0)
		return e;
	/*
	 * A region that goes while it is looked at has ways that cannot be read, and libcxl would try to read as many
	 * targets as that, and write a line about each: cxl_mappings_init() in its libcxl.c.
	 */
	if (r->ways == 0)
		return 0;
	cxl_mapping_foreach(region, mapping) {
		struct cxl_decoder *d = cxl_mapping_get_decoder(mapping);
		struct cxl_memdev *memdev = d ? cxl_decoder_get_memdev(d) : NULL;
		struct mapping *m = region_add_mapping(r);

		if (!m)
			return -ENOMEM;
		m->position = (int)cxl_mapping_get_position(mapping);
		if (memdev)
			m->memdev = picture_find_memdev(p, cxl_memdev_get_devname(memdev));
		e = strdup_or_null(d ? cxl_decoder_get_devname(d) : NULL, &m->decoder);
		if (e < 0)
			return e;
	}
	return 0;
}

static int compare_mappings(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return x->position - y->position;
}

static int compare_decoders(const void *a, const void *b)
{
	const struct decoder *x = a, *y = b;

	return x->id - y->id;
}

static void sort_parts(struct picture *p)
{
	for (size_t i = 0; i < p->n_regions; i++)
		if (p->regions[i].n_mappings > 1)
			qsort(p->regions[i].mappings, p->regions[i].n_mappings,
			      sizeof(struct mapping), compare_mappings);
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].n_decoders > 1)
			qsort(p->ports[i].decoders, p->ports[i].n_decoders, sizeof(struct decoder),
			      compare_decoders);
}

static int scan_with_libcxl(struct door *door, struct picture *p, struct cxl_ctx *ctx,
			    unsigned int flags)
{
	struct cxl_memdev *memdev;
	struct cxl_region *region;
	struct cxl_decoder *d;
	struct cxl_bus *bus;
	int r, window = 0;

	cxl_memdev_foreach(ctx, memdev) {
		r = add_memdev(p, memdev, flags);
		if (r < 0)
			return r;
	}
	cxl_bus_foreach(ctx, bus) {
		struct cxl_port *root = cxl_bus_get_port(bus);
		int index = (int)p->n_ports;

		r = add_port(p, root, PORT_ROOT, -1);
		if (r < 0)
			return r;
		r = add_ports_below(p, root, index);
		if (r < 0)
			return r;
		cxl_decoder_foreach(root, d) {
			r = add_window(door, p, d);
			if (r < 0)
				return r;
			cxl_region_foreach(d, region) {
				r = add_region(door, p, region, window);
				if (r < 0)
					return r;
			}
			window++;
		}
	}
	return 0;
}

static uint64_t system_usec(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)u.ru_stime.tv_sec * 1000000 + (uint64_t)u.ru_stime.tv_usec;
}

int scan_cxl(struct door *door, struct picture *p, unsigned int flags, char **ret_reason)
{
	_cleanup_(cxl_unrefp) struct cxl_ctx *ctx = NULL;
	struct leftover leftover = { p, door };
	uint64_t t;
	int r;

	/* There is no refresh call: a new context for each scan (libcxl caches everything it reads). */
	r = cxl_new(&ctx);
	if (r < 0)
		return say(ret_reason, r, "libcxl cannot be opened: %s", strerror(-r));
	/* What libcxl costs the kernel cannot be timed call by call: the system time of the process can. */
	t = system_usec();
	r = scan_with_libcxl(door, p, ctx, flags);
	door->kernel_usec += system_usec() - t;
	if (r < 0)
		return r;
	r = sysfs_each(door, add_leftover_memdev, &leftover, "bus/cxl/devices");
	if (r < 0 && r != -ENOENT)
		return say(ret_reason, r, "/sys/bus/cxl/devices cannot be read: %s", strerror(-r));
	link_memdevs(p);
	link_decoders(door, p);
	sort_parts(p);
	return 0;
}
