/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "mock-kernel.h"

#define UNIT (256 * MIB)

/* Endpoint decoder by name; NULL with a reason. */
static struct decoder *find_decoder(struct mock *m, const struct step *s, struct port **ret_port,
				    int *ret_memdev, char **reason)
{
	struct picture *p = m->picture;
	int memdev = picture_find_memdev(p, s->memdev);
	struct port *port;
	size_t i;

	if (memdev < 0 || p->memdevs[memdev].endpoint < 0) {
		say(reason, -ENODEV, "no card %s", s->memdev);
		return NULL;
	}
	port = &p->ports[p->memdevs[memdev].endpoint];
	for (i = 0; i < port->n_decoders; i++)
		if (streq_null(port->decoders[i].name, s->decoder)) {
			*ret_port = port;
			*ret_memdev = memdev;
			return &port->decoders[i];
		}
	say(reason, -ENODEV, "no %s", s->decoder);
	return NULL;
}

/* Number of decoders that hold capacity: hdm_end + 1. */
static int hdm_count(const struct port *port)
{
	size_t i;
	int n = 0;

	for (i = 0; i < port->n_decoders; i++)
		n += port->decoders[i].dpa_size != 0;
	return n;
}

/* __cxl_dpa_alloc(), __cxl_dpa_reserve(). */
int mock_alloc_dpa(struct mock *m, const struct step *s, char **reason)
{
	struct port *port;
	int memdev;
	struct decoder *d = find_decoder(m, s, &port, &memdev, reason);
	uint64_t start = 0;
	size_t i;

	if (!d)
		return -ENODEV;
	if (d->dpa_size && d->dpa_size == s->size)
		return 0;
	if (d->dpa_size || d->region >= 0)
		return say(reason, -EBUSY, "%s is in use", d->name);
	if (!s->size || s->size % UNIT)
		return say(reason, -EINVAL, "%s: size is no multiple of 256M", d->name);
	if (d->id != hdm_count(port))
		return say(reason, -EBUSY, "%s: expected decoder %d", d->name, hdm_count(port));
	for (i = 0; i < port->n_decoders; i++) {
		const struct decoder *o = &port->decoders[i];

		if (!o->dpa_size)
			continue;
		if (streq_null(o->mode, "pmem"))
			return say(reason, -ENOSPC, "%s skipped what was left", o->name);
		if (o->dpa_resource + o->dpa_size > start)
			start = o->dpa_resource + o->dpa_size;
	}
	if (start + s->size > m->picture->memdevs[memdev].ram_size)
		return say(reason, -ENOSPC, "%s exceeds available ram capacity", d->name);
	d->dpa_resource = start;
	d->dpa_size = s->size;
	mock_set_string(&d->mode, "ram");
	return 0;
}

int mock_free_dpa(struct mock *m, const struct step *s, char **reason)
{
	struct port *port;
	int memdev;
	struct decoder *d = find_decoder(m, s, &port, &memdev, reason);

	if (!d)
		return -ENODEV;
	if (!d->dpa_size)
		return 0;
	if (d->region >= 0)
		return say(reason, -EBUSY, "%s is assigned to a region", d->name);
	if (d->id != hdm_count(port) - 1)
		return say(reason, -EBUSY, "%s: expected decoder %d", d->name, hdm_count(port) - 1);
	d->dpa_resource = UNKNOWN;
	d->dpa_size = 0;
	return 0;
}

static bool is_committed(const struct picture *p, const struct decoder *d)
{
	return d->region >= 0 ? p->regions[d->region].committed == YES : d->size != 0;
}

/* commit_end: id of the highest decoder that is committed, -1 if none is. */
static int commit_end(const struct picture *p, const struct port *port)
{
	size_t i;
	int end = -1;

	for (i = 0; i < port->n_decoders; i++)
		if (is_committed(p, &port->decoders[i]))
			end = i;
	return end;
}

static bool passes_through(const struct port *port)
{
	return port->n_decoders == 1 && port->decoders[0].nr_targets == 1;
}

