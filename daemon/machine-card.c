// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "machine.h"
#include "slot.h"
#include "sysfs.h"

#define DEVICE "bus/cxl/devices/%s"
#define SLOT "bus/pci/slots/%s"

/* A card's endpoint is there when its driver is bound; a switch above it may have to come up first. */
#define ENABLE_WAIT_USEC (5 * UINT64_C(1000000))
/* The link has a second to go down, and what is above the card has to be torn down by the kernel. */
#define POWER_WAIT_USEC (30 * UINT64_C(1000000))
#define PAUSE_NSEC 10000000

static void pause_a_moment(struct door *door)
{
	struct timespec pause = { .tv_nsec = PAUSE_NSEC };
	uint64_t t = door_time();

	nanosleep(&pause, NULL);
	door->kernel_usec += door_time() - t;
}

static int driver_of(struct door *door, const char *memdev, bool *ret)
{
	_cleanup_free_ char *driver = NULL;
	int r = sysfs_link_name(door, &driver, DEVICE "/driver", memdev);

	if (r >= 0)
		*ret = driver != NULL;
	return r;
}

struct search {
	struct door *door;
	const char *memdev;
	unsigned int number;
	char **ret_reason;
};

static int is_endpoint(const char *name, void *userdata)
{
	_cleanup_free_ char *host = NULL;
	struct search *s = userdata;
	unsigned int number;
	char end;

	if (sscanf(name, "endpoint%u%c", &number, &end) != 1)
		return 0;
	if (sysfs_link_name(s->door, &host, DEVICE "/uport", name) < 0 || !host ||
	    strcmp(host, s->memdev))
		return 0;
	s->number = number;
	return 1;
}

/* Return: 1 if the card has an endpoint (then its number), 0, -errno. */
static int find_endpoint(struct door *door, const char *memdev, unsigned int *ret)
{
	struct search s = { .door = door, .memdev = memdev };
	int r = sysfs_each(door, is_endpoint, &s, "bus/cxl/devices");

	if (r > 0)
		*ret = s.number;
	return r;
}

static int check_decoder(const char *name, void *userdata)
{
	_cleanup_free_ char *region = NULL;
	struct search *s = userdata;
	unsigned int port, id;
	uint64_t size;
	char end;
	int r;

	if (sscanf(name, "decoder%u.%u%c", &port, &id, &end) != 2)
		return 0;
	r = sysfs_read_u64(s->door, &size, DEVICE "/dpa_size", name);
	if (r >= 0)
		r = sysfs_read(s->door, &region, DEVICE "/region", name);
	if (r < 0)
		return say(s->ret_reason, r, "whether %s of %s is in use cannot be read: %s", name,
			   s->memdev, strerror(-r));
	if (size || *region)
		return say(s->ret_reason, -EBUSY, "%s of %s is in use again%s%s: somebody else did that",
			   name, s->memdev, *region ? ", by " : "", region);
	return 0;
}

/* To take the driver away from a card that is in use loses its memory, or the kernel (cxl_mem). */
static int refuse_in_use(struct door *door, const char *memdev, char **ret_reason)
{
	struct search s = { .door = door, .memdev = memdev, .ret_reason = ret_reason };
	unsigned int number;
	int r;

	r = find_endpoint(door, memdev, &number);
	if (r > 0)
		r = sysfs_each(door, check_decoder, &s, "bus/cxl/devices/endpoint%u", number);
	return r;
}

int machine_disable_memdev(struct door *door, const struct step *s, struct step_result *ret,
			   char **ret_reason)
{
	bool bound = false;
	int r;

	(void)ret;
	r = driver_of(door, s->memdev, &bound);
	if (r < 0 || !bound)
		return r;
	r = refuse_in_use(door, s->memdev, ret_reason);
	if (r < 0)
		return r;
	r = sysfs_write(door, s->memdev, "bus/cxl/drivers/cxl_mem/unbind");
	if (r < 0 && r != -ENODEV)
		return say(ret_reason, r, "%s cannot be disabled: %s", s->memdev, strerror(-r));
	r = driver_of(door, s->memdev, &bound);
	if (r >= 0 && bound)
		return say(ret_reason, -EBUSY, "%s was disabled and is enabled again: somebody else did that",
			   s->memdev);
	return r;
}

/* Tell the plan by what name its decoders go now: decoder2 for decoder2.0 and the others. */
static int learn_decoder(const struct step *s, unsigned int number, struct step_result *ret)
{
	_cleanup_free_ char *from = NULL, *to = NULL;

	if (!s->decoder)
		return 0;
	from = strndup(s->decoder, strcspn(s->decoder, "."));
	if (!from || asprintf(&to, "decoder%u", number) < 0)
		return -ENOMEM;
	if (strcmp(from, to)) {
		ret->from = TAKE_PTR(from);
		ret->to = TAKE_PTR(to);
	}
	return 0;
}

