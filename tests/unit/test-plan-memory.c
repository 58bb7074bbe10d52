/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "cases.h"
#include "mock-kernel.h"

/* Blocks 0 to 2 online in zone kernel, 3 and 4 offline, 5 to 7 movable. */
static void mixed(struct mock *m)
{
	struct memory_run *run;
	uint64_t first;
	int i;

	region_kernel(m);
	m->picture->memory[0].count = 3;
	first = m->picture->memory[0].first + 3;
	for (i = 0; i < 2; i++) {
		run = picture_add_memory(m->picture);
		run->first = i ? first + 2 : first;
		run->count = i ? 3 : 2;
		run->state = i ? MEM_ONLINE : MEM_OFFLINE;
		run->zone = i ? ZONE_MOVABLE : ZONE_UNKNOWN;
		run->node = 1;
		run->region = 0;
	}
}

static void unplugged(struct mock *m)
{
	m->unplugs = true;
	region_movable(m);
	do_line(m, "offline region0");
}

static void devdax_small(struct mock *m)
{
	region_devdax(m);
	m->picture->block_size = 2 * GIB;
}

static void no_dax(struct mock *m)
{
	region_unbound(m);
	free(m->picture->daxes[0].name);
	m->picture->n_daxes = 0;
}

static void enabled_unknown(struct mock *m)
{
	region_movable(m);
	m->picture->regions[0].enabled = MAYBE;
}

static void pmem(struct mock *m)
{
	region_movable(m);
	mock_set_string(&m->picture->regions[0].type, "pmem");
}

static void zone_unknown(struct mock *m)
{
	region_movable(m);
	m->picture->memory[0].zone = ZONE_UNKNOWN;
}

static void two(struct mock *m)
{
	mock_add_region(m, 0, "offline", 512 * MIB, 1, 0);
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 1);
}

