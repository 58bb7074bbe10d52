/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "cases.h"
#include "mock-kernel.h"

static void offline_policy_offline(struct mock *m)
{
	mock_add_region(m, 0, "offline", GIB, 1, 0);
	mock_set_string(&m->picture->auto_online, "offline");
}

static void no_policy(struct mock *m)
{
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	mock_set_string(&m->picture->auto_online, NULL);
}

static void unplugged(struct mock *m)
{
	m->unplugs = true;
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	do_line(m, "offline region0");
}

static void partly(struct mock *m)
{
	mock_add_region(m, 0, "offline", GIB, 1, 0);
	m->picture->memory[0].count = 6;
	*picture_add_memory(m->picture) = (struct memory_run){
		.first = m->picture->memory[0].first + 6,
		.count = 2,
		.state = MEM_ONLINE,
		.zone = ZONE_KERNEL,
		.node = 1,
		.region = 0,
	};
}

static void two_on_a_card(struct mock *m)
{
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
}

static void one_on_each(struct mock *m)
{
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 0);
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 1);
}

static void x8(struct mock *m)
{
	mock_add_region(m, 2, "movable", 4 * GIB, 8, 0, 4, 1, 5, 2, 6, 3, 7);
}

static void pmem(struct mock *m)
{
	region_movable(m);
	mock_set_string(&m->picture->regions[0].type, "pmem");
}

static void type_unknown(struct mock *m)
{
	region_movable(m);
	mock_set_string(&m->picture->regions[0].type, NULL);
}

static void locked(struct mock *m)
{
	region_movable(m);
	m->picture->regions[0].locked = YES;
}

static void locked_decoder(struct mock *m)
{
	region_movable(m);
	mock_endpoint(m, 0)->decoders[0].locked = YES;
}

static void block_unknown(struct mock *m)
{
	region_movable(m);
	m->picture->memory[0].state = MEM_UNKNOWN;
}

static void going_offline(struct mock *m)
{
	region_movable(m);
	m->picture->memory[0].state = MEM_GOING_OFFLINE;
}

static void block_missing(struct mock *m)
{
	region_movable(m);
	m->picture->memory[0].count--;
}

static void capacity_of_nobody_above(struct mock *m)
{
	struct decoder *d = &mock_endpoint(m, 0)->decoders[1];

	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	d->dpa_resource = 512 * MIB;
	d->dpa_size = 256 * MIB;
}

/* What a kernel without dax device is left with when a card goes while its memory is online. */
static void card_gone(struct mock *m)
{
	int region = mock_add_region(m, 0, "movable", GIB, 1, 0);

	m->picture->regions[region].mappings[0].memdev = -1;
	m->picture->regions[region].committed = NO;
	m->picture->regions[region].enabled = NO;
	free(m->picture->daxes[0].name);
	free(m->picture->daxes[0].driver);
	free(m->picture->daxes[0].state);
	free(m->picture->daxes[0].drain);
	m->picture->n_daxes = 0;
}

static void plain_ram(struct mock *m)
{
	region_movable(m);
	mock_set_string(&m->picture->daxes[0].driver, NULL);
	free(m->picture->daxes[0].name);
	m->picture->n_daxes = 0;
}

static void other_driver(struct mock *m)
{
	region_devdax(m);
	mock_set_string(&m->picture->daxes[0].driver, "fsdev_dax");
}

static void divided(struct mock *m)
{
	struct dax *d;

	region_devdax(m);
	m->picture->daxes[0].size = 512 * MIB;
	d = picture_add_dax(m->picture);
	mock_set_string(&d->name, "dax0.1");
	d->region = 0;
}

static void decoder_unknown(struct mock *m)
{
	region_devdax(m);
	mock_endpoint(m, 0)->decoders[2].dpa_size = UNKNOWN;
}

