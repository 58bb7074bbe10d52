// SPDX-License-Identifier: LGPL-2.1-or-later
#include "machine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "scan.h"
#include "sysfs.h"

static const machine_step_t machine_steps[_STEP_KIND_MAX] = {
	[STEP_CREATE_REGION] = machine_create_region,
	[STEP_SET_INTERLEAVE] = machine_set_interleave,
	[STEP_ALLOC_HPA] = machine_alloc_hpa,
	[STEP_ALLOC_DPA] = machine_alloc_dpa,
	[STEP_ATTACH] = machine_attach,
	[STEP_COMMIT] = machine_commit,
	[STEP_ENABLE] = machine_enable,
	[STEP_HOLD_AUTOPROBE] = machine_hold_autoprobe,
	[STEP_RELEASE_AUTOPROBE] = machine_release_autoprobe,
	[STEP_HOLD_AUTO_ONLINE] = machine_hold_auto_online,
	[STEP_RELEASE_AUTO_ONLINE] = machine_release_auto_online,
	[STEP_SET_ALIGN] = machine_set_align,
	[STEP_BIND] = machine_bind,
	[STEP_ONLINE] = machine_online,
	[STEP_OFFLINE] = machine_offline,
	[STEP_CHECK_UNUSED] = machine_check_unused,
	[STEP_UNBIND] = machine_unbind,
	[STEP_DISABLE] = machine_disable,
	[STEP_DECOMMIT] = machine_decommit,
	[STEP_DETACH] = machine_detach,
	[STEP_FREE_DPA] = machine_free_dpa,
	[STEP_FREE_HPA] = machine_free_hpa,
	[STEP_DELETE_REGION] = machine_delete_region,
	[STEP_DRAIN] = machine_drain,
	[STEP_REVOKE] = machine_revoke,
	[STEP_CANCEL_DRAIN] = machine_cancel_drain,
	[STEP_DISABLE_MEMDEV] = machine_disable_memdev,
	[STEP_ENABLE_MEMDEV] = machine_enable_memdev,
	[STEP_POWER_OFF] = machine_power_off,
	[STEP_SET_BUTTON_POLICY] = machine_set_button_policy,
	[STEP_ANSWER_BUTTON] = machine_answer_button,
	[STEP_SET_ATTENTION] = machine_set_attention,
};

static int machine_scan(struct door *door, unsigned int flags, struct picture **ret,
			char **ret_reason)
{
	_cleanup_(picture_freep) struct picture *p = NULL;
	struct utsname u;
	int r;

	p = picture_new();
	if (!p || uname(&u) < 0)
		return -ENOMEM;
	r = strdup_or_null(u.release, &p->kernel);
	if (r >= 0)
		r = scan_cxl(door, p, flags, ret_reason);
	if (r >= 0)
		r = scan_pci(door, p, ret_reason);
	if (r >= 0)
		r = scan_iomem(door, p, ret_reason);
	if (r >= 0)
		r = scan_dax(door, p, ret_reason);
	if (r >= 0)
		r = scan_memory(door, p, ret_reason);
	if (r < 0)
		return r;
	/* No step depends on it. */
	if (flags & DOOR_SCAN_HEALTH)
		scan_speed(door, p);
	*ret = TAKE_PTR(p);
	return 0;
}

static int machine_run(struct door *door, const struct step *step, struct step_result *ret,
		       char **ret_reason)
{
	if ((unsigned int)step->kind >= ARRAY_SIZE(machine_steps) || !machine_steps[step->kind])
		return say(ret_reason, -EINVAL, "step %d is unknown to this door", step->kind);
	return machine_steps[step->kind](door, step, ret, ret_reason);
}

/* The kernel's own number of uevents so far (lib/kobject_uevent.c). */
static int machine_changes(struct door *door, uint64_t *ret)
{
	return sysfs_read_u64(door, ret, "kernel/uevent_seqnum");
}

static void machine_free(struct door *door)
{
	free(door);
}

static const struct door_ops machine_ops = {
	.scan = machine_scan,
	.run = machine_run,
	.explain = machine_explain,
	.blockers = machine_blockers,
	.changes = machine_changes,
	.free = machine_free,
};

int door_open_machine(struct door **ret)
{
	struct door *door = calloc(1, sizeof(*door));

	if (!door)
		return -ENOMEM;
	door->ops = &machine_ops;
	*ret = door;
	return 0;
}
