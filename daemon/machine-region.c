// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "machine.h"
#include "memory-block.h"
#include "module.h"
#include "sysfs.h"

#define DEVICE "bus/cxl/devices/%s"

/* How long a region's dax device may take to appear: its driver probes asynchronously. */
#define DAX_WAIT_USEC (15 * UINT64_C(1000000))

static int write_number(struct door *door, uint64_t v, const char *device, const char *attribute)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	return sysfs_write(door, text, DEVICE "/%s", device, attribute);
}

/* Made by a worker that died over it: nobody has done anything with it yet. */
static bool is_empty_region(struct door *door, const struct step *s)
{
	_cleanup_free_ char *size = NULL;
	uint64_t bytes;

	return sysfs_exists(door, DEVICE "/%s", s->window, s->region) &&
	       sysfs_read(door, &size, DEVICE "/size", s->region) >= 0 &&
	       parse_u64(size, &bytes) == 0 && bytes == 0;
}

int machine_create_region(struct door *door, const struct step *s, struct step_result *ret,
			  char **ret_reason)
{
	int r = -EBUSY;

	if (s->policy && is_empty_region(door, s))
		return 0;
	/*
	 * The attribute reads as the next free name, and takes that name only: create_region_store().
	 * EBUSY means that somebody else took it between the two.
	 */
	for (int i = 0; i < 10 && r == -EBUSY; i++) {
		_cleanup_free_ char *name = NULL;

		r = sysfs_read(door, &name, DEVICE "/create_ram_region", s->window);
		if (r < 0)
			break;
		if (door->named && (r = door->named(door->named_userdata, s->region, name)) < 0)
			return say(ret_reason, r, "no region is made: that it is cannot be written into the "
						  "journal: %s", strerror(-r));
		r = sysfs_write(door, name, DEVICE "/create_ram_region", s->window);
		if (r >= 0 && !door->named && strcmp(name, s->region)) {
			ret->from = strdup(s->region);
			ret->to = TAKE_PTR(name);
			if (!ret->from)
				return -ENOMEM;
		}
	}
	if (r < 0)
		return say(ret_reason, r, "no region can be made in window %s: %s", s->window,
			   r == -ENOENT ? "it takes no volatile regions" : strerror(-r));
	return 0;
}

int machine_set_interleave(struct door *door, const struct step *s, struct step_result *ret,
			   char **ret_reason)
{
	int r;

	(void)ret;
	r = write_number(door, s->granularity, s->region, "interleave_granularity");
	if (r < 0)
		return say(ret_reason, r, "%s does not take a granularity of %u: %s", s->region,
			   s->granularity, strerror(-r));
	r = write_number(door, s->ways, s->region, "interleave_ways");
	if (r < 0)
		return say(ret_reason, r, "%s does not take %u ways: %s", s->region, s->ways,
			   strerror(-r));
	return 0;
}

/* The kernel takes the lowest range that is free; what the plan says of memory blocks holds for one place only. */
static int check_place(struct door *door, const struct step *s, char **ret_reason)
{
	uint64_t now = UNKNOWN;
	int r;

	if (s->resource == UNKNOWN)
		return 0;
	r = sysfs_read_u64(door, &now, DEVICE "/resource", s->region);
	if (r >= 0 && now == s->resource)
		return 0;
	/* What comes after this on a way back must not build on it. */
	(void)write_number(door, 0, s->region, "size");
	if (r < 0)
		return say(ret_reason, r, "where the addresses of %s are cannot be read: %s", s->region,
			   strerror(-r));
	return say(ret_reason, -ENOSPC,
		   "the addresses that %s was to have, from 0x%" PRIx64 ", are not free any more: somebody "
		   "else took them since planning", s->region, s->resource);
}

int machine_alloc_hpa(struct door *door, const struct step *s, struct step_result *ret,
		      char **ret_reason)
{
	int r;

	(void)ret;
	r = write_number(door, s->size, s->region, "size");
	if (r == -ERANGE || r == -ENOSPC || r == -EBUSY)
		return say(ret_reason, -ENOSPC,
			   "the window of %s has no free range of that size any more: somebody else "
			   "took it since planning", s->region);
	if (r < 0)
		return say(ret_reason, r, "%s cannot be given its size: %s", s->region, strerror(-r));
	return check_place(door, s, ret_reason);
}

