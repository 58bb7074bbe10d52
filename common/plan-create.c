/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "name-index.h"
#include "name-list.h"
#include "plan-internal.h"

/* So many new regions are described one by one in a plan's summary. */
#define DESCRIBED_MAX 4

/* The cards a request names, each once, in the order typed. @ret is the caller's (free). */
static int resolve_cards(struct planner *pl, int **ret, size_t *ret_n)
{
	const struct request *q = pl->request;
	const struct picture *p = pl->p;
	_cleanup_free_ int *cards = calloc(q->n_objects, sizeof(*cards));
	_cleanup_free_ bool *seen = calloc(p->n_memdevs + 1, sizeof(*seen));
	_cleanup_(name_index_clear) struct name_index names = {};
	size_t i, n = 0;
	int r = 0;

	if (!cards || !seen)
		return -ENOMEM;
	for (i = 0; i < p->n_memdevs; i++)
		if (name_index_add(&names, p->memdevs[i].name, i) < 0)
			return -ENOMEM;
	name_index_sort(&names);
	for (i = 0; i < q->n_objects; i++) {
		int card = name_index_find(&names, q->objects[i]);

		if (card < 0)
			r = picture_resolve_card(p, q->objects[i], &card, pl->ret_reason);
		if (r == 0 && seen[card])
			r = plan_note(pl, "%s is named more than once and counts once",
				      p->memdevs[card].name);
		else if (r == 0)
			cards[n++] = card;
		if (r < 0)
			return r;
		seen[card] = true;
	}
	*ret = TAKE_PTR(cards);
	*ret_n = n;
	return 0;
}

/*
 * Volatile capacity that can still be allocated. The kernel hands it out upwards and takes it back
 * downwards (__cxl_dpa_alloc() and cxl_dpa_free() in drivers/cxl/core/hdm.c), and what is free
 * below persistent capacity in use has been skipped for good (request_skip()).
 */
static int card_room(struct planner *pl, const struct memdev *m, uint64_t *ret)
{
	const struct port *port = &pl->p->ports[m->endpoint];
	uint64_t used = memdev_ram_allocated(pl->p, m - pl->p->memdevs);
	_cleanup_(name_list_clear) struct name_list users = {};
	char size[32];
	size_t i;

	if (m->ram_size == UNKNOWN || used == UNKNOWN)
		return say(pl->ret_reason, -ENODATA,
			   "the volatile capacity of %s could not be read: try again", m->name);
	if (!m->ram_size)
		return say(pl->ret_reason, -ENXIO, "%s has no volatile memory", m->name);
	for (i = 0; i < port->n_decoders; i++) {
		const struct decoder *d = &port->decoders[i];

		if (!d->dpa_size)
			continue;
		if (streq_null(d->mode, "pmem"))
			return say(
				pl->ret_reason, -ENOSPC,
				"%s of %s holds persistent capacity, and the kernel hands out no "
				"volatile capacity after that: free it first",
				d->name, m->name);
		if (name_list_add(&users,
				  d->region < 0 ? d->name : pl->p->regions[d->region].name) < 0)
			return -ENOMEM;
		if (d->dpa_resource != UNKNOWN && d->dpa_resource + d->dpa_size > used)
			used = d->dpa_resource + d->dpa_size;
	}
	if (name_list_end(&users) < 0)
		return -ENOMEM;
	if (used >= m->ram_size)
		return say(
			pl->ret_reason, -ENOSPC, "all %s of %s are in use (%s): destroy that first",
			format_size(m->ram_size, size), m->name, users.text ?: "by nobody known");
	*ret = m->ram_size - used;
	return 0;
}

static int read_member(struct planner *pl, const struct budget *b, int card, struct member *ret)
{
	const struct memdev *memdev = &pl->p->memdevs[card];
	struct member m = { .memdev = card, .endpoint = memdev->endpoint };
	int r;

	if (memdev->enabled == NO || memdev->endpoint < 0)
		return say(pl->ret_reason, -ENODEV,
			   "%s is not enabled: its driver is not bound or its port has not come "
			   "up, look "
			   "in the kernel log",
			   memdev->name);
	r = member_path(pl, &m);
	if (r == 0)
		r = card_room(pl, memdev, &m.room);
	if (r == 0)
		r = budget_next_decoder(pl, b, m.endpoint, &m.decoder);
	if (r == 0)
		*ret = m;
	return r;
}

