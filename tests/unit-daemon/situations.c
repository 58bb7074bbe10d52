// SPDX-License-Identifier: LGPL-2.1-or-later
#include "situations.h"

#include "machines.h"
#include "mock-kernel.h"
#include "under-valgrind.h"

static void two_ways(struct mock *m)
{
	mock_add_region(m, 2, "movable", 2 * GIB, 2, 0, 1);
}

static void two_regions(struct mock *m)
{
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	mock_add_region(m, 0, "movable", GIB, 1, 1);
}

static void in_slot(struct mock *m)
{
	region_movable(m);
	mock_add_slot(m, "7", 0, -1);
}

static void devdax_in_slot(struct mock *m)
{
	m->drains = true;
	region_devdax(m);
	mock_add_slot(m, "7", 0, -1);
}

static void two_ways_in_slot(struct mock *m)
{
	two_ways(m);
	mock_add_slot(m, "7", 0, -1);
}

static void no_policy(struct mock *m)
{
	mock_set_string(&m->picture->auto_online, NULL);
}

static void policy_offline(struct mock *m)
{
	mock_set_string(&m->picture->auto_online, "offline");
}

const struct situation situations[N_SITUATIONS] = {
	{ "create 1-way", machine_one, NULL, "create mem0" },
	{ "create, kernel zone", machine_one, policy_offline, "create --zone kernel mem0" },
	{ "create, left offline", machine_one, NULL, "create --no-online mem0" },
	{ "create, devdax", machine_one, NULL, "create --mode devdax mem0" },
	{ "create, no policy", machine_one, no_policy, "create mem0" },
	{ "create x2", machine_two_bridges, NULL, "create mem0 mem1" },
	{ "create two", machine_two_ports, NULL, "create --ways 1 mem0 mem1" },
	{ "destroy", machine_one, region_movable, "destroy region0" },
	{ "destroy devdax", machine_one, region_devdax, "destroy region0" },
	{ "destroy what is attached", machine_one, region_attached, "destroy region0" },
	{ "destroy x2", machine_two_bridges, two_ways, "destroy region2" },
	{ "destroy two", machine_two_ports, two_regions, "destroy region0 region1" },
	/* region1 stays, and so region0 cannot be had back once its decoders are released */
	{ "destroy out of order", machine_two_ports, two_regions, "destroy region0" },
	{ "eject", machine_one, in_slot, "eject mem0 region0" },
	{ "eject devdax", machine_one, devdax_in_slot, "eject mem0 region0" },
	{ "eject devdax by force", machine_one, devdax_in_slot, "eject --force mem0 region0" },
	{ "destroy devdax by force", machine_one, region_devdax, "destroy --force region0" },
	{ "eject one of two ways", machine_two_bridges, two_ways_in_slot, "eject mem0 region2" },
	{ "online", machine_one, region_offline, "online region0" },
	{ "online elsewhere", machine_one, region_kernel, "online --zone movable region0" },
	{ "online what is unbound", machine_one, region_unbound, "online region0" },
	{ "offline", machine_one, region_movable, "offline region0" },
	{ "offline two", machine_two_ports, two_regions, "offline region0 region1" },
	{ "to devdax", machine_one, region_movable, "set-mode --mode devdax region0" },
	{ "to system-ram", machine_one, region_devdax, "set-mode --mode system-ram region0" },
	{ "to system-ram, offline", machine_one, region_devdax,
	  "set-mode --mode system-ram --no-online region0" },
};

struct mock *situation_machine(const struct situation *t, bool unplugs)
{
	struct mock *m = mock_new();

	t->machine(m);
	m->unplugs = unplugs;
	if (t->change)
		t->change(m);
	return m;
}

int situations_run(const char *group, const CMUnitTestFunction *functions, size_t n,
		   CMFixtureFunction done)
{
	struct CMUnitTest *tests = calloc(n * N_SITUATIONS, sizeof(*tests));
	size_t n_tests = 0;
	int failed;

	if (!tests)
		abort();
	for (size_t f = 0; f < n; f++)
		for (size_t i = under_valgrind() ? f : 0; i < N_SITUATIONS; i += under_valgrind() ? n : 1)
			tests[n_tests++] = (struct CMUnitTest){
				.name = situations[i].name,
				.test_func = functions[f],
				.initial_state = (void *)&situations[i],
			};
	failed = _cmocka_run_group_tests(group, tests, n_tests, NULL, done);
	free(tests);
	return failed;
}