int machine_free_hpa(struct door *door, const struct step *s, struct step_result *ret,
		     char **ret_reason)
{
	int r;

	(void)ret;
	r = write_number(door, 0, s->region, "size");
	if (r < 0 && r != -ENOENT)
		return say(ret_reason, r, "the address range of %s cannot be given back: %s", s->region,
			   strerror(-r));
	return 0;
}

int machine_alloc_dpa(struct door *door, const struct step *s, struct step_result *ret,
		      char **ret_reason)
{
	uint64_t now;
	int r;

	(void)ret;
	r = sysfs_read_u64(door, &now, DEVICE "/dpa_size", s->decoder);
	if (r < 0)
		return say(ret_reason, r, "%s of %s cannot be read: %s", s->decoder, s->memdev,
			   strerror(-r));
	if (now != 0)
		return say(ret_reason, -EBUSY,
			   "%s of %s was given capacity by somebody else since planning", s->decoder,
			   s->memdev);
	r = sysfs_write(door, "ram", DEVICE "/mode", s->decoder);
	if (r < 0)
		return say(ret_reason, r, "%s of %s cannot be set to ram: %s", s->decoder, s->memdev,
			   strerror(-r));
	r = write_number(door, s->size, s->decoder, "dpa_size");
	if (r < 0)
		return say(ret_reason, r, "%s has no free capacity for %s: %s", s->memdev, s->decoder,
			   strerror(-r));
	return 0;
}

int machine_free_dpa(struct door *door, const struct step *s, struct step_result *ret,
		     char **ret_reason)
{
	_cleanup_free_ char *region = NULL;
	uint64_t now;
	int r;

	(void)ret;
	/* Gone with its card: nothing is held there. */
	r = sysfs_read_u64(door, &now, DEVICE "/dpa_size", s->decoder);
	if (r == -ENOENT || (r >= 0 && now == 0))
		return 0;
	/* Taken out of ours before: what it holds now is another region's, which somebody else has made since. */
	if (sysfs_read(door, &region, DEVICE "/region", s->decoder) >= 0 && *region)
		return 0;
	r = write_number(door, 0, s->decoder, "dpa_size");
	if (r < 0)
		return say(ret_reason, r,
			   "the capacity of %s behind %s cannot be given back: %s", s->memdev,
			   s->decoder,
			   r == -EBUSY ? "a later decoder of the card, or a region, still uses it" :
					 strerror(-r));
	return 0;
}

/*
 * Names of regions come again. One that is elsewhere, or of another size, was made by somebody else after ours was
 * gone, and is not ours to take apart. Return: 1 if it is that one, or the step does not say; 0 if not; -errno.
 */
static int is_that_one(struct door *door, const struct step *s, char **ret_reason)
{
	uint64_t size, resource;
	int r;

	if (s->size == UNKNOWN || s->resource == UNKNOWN)
		return 1;
	r = sysfs_read_u64(door, &size, DEVICE "/size", s->region);
	if (r >= 0)
		r = sysfs_read_u64(door, &resource, DEVICE "/resource", s->region);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return say(ret_reason, r, "where %s is cannot be read: %s", s->region, strerror(-r));
	return size == s->size && resource == s->resource;
}

static int read_target(struct door *door, const struct step *s, char **ret)
{
	return sysfs_read(door, ret, DEVICE "/target%d", s->region, s->position);
}

int machine_attach(struct door *door, const struct step *s, struct step_result *ret,
		   char **ret_reason)
{
	_cleanup_free_ char *now = NULL;
	int r;

	(void)ret;
	r = read_target(door, s, &now);
	if (r < 0)
		return say(ret_reason, r, "position %d of %s cannot be read: %s", s->position, s->region,
			   strerror(-r));
	if (!strcmp(now, s->decoder))
		return 0;
	r = sysfs_write(door, s->decoder, DEVICE "/target%d", s->region, s->position);
	if (r < 0)
		return say(ret_reason, r, "%s (%s) cannot take position %d of %s: %s", s->memdev,
			   s->decoder, s->position, s->region, strerror(-r));
	return 0;
}

