/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "name-list.h"
#include "plan-internal.h"

/* A region that is to go, with what has to be known about it. */
struct target {
	int region;
	int dax; /* or -1 */
	bool kmem;
	struct region_blocks blocks; /* kmem only */
	uint64_t place;
};

static void free_targets(struct target *t, size_t n)
{
	size_t i;

	for (i = 0; t && i < n; i++)
		region_blocks_clear(&t[i].blocks);
	free(t);
}

/*
 * Highest address first: regions that share a port have their decoders in the order of their
 * addresses, and capacity is given back in reverse. What has no address yet stands in nobody's way.
 */
static int compare_targets(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (x->place != y->place)
		return x->place > y->place ? -1 : 1;
	return x->region > y->region ? -1 : 1;
}

static int find_decoder(const struct port *port, int region, const char *name)
{
	size_t i;

	for (i = 0; i < port->n_decoders; i++)
		if (name ? streq_null(port->decoders[i].name, name) :
			   port->decoders[i].region == region)
			return i;
	return -1;
}

/* The endpoint decoder behind one member, or NULL when the card is gone. */
static const struct decoder *member_decoder(const struct picture *p, const struct region *r,
					    const struct mapping *m)
{
	const struct port *port;
	int d;

	if (m->memdev < 0 || p->memdevs[m->memdev].endpoint < 0)
		return NULL;
	port = &p->ports[p->memdevs[m->memdev].endpoint];
	d = find_decoder(port, r - p->regions, m->decoder);
	return d < 0 ? NULL : &port->decoders[d];
}

static int check_type(struct planner *pl, const struct region *r)
{
	size_t i;

	if (!r->type)
		return say(pl->ret_reason, -ENODATA, "the type of %s could not be read: try again",
			   r->name);
	if (strcmp(r->type, "ram") != 0)
		return say(pl->ret_reason, -EOPNOTSUPP,
			   "%s is a %s region, only volatile memory (ram) is managed here", r->name,
			   r->type);
	if (r->locked == YES)
		return say(pl->ret_reason, -EOPNOTSUPP,
			   "%s is locked by firmware and stays until the next boot", r->name);
	for (i = 0; i < r->n_mappings; i++) {
		const struct decoder *d = member_decoder(pl->p, r, &r->mappings[i]);

		if (d && d->locked == YES)
			return say(pl->ret_reason, -EOPNOTSUPP,
				   "%s of %s is locked by firmware and stays until the next boot",
				   d->name, r->name);
	}
	return 0;
}

/* A region that firmware gave to the kernel as plain RAM has blocks but no dax device to take them
 * from. */
static int check_unmanaged(struct planner *pl, int region)
{
	bool orphan = region_lost_cards(&pl->p->regions[region]);
	size_t i;

	/* kmem never gives back what was online when its card left: dax_kmem_cleanup_resources() */
	for (i = 0; orphan && i < pl->p->n_memory; i++)
		if (pl->p->memory[i].region == region)
			return say(pl->ret_reason, -EBUSY,
				   "the card of %s left while its memory was online: that memory, and "
				   "its addresses, are stuck until the machine is rebooted",
				   pl->p->regions[region].name);
	for (i = 0; i < pl->p->n_memory; i++)
		if (pl->p->memory[i].region == region)
			return say(
				pl->ret_reason, -EOPNOTSUPP,
				"%s is in use as plain RAM that firmware mapped at boot and cannot "
				"be taken back",
				pl->p->regions[region].name);
	return 0;
}

static int read_target(struct planner *pl, int region, struct target *t)
{
	const struct region *r = &pl->p->regions[region];
	const struct dax *d;
	int e;

	t->region = region;
	t->place = r->size == 0 ? UNKNOWN : r->resource;
	e = check_type(pl, r);
	if (e == 0)
		e = region_dax(pl, region, &t->dax);
	if (e < 0)
		return e;
	if (t->dax < 0)
		return check_unmanaged(pl, region);
	d = &pl->p->daxes[t->dax];
	t->kmem = d->driver && strcmp(d->driver, "kmem") == 0;
	return t->kmem ? region_blocks_read(pl, region, t->dax, &t->blocks) : 0;
}

/*
 * cxl_dpa_free() in drivers/cxl/core/hdm.c takes back only what was allocated last on a card, so
 * nothing may be left above a member's decoder when it is its turn.
 */