static struct decoder *decoder_of(const struct port *port, int region)
{
	size_t i;

	for (i = 0; i < port->n_decoders; i++)
		if (port->decoders[i].region == region)
			return &port->decoders[i];
	return NULL;
}

/* Name of the downstream port by which a card is reached from @port, NULL if it is not below. */
static const char *way_down(const struct picture *p, int port, int memdev)
{
	int at = p->memdevs[memdev].endpoint;

	while (at >= 0 && p->ports[at].parent != port)
		at = p->ports[at].parent;
	return at < 0 ? NULL : p->ports[at].parent_dport;
}

/*
 * Different downstream ports of @port that a region's members use, with one more card (-1: none).
 */
static unsigned int count_targets(const struct picture *p, int region, int port, int more)
{
	const struct region *r = &p->regions[region];
	const char *seen[17];
	unsigned int n = 0, j;
	size_t i;

	for (i = 0; i < r->n_mappings + (more >= 0); i++) {
		int memdev = i < r->n_mappings ? r->mappings[i].memdev : more;
		const char *way = way_down(p, port, memdev);

		if (!way)
			continue;
		for (j = 0; j < n && strcmp(seen[j], way) != 0; j++)
			;
		if (j == n)
			seen[n++] = way;
	}
	return n;
}

/* cxl_port_attach_region(): claim a decoder, or find room among the targets of the one claimed. */
static int claim(struct picture *p, int port_index, int region, int memdev, char **reason)
{
	struct port *port = &p->ports[port_index];
	const struct region *r = &p->regions[region];
	struct decoder *d = decoder_of(port, region);
	size_t i;
	int next;

	if (!d) {
		next = commit_end(p, port) + 1;
		if (passes_through(port))
			next = 0;
		if ((size_t)next >= port->n_decoders || port->decoders[next].region >= 0)
			return say(reason, -EBUSY, "%s: no decoder available", port->name);
		for (i = 0; i < (size_t)next; i++)
			if (!is_committed(p, &port->decoders[i]))
				return say(reason, -EBUSY, "%s: out of order shutdown", port->name);
		for (i = 0; i < port->n_decoders; i++) {
			int other = port->decoders[i].region;

			if (other >= 0 && p->regions[other].size &&
			    p->regions[other].resource >= r->resource)
				return say(reason, -EBUSY, "%s: HPA order violation with %s",
					   port->name, p->regions[other].name);
		}
		d = &port->decoders[next];
	}
	if (d->nr_targets && count_targets(p, region, port_index, memdev) > d->nr_targets)
		return say(reason, -ENXIO, "%s: too many targets", d->name);
	d->region = region;
	return 0;
}

static void unclaim(struct picture *p, int region, int memdev)
{
	int at;

	for (at = p->memdevs[memdev].endpoint; p->ports[at].parent >= 0; at = p->ports[at].parent) {
		struct decoder *d = decoder_of(&p->ports[at], region);

		if (d &&
		    (p->ports[at].kind == PORT_ENDPOINT || count_targets(p, region, at, -1) == 0)) {
			d->region = -1;
			d->resource = UNKNOWN;
			d->size = 0;
			d->ways = d->granularity = 0;
		}
	}
}

static int card_at(const struct region *r, int position)
{
	size_t i;

	for (i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].position == position)
			return r->mappings[i].memdev;
	return -1;
}

static bool power_of_two(unsigned int n)
{
	return n && (n & (n - 1)) == 0;
}

/*
 * cxl_port_setup_targets() for one port: walk the positions in order; the peer rule of
 * check_last_peer(); ways and granularity from the port above.
 */