/*
 * The kernel takes a region's decoders away whatever is above them: commit_store() releases its driver
 * first, cxl_decoder_detach() after that, with the memory still in use (drivers/cxl/core/region.c).
 */
static int refuse_enabled(struct door *door, const struct step *s, char **ret_reason)
{
	_cleanup_free_ char *driver = NULL;
	int r;

	r = sysfs_link_name(door, &driver, DEVICE "/driver", s->region);
	if (r < 0 || !driver)
		return r;
	return say(ret_reason, -EBUSY, "%s is enabled again: somebody else did that", s->region);
}

int machine_detach(struct door *door, const struct step *s, struct step_result *ret,
		   char **ret_reason)
{
	_cleanup_free_ char *now = NULL;
	int r;

	(void)ret;
	r = read_target(door, s, &now);
	if (r == -ENOENT || (r >= 0 && !*now))
		return 0;
	r = is_that_one(door, s, ret_reason);
	if (r <= 0)
		return r;
	r = refuse_enabled(door, s, ret_reason);
	if (r < 0)
		return r;
	r = sysfs_write(door, "\n", DEVICE "/target%d", s->region, s->position);
	if (r < 0)
		return say(ret_reason, r, "%s cannot be taken out of position %d of %s: %s", s->memdev,
			   s->position, s->region, strerror(-r));
	return 0;
}

int machine_commit(struct door *door, const struct step *s, struct step_result *ret,
		   char **ret_reason)
{
	int r;

	(void)ret;
	/* "Already in the requested state?" is the first thing commit_store() asks. */
	r = sysfs_write(door, "1", DEVICE "/commit", s->region);
	if (r == -ENXIO)
		return say(ret_reason, r,
			   "the decoders of %s cannot be committed: the kernel refuses to set up memory "
			   "while it cannot flush CPU caches (a hypervisor?), or a decoder refused; see "
			   "the kernel log", s->region);
	if (r < 0)
		return say(ret_reason, r, "the decoders of %s cannot be committed: %s", s->region,
			   strerror(-r));
	return 0;
}

int machine_decommit(struct door *door, const struct step *s, struct step_result *ret,
		     char **ret_reason)
{
	int r;

	(void)ret;
	r = is_that_one(door, s, ret_reason);
	if (r <= 0)
		return r;
	r = refuse_enabled(door, s, ret_reason);
	if (r < 0)
		return r;
	r = sysfs_write(door, "0", DEVICE "/commit", s->region);
	if (r < 0 && r != -ENOENT)
		return say(ret_reason, r, "the decoders of %s cannot be released: %s", s->region,
			   r == -EPERM ? "firmware has locked them" : strerror(-r));
	return 0;
}

static int take_dax_name(const char *name, void *userdata)
{
	char **ret = userdata;
	unsigned int a, b;
	char end;

	if (sscanf(name, "dax%u.%u%c", &a, &b, &end) != 2)
		return 0;
	*ret = strdup(name);
	return *ret ? 1 : -ENOMEM;
}

/* regionN/dax_regionN/daxN.M, once drivers/dax/cxl.c has probed. Return: 1 if there, 0, -errno. */
static int find_dax(struct door *door, const char *region, char **ret)
{
	const char *id = region + strlen("region");
	int r;

	r = sysfs_each(door, take_dax_name, ret, DEVICE "/dax_region%s", region, id);
	return r == -ENOENT ? 0 : r;
}

/*
 * The device's directory is there before the driver core is through with it, and the last thing that does
 * is to look for a driver: a hold on that must outlast it. devm_create_dev_dax() adds the device with
 * dax_region_rwsem held for write, and reading available_size waits for it.
 */
static int wait_until_added(struct door *door, const char *region)
{
	uint64_t size;
	int r;

	r = sysfs_read_u64(door, &size, DEVICE "/dax_region%s/dax_region/available_size", region,
			   region + strlen("region"));
	return r == -EINTR ? r : 0;
}