/* clang-format off: a table */
static const struct plan_case cases[] = {
	{ "memory online", machine_one, region_movable, "destroy region0",
	  "off:8m -kmem disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "devdax", machine_one, region_devdax, "destroy region0",
	  "unused? -devdax disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "memory offline", machine_one, region_offline, "destroy region0",
	  "-kmem disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "memory offline, and so is the policy", machine_one, offline_policy_offline,
	  "destroy region0", "-kmem disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "memory online, a kernel without the policy", machine_one, no_policy, "destroy region0",
	  "off:8m -kmem disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "memory unplugged (7.3)", machine_one, unplugged, "destroy region0",
	  "-kmem disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "memory partly online", machine_one, partly, "destroy region0",
	  "off:2k -kmem disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "no driver", machine_one, region_unbound, "destroy region0",
	  "disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "not enabled", machine_one, region_committed, "destroy region0",
	  "decommit 0!mem0 free-mem0 delete-region0" },
	{ "not committed", machine_one, region_attached, "destroy region0",
	  "0!mem0 free-mem0 delete-region0" },
	{ "nothing but a name", machine_one, region_empty, "destroy region0", "delete-region0" },
	{ "by dax device", machine_one, region_devdax, "destroy /dev/dax0.0", "...delete-region0" },
	{ "by node", machine_one, region_devdax, "destroy node1", "...delete-region0" },
	{ "named twice", machine_one, region_devdax, "destroy region0 dax0.0",
	  "unused? -devdax disable decommit 0!mem0 free-mem0 delete-region0" },
	{ "the upper of two on a card", machine_two_ports, two_on_a_card, "destroy region1",
	  "unused? -devdax disable decommit 0!mem0 free-mem0 delete-region1" },
	{ "both on a card, any order typed", machine_two_ports, two_on_a_card,
	  "destroy region0 region1",
	  "unused? unused? -devdax disable -devdax disable decommit 0!mem0 free-mem0 decommit "
	  "0!mem0 "
	  "free-mem0 delete-region1 delete-region0" },
	{ "all memory goes offline before anything is taken apart", machine_two_ports, one_on_each,
	  "destroy region0 region1",
	  "off:4m off:4m -kmem disable -kmem disable decommit 0!mem1 free-mem1 decommit 0!mem0 "
	  "free-mem0 delete-region1 delete-region0" },
	{ "the upper of two on a bridge", machine_two_ports, one_on_each, "destroy region1",
	  "off:4m -kmem disable decommit 0!mem1 free-mem1 delete-region1" },
	{ "the lower of two on a bridge", machine_two_ports, one_on_each, "destroy region0",
	  "off:4m -kmem disable decommit 0!mem0 free-mem0 delete-region0",
	  "host bridge pci0000:0c can take no new region until region1 is destroyed" },
	{ "x8 over bridges and switches", machine_big, x8, "destroy region2",
	  "off:32m -kmem disable decommit 7!mem7 6!mem3 5!mem6 4!mem2 3!mem5 2!mem1 1!mem4 0!mem0 "
	  "free-mem7 free-mem3 free-mem6 free-mem2 free-mem5 free-mem1 free-mem4 free-mem0 "
	  "delete-region2" },

	{ "no such region", machine_one, region_movable, "destroy region5", NULL, NULL, -ENOENT,
	  "no region is called region5: there is region0" },
	{ "no region at all", machine_one, NULL, "destroy region5", NULL, NULL, -ENOENT,
	  "this machine has none" },
	{ "a node with two regions", machine_two_ports, one_on_each, "destroy node1", NULL, NULL,
	  -ENOTUNIQ, "region0, region1" },
	{ "the lower of two on a card", machine_two_ports, two_on_a_card, "destroy region0", NULL,
	  NULL, -EBUSY, "destroy region1 first, or name both" },
	{ "capacity of nobody above", machine_two_ports, capacity_of_nobody_above,
	  "destroy region0", NULL, NULL, -EBUSY, "holds 256M of mem0 for no region" },
	{ "persistent memory", machine_one, pmem, "destroy region0", NULL, NULL, -EOPNOTSUPP,
	  "region0 is a pmem region" },
	{ "type not known", machine_one, type_unknown, "destroy region0", NULL, NULL, -ENODATA,
	  "type of region0 could not be read" },
	{ "locked", machine_one, locked, "destroy region0", NULL, NULL, -EOPNOTSUPP,
	  "region0 is locked by firmware" },
	{ "decoder locked", machine_one, locked_decoder, "destroy region0", NULL, NULL, -EOPNOTSUPP,
	  "is locked by firmware" },
	{ "block state not known", machine_one, block_unknown, "destroy region0", NULL, NULL,
	  -ENODATA, "state of memory block 32 of region0 could not be read" },
	{ "block going offline", machine_one, going_offline, "destroy region0", NULL, NULL, -EBUSY,
	  "is being taken offline by somebody else" },
	{ "block not there", machine_one, block_missing, "destroy region0", NULL, NULL, -ENODATA,
	  "memory block 39 of region0 is not there" },
	{ "card gone, memory online", machine_one, card_gone, "destroy region0", NULL, NULL, -EBUSY,
	  "are stuck until the machine is rebooted" },
	{ "plain RAM by firmware", machine_one, plain_ram, "destroy region0", NULL, NULL,
	  -EOPNOTSUPP, "plain RAM that firmware mapped" },
	{ "a driver of somebody else's", machine_one, other_driver, "destroy region0", NULL, NULL,
	  -EBUSY, "belongs to the driver fsdev_dax" },
	{ "several dax devices", machine_one, divided, "destroy region0", NULL, NULL, -EBUSY,
	  "divided into several dax devices (dax0.0, dax0.1)" },
	{ "decoder above not known", machine_two_ports, decoder_unknown, "destroy region0", NULL,
	  NULL, -ENODATA, "could not be read" },
};
/* clang-format on */