static int region_steps(struct planner *pl, const struct placement *pm, char *region)
{
	const struct picture *p = pl->p;
	const struct request *q = pl->request;
	char *window = p->windows[pm->window].name, device_dax[] = "device_dax";
	char dax[48] = "dax0.0";
	unsigned int i;
	int r;

	/* a region's first dax device carries its number: cxl_dax_region, dev_dax ids from 0 */
	if (strncmp(region, "region", 6) == 0)
		snprintf(dax, sizeof(dax), "dax%.32s.0", region + 6);

	r = plan_step(pl, STEP(CREATE_REGION, .window = window, .region = region,
			       UNDO(STEP(DELETE_REGION, .window = window, .region = region))));
	if (r == 0)
		r = plan_step(pl, STEP(SET_INTERLEAVE, .region = region, .ways = pm->ways,
				       .granularity = pm->granularity));
	if (r == 0)
		r = plan_step(pl, STEP(ALLOC_HPA, .region = region, .size = pm->size,
				       .resource = pm->resource,
				       UNDO(STEP(FREE_HPA, .region = region))));
	for (i = 0; r == 0 && i < pm->ways; i++) {
		const struct member *m = pm->members[i];
		char *memdev = p->memdevs[m->memdev].name;
		char *decoder = p->ports[m->endpoint].decoders[m->decoder].name;

		r = plan_step(pl, STEP(ALLOC_DPA, .memdev = memdev, .decoder = decoder,
				       .size = pm->size / pm->ways,
				       UNDO(STEP(FREE_DPA, .memdev = memdev, .decoder = decoder))));
	}
	for (i = 0; r == 0 && i < pm->ways; i++) {
		const struct member *m = pm->members[i];
		char *memdev = p->memdevs[m->memdev].name;
		char *decoder = p->ports[m->endpoint].decoders[m->decoder].name;

		r = plan_step(pl, STEP(ATTACH, .region = region, .position = i, .memdev = memdev,
				       .decoder = decoder,
				       UNDO(STEP(DETACH, .region = region, .position = i,
						 .memdev = memdev, .decoder = decoder))));
	}
	if (r == 0)
		r = plan_step(
			pl, STEP(COMMIT, .region = region, UNDO(STEP(DECOMMIT, .region = region))));
	if (r == 0)
		r = plan_step(pl, STEP(HOLD_AUTOPROBE, UNDO(STEP(RELEASE_AUTOPROBE))));
	if (r == 0)
		r = plan_step(pl, STEP(ENABLE, .region = region, .dax = dax,
				       UNDO(STEP(DISABLE, .region = region))));
	if (r == 0)
		r = plan_step(pl, STEP(RELEASE_AUTOPROBE));
	if (r < 0)
		return r;
	if (q->mode == MODE_DEVDAX && q->align)
		r = plan_align(pl, dax, q->align, pm->size, UNKNOWN);
	if (r < 0)
		return r;
	if (q->mode == MODE_DEVDAX)
		return plan_step(pl, STEP(BIND, .dax = dax, .driver = device_dax,
					  UNDO(STEP(UNBIND, .dax = dax, .driver = device_dax))));
	return plan_bind_kmem(pl, dax, pm->first_block, pm->n_blocks,
			      q->no_online	      ? ZONE_UNKNOWN :
			      q->zone == ZONE_UNKNOWN ? ZONE_MOVABLE :
							q->zone);
}

/* What a person should know about a new region's size. */
static int size_notes(struct planner *pl, const struct placement *pm, const char *region)
{
	const struct request *q = pl->request;
	uint64_t whole = pm->n_blocks * pl->p->block_size;
	char a[32], b[32], c[32];
	int r = 0;

	if (q->size && q->size != pm->size)
		r = plan_note(pl, "%s asked, %s has %s: %u way%s take multiples of %s",
			      format_size(q->size, a), region, format_size(pm->size, b), pm->ways,
			      pm->ways == 1 ? "" : "s", format_size(REGION_UNIT * pm->ways, c));
	if (r == 0 && pm->spared)
		r = plan_note(pl,
			      "%s could be %s larger, which no whole memory block (%s) would hold: "
			      "left on the cards",
			      region, format_size(pm->spared, a),
			      format_size(pl->p->block_size, b));
	if (r == 0 && q->mode != MODE_DEVDAX && whole < pm->size)
		r = plan_note(pl, "%s of %s are lost: they are outside whole memory blocks (%s)",
			      format_size(pm->size - whole, a), region,
			      format_size(pl->p->block_size, b));
	return r;
}

