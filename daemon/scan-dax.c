// SPDX-License-Identifier: LGPL-2.1-or-later
#include <daxctl/libdaxctl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scan.h"
#include "sysfs.h"

static void daxctl_unrefp(struct daxctl_ctx **ctx)
{
	if (*ctx)
		daxctl_unref(*ctx);
}

static int add_dax(struct door *door, struct picture *p, struct daxctl_dev *dev)
{
	struct dax *d = picture_add_dax(p);
	uint64_t pages;
	int r;

	if (!d)
		return -ENOMEM;
	r = strdup_or_null(daxctl_dev_get_devname(dev), &d->name);
	if (r < 0)
		return r;
	d->resource = daxctl_dev_get_resource(dev);
	d->size = daxctl_dev_get_size(dev);
	d->align = daxctl_dev_get_align(dev);
	r = daxctl_dev_get_target_node(dev);
	if (r >= 0)
		d->target_node = (uint64_t)r;
	d->region = picture_region_at(p, d->resource, d->size);
	r = sysfs_link_name(door, &d->driver, "bus/dax/devices/%s/driver", d->name);
	if (r < 0 && r != -ENODEV)
		return r;
	/* A kernel with the series of kernel/. */
	if (d->driver && !strcmp(d->driver, "device_dax")) {
		(void)sysfs_read(door, &d->drain, "bus/dax/devices/%s/drain", d->name);
		if (sysfs_read_u64(door, &pages, "bus/dax/devices/%s/active_pages", d->name) >= 0)
			d->active = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	}
	/* Linux 7.3 and later; libdaxctl (85) has no getter for it. */
	if (d->driver && !strcmp(d->driver, "kmem"))
		(void)sysfs_read(door, &d->state, "bus/dax/devices/%s/state", d->name);
	return 0;
}

int scan_dax(struct door *door, struct picture *p, char **ret_reason)
{
	_cleanup_(daxctl_unrefp) struct daxctl_ctx *ctx = NULL;
	struct daxctl_region *region;
	struct daxctl_dev *dev;
	int r;

	r = daxctl_new(&ctx);
	if (r < 0)
		return say(ret_reason, r, "libdaxctl cannot be opened: %s", strerror(-r));
	daxctl_region_foreach(ctx, region)
		daxctl_dev_foreach(region, dev) {
			/* The seed of a pmem region: a device of no size that is not there yet. */
			if (daxctl_dev_get_size(dev) == 0)
				continue;
			r = add_dax(door, p, dev);
			if (r < 0)
				return r;
		}
	return 0;
}
