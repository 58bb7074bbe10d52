/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "plan-internal.h"

void region_blocks_clear(struct region_blocks *b)
{
	free(b->runs);
	*b = (struct region_blocks){};
}

static int add_run(struct region_blocks *b, uint64_t first, uint64_t count, enum mem_state state,
		   enum zone zone)
{
	if (!count)
		return 0;
	if (grow(&b->runs, b->n, sizeof(*b->runs)) < 0)
		return -ENOMEM;
	b->runs[b->n++] = (struct block_run){ first, count, state, zone };
	return 0;
}

/* The memory blocks that kmem can use of a dax device: dax_kmem_range() in drivers/dax/kmem.c. */
int region_whole_blocks(struct planner *pl, int region, int dax, uint64_t *ret_first,
			uint64_t *ret_count)
{
	const struct picture *p = pl->p;
	const struct region *r = &p->regions[region];
	const struct dax *d = dax < 0 ? NULL : &p->daxes[dax];
	bool of_dax = d && d->resource != UNKNOWN && d->size != UNKNOWN;
	uint64_t start = of_dax ? d->resource : r->resource, size = of_dax ? d->size : r->size;
	uint64_t bs = p->block_size, first, end;
	char text[32];

	if (bs == UNKNOWN || !bs)
		return say(pl->ret_reason, -ENODATA,
			   "the size of this machine's memory blocks could not be read");
	if (start == UNKNOWN || size == UNKNOWN || start > UNKNOWN - size ||
	    start + size > UNKNOWN - bs)
		return say(pl->ret_reason, -ENODATA, "place and size of %s could not be read",
			   r->name);
	first = align_up(start, bs) / bs;
	end = (start + size) / bs;
	if (end <= first)
		return say(pl->ret_reason, -ENXIO,
			   "no whole memory block (%s) is inside %s: it can be used with --mode "
			   "devdax "
			   "only",
			   format_size(bs, text), r->name);
	*ret_first = first;
	*ret_count = end - first;
	return 0;
}

static int check_run(struct planner *pl, const char *region, const struct memory_run *run,
		     uint64_t block)
{
	if (run->state == MEM_UNKNOWN || (run->state == MEM_ONLINE && run->zone == ZONE_UNKNOWN))
		return say(pl->ret_reason, -ENODATA,
			   "the state of memory block %" PRIu64
			   " of %s could not be read: try again",
			   block, region);
	if (run->state == MEM_GOING_OFFLINE)
		return say(pl->ret_reason, -EBUSY,
			   "memory block %" PRIu64
			   " of %s is being taken offline by somebody else: "
			   "wait until that has ended",
			   block, region);
	return 0;
}

/*
 * State of each memory block of a region bound to kmem. Blocks that are not there at all are as
 * good as offline when kmem says that it has unplugged them (Linux 7.3, daxX.Y/state), else
 * something is happening right now. @ret must be cleared by the caller, also after an error.
 */
int region_blocks_read(struct planner *pl, int region, int dax, struct region_blocks *ret)
{
	const struct picture *p = pl->p;
	const char *name = p->regions[region].name;
	uint64_t first, count, end, at;
	size_t i;
	int r;

	r = region_whole_blocks(pl, region, dax, &first, &count);
	if (r < 0)
		return r;
	end = first + count;
	at = first;
	for (i = 0; i < p->n_memory && at < end; i++) {
		const struct memory_run *run = &p->memory[i];
		uint64_t from = run->first > at ? run->first : at;
		uint64_t to = run->first + run->count < end ? run->first + run->count : end;

		if (from >= to)
			continue;
		r = check_run(pl, name, run, from);
		if (r == 0 && from > at)
			r = add_run(ret, at, from - at, MEM_UNKNOWN, ZONE_UNKNOWN);
		if (r == 0)
			r = add_run(ret, from, to - from, run->state,
				    run->state == MEM_ONLINE ? run->zone : ZONE_UNKNOWN);
		if (r < 0)
			return r;
		at = to;
	}
	r = add_run(ret, at, end - at, MEM_UNKNOWN, ZONE_UNKNOWN);
	for (i = 0; r == 0 && i < ret->n; i++) {
		if (ret->runs[i].state != MEM_UNKNOWN)
			continue;
		if (!streq_null(p->daxes[dax].state, "unplugged"))
			return say(pl->ret_reason, -ENODATA,
				   "memory block %" PRIu64 " of %s is not there (yet): try again",
				   ret->runs[i].first, name);
		ret->runs[i].state = MEM_OFFLINE;
	}
	return r;
}

bool region_blocks_online(const struct region_blocks *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->runs[i].state == MEM_ONLINE)
			return true;
	return false;
}

/*
 * The dax device of a region: its index, or -1 if it has none. One that has been divided or belongs
 * to a driver that is not known here could not be put back after a failure.
 */