static int wait_for_dax(struct door *door, const char *region, char **ret, char **ret_reason)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t start = door_time(), t;
	char child[64];
	int r;

	/* What the kernel has put off and not begun yet is done at once; what it made of it shows below. */
	snprintf(child, sizeof(child), "dax_region%s", region + strlen("region"));
	(void)sysfs_write(door, child, "bus/cxl/drivers_probe");
	for (;;) {
		r = find_dax(door, region, ret);
		if (r < 0)
			return r;
		if (r > 0)
			return wait_until_added(door, region);
		if (door_time() - start > DAX_WAIT_USEC)
			return say(ret_reason, -ETIMEDOUT,
				   "%s came up without a dax device: is the kernel module dax_cxl there, or "
				   "is its memory mapped by firmware already?", region);
		t = door_time();
		nanosleep(&pause, NULL);
		door->kernel_usec += door_time() - t;
		/* Milliseconds when its driver is there; else a module is being loaded. */
		if (door_time() - start > 50000)
			pause.tv_nsec = 10000000;
	}
}

int machine_enable(struct door *door, const struct step *s, struct step_result *ret,
		   char **ret_reason)
{
	_cleanup_free_ char *driver = NULL, *dax = NULL;
	int r;

	if (!sysfs_exists(door, "bus/cxl/drivers/cxl_dax_region")) {
		r = module_load(door, "dax_cxl", ret_reason);
		if (r < 0)
			return r;
	}
	r = sysfs_link_name(door, &driver, DEVICE "/driver", s->region);
	if (r < 0)
		return r;
	if (!driver) {
		r = sysfs_write(door, s->region, "bus/cxl/drivers/cxl_region/bind");
		if (r < 0)
			return say(ret_reason, r, "%s cannot be enabled: %s", s->region,
				   r == -ENXIO || r == -ENODEV ?
					   "the kernel's cxl_region driver refused it; see the kernel log" :
					   strerror(-r));
	}
	r = wait_for_dax(door, s->region, &dax, ret_reason);
	if (r < 0)
		return r;
	if (s->dax && strcmp(dax, s->dax)) {
		ret->from = strdup(s->dax);
		if (!ret->from)
			return -ENOMEM;
		ret->to = TAKE_PTR(dax);
	}
	return 0;
}

int machine_disable(struct door *door, const struct step *s, struct step_result *ret,
		    char **ret_reason)
{
	_cleanup_free_ char *driver = NULL;
	uint64_t resource, size, block;
	int r;

	(void)ret;
	r = sysfs_link_name(door, &driver, DEVICE "/driver", s->region);
	if (r < 0)
		return r;
	if (!driver)
		return 0;
	r = is_that_one(door, s, ret_reason);
	if (r <= 0)
		return r;
	/* Disabling a region whose memory is online loses the memory until reboot: never. */
	if (sysfs_read_u64(door, &resource, DEVICE "/resource", s->region) >= 0 &&
	    sysfs_read_u64(door, &size, DEVICE "/size", s->region) >= 0 && size > 0) {
		r = memory_range_online(door, resource, size, &block);
		if (r < 0)
			return r;
		if (r > 0)
			return say(ret_reason, -EBUSY,
				   "memory%" PRIu64 " of %s is online again: somebody else did that; take it "
				   "offline first", block, s->region);
	}
	r = sysfs_write(door, s->region, "bus/cxl/drivers/cxl_region/unbind");
	if (r < 0 && r != -ENODEV)
		return say(ret_reason, r, "%s cannot be disabled: %s", s->region, strerror(-r));
	return 0;
}

int machine_delete_region(struct door *door, const struct step *s, struct step_result *ret,
			  char **ret_reason)
{
	int r;

	if (!sysfs_exists(door, DEVICE, s->region))
		return 0;
	r = is_that_one(door, s, ret_reason);
	if (r < 0)
		return r;
	if (r == 0)
		return say(&ret->note, 0, "%s is another one now, which somebody else has made since: it is left alone",
			   s->region);
	r = refuse_enabled(door, s, ret_reason);
	if (r < 0)
		return r;
	r = sysfs_write(door, s->region, DEVICE "/delete_region", s->window);
	if (r < 0 && r != -ENODEV)
		return say(ret_reason, r, "%s cannot be deleted: %s", s->region, strerror(-r));
	return 0;
}