/* The card is gone, the region it left behind has no member that could be detached. */
static void orphan(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *q = parse_request("destroy region0");
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *words = NULL, *reason = NULL;

	(void)state;
	machine_one(m);
	mock_add_region(m, 0, "attached", GIB, 1, 0);
	m->picture->regions[0].mappings[0].memdev = -1;
	assert_int_equal(plan_make(m->picture, q, &plan, &reason), 0);
	words = plan_words(plan);
	assert_string_equal(words, "delete-region0");
}

/* Names come again: which one is meant is known by its place. */
static void that_one(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *q = parse_request("destroy region0");
	_cleanup_(plan_freep) struct plan *plan = NULL;
	unsigned int n = 0;

	(void)state;
	machine_one(m);
	region_movable(m);
	assert_int_equal(plan_make(m->picture, q, &plan, NULL), 0);
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *s = &plan->steps[i];

		if (!s->region)
			continue;
		assert_int_equal(s->size, m->picture->regions[0].size);
		assert_int_equal(s->resource, m->picture->regions[0].resource);
		n++;
	}
	/* disable, decommit, detach, delete-region */
	assert_int_equal(n, 4);
}

/* What is in use fails at the check, and then nothing has been changed. */
static void in_use(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *q = parse_request("destroy region0 region1");
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL, *before = NULL, *after = NULL;

	(void)state;
	machine_two_ports(m);
	two_on_a_card(m);
	mock_set_string(&m->used_dax, "dax0.0");
	before = mock_signature(m);
	assert_int_equal(plan_make(m->picture, q, &plan, &reason), 0);
	assert_int_equal(run_plan(m, plan, plan->n_steps, false, &reason), -EBUSY);
	assert_non_null(strstr(reason, "somebody has dax0.0 open"));
	after = mock_signature(m);
	assert_string_equal(before, after);
}

/* Regions on shared bridges and cards go in the order that the kernel needs. */
static void mixed(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_free_ char *before = NULL, *after = NULL;

	(void)state;
	machine_two_by_two(m);
	before = mock_signature(m);
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 0);
	mock_add_region(m, 2, "kernel", GIB, 2, 0, 2);
	mock_add_region(m, 2, "devdax", GIB, 2, 1, 3);
	do_line(m, "destroy region0 region2 region4");
	after = mock_signature(m);
	assert_string_equal(before, after);
}

static void firmware_order(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *q = parse_request("destroy region2");
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;

	(void)state;
	machine_two_bridges(m);
	/* the wide window lies above: a region below it on the same bridge is refused by the kernel
	 */
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	mock_add_region(m, 2, "devdax", GIB, 2, 0, 1);
	assert_int_equal(plan_make(m->picture, q, &plan, &reason), 0);
	try_everywhere(m, plan);
	plan = plan_free(plan);
	request_free(q);
	q = parse_request("create --size 512M mem0");
	assert_int_equal(plan_make(m->picture, q, &plan, &reason), -ENOSPC);
}

static enum step_kind kind_at(const struct plan *plan, size_t i)
{
	return i < plan->n_steps ? plan->steps[i].kind : _STEP_KIND_MAX;
}

/*
 * Below a region that stays the kernel does not commit again: the plan says from where, and is
 * right.
 */
static void no_way_back(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *low = parse_request("destroy region0");
	_cleanup_(request_freep) struct request *both = parse_request("destroy region0 region1");
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;

	(void)state;
	machine_two_ports(m);
	one_on_each(m);
	assert_int_equal(plan_make(m->picture, both, &plan, &reason), 0);
	assert_int_equal(plan->no_return, plan->n_steps);
	assert_int_equal(plan->n_notes, 0);
	plan = plan_free(plan);

	assert_int_equal(plan_make(m->picture, low, &plan, &reason), 0);
	assert_int_equal(kind_at(plan, plan->no_return), STEP_DECOMMIT);
	assert_int_equal(run_plan(m, plan, plan->no_return + 1, true, &reason), -EBUSY);
	assert_non_null(strstr(reason, "out of order commit"));
}

int main(void)
{
	const struct CMUnitTest more[] = {
		cmocka_unit_test(orphan),      cmocka_unit_test(in_use),
		cmocka_unit_test(mixed),       cmocka_unit_test(firmware_order),
		cmocka_unit_test(no_way_back), cmocka_unit_test(that_one),
	};
	int failed = run_cases("plan destroy", cases, ARRAY_SIZE(cases));

	return failed + cmocka_run_group_tests_name("destroy, more", more, NULL, NULL);
}