/* clang-format off: a table */
static const struct plan_case cases[] = {
	{ "online: offline memory becomes movable", machine_one, region_offline, "online region0",
	  "on:8m" },
	{ "online: in zone kernel", machine_one, region_offline, "online --zone kernel region0", "on:8k" },
	{ "online: already", machine_one, region_movable, "online region0", "",
	  "region0 is online already" },
	{ "online: already in that zone", machine_one, region_kernel, "online --zone kernel region0", "",
	  "online already, kernel" },
	{ "online: from the other zone", machine_one, region_kernel, "online --zone movable region0",
	  "off:8k on:8m" },
	{ "online: the other zone stays when none is asked for", machine_one, region_kernel,
	  "online region0", "", "1G of region0 stay online in zone kernel" },
	{ "online: only what is not as asked", machine_one, mixed, "online --zone movable region0",
	  "off:3k on:5m" },
	{ "online: only what is offline", machine_one, mixed, "online region0", "on:2m",
	  "384M of region0 stay online in zone kernel" },
	{ "online: after an unplug (7.3)", machine_one, unplugged, "online region0", "on:8m" },
	{ "online: binds first", machine_one, region_unbound, "online region0",
	  "(online_movable kmem:8m )online" },
	{ "online: two, one needs it", machine_two_ports, two, "online region0 region1", "on:4m",
	  "region1 is online already" },
	{ "offline", machine_one, region_movable, "offline region0", "off:8m" },
	{ "offline: in two zones", machine_one, mixed, "offline region0", "off:3k,3m" },
	{ "offline: already", machine_one, region_offline, "offline region0", "", "offline already" },
	{ "offline: already unplugged (7.3)", machine_one, unplugged, "offline region0", "",
	  "offline already" },
	{ "to devdax, from online memory", machine_one, region_movable, "set-mode --mode devdax region0",
	  "off:8m -kmem devdax" },
	{ "to devdax, from offline memory", machine_one, region_offline, "set-mode --mode devdax region0",
	  "-kmem devdax" },
	{ "to devdax, from unplugged memory (7.3)", machine_one, unplugged,
	  "set-mode --mode devdax region0", "-kmem devdax" },
	{ "to devdax, from no driver", machine_one, region_unbound, "set-mode --mode devdax region0",
	  "devdax" },
	{ "to devdax, aligned", machine_one, region_unbound, "set-mode --mode devdax --align 4K region0",
	  "align:4K devdax" },
	{ "to devdax, aligned as it is", machine_one, region_unbound,
	  "set-mode --mode devdax --align 2M region0", "devdax" },
	{ "to devdax: already, aligned otherwise", machine_one, region_devdax,
	  "set-mode --mode devdax --align 4K region0", "unused? -devdax align:4K devdax" },
	{ "to devdax, aligned to all of it", machine_one, region_unbound,
	  "set-mode --mode devdax --align 1G region0", "align:1G devdax" },
	{ "to system-ram, aligned", machine_one, region_devdax,
	  "set-mode --mode system-ram --align 4K region0", NULL, NULL, -EINVAL,
	  "only devdax has an alignment" },
	{ "to devdax: already", machine_one, region_devdax, "set-mode --mode devdax region0", "",
	  "in mode devdax already" },
	{ "to system-ram", machine_one, region_devdax, "set-mode --mode system-ram region0",
	  "unused? -devdax (online_movable kmem:8m )online" },
	{ "to system-ram, zone kernel", machine_one, region_devdax,
	  "set-mode --mode system-ram --zone kernel region0",
	  "unused? -devdax (online_kernel kmem:8k )online" },
	{ "to system-ram, left offline", machine_one, region_devdax,
	  "set-mode --mode system-ram --no-online region0",
	  "unused? -devdax (offline kmem:8o )online" },
	{ "to system-ram: already, but offline", machine_one, region_offline,
	  "set-mode --mode system-ram region0", "on:8m" },
	{ "to system-ram: already, and online", machine_one, region_movable,
	  "set-mode --mode system-ram region0", "", "online already" },
	{ "to system-ram: already, left as it is", machine_one, region_movable,
	  "set-mode --mode system-ram --no-online region0", "", "`offline` takes it offline" },

	{ "online: devdax", machine_one, region_devdax, "online region0", NULL, NULL, -EINVAL,
	  "use `set-mode --mode system-ram`" },
	{ "offline: devdax", machine_one, region_devdax, "offline region0", NULL, NULL, -EINVAL,
	  "region0 is in mode devdax: it has no memory to take offline" },
	{ "offline: not in use", machine_one, region_unbound, "offline region0", NULL, NULL, -EINVAL,
	  "region0 is not in use" },
	{ "online: not enabled", machine_one, region_committed, "online region0", NULL, NULL, -EINVAL,
	  "region0 is incomplete (it is disabled)" },
	{ "online: not committed", machine_one, region_attached, "online region0", NULL, NULL, -EINVAL,
	  "decoders are not programmed" },
	{ "offline: nothing but a name", machine_one, region_empty, "offline region0", NULL, NULL, -EINVAL,
	  "it has no address range" },
	{ "online: no dax device", machine_one, no_dax, "online region0", NULL, NULL, -ENODATA,
	  "region0 has no dax device (yet)" },
	{ "online: state not known", machine_one, enabled_unknown, "online region0", NULL, NULL,
	  -ENODATA, "state of region0 could not be read" },
	{ "offline: zone not known", machine_one, zone_unknown, "offline region0", NULL, NULL,
	  -ENODATA, "memory block 32" },
	{ "online: persistent memory", machine_one, pmem, "online region0", NULL, NULL, -EOPNOTSUPP,
	  "region0 is a pmem region" },
	{ "set-mode without a mode", machine_one, region_movable, "set-mode region0", NULL, NULL, -EINVAL,
	  "give --mode system-ram or --mode devdax" },
	{ "to devdax in a zone", machine_one, region_movable,
	  "set-mode --mode devdax --zone movable region0", NULL, NULL, -EINVAL,
	  "is for system-ram" },
	{ "to system-ram: no whole block", machine_one, devdax_small,
	  "set-mode --mode system-ram region0", NULL, NULL, -ENXIO,
	  "no whole memory block (2G) is inside region0" },
	{ "nothing named", machine_one, region_movable, "offline", NULL, NULL, -EINVAL,
	  "offline needs at least one region" },
};
/* clang-format on */

int main(void)
{
	return run_cases("plan memory", cases, ARRAY_SIZE(cases));
}