static int setup_port(struct picture *p, int region, int at, char **reason)
{
	const struct region *r = &p->regions[region];
	const struct window *w = &p->windows[r->window];
	unsigned int targets = count_targets(p, region, at, -1), distance, set = 0, i, ig, iw;
	int parent = p->ports[at].parent, up;
	struct decoder *d = decoder_of(&p->ports[at], region);
	const char *target[16];

	if (!power_of_two(targets))
		return say(reason, -EINVAL, "%s: %u targets", p->ports[at].name, targets);
	distance = w->ways;
	for (up = at; p->ports[up].kind != PORT_ROOT; up = p->ports[up].parent)
		distance *= count_targets(p, region, up, -1);
	if (p->ports[parent].kind == PORT_ROOT) {
		ig = r->granularity;
		iw = power_of_two(w->ways) ? w->ways : w->ways / 3;
	} else {
		ig = decoder_of(&p->ports[parent], region)->granularity;
		iw = decoder_of(&p->ports[parent], region)->ways;
	}
	if (ig * iw > 16384)
		return say(reason, -EINVAL, "%s: granularity %u * %u", p->ports[at].name, ig, iw);
	if (targets > 8 || (d->nr_targets && targets > d->nr_targets))
		return say(reason, -ENXIO, "%s: %u ways", p->ports[at].name, targets);
	for (i = 0; i < r->ways; i++) {
		const char *way = way_down(p, at, card_at(r, i)), *peer;
		unsigned int j;

		if (!way)
			continue;
		for (j = 0; j < set && strcmp(target[j], way) != 0; j++)
			;
		if (j == set && set == targets)
			return say(reason, -ENXIO, "%s: targets full", p->ports[at].name);
		if (j == set) {
			target[set++] = way;
			continue;
		}
		peer = i < distance ? NULL : way_down(p, at, card_at(r, i - distance));
		if (!peer || strcmp(peer, way) != 0)
			return say(reason, -ENXIO, "%s: cannot host position %u by %s",
				   p->ports[at].name, i, way);
	}
	d->ways = targets;
	d->granularity = ig * iw;
	d->resource = r->resource;
	d->size = r->size;
	return 0;
}

static int setup_targets(struct picture *p, int region, char **reason)
{
	const struct region *r = &p->regions[region];
	size_t i, j;
	int e;

	/* parents come before children in a picture, as the kernel descends */
	for (i = 0; i < p->n_ports; i++) {
		if (p->ports[i].kind != PORT_HOST_BRIDGE && p->ports[i].kind != PORT_SWITCH)
			continue;
		if (!decoder_of(&p->ports[i], region))
			continue;
		e = setup_port(p, region, i, reason);
		if (e < 0)
			return e;
	}
	for (j = 0; j < r->n_mappings; j++) {
		struct decoder *d =
			decoder_of(&p->ports[p->memdevs[r->mappings[j].memdev].endpoint], region);

		d->ways = r->ways;
		d->granularity = r->granularity;
		d->resource = r->resource;
		d->size = r->size;
	}
	return 0;
}

static void reset_targets(struct picture *p, int region)
{
	size_t i;

	for (i = 0; i < p->n_ports; i++) {
		struct decoder *d = decoder_of(&p->ports[i], region);

		if (d) {
			d->resource = UNKNOWN;
			d->size = 0;
			d->ways = d->granularity = 0;
		}
	}
}

static void remove_mapping(struct region *r, int position)
{
	size_t i;

	for (i = 0; i < r->n_mappings && r->mappings[i].position != position; i++)
		;
	free(r->mappings[i].decoder);
	memmove(&r->mappings[i], &r->mappings[i + 1],
		(r->n_mappings - i - 1) * sizeof(*r->mappings));
	r->n_mappings--;
}

static void add_mapping(struct region *r, int position, int memdev, const char *decoder)
{
	struct mapping new = { position, memdev, strdup(decoder) };
	size_t i;

	if (!region_add_mapping(r) || !new.decoder)
		abort();
	for (i = r->n_mappings - 1; i && r->mappings[i - 1].position > position; i--)
		r->mappings[i] = r->mappings[i - 1];
	r->mappings[i] = new;
}