int region_dax(struct planner *pl, int region, int *ret)
{
	const struct picture *p = pl->p;
	int found = -1;
	size_t i;

	for (i = 0; i < p->n_daxes; i++) {
		const struct dax *d = &p->daxes[i];

		if (d->region != region)
			continue;
		if (found >= 0)
			return say(pl->ret_reason, -EBUSY,
				   "%s is divided into several dax devices (%s, %s): remove all "
				   "but the "
				   "first with `daxctl destroy-device`",
				   p->regions[region].name, p->daxes[found].name, d->name);
		if (d->driver && strcmp(d->driver, "kmem") != 0 &&
		    strcmp(d->driver, "device_dax") != 0)
			return say(pl->ret_reason, -EBUSY,
				   "%s of %s belongs to the driver %s, which is not managed here: "
				   "unbind it first",
				   d->name, p->regions[region].name, d->driver);
		found = i;
	}
	*ret = found;
	return 0;
}

/* Whether a region is complete and ours to change the use of. */
int region_usable(struct planner *pl, int region)
{
	const struct region *r = &pl->p->regions[region];

	if (!r->type)
		return say(pl->ret_reason, -ENODATA, "the type of %s could not be read", r->name);
	if (strcmp(r->type, "ram") != 0)
		return say(pl->ret_reason, -EOPNOTSUPP,
			   "%s is a %s region, only volatile memory (ram) is managed here", r->name,
			   r->type);
	if (r->size == 0 || r->committed == NO || r->enabled == NO)
		return say(pl->ret_reason, -EINVAL,
			   "%s is incomplete (%s): destroy it and create it again", r->name,
			   r->size == 0	      ? "it has no address range" :
			   r->committed == NO ? "its decoders are not programmed" :
						"it is disabled");
	if (r->size == UNKNOWN || r->committed == MAYBE || r->enabled == MAYBE)
		return say(pl->ret_reason, -ENODATA, "the state of %s could not be read", r->name);
	return 0;
}

/* Refuse options that contradict each other. */
int check_memory_options(struct planner *pl, enum memory_mode mode)
{
	const struct request *q = pl->request;

	if (mode == MODE_DEVDAX && q->zone != ZONE_UNKNOWN)
		return say(pl->ret_reason, -EINVAL,
			   "zone %s is for system-ram: memory in mode devdax is in no zone",
			   zone_name(q->zone));
	if (mode == MODE_DEVDAX && q->no_online)
		return say(pl->ret_reason, -EINVAL,
			   "no-online is for system-ram: memory in mode devdax never comes online");
	if (mode != MODE_DEVDAX && q->align)
		return say(pl->ret_reason, -EINVAL,
			   "only devdax has an alignment: give --mode devdax, or leave it out");
	if (q->no_online && q->zone != ZONE_UNKNOWN)
		return say(pl->ret_reason, -EINVAL,
			   "zone %s and no-online contradict each other: give the zone to `online` "
			   "later",
			   zone_name(q->zone));
	return 0;
}

static const char *policy_for(enum zone zone)
{
	switch (zone) {
	case ZONE_MOVABLE:
		return "online_movable";
	case ZONE_KERNEL:
		return "online_kernel";
	default:
		return "offline";
	}
}

/*
 * Bind to kmem so that the memory is in @zone afterwards (ZONE_UNKNOWN: offline). kmem reads the
 * kernel's policy when it binds (mhp_get_default_online_type() in dev_dax_kmem_probe(); before 7.3
 * add_memory_resource() does), so the policy is what is needed for just that moment. A kernel
 * without the policy adds memory offline.
 */
int plan_bind_kmem(struct planner *pl, char *dax, uint64_t first, uint64_t count, enum zone zone)
{
	char *before = pl->p->auto_online, *needed = (char *)policy_for(zone);
	char kmem[] = "kmem";
	bool hold = before && strcmp(before, needed) != 0;
	struct block_span asked = { first, count, zone }, offline = { first, count, ZONE_UNKNOWN };
	int r = 0;

	if (!before) {
		r = plan_step(pl,
			      STEP(BIND, .dax = dax, .driver = kmem, .blocks = &offline,
				   .n_blocks = 1, UNDO(STEP(UNBIND, .dax = dax, .driver = kmem))));
		if (r < 0 || zone == ZONE_UNKNOWN)
			return r;
		return plan_step(
			pl, STEP(ONLINE, .dax = dax, .blocks = &asked, .n_blocks = 1,
				 UNDO(STEP(OFFLINE, .dax = dax, .blocks = &asked, .n_blocks = 1))));
	}
	if (hold)
		r = plan_step(pl, STEP(HOLD_AUTO_ONLINE, .policy = needed,
				       UNDO(STEP(RELEASE_AUTO_ONLINE, .policy = before))));
	if (r == 0 && zone == ZONE_UNKNOWN)
		r = plan_step(pl,
			      STEP(BIND, .dax = dax, .driver = kmem, .blocks = &asked,
				   .n_blocks = 1, UNDO(STEP(UNBIND, .dax = dax, .driver = kmem))));
	else if (r == 0)
		r = plan_step(
			pl, STEP(BIND, .dax = dax, .driver = kmem, .blocks = &asked, .n_blocks = 1,
				 UNDO(STEP(OFFLINE, .dax = dax, .blocks = &asked, .n_blocks = 1),
				      STEP(UNBIND, .dax = dax, .driver = kmem))));
	if (r == 0 && hold)
		r = plan_step(pl, STEP(RELEASE_AUTO_ONLINE, .policy = before));
	return r;
}

