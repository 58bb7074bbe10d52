// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "holders.h"
#include "machine.h"
#include "memory-block.h"
#include "memory-progress.h"
#include "module.h"
#include "sysfs.h"

#define DAX "bus/dax/devices/%s"
#define AUTOPROBE "bus/dax/drivers_autoprobe"
#define AUTO_ONLINE "devices/system/memory/auto_online_blocks"

/*
 * A hold changes a setting of the whole machine for the moment in which our own device comes up, so that
 * neither the kernel nor a udev rule decides what becomes of it. What it was goes back right after.
 */
static int hold(struct door *door, const char *path, const char *value, const char *what,
		struct step_result *ret, char **ret_reason)
{
	int r;

	r = sysfs_read(door, &ret->previous, "%s", path);
	if (r >= 0 && strcmp(ret->previous, value))
		r = sysfs_write(door, value, "%s", path);
	if (r < 0)
		return say(ret_reason, r, "%s (/sys/%s) cannot be set to %s: %s", what, path, value,
			   strerror(-r));
	return 0;
}

static int release(struct door *door, const char *path, const char *value, const char *what,
		   char **ret_reason)
{
	int r;

	r = sysfs_write(door, value, "%s", path);
	if (r < 0)
		return say(ret_reason, r, "%s (/sys/%s) cannot be set back to %s: %s", what, path, value,
			   strerror(-r));
	return 0;
}

int machine_hold_autoprobe(struct door *door, const struct step *s, struct step_result *ret,
			   char **ret_reason)
{
	static const char *const drivers[] = { "kmem", "device_dax" };
	int r;

	(void)s;
	r = hold(door, AUTOPROBE, "0", "driver probing of the dax bus", ret, ret_reason);
	/*
	 * A driver takes what it finds when it registers. udev loads these on the device's uevent, maybe
	 * after the hold is over, so they register now. What is missing is told when it is bound.
	 */
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(drivers); i++)
		if (!sysfs_exists(door, "bus/dax/drivers/%s", drivers[i]))
			(void)module_load(door, drivers[i], NULL);
	return r;
}

int machine_release_autoprobe(struct door *door, const struct step *s, struct step_result *ret,
			      char **ret_reason)
{
	(void)ret;
	return release(door, AUTOPROBE, s->policy ?: "1", "driver probing of the dax bus", ret_reason);
}

int machine_hold_auto_online(struct door *door, const struct step *s, struct step_result *ret,
			     char **ret_reason)
{
	return hold(door, AUTO_ONLINE, s->policy, "the policy for new memory", ret, ret_reason);
}

int machine_release_auto_online(struct door *door, const struct step *s, struct step_result *ret,
				char **ret_reason)
{
	(void)ret;
	return release(door, AUTO_ONLINE, s->policy, "the policy for new memory", ret_reason);
}

/* kmem's state attribute: Linux 7.3 and later (drivers/dax/kmem.c, state_store()). NULL: not there. */
static char *kmem_state(struct door *door, const char *dax)
{
	char *state = NULL;

	(void)sysfs_read(door, &state, DAX "/state", dax);
	return state;
}

static int set_kmem_state(struct door *door, const char *dax, const char *state)
{
	return sysfs_write(door, state, DAX "/state", dax);
}

/* The same for all blocks of a step, and how far it is meanwhile. */
static int move_kmem(struct door *door, const struct step *s, const char *state, bool online)
{
	struct memory_progress *p = memory_progress_start(door, s->blocks, s->n_blocks, online);
	int r = set_kmem_state(door, s->dax, state);

	memory_progress_stop(p);
	return r;
}

/* One zone for all blocks? Then the kernel can do it at once. Return the zone, or ZONE_UNKNOWN. */
static enum zone common_zone(const struct step *s)
{
	if (s->n_blocks == 0)
		return ZONE_UNKNOWN;
	for (size_t i = 1; i < s->n_blocks; i++)
		if (s->blocks[i].zone != s->blocks[0].zone)
			return ZONE_UNKNOWN;
	return s->blocks[0].zone;
}

/*
 * Blocks go by number, and the plan's numbers are those of the place that the device had. One that is gone
 * has no blocks that could be taken for others'.
 */
static int check_place(struct door *door, const struct step *s, char **ret_reason)
{
	uint64_t resource, size, block;
	int r;

	r = sysfs_read_u64(door, &resource, DAX "/resource", s->dax);
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = sysfs_read_u64(door, &size, DAX "/size", s->dax);
	if (r >= 0)
		r = memory_block_size(door, &block);
	if (r < 0)
		return say(ret_reason, r, "where %s is cannot be read: %s", s->dax, strerror(-r));
	for (size_t i = 0; i < s->n_blocks; i++) {
		const struct block_span *b = &s->blocks[i];

		if (b->first * block < align_down(resource, block) ||
		    (b->first + b->count) * block > align_up(resource + size, block))
			return say(ret_reason, -EBUSY,
				   "memory%" PRIu64 " is not of %s any more: somebody else has made that anew "
				   "since planning", b->first, s->dax);
	}
	return 0;
}