static int check_cards(struct planner *pl, const struct region *r, const bool *gone)
{
	const struct picture *p = pl->p;
	char size[32];
	size_t i;

	for (i = 0; i < r->n_mappings; i++) {
		const struct decoder *d = member_decoder(p, r, &r->mappings[i]);
		const struct memdev *card;
		const struct port *port;
		const struct decoder *o;

		if (!d)
			continue;
		card = &p->memdevs[r->mappings[i].memdev];
		port = &p->ports[card->endpoint];
		for (o = d; o < port->decoders + port->n_decoders; o++) {
			if (o->dpa_size == UNKNOWN)
				return say(pl->ret_reason, -ENODATA,
					   "%s of %s could not be read: try again", o->name,
					   card->name);
			if (o == d || !o->dpa_size || (o->region >= 0 && gone[o->region]))
				continue;
			if (o->region < 0)
				return say(pl->ret_reason, -EBUSY,
					   "%s holds %s of %s for no region, and a card gives back "
					   "first what was taken last: free it first, with `cxl "
					   "free-dpa %s`",
					   o->name, format_size(o->dpa_size, size), card->name,
					   card->name);
			return say(
				pl->ret_reason, -EBUSY,
				"%s was made after %s on %s, and a card gives back first what was "
				"taken last: destroy %s first, or name both",
				p->regions[o->region].name, r->name, card->name,
				p->regions[o->region].name);
		}
	}
	return 0;
}

/*
 * Highest decoder of a port that belongs to a region which is to go, or not (@wanted); -1 if none
 * does.
 */
static int highest(const struct port *port, const bool *gone, bool wanted)
{
	size_t i;

	for (i = port->n_decoders; i > 0; i--)
		if (port->decoders[i - 1].region >= 0 &&
		    gone[port->decoders[i - 1].region] == wanted)
			return i - 1;
	return -1;
}

static int lowest_idle(const struct port *port)
{
	size_t i;

	for (i = 0; i < port->n_decoders; i++)
		if (port->decoders[i].region < 0 && port->decoders[i].size == 0)
			return i;
	return port->n_decoders;
}

/*
 * Between the root and the cards decoders may be released in any order, but a port hands out no
 * further one until those above the gap are released as well (check_commit_order() in
 * drivers/cxl/core/region.c), and a decoder above a gap is not committed again
 * (cxl_decoder_commit() in drivers/cxl/core/hdm.c).
 * @ret_final: marked for each region whose decoders cannot be committed again once they are
 * released
 */
static int note_gaps(struct planner *pl, const bool *gone, bool *ret_final)
{
	const struct picture *p = pl->p;
	char buf[PORT_TEXT_MAX];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->n_ports; i++) {
		const struct port *port = &p->ports[i];
		int goes = highest(port, gone, true), stays = highest(port, gone, false), low = -1,
		    d;
		const char *name;

		if ((port->kind != PORT_HOST_BRIDGE && port->kind != PORT_SWITCH) || goes < 0)
			continue;
		while (low < stays && !(low >= 0 && port->decoders[low].region >= 0 &&
					gone[port->decoders[low].region]))
			low++;
		port_text(p, i, buf);
		/* below what stays, or above what is idle: no way back into that place */
		for (d = 0; d <= goes; d++)
			if (port->decoders[d].region >= 0 && gone[port->decoders[d].region] &&
			    (d < stays || lowest_idle(port) < d))
				ret_final[port->decoders[d].region] = true;
		if (low < stays) {
			name = p->regions[port->decoders[low].region].name;
			r = plan_note(
				pl,
				"%s can take no new region until %s is destroyed as well, so from "
				"the release of its decoders on %s cannot be taken back",
				buf, p->regions[port->decoders[stays].region].name, name);
		} else if (lowest_idle(port) < goes) {
			name = p->regions[port->decoders[goes].region].name;
			r = plan_note(
				pl,
				"%s has idle decoders below that of %s, so from the release of its "
				"decoders on %s cannot be taken back",
				buf, name, name);
		}
	}
	return r;
}

/* The steps most likely to fail, and the only slow ones, before anything is taken apart. */
static int steps_free_memory(struct planner *pl, const struct target *targets, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < n; i++)
		if (targets[i].kmem)
			r = plan_offline(pl, pl->p->daxes[targets[i].dax].name, &targets[i].blocks,
					 ZONE_UNKNOWN);
	for (i = 0; r == 0 && i < n; i++)
		if (targets[i].dax >= 0 && pl->p->daxes[targets[i].dax].driver && !targets[i].kmem)
			r = plan_unused(pl, targets[i].dax);
	return r;
}

/* One without addresses yet, or of which they could not be read, goes by its name alone. */
#define THAT_ONE(r)                                            \
	.size = (r)->size ? (r)->size : UNKNOWN,               \
	.resource = (r)->size ? (r)->resource : UNKNOWN

static int steps_disable(struct planner *pl, const struct target *t)
{
	const struct region *r = &pl->p->regions[t->region];
	const struct dax *d = t->dax < 0 ? NULL : &pl->p->daxes[t->dax];
	int e = 0;

	if (d && d->driver)
		e = plan_unbind(pl, t->dax, t->kmem ? &t->blocks : NULL);
	if (e == 0 && r->enabled != NO)
		e = plan_step(pl,
			      STEP(DISABLE, .region = r->name, THAT_ONE(r),
				   UNDO(STEP(HOLD_AUTOPROBE),
					STEP(ENABLE, .region = r->name, .dax = d ? d->name : NULL),
					STEP(RELEASE_AUTOPROBE))));
	return e;
}