static int check_attach(const struct picture *p, int region, const struct step *s, int memdev,
			const struct decoder *d, char **reason)
{
	const struct region *r = &p->regions[region];
	const struct window *w = &p->windows[r->window];
	int bridge;
	size_t i;

	if (!r->size)
		return say(reason, -ENXIO, "%s: interleave config missing", r->name);
	if (r->n_mappings >= r->ways)
		return say(reason, -EBUSY, "%s: already active", r->name);
	if (!d->dpa_size)
		return say(reason, -ENXIO, "%s: missing DPA allocation", d->name);
	if (d->dpa_size * r->ways != r->size)
		return say(reason, -EINVAL, "%s: size does not match", d->name);
	if (s->position < 0 || (unsigned int)s->position >= r->ways)
		return say(reason, -ENXIO, "%s: no position %d", r->name, s->position);
	if (d->region >= 0)
		return say(reason, -EBUSY, "%s is attached elsewhere", d->name);
	for (i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].position == s->position || r->mappings[i].memdev == memdev)
			return say(reason, -EBUSY, "%s: position or card taken", r->name);
	for (bridge = p->memdevs[memdev].endpoint; p->ports[bridge].kind != PORT_HOST_BRIDGE;)
		bridge = p->ports[bridge].parent;
	if (w->targets[s->position % w->ways].port != bridge)
		return say(reason, -ENXIO, "%s: invalid target position for %s", r->name, d->name);
	return 0;
}

/* cxl_region_attach(). */
int mock_attach(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int region = picture_find_region(p, s->region), memdev, at, e;
	struct port *port;
	struct decoder *d = find_decoder(m, s, &port, &memdev, reason);

	if (!d)
		return -ENODEV;
	if (region < 0)
		return say(reason, -ENOENT, "no %s", s->region);
	if (d->region == region && card_at(&p->regions[region], s->position) == memdev)
		return 0;
	e = check_attach(p, region, s, memdev, d, reason);
	if (e < 0)
		return e;
	/* the endpoint has the given decoder, not the next one: they must be the same */
	for (at = p->memdevs[memdev].endpoint; e == 0 && p->ports[at].kind != PORT_ROOT;
	     at = p->ports[at].parent)
		e = claim(p, at, region, memdev, reason);
	if (e == 0 && d->region != region)
		e = say(reason, -EBUSY, "%s: out of order commit", d->name);
	if (e < 0) {
		unclaim(p, region, memdev);
		return e;
	}
	add_mapping(&p->regions[region], s->position, memdev, d->name);
	if (p->regions[region].n_mappings == p->regions[region].ways) {
		e = setup_targets(p, region, reason);
		if (e < 0) {
			reset_targets(p, region);
			remove_mapping(&p->regions[region], s->position);
			unclaim(p, region, memdev);
		}
	}
	return e;
}

int mock_detach(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int region = picture_find_region(p, s->region), memdev;

	if (region < 0)
		return 0;
	if (p->regions[region].committed == YES)
		return say(reason, -EBUSY, "%s is still committed", s->region);
	memdev = card_at(&p->regions[region], s->position);
	if (memdev < 0)
		return 0;
	reset_targets(p, region);
	remove_mapping(&p->regions[region], s->position);
	unclaim(p, region, memdev);
	return 0;
}

/* cxl_region_decode_commit(), cxl_decoder_commit(). */
int mock_commit(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int region = picture_find_region(p, s->region);
	struct region *r;
	size_t i;

	if (region < 0)
		return say(reason, -ENOENT, "no %s", s->region);
	r = &p->regions[region];
	if (r->committed == YES)
		return 0;
	if (!r->ways || r->n_mappings != r->ways)
		return say(reason, -ENXIO, "%s is not complete", r->name);
	for (i = 0; i < p->n_ports; i++) {
		const struct decoder *d = decoder_of(&p->ports[i], region);

		if (d && !passes_through(&p->ports[i]) && d->id != commit_end(p, &p->ports[i]) + 1)
			return say(reason, -EBUSY, "%s: out of order commit", d->name);
	}
	r->committed = YES;
	return 0;
}
