// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "holders.h"
#include "machine.h"
#include "memory-block.h"
#include "node-users.h"
#include "sysfs.h"

/*
 * A page that the kernel tries to move is nobody's as long as it tries (fs/proc/task_mmu.c, gather_pte_stats(), leaves
 * out migration entries), and with one that is pinned it tries without end: who is not found is looked for again.
 */
#define LOOK_AGAIN_USEC (UINT64_C(500) * 1000)
#define LOOK_EVERY_USEC 5000

/* The block that the kernel is at: offline_pages() marks it before it begins to move what is in it. */
static bool going_offline(struct door *door, const struct step *s, uint64_t *ret)
{
	for (size_t i = 0; i < s->n_blocks; i++)
		for (uint64_t b = s->blocks[i].first; b < s->blocks[i].first + s->blocks[i].count; b++) {
			enum mem_state state;
			enum zone zone;

			if (memory_block_read(door, b, &state, &zone) >= 0 &&
			    state == MEM_GOING_OFFLINE) {
				*ret = b;
				return true;
			}
		}
	return false;
}

int machine_memory_users(struct door *door, const char *dax, char **ret)
{
	_cleanup_free_ char *users = NULL;
	uint64_t node, until = door_time() + LOOK_AGAIN_USEC;
	int r;

	r = sysfs_read_u64(door, &node, "bus/dax/devices/%s/target_node", dax);
	if (r >= 0)
		r = node_users(door, node, &users);
	while (r >= 0 && !users && door_time() < until) {
		usleep(LOOK_EVERY_USEC);
		r = node_users(door, node, &users);
	}
	if (r < 0)
		return r;
	if (users)
		return say(ret, 0, "node %" PRIu64 " has memory of %s", node, users);
	return say(ret, 0,
		   "no process has memory on node %" PRIu64 ", so it is the kernel's own, or pinned", node);
}

static int explain_offline(struct door *door, const struct step *s, char **ret)
{
	_cleanup_free_ char *users = NULL;
	uint64_t block;
	char of[64] = "";

	if (going_offline(door, s, &block))
		snprintf(of, sizeof(of), "memory block %" PRIu64, block);
	(void)machine_memory_users(door, s->dax, &users);
	return say(ret, 0, "%s of %s is still in use%s%s", of[0] ? of : "memory", s->dax,
		   users ? ": " : "", users ?: "");
}

static int explain_devdax(struct door *door, const struct step *s, char **ret)
{
	_cleanup_free_ char *holders = NULL;
	uint64_t active = 0;
	int r;

	r = holders_check(door, s->dax, &holders);
	(void)sysfs_read_u64(door, &active, "bus/dax/devices/%s/active_pages", s->dax);
	if (r == -EBUSY && active)
		return say(ret, 0, "%" PRIu64 " page%s of %s %s still in use: %s", active,
			   active == 1 ? "" : "s", s->dax, active == 1 ? "is" : "are", holders);
	if (r == -EBUSY)
		return say(ret, 0, "%s", holders);
	if (!active)
		return -ENODATA;
	return say(ret, 0,
		   "%" PRIu64 " page%s of %s %s still in use, although no process has it open or mapped: held "
		   "by a pipe, io_uring or a device", active, active == 1 ? "" : "s", s->dax,
		   active == 1 ? "is" : "are");
}

int machine_explain(struct door *door, const struct step *s, char **ret)
{
	if (!s->dax)
		return -ENODATA;
	switch (s->kind) {
	case STEP_OFFLINE:
		return explain_offline(door, s, ret);
	case STEP_DRAIN:
	case STEP_CHECK_UNUSED:
		return explain_devdax(door, s, ret);
	case STEP_UNBIND:
		return s->driver && !strcmp(s->driver, "device_dax") ? explain_devdax(door, s, ret) :
								       -ENODATA;
	default:
		return -ENODATA;
	}
}