static int online_at_once(struct door *door, const struct step *s, enum zone zone,
			  const char *state, char **ret_reason)
{
	const char *word = zone == ZONE_MOVABLE ? "online_movable" : "online_kernel";
	int r = 0;

	/* Only from "unplugged", else EBUSY: kmem forgets nothing it was told before. */
	if (strcmp(state, "unplugged"))
		r = set_kmem_state(door, s->dax, "unplugged");
	if (r >= 0)
		r = move_kmem(door, s, word, true);
	if (r < 0)
		return say(ret_reason, r, "the memory of %s cannot be brought online in zone %s: %s",
			   s->dax, zone_name(zone), strerror(-r));
	return 0;
}

int machine_online(struct door *door, const struct step *s, struct step_result *ret,
		   char **ret_reason)
{
	_cleanup_free_ char *state = NULL, *difference = NULL;
	enum zone zone = common_zone(s);
	int r;

	(void)ret;
	r = check_place(door, s, ret_reason);
	if (r < 0)
		return r;
	r = memory_spans_check(door, s->blocks, s->n_blocks, NULL);
	if (r != 0)
		return r < 0 ? r : 0;
	state = kmem_state(door, s->dax);
	if (state && zone != ZONE_UNKNOWN)
		r = online_at_once(door, s, zone, state, ret_reason);
	else
		r = memory_spans_online(door, s->blocks, s->n_blocks, ret_reason);
	if (r < 0)
		return r;
	r = memory_spans_check(door, s->blocks, s->n_blocks, &difference);
	if (r == 0)
		return say(ret_reason, -EIO, "%s was brought online, but %s", s->dax, difference);
	return r < 0 ? r : 0;
}

/* Add to a refusal whose memory it is that is in the way, as far as that can be told. */
static int say_users(struct door *door, const char *dax, int error, char **ret_reason)
{
	_cleanup_free_ char *users = NULL;

	if (error != -EBUSY || !ret_reason || machine_memory_users(door, dax, &users) < 0)
		return error;
	return say(ret_reason, error, "%s; %s", *ret_reason, users);
}

static int offline_at_once(struct door *door, const struct step *s, char **ret_reason)
{
	int r;

	r = move_kmem(door, s, "unplugged", false);
	if (r == -EBUSY || r == -EAGAIN)
		return say_users(door, s->dax,
				 say(ret_reason, -EBUSY,
				     "the memory of %s cannot be taken offline: pages in it are in use and "
				     "cannot be moved", s->dax), ret_reason);
	if (r == -ENOMEM)
		return say(ret_reason, r,
			   "the memory of %s cannot be taken offline: the rest of the machine has no room "
			   "for what is in it", s->dax);
	if (r < 0)
		return say(ret_reason, r, "the memory of %s cannot be taken offline: %s", s->dax,
			   strerror(-r));
	return 0;
}

int machine_offline(struct door *door, const struct step *s, struct step_result *ret,
		    char **ret_reason)
{
	_cleanup_free_ char *state = kmem_state(door, s->dax);
	int r = check_place(door, s, ret_reason);

	(void)ret;
	if (r < 0)
		return r;
	if (state)
		return offline_at_once(door, s, ret_reason);
	return say_users(door, s->dax, memory_spans_offline(door, s->blocks, s->n_blocks, ret_reason),
			 ret_reason);
}

int machine_check_unused(struct door *door, const struct step *s, struct step_result *ret,
			 char **ret_reason)
{
	_cleanup_free_ char *who = NULL;
	int r;

	if (!s->policy)
		return holders_check(door, s->dax, ret_reason);
	/* Not to know whom it is taken from is no reason for who insists. */
	r = holders_find(door, s->dax, &who, NULL);
	return r > 0 ? say(&ret->note, 0, "%s, and is taken away all the same", who) : 0;
}

static const char *driver_module(const char *driver)
{
	return !strcmp(driver, "kmem") ? "kmem" : "device_dax";
}

static int bind_driver(struct door *door, const struct step *s, char **ret_reason)
{
	_cleanup_free_ char *driver = NULL;
	int r;

	if (!sysfs_exists(door, "bus/dax/drivers/%s", s->driver)) {
		r = module_load(door, driver_module(s->driver), ret_reason);
		if (r < 0)
			return r;
	}
	/*
	 * A CXL region's dax device is kmem's by type; device_dax takes it only when told its name
	 * (dax_match_id() in drivers/dax/bus.c), and would then compete for it for ever.
	 */
	if (!strcmp(s->driver, "device_dax"))
		r = sysfs_write(door, s->dax, "bus/dax/drivers/device_dax/new_id");
	else
		r = sysfs_exists(door, "bus/dax/drivers/device_dax/remove_id") ?
			    sysfs_write(door, s->dax, "bus/dax/drivers/device_dax/remove_id") : 0;
	if (r < 0)
		return say(ret_reason, r, "device_dax cannot be told about %s: %s", s->dax,
			   strerror(-r));
	/*
	 * new_id, or somebody else, may have bound it. Binding waits for a probe that still runs, and only
	 * after that the driver's link means that its memory blocks are there.
	 */
	r = sysfs_write(door, s->dax, "bus/dax/drivers/%s/bind", s->driver);
	if (r == -EBUSY || r == -ENODEV) {
		int e = sysfs_link_name(door, &driver, DAX "/driver", s->dax);

		if (e < 0)
			return e;
		if (driver && !strcmp(driver, s->driver))
			r = 0;
	}
	if (r < 0)
		return say(ret_reason, r, "%s cannot be bound to %s: %s", s->dax, s->driver,
			   driver ? "another driver has it" : strerror(-r));
	return 0;
}

