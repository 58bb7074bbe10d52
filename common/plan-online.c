/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "name-list.h"
#include "plan-internal.h"

/* A region that is complete, with the dax device through which its memory is used. */
static int read_region(struct planner *pl, int region, int *ret_dax)
{
	int r = region_usable(pl, region);

	if (r == 0)
		r = region_dax(pl, region, ret_dax);
	if (r == 0 && *ret_dax < 0)
		r = say(pl->ret_reason, -ENODATA,
			"%s has no dax device (yet): try again, and if it stays so see whether the "
			"modules dax_cxl, device_dax and kmem are there",
			pl->p->regions[region].name);
	return r;
}

static bool driver_is(const struct planner *pl, int dax, const char *driver)
{
	return streq_null(pl->p->daxes[dax].driver, driver);
}

/* Blocks online in a zone nobody asked to change. */
static uint64_t bytes_elsewhere(const struct planner *pl, const struct region_blocks *b,
				enum zone z)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->runs[i].state == MEM_ONLINE && b->runs[i].zone != z)
			n += b->runs[i].count;
	return n * pl->p->block_size;
}

/*
 * Bring memory that kmem has online. Without a zone in the request what is online stays where it
 * is, and the rest becomes movable; with one all of it ends in that zone.
 */
static int online_region(struct planner *pl, int region, int dax)
{
	_cleanup_(region_blocks_clear) struct region_blocks blocks = {};
	const struct request *q = pl->request;
	enum zone zone = q->zone == ZONE_UNKNOWN ? ZONE_MOVABLE : q->zone;
	bool all = q->zone != ZONE_UNKNOWN;
	const char *name = pl->p->regions[region].name;
	size_t before = pl->plan->n_steps;
	uint64_t elsewhere;
	char size[32];
	int r;

	r = region_blocks_read(pl, region, dax, &blocks);
	if (r == 0 && all)
		r = plan_offline(pl, pl->p->daxes[dax].name, &blocks, zone);
	if (r == 0)
		r = plan_online(pl, pl->p->daxes[dax].name, &blocks, zone, all);
	elsewhere = all ? 0 : bytes_elsewhere(pl, &blocks, zone);
	if (r == 0 && elsewhere)
		r = plan_note(pl,
			      "%s of %s stay online in zone kernel: give --zone movable to have "
			      "them moved",
			      format_size(elsewhere, size), name);
	else if (r == 0 && pl->plan->n_steps == before)
		r = plan_note(pl, "%s is online already, %s", name, zone_name(zone));
	return r;
}

static int bind_system_ram(struct planner *pl, int region, int dax)
{
	const struct request *q = pl->request;
	uint64_t first, count;
	int r;

	r = region_whole_blocks(pl, region, dax, &first, &count);
	if (r < 0)
		return r;
	return plan_bind_kmem(pl, pl->p->daxes[dax].name, first, count,
			      q->no_online	      ? ZONE_UNKNOWN :
			      q->zone == ZONE_UNKNOWN ? ZONE_MOVABLE :
							q->zone);
}

static int verb_online(struct planner *pl, int region)
{
	int dax, r;

	r = read_region(pl, region, &dax);
	if (r < 0)
		return r;
	if (driver_is(pl, dax, "device_dax"))
		return say(
			pl->ret_reason, -EINVAL,
			"%s is in mode devdax, which has no memory to bring online: use `set-mode "
			"--mode system-ram`",
			pl->p->regions[region].name);
	if (driver_is(pl, dax, "kmem"))
		return online_region(pl, region, dax);
	return bind_system_ram(pl, region, dax);
}

static int verb_offline(struct planner *pl, int region)
{
	_cleanup_(region_blocks_clear) struct region_blocks blocks = {};
	const char *name = pl->p->regions[region].name;
	int dax, r;

	r = read_region(pl, region, &dax);
	if (r < 0)
		return r;
	if (!driver_is(pl, dax, "kmem"))
		return say(pl->ret_reason, -EINVAL, "%s is %s: it has no memory to take offline",
			   name,
			   driver_is(pl, dax, "device_dax") ? "in mode devdax" : "not in use");
	r = region_blocks_read(pl, region, dax, &blocks);
	if (r == 0 && !region_blocks_online(&blocks))
		r = plan_note(pl, "%s is offline already", name);
	else if (r == 0)
		r = plan_offline(pl, pl->p->daxes[dax].name, &blocks, ZONE_UNKNOWN);
	return r;
}

