/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>

#include "plan-internal.h"

/*
 * Whether the memory that stays can take what is in the memory that goes. Who holds the pages, and which part of the
 * machine's free memory is in the part that goes, need not be known: what is free anywhere has to be at least as
 * much as what goes.
 *
 * Limits of the owners' cgroups do not bind. Charges move with the pages: mem_cgroup_migrate() leaves the counters as
 * they are, so memory.max, memory.swap.max and hugetlb.*.max are not asked. Whose pages they are does not matter to
 * where they go: do_migrate_range() allocates as whoever writes to sysfs, without a mempolicy, and cpusets and mbind()
 * of the owners give way when a node loses its memory. What memory.min protects cannot be reclaimed and is counted
 * here all the same: too much is let through rather than too little.
 *
 * The cpuset of cxlmemd itself does: the page allocator fills the nodes in it to the last before it takes others (its
 * fast path has __GFP_HARDWALL, its slow path has not), and then the OOM killer comes for what is confined to them,
 * cxlmemd first.
 */
struct room {
	uint64_t free, reclaimable;
};

static bool add(uint64_t *sum, uint64_t more)
{
	if (more == UNKNOWN)
		return false;
	*sum += more;
	return true;
}

/*
 * @barred: with the nodes that cxlmemd may not use. What is free on a node that goes itself always counts.
 * False when it is not known: then nothing is refused.
 */
static bool read_room(const struct planner *pl, bool barred, struct room *ret)
{
	const struct picture *p = pl->p;

	*ret = (struct room){};
	for (size_t i = 0; i < p->n_nodes; i++)
		if ((barred || !p->nodes[i].barred || pl->going[i]) &&
		    (!add(&ret->free, p->nodes[i].free) ||
		     !add(&ret->reclaimable, p->nodes[i].reclaimable)))
			return false;
	return p->n_nodes > 0 && add(&ret->reclaimable, p->swap_free);
}

static int check_huge(struct planner *pl, uint64_t node)
{
	const struct picture *p = pl->p;
	uint64_t used = 0, free = 0;
	char a[32], b[32];

	for (size_t i = 0; i < p->n_nodes; i++) {
		const struct node *n = &p->nodes[i];

		if (n->huge == UNKNOWN || n->huge_free == UNKNOWN)
			return 0;
		if (n->id == node)
			used = n->huge - n->huge_free;
		else
			free += n->huge_free;
	}
	if (used <= free)
		return 0;
	return plan_note(pl,
			 "%s in huge pages are in use on node %" PRIu64 " and only %s of such pages are free "
			 "on others: the rest moves only where the kernel finds contiguous memory, "
			 "else it is not done",
			 format_size(used, a), node, format_size(free, b));
}

/* All nodes by number: the kernel does not empty cpuset.mems while somebody is in it (validate_change()). */
static int refuse_barred(struct planner *pl, const char *going)
{
	_cleanup_free_ char *nodes = NULL;

	for (size_t i = 0; i < pl->p->n_nodes; i++)
		say(&nodes, 0, "%s%s%" PRIu64, nodes ?: "", nodes ? "," : "", pl->p->nodes[i].id);
	return say(pl->ret_reason, -ENOSPC,
		   "what is in the %s that would go has room only on nodes that cxlmemd may not use "
		   "(AllowedMemoryNodes= of its unit or slice): the kernel would fill the others first, and kill "
		   "programs that are confined to them; allow cxlmemd all nodes, with `systemctl set-property "
		   "--runtime cxlmemd.service AllowedMemoryNodes=%s`",
		   going, nodes ?: "");
}

int plan_leave(struct planner *pl, uint64_t node, uint64_t bytes)
{
	char going[32], lacks[32], have[32], more[32];
	struct room room, mine;
	int r;

	pl->leaving += bytes;
	for (size_t i = 0; i < pl->p->n_nodes; i++)
		pl->going[i] = pl->going[i] || pl->p->nodes[i].id == node;
	r = check_huge(pl, node);
	if (r < 0 || !read_room(pl, true, &room) || !read_room(pl, false, &mine) ||
	    pl->leaving <= mine.free)
		return r;
	format_size(pl->leaving, going);
	format_size(room.free, have);
	format_size(room.reclaimable, more);
	if (pl->leaving > room.free + room.reclaimable)
		return say(pl->ret_reason, -ENOSPC,
			   "what is in the %s that would go does not fit into the rest of the machine's "
			   "memory: %s are free in all, %s more could come from caches and swap, %s are "
			   "missing; stop programs, or add memory first",
			   going, have, more,
			   format_size(pl->leaving - room.free - room.reclaimable, lacks));
	if (pl->leaving > mine.free + mine.reclaimable)
		return refuse_barred(pl, going);
	if (pl->tight)
		return 0;
	pl->tight = true;
	return plan_note(pl,
			 "of the memory that stays too little is free: %s have to come from caches and swap "
			 "(%s), which takes its time and slows programs down",
			 format_size(pl->leaving - mine.free, lacks),
			 format_size(mine.reclaimable, more));
}

void plan_come_back(struct planner *pl, uint64_t bytes)
{
	pl->leaving -= bytes < pl->leaving ? bytes : pl->leaving;
}