int machine_set_align(struct door *door, const struct step *s, struct step_result *ret,
		      char **ret_reason)
{
	char text[32];
	uint64_t is;
	int r;

	(void)ret;
	r = sysfs_read_u64(door, &is, DAX "/align", s->dax);
	if (r >= 0 && is == s->size)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64, s->size);
	if (r >= 0)
		r = sysfs_write(door, text, DAX "/align", s->dax);
	if (r == -EBUSY)
		return say(ret_reason, r, "%s is bound to a driver: somebody else did that", s->dax);
	return r < 0 ? say(ret_reason, r, "%s cannot be aligned to %s: %s", s->dax,
			   format_size(s->size, text), strerror(-r)) : 0;
}

int machine_bind(struct door *door, const struct step *s, struct step_result *ret,
		 char **ret_reason)
{
	_cleanup_free_ char *driver = NULL;
	int r;

	r = sysfs_link_name(door, &driver, DAX "/driver", s->dax);
	if (r < 0)
		return r;
	if (driver && strcmp(driver, s->driver))
		return say(ret_reason, -EBUSY, "%s is bound to %s: somebody else did that", s->dax,
			   driver);
	r = bind_driver(door, s, ret_reason);
	if (r < 0)
		return r;
	/* kmem brings the memory up in the zone of the policy in force; where it did not, we do. */
	if (s->n_blocks > 0 && common_zone(s) != ZONE_UNKNOWN)
		return machine_online(door, s, ret, ret_reason);
	return 0;
}

/* kmem unbound from memory that is online loses it until reboot: dax_kmem_cleanup_resources(). */
static int refuse_online(struct door *door, const struct step *s, char **ret_reason)
{
	uint64_t resource, size, block;
	int r;

	r = sysfs_read_u64(door, &resource, DAX "/resource", s->dax);
	if (r >= 0)
		r = sysfs_read_u64(door, &size, DAX "/size", s->dax);
	if (r >= 0)
		r = memory_range_online(door, resource, size, &block);
	if (r < 0)
		return say(ret_reason, r,
			   "whether memory of %s is online cannot be read (%s), and unbinding it then "
			   "would lose it until reboot", s->dax, strerror(-r));
	if (r > 0)
		return say(ret_reason, -EBUSY,
			   "memory%" PRIu64 " of %s is online again: somebody else did that; take it "
			   "offline first", block, s->dax);
	return 0;
}

int machine_unbind(struct door *door, const struct step *s, struct step_result *ret,
		   char **ret_reason)
{
	_cleanup_free_ char *driver = NULL, *state = NULL;
	int r;

	(void)ret;
	r = sysfs_link_name(door, &driver, DAX "/driver", s->dax);
	if (r < 0)
		return r;
	if (!driver)
		return 0;
	if (strcmp(driver, s->driver))
		return say(ret_reason, -EBUSY, "%s is bound to %s, not %s: somebody else did that",
			   s->dax, driver, s->driver);
	if (!strcmp(driver, "kmem")) {
		r = refuse_online(door, s, ret_reason);
		if (r < 0)
			return r;
		/*
		 * Once unplugged there is no block that anybody could bring online between the look above and the
		 * unbind, unless they have kmem plug it again, which nothing keeps them from. And blocks toggled
		 * behind kmem's back leave its state stale, and it would refuse to let go.
		 */
		state = kmem_state(door, s->dax);
		if (state && strcmp(state, "unplugged")) {
			r = offline_at_once(door, s, ret_reason);
			if (r < 0)
				return r;
		}
	}
	if (!strcmp(driver, "device_dax")) {
		r = machine_refuse_active(door, s->dax, ret_reason);
		if (r < 0)
			return r;
	}
	r = sysfs_write(door, s->dax, "bus/dax/drivers/%s/unbind", s->driver);
	if (r < 0 && r != -ENODEV)
		return say(ret_reason, r, "%s cannot be unbound from %s: %s", s->dax, s->driver,
			   strerror(-r));
	if (!strcmp(s->driver, "device_dax"))
		(void)sysfs_write(door, s->dax, "bus/dax/drivers/device_dax/remove_id");
	return 0;
}