int machine_enable_memdev(struct door *door, const struct step *s, struct step_result *ret,
			  char **ret_reason)
{
	uint64_t start = door_time();
	unsigned int number;
	int r;

	if (!sysfs_exists(door, DEVICE, s->memdev))
		return say(ret_reason, -ENODEV, "%s is not there any more", s->memdev);
	for (;;) {
		bool bound = false;

		r = driver_of(door, s->memdev, &bound);
		if (r < 0)
			return r;
		if (!bound)
			r = sysfs_write(door, s->memdev, "bus/cxl/drivers/cxl_mem/bind");
		if (r >= 0)
			r = find_endpoint(door, s->memdev, &number);
		if (r > 0 && sysfs_exists(door, "bus/cxl/devices/decoder%u.0", number))
			return learn_decoder(s, number, ret);
		if (door_time() - start > ENABLE_WAIT_USEC)
			break;
		pause_a_moment(door);
	}
	return say(ret_reason, r < 0 ? r : -ETIMEDOUT, "%s cannot be enabled: %s", s->memdev,
		   r < 0 ? strerror(-r) : "its endpoint does not come up; see the kernel log");
}

struct below {
	struct door *door;
	const char *port;
	char *enabled; /* a card that is */
	bool any;
};

static int look_below(const char *name, void *userdata)
{
	_cleanup_free_ char *target = NULL, *part = NULL;
	struct below *b = userdata;
	bool bound = false;
	unsigned int id;
	char end;

	if (sscanf(name, "mem%u%c", &id, &end) != 1)
		return 0;
	if (sysfs_link(b->door, &target, DEVICE, name) < 0)
		return 0;
	if (asprintf(&part, "/%s/", b->port) < 0) {
		part = NULL;
		return -ENOMEM;
	}
	if (!strstr(target, part))
		return 0;
	b->any = true;
	if (driver_of(b->door, name, &bound) < 0 || !bound)
		return 0;
	b->enabled = strdup(name);
	return b->enabled ? 1 : -ENOMEM;
}

static int refuse_enabled(struct door *door, const char *slot, const char *port, char **ret_reason)
{
	struct below b = { .door = door, .port = port };
	_cleanup_free_ char *enabled = NULL;
	int r;

	r = sysfs_each(door, look_below, &b, "bus/cxl/devices");
	enabled = b.enabled;
	if (r > 0)
		return say(ret_reason, -EBUSY, "%s in slot %s is enabled again: somebody else did that",
			   enabled, slot);
	return r == -ENOENT ? 0 : r;
}

/* Off, and nothing left of what was in it. */
static bool is_off(struct door *door, const char *slot, const char *address, const char *port)
{
	struct below b = { .door = door, .port = port };
	uint64_t power = 1;

	if (sysfs_read_u64(door, &power, SLOT "/power", slot) >= 0 && power)
		return false;
	if (sysfs_exists(door, "bus/pci/devices/%s.0", address))
		return false;
	(void)sysfs_each(door, look_below, &b, "bus/cxl/devices");
	free(b.enabled);
	return !b.any;
}

int machine_power_off(struct door *door, const struct step *s, struct step_result *ret,
		      char **ret_reason)
{
	_cleanup_free_ char *address = NULL, *bridge = NULL, *port = NULL;
	uint64_t start = door_time();
	int r;

	(void)ret;
	/* A slot of a switch goes with the slot that the switch is in. */
	if (!sysfs_exists(door, SLOT, s->slot))
		return 0;
	r = slot_read(door, s->slot, &address, &bridge, &port);
	if (r < 0)
		return say(ret_reason, r, "slot %s cannot be read: %s", s->slot, strerror(-r));
	if (is_off(door, s->slot, address, port))
		return 0;
	r = refuse_enabled(door, s->slot, port, ret_reason);
	if (r < 0)
		return r;
	/* It also accepts the request of a button that was pressed (button_request). */
	r = sysfs_write(door, "0", SLOT "/power", s->slot);
	while (!is_off(door, s->slot, address, port)) {
		if (door_time() - start > POWER_WAIT_USEC)
			return say(ret_reason, r < 0 ? r : -ETIMEDOUT,
				   "slot %s cannot be powered off: %s", s->slot,
				   r < 0 ? strerror(-r) : "the card in it does not go; see the kernel log");
		/* EINVAL, ENODEV: it is going off by itself, or was off. */
		if (r < 0 && r != -EINVAL && r != -ENODEV)
			return say(ret_reason, r, "slot %s cannot be powered off: %s", s->slot,
				   strerror(-r));
		pause_a_moment(door);
	}
	return 0;
}