/*
 * Unbind from kmem, all blocks of which are offline by now (memory that is online would be stuck
 * until reboot), or from device_dax. The way back leaves the blocks offline: bringing them online
 * again is the undo of the step that took them offline.
 */
int plan_unbind(struct planner *pl, int dax, const struct region_blocks *blocks)
{
	const struct dax *d = &pl->p->daxes[dax];
	char *before = pl->p->auto_online, offline[] = "offline";
	struct step undo[3], s = STEP(UNBIND, .dax = d->name, .driver = d->driver, .undo = undo);
	bool hold = blocks && before && strcmp(before, offline) != 0;
	struct block_span span = {};

	if (blocks && blocks->n) {
		const struct block_run *last = &blocks->runs[blocks->n - 1];

		span.first = blocks->runs[0].first;
		span.count = last->first + last->count - span.first;
	}
	if (hold)
		undo[s.n_undo++] = STEP(HOLD_AUTO_ONLINE, .policy = offline);
	undo[s.n_undo++] =
		STEP(BIND, .dax = d->name, .driver = d->driver, .blocks = span.count ? &span : NULL,
		     .n_blocks = span.count ? 1 : 0);
	if (hold)
		undo[s.n_undo++] = STEP(RELEASE_AUTO_ONLINE, .policy = before);
	return plan_step(pl, s);
}

/*
 * See to it that nobody uses a devdax that is about to be unbound. Only a drain makes sure of it
 * (kernel/README.md); else who has it open or mapped is looked for, and pins are not seen. Who forces it
 * takes it from those that are seen, on any kernel: the unbind of device_dax, or the drain, ends their mappings.
 */
int plan_unused(struct planner *pl, int dax)
{
	const struct dax *d = &pl->p->daxes[dax];
	char force[] = "force";
	int r = 0;

	if (pl->request->force)
		r = plan_note(pl,
			      "%s is taken away from every process that has it open or mapped: what it "
			      "does with it afterwards gets SIGBUS, and no way back returns it",
			      d->name);
	if (r == 0 && d->drain && pl->request->force)
		r = plan_step(pl, STEP(REVOKE, .dax = d->name,
				       UNDO(STEP(CANCEL_DRAIN, .dax = d->name))));
	if (r == 0 && d->drain)
		return plan_step(pl, STEP(DRAIN, .dax = d->name,
					  UNDO(STEP(CANCEL_DRAIN, .dax = d->name))));
	if (r == 0)
		r = plan_step(pl, STEP(CHECK_UNUSED, .dax = d->name,
				       .policy = pl->request->force ? force : NULL));
	if (r == 0)
		r = plan_note(pl,
			      "this kernel does not tell whether a pipe, io_uring or a device still "
			      "holds pages of %s that no process has mapped: if one does, the kernel "
			      "may crash when it lets go of them",
			      d->name);
	return r;
}

/* Take what is online offline, all but what is in the zone @keep (ZONE_UNKNOWN: keep nothing). */
int plan_offline(struct planner *pl, char *dax, const struct region_blocks *blocks, enum zone keep)
{
	struct step undo = STEP(ONLINE, .dax = dax), s = STEP(OFFLINE, .dax = dax);
	int found = picture_find_dax(pl->p, dax);
	uint64_t going = 0;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < blocks->n; i++) {
		const struct block_run *run = &blocks->runs[i];

		if (run->state != MEM_ONLINE || (keep != ZONE_UNKNOWN && run->zone == keep))
			continue;
		r = step_add_block(&undo, run->first, run->count, run->zone);
		going += run->count * pl->p->block_size;
	}
	if (r == 0 && going)
		r = plan_leave(pl, found < 0 ? UNKNOWN : pl->p->daxes[found].target_node, going);
	if (r == 0 && undo.n_blocks) {
		s.blocks = undo.blocks;
		s.n_blocks = undo.n_blocks;
		s.undo = &undo;
		s.n_undo = 1;
		r = plan_step(pl, s);
	}
	free(undo.blocks);
	return r;
}

/* Bring blocks online in @zone: those that are offline, and with @all those in another zone as
 * well. */
int plan_online(struct planner *pl, char *dax, const struct region_blocks *blocks, enum zone zone,
		bool all)
{
	struct step undo = STEP(OFFLINE, .dax = dax), s = STEP(ONLINE, .dax = dax);
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < blocks->n; i++) {
		const struct block_run *run = &blocks->runs[i];

		if (run->state == MEM_OFFLINE || (all && run->zone != zone))
			r = step_add_block(&undo, run->first, run->count, zone);
		if (all && run->state == MEM_ONLINE && run->zone != zone)
			plan_come_back(pl, run->count * pl->p->block_size);
	}
	if (r == 0 && undo.n_blocks) {
		s.blocks = undo.blocks;
		s.n_blocks = undo.n_blocks;
		s.undo = &undo;
		s.n_undo = 1;
		r = plan_step(pl, s);
	}
	free(undo.blocks);
	return r;
}