static int steps_release(struct planner *pl, const struct region *r)
{
	const struct picture *p = pl->p;
	const struct decoder *d;
	char *card, *decoder;
	size_t i;
	int e = 0;

	if (r->committed != NO)
		e = plan_step(pl, STEP(DECOMMIT, .region = r->name, THAT_ONE(r),
				       UNDO(STEP(COMMIT, .region = r->name))));

	for (i = r->n_mappings; e == 0 && i > 0; i--) {
		const struct mapping *m = &r->mappings[i - 1];

		if (m->memdev < 0)
			continue; /* the kernel detached the decoder when the card went */
		d = member_decoder(p, r, m);
		card = p->memdevs[m->memdev].name;
		decoder = d ? d->name : m->decoder;
		e = plan_step(pl, STEP(DETACH, .region = r->name, .position = m->position,
				       .memdev = card, .decoder = decoder, THAT_ONE(r),
				       UNDO(STEP(ATTACH, .region = r->name, .position = m->position,
						 .memdev = card, .decoder = decoder))));
	}
	for (i = r->n_mappings; e == 0 && i > 0; i--) {
		const struct mapping *m = &r->mappings[i - 1];

		d = member_decoder(p, r, m);
		if (!d || !d->dpa_size)
			continue;
		card = p->memdevs[m->memdev].name;
		e = plan_step(pl, STEP(FREE_DPA, .memdev = card, .decoder = d->name,
				       UNDO(STEP(ALLOC_DPA, .memdev = card, .decoder = d->name,
						 .size = d->dpa_size))));
	}
	return e;
}

/*
 * Last of all, for all regions: as long as the address ranges are still reserved every step before
 * can be taken back to exactly where it was.
 */
static int step_delete(struct planner *pl, const struct region *r)
{
	char *window = r->window < 0 ? NULL : pl->p->windows[r->window].name;
	struct step undo[3],
		s = STEP(DELETE_REGION, .window = window, .region = r->name, THAT_ONE(r), .undo = undo);

	undo[s.n_undo++] = STEP(CREATE_REGION, .window = window, .region = r->name);
	if (r->ways)
		undo[s.n_undo++] = STEP(SET_INTERLEAVE, .region = r->name, .ways = r->ways,
					.granularity = r->granularity);
	if (r->size && r->size != UNKNOWN)
		undo[s.n_undo++] = STEP(ALLOC_HPA, .region = r->name, .size = r->size,
					.resource = r->resource);
	return plan_step(pl, s);
}

static int plan_targets(struct planner *pl, const struct target *targets, size_t n)
{
	_cleanup_(name_list_clear) struct name_list names = {};
	_cleanup_free_ bool *gone = calloc(pl->p->n_regions + 1, sizeof(*gone));
	_cleanup_free_ bool *final = calloc(pl->p->n_regions + 1, sizeof(*final));
	size_t i;
	int r = 0;

	if (!gone || !final)
		return -ENOMEM;
	for (i = 0; r == 0 && i < n; i++) {
		r = check_cards(pl, &pl->p->regions[targets[i].region], gone);
		gone[targets[i].region] = true;
	}
	if (r == 0)
		r = note_gaps(pl, gone, final);
	if (r == 0)
		r = steps_free_memory(pl, targets, n);
	for (i = 0; r == 0 && i < n; i++)
		r = steps_disable(pl, &targets[i]);
	for (i = 0; r == 0 && i < n; i++) {
		const struct region *region = &pl->p->regions[targets[i].region];

		if (final[targets[i].region] && region->committed != NO &&
		    pl->plan->no_return > pl->plan->n_steps)
			pl->plan->no_return = pl->plan->n_steps;
		r = steps_release(pl, region);
	}
	for (i = 0; r == 0 && i < n; i++) {
		const struct region *region = &pl->p->regions[targets[i].region];

		r = step_delete(pl, region);
		if (r == 0)
			r = plan_add_region(pl, region->name);
		if (r == 0)
			r = name_list_add(&names, region->name);
	}
	if (r == 0)
		r = name_list_end(&names);
	return r < 0 ? r : plan_summary(pl, "destroy %s", names.text);
}

int plan_destroy_regions(struct planner *pl, const int *regions, size_t n)
{
	struct target *targets;
	size_t i;
	int r = 0;

	targets = calloc(n ?: 1, sizeof(*targets));
	if (!targets)
		return -ENOMEM;
	for (i = 0; r == 0 && i < n; i++)
		r = read_target(pl, regions[i], &targets[i]);
	if (r == 0) {
		qsort(targets, n, sizeof(*targets), compare_targets);
		r = plan_targets(pl, targets, n);
	}
	free_targets(targets, n);
	return r;
}

int plan_verb_destroy(struct planner *pl)
{
	_cleanup_free_ int *regions = NULL;
	size_t n;
	int r;

	r = plan_resolve_regions(pl, &regions, &n);
	return r < 0 ? r : plan_destroy_regions(pl, regions, n);
}