int plan_align(struct planner *pl, char *dax, uint64_t align, uint64_t size, uint64_t was)
{
	char a[32], b[32];

	/* dev_dax_validate_align(), drivers/dax/bus.c */
	if (size != UNKNOWN && size % align)
		return say(pl->ret_reason, -EINVAL,
			   "align is %s, and %s has %s, which is no multiple of that: give a smaller "
			   "alignment or another size",
			   format_size(align, a), dax, format_size(size, b));
	if (was == align)
		return 0;
	if (was == UNKNOWN)
		return plan_step(pl, STEP(SET_ALIGN, .dax = dax, .size = align));
	return plan_step(pl, STEP(SET_ALIGN, .dax = dax, .size = align,
				  UNDO(STEP(SET_ALIGN, .dax = dax, .size = was))));
}

static int to_devdax(struct planner *pl, int region, int dax)
{
	_cleanup_(region_blocks_clear) struct region_blocks blocks = {};
	char *name = pl->p->daxes[dax].name, device_dax[] = "device_dax";
	const struct dax *d = &pl->p->daxes[dax];
	uint64_t align = pl->request->align;
	int r = 0;

	if (driver_is(pl, dax, device_dax)) {
		if (!align || align == d->align)
			return plan_note(pl, "%s is in mode devdax already",
					 pl->p->regions[region].name);
		r = plan_unused(pl, dax);
		if (r == 0)
			r = plan_unbind(pl, dax, NULL);
	}
	if (r == 0 && driver_is(pl, dax, "kmem")) {
		r = region_blocks_read(pl, region, dax, &blocks);
		if (r == 0)
			r = plan_offline(pl, name, &blocks, ZONE_UNKNOWN);
		if (r == 0)
			r = plan_unbind(pl, dax, &blocks);
	}
	if (r == 0 && align)
		r = plan_align(pl, name, align, d->size, d->align);
	if (r < 0)
		return r;
	return plan_step(pl, STEP(BIND, .dax = name, .driver = device_dax,
				  UNDO(STEP(UNBIND, .dax = name, .driver = device_dax))));
}

static int to_system_ram(struct planner *pl, int region, int dax)
{
	uint64_t first, count;
	int r;

	if (driver_is(pl, dax, "kmem") && pl->request->no_online)
		return plan_note(pl, "%s is in mode system-ram already; `offline` takes it offline",
				 pl->p->regions[region].name);
	if (driver_is(pl, dax, "kmem"))
		return online_region(pl, region, dax);
	r = region_whole_blocks(pl, region, dax, &first, &count);
	if (r == 0 && driver_is(pl, dax, "device_dax")) {
		r = plan_unused(pl, dax);
		if (r == 0)
			r = plan_unbind(pl, dax, NULL);
	}
	return r < 0 ? r : bind_system_ram(pl, region, dax);
}

static int verb_set_mode(struct planner *pl, int region)
{
	int dax, r;

	r = read_region(pl, region, &dax);
	if (r < 0)
		return r;
	return pl->request->mode == MODE_DEVDAX ? to_devdax(pl, region, dax) :
						  to_system_ram(pl, region, dax);
}

/* One plan over all regions of the request, in the order typed. */
static int each_region(struct planner *pl, int (*verb)(struct planner *pl, int region),
		       const char *what, const char *how)
{
	_cleanup_(name_list_clear) struct name_list names = {};
	_cleanup_free_ int *regions = NULL;
	size_t n, i;
	int r;

	r = plan_resolve_regions(pl, &regions, &n);
	for (i = 0; r == 0 && i < n; i++) {
		r = verb(pl, regions[i]);
		if (r == 0)
			r = plan_add_region(pl, pl->p->regions[regions[i]].name);
		if (r == 0)
			r = name_list_add(&names, pl->p->regions[regions[i]].name);
	}
	if (r == 0)
		r = name_list_end(&names);
	return r < 0 ? r : plan_summary(pl, "%s %s%s", what, names.text, how);
}

int plan_verb_online(struct planner *pl)
{
	return each_region(pl, verb_online, "bring online",
			   pl->request->zone == ZONE_KERNEL ? ", kernel" : ", movable");
}

int plan_verb_offline(struct planner *pl)
{
	return each_region(pl, verb_offline, "take offline", "");
}

int plan_verb_set_mode(struct planner *pl)
{
	const struct request *q = pl->request;
	int r;

	if (q->mode == MODE_DEFAULT)
		return say(pl->ret_reason, -EINVAL,
			   "set-mode needs a mode: give --mode system-ram or --mode devdax");
	r = check_memory_options(pl, q->mode);
	if (r < 0)
		return r;
	return each_region(pl, verb_set_mode, "set mode of",
			   q->mode == MODE_DEVDAX ? " to devdax" :
			   q->no_online		  ? " to system-ram, left offline" :
			   q->zone == ZONE_KERNEL ? " to system-ram, kernel" :
						    " to system-ram, movable");
}
