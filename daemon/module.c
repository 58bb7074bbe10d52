// SPDX-License-Identifier: LGPL-2.1-or-later
#include "module.h"

#include <errno.h>
#include <libkmod.h>
#include <string.h>

#include "sysfs.h"

static void kmod_unrefp(struct kmod_ctx **ctx)
{
	if (*ctx)
		kmod_unref(*ctx);
}

int module_load(struct door *door, const char *name, char **ret_reason)
{
	_cleanup_(kmod_unrefp) struct kmod_ctx *ctx = NULL;
	struct kmod_list *list = NULL, *i;
	uint64_t t;
	int r;

	ctx = kmod_new(NULL, NULL);
	if (!ctx)
		return -ENOMEM;
	t = door_time();
	r = kmod_module_new_from_lookup(ctx, name, &list);
	if (r >= 0 && !list)
		r = -ENOENT;
	if (r >= 0)
		kmod_list_foreach(i, list) {
			struct kmod_module *module = kmod_module_get_module(i);

			r = kmod_module_probe_insert_module(module, KMOD_PROBE_APPLY_BLACKLIST,
							    NULL, NULL, NULL, NULL);
			kmod_module_unref(module);
			if (r == KMOD_PROBE_APPLY_BLACKLIST) {
				r = -EPERM;
				say(ret_reason, r, "the kernel module %s is on modprobe's blacklist", name);
			}
			if (r < 0)
				break;
		}
	kmod_module_unref_list(list);
	door->kernel_usec += door_time() - t;
	if (r < 0 && (!ret_reason || !*ret_reason))
		return say(ret_reason, r, "the kernel module %s cannot be loaded: %s", name,
			   r == -ENOENT ? "this kernel has none" : strerror(-r));
	return r < 0 ? r : 0;
}