static int describe(struct planner *pl, const struct placement *pm, const char *region,
		    char **summary)
{
	_cleanup_(name_list_clear) struct name_list cards = {};
	char size[32], ways[48] = "";
	char *longer;
	unsigned int i;

	if (pl->plan->n_regions >= DESCRIBED_MAX)
		return 0;
	for (i = 0; i < pm->ways; i++)
		if (name_list_add(&cards, pl->p->memdevs[pm->members[i]->memdev].name) < 0)
			return -ENOMEM;
	if (pm->ways > 1)
		snprintf(ways, sizeof(ways), " (%u ways, granularity %u)", pm->ways,
			 pm->granularity);
	if (asprintf(&longer, "%s%s%s: %s on %s%s through %s", *summary ?: "", *summary ? "; " : "",
		     region, format_size(pm->size, size), cards.text, ways,
		     pl->p->windows[pm->window].name) < 0)
		return -ENOMEM;
	free(*summary);
	*summary = longer;
	return 0;
}

static int plan_region(struct planner *pl, struct budget *b, int window, const int *cards,
		       unsigned int n, char **summary)
{
	struct member members[MEMBERS_MAX];
	_cleanup_free_ char *region = NULL;
	struct placement pm;
	unsigned int i;
	int r;

	for (i = 0; i < n; i++) {
		r = read_member(pl, b, cards[i], &members[i]);
		if (r < 0)
			return r;
	}
	r = choose_window(pl, b, window, members, n, &pm);
	if (r < 0)
		return r;
	if (!budget_next_region(b, pm.window))
		return say(pl->ret_reason, -ENODATA,
			   "the name of the next region in window %s could not be read: try again",
			   pl->p->windows[pm.window].name);
	if (strdup_or_null(budget_next_region(b, pm.window), &region) < 0)
		return -ENOMEM;
	r = budget_take(b, pm.window, pm.resource, pm.size, pm.members, n);
	if (r == 0)
		r = region_steps(pl, &pm, region);
	if (r == 0)
		r = size_notes(pl, &pm, region);
	if (r == 0)
		r = describe(pl, &pm, region, summary);
	if (r == 0)
		r = plan_add_region(pl, region);
	return r;
}

static int find_window(struct planner *pl, int *ret)
{
	_cleanup_(name_list_clear) struct name_list windows = {};
	size_t i;

	*ret = -1;
	if (!pl->request->window)
		return 0;
	*ret = picture_find_window(pl->p, pl->request->window);
	if (*ret >= 0)
		return 0;
	for (i = 0; i < pl->p->n_windows; i++)
		if (name_list_add(&windows, pl->p->windows[i].name) < 0)
			return -ENOMEM;
	if (name_list_end(&windows) < 0)
		return -ENOMEM;
	return say(pl->ret_reason, -ENOENT, "no window is called %s: there is %s",
		   pl->request->window, windows.text ?: "none");
}

int plan_verb_create(struct planner *pl)
{
	const struct request *q = pl->request;
	_cleanup_(budget_freep) struct budget *b = NULL;
	_cleanup_free_ char *summary = NULL;
	_cleanup_free_ int *cards = NULL;
	size_t n = 0, ways, i;
	char more[48] = "";
	int window = -1, r;

	r = check_memory_options(pl, q->mode);
	if (r == 0)
		r = resolve_cards(pl, &cards, &n);
	if (r == 0)
		r = find_window(pl, &window);
	if (r < 0)
		return r;

	ways = q->ways ?: n;
	if (!ways_allowed(ways))
		return say(pl->ret_reason, -EINVAL,
			   "%zu cards cannot be one region, which takes " WAYS_ALLOWED
			   ": give --ways 1 for a region on each",
			   ways);
	if (n % ways)
		return say(
			pl->ret_reason, -EINVAL,
			"%zu card%s cannot be divided into regions of %zu: name %zu more, or other "
			"--ways",
			n, n == 1 ? "" : "s", ways, ways - n % ways);
	if (q->mode != MODE_DEVDAX && (pl->p->block_size == UNKNOWN || !pl->p->block_size))
		return say(pl->ret_reason, -ENODATA,
			   "the size of this machine's memory blocks could not be read");

	r = budget_new(pl, &b);
	for (i = 0; r == 0 && i < n; i += ways)
		r = plan_region(pl, b, window, &cards[i], ways, &summary);
	if (r < 0)
		return r;
	if (pl->plan->n_regions > DESCRIBED_MAX)
		snprintf(more, sizeof(more), " and %zu more", pl->plan->n_regions - DESCRIBED_MAX);
	return plan_summary(pl, "create %s%s, %s%s%s", summary, more,
			    memory_mode_name(q->mode ?: MODE_SYSTEM_RAM),
			    q->mode == MODE_DEVDAX ? "" :
			    q->no_online	   ? ", left offline" :
						     ", ",
			    q->mode == MODE_DEVDAX || q->no_online ?
				    "" :
				    zone_name(q->zone == ZONE_UNKNOWN ? ZONE_MOVABLE : q->zone));
}
