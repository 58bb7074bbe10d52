/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "mock-kernel.h"

/* Every region was made by cxlmem. */
static void ours(struct mock *m)
{
	size_t i;

	for (i = 0; i < m->picture->n_regions; i++)
		mock_set_string(&m->picture->regions[i].origin, "hand");
}

static void slots(struct mock *m)
{
	char name[32];
	size_t i;

	for (i = 0; i < m->picture->n_memdevs; i++) {
		snprintf(name, sizeof(name), "%zu", i + 1);
		mock_add_slot(m, name, (int)i, -1);
	}
	mock_add_slot(m, "99", -1);
}

static void idle(struct mock *m)
{
	slots(m);
}

static void movable(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	ours(m);
}

static void foreign(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
}

static void unplugs(struct mock *m)
{
	m->unplugs = true;
	movable(m);
}

static void devdax(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "devdax", GIB, 1, 0);
	ours(m);
}

static void drainable(struct mock *m)
{
	m->drains = true;
	devdax(m);
}

static void committed(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "committed", GIB, 1, 0);
	ours(m);
}

static void attached(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "attached", GIB, 1, 0);
	ours(m);
}

static void x2(struct mock *m)
{
	slots(m);
	mock_add_region(m, 2, "movable", GIB, 2, 0, 1);
	ours(m);
}

static void x2_and_two(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	mock_add_region(m, 2, "movable", GIB, 2, 0, 1);
	ours(m);
}

static void three_on_a_card(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "movable", 256 * MIB, 1, 0);
	mock_add_region(m, 0, "devdax", 256 * MIB, 1, 0);
	mock_add_region(m, 0, "kernel", 256 * MIB, 1, 0);
	ours(m);
}

static void one_on_each(struct mock *m)
{
	slots(m);
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 0);
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 1);
	ours(m);
}

static void one_of_another(struct mock *m)
{
	one_on_each(m);
	mock_set_string(&m->picture->regions[0].origin, NULL);
}

static void no_slots(struct mock *m)
{
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	ours(m);
}

static void disabled(struct mock *m)
{
	struct step s = { .kind = STEP_DISABLE_MEMDEV, .memdev = m->picture->memdevs[0].name };

	slots(m);
	assert_int_equal(mock_run_step(m, &s, NULL), 0);
}

/* The switch with its four cards sits in slot 7. */
static void switch_in_a_slot(struct mock *m)
{
	mock_add_slot(m, "7", 0, 1, 2, 3, -1);
	mock_add_region(m, 0, "movable", 512 * MIB, 2, 0, 1);
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 3);
	ours(m);
}

/* Each of its ports is a slot, too: 1 to 4. */
static void slots_in_a_slot(struct mock *m)
{
	struct picture *p = m->picture;
	int i;

	mock_add_slot(m, "7", -1);
	slots(m);
	p->slots[0].power = YES;
	for (i = 0; i < 4; i++) {
		char path[128];

		snprintf(path, sizeof(path), "pci0000:00/%s/%s/%s", p->slots[0].port,
			 p->slots[p->memdevs[i].slot].port, p->memdevs[i].host);
		mock_set_string(&p->memdevs[i].path, path);
		assert_int_equal(picture_slot_of(p, i), p->memdevs[i].slot);
	}
}

static void serial_is_a_slot(struct mock *m)
{
	slots(m);
	m->picture->memdevs[1].serial = 1;
}

static void no_serial(struct mock *m)
{
	slots(m);
	m->picture->memdevs[0].serial = 0;
}

static void something_else_in_it(struct mock *m)
{
	slots(m);
	m->picture->slots[m->picture->n_slots - 1].power = YES;
}

static void capacity_of_nobody(struct mock *m)
{
	struct decoder *d = &mock_endpoint(m, 0)->decoders[0];

	slots(m);
	d->dpa_resource = 0;
	d->dpa_size = 256 * MIB;
}

static void capacity_unknown(struct mock *m)
{
	slots(m);
	mock_endpoint(m, 0)->decoders[3].dpa_size = UNKNOWN;
}

static void pmem(struct mock *m)
{
	movable(m);
	mock_set_string(&m->picture->regions[0].type, "pmem");
}

static void same_serial(struct mock *m)
{
	slots(m);
	m->picture->memdevs[1].serial = m->picture->memdevs[0].serial;
}

/* clang-format off: a table */
static const struct plan_case cases[] = {
	{ "nothing on it", machine_one, idle, "eject mem0", "!mem0 slot1-off" },
	{ "by slot", machine_one, idle, "eject 1", "!mem0 slot1-off" },
	{ "by slot, said so", machine_one, idle, "eject slot:1", "!mem0 slot1-off" },
	{ "by serial", machine_one, idle, "eject 0x1000", "!mem0 slot1-off" },
	{ "by address", machine_one, idle, "eject 0000:20:00.0", "!mem0 slot1-off" },
	{ "card and slot are the same", machine_one, idle, "eject mem0 1 0x1000",
	  "!mem0 slot1-off" },
	{ "a word is a card before it is a slot", machine_two_ports, serial_is_a_slot, "eject 1",
	  "!mem1 slot2-off" },
	{ "unless it says slot", machine_two_ports, serial_is_a_slot, "eject slot:1",
	  "!mem0 slot1-off" },
	{ "memory online", machine_one, movable, "eject mem0",
	  "off:8m -kmem disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off" },
	{ "memory online (7.3)", machine_one, unplugs, "eject mem0",
	  "off:8m -kmem disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off" },
	{ "devdax", machine_one, devdax, "eject mem0",
	  "unused? -devdax disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off",
	  "holds pages of dax0.0 that no process has mapped" },
	{ "devdax that can be drained", machine_one, drainable, "eject mem0",
	  "drain -devdax disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off" },
	{ "with a deadline", machine_one, drainable,
	  "eject --deadline 30s --on-deadline revoke mem0", "...drain -devdax" },
	{ "devdax by force", machine_one, devdax, "eject --force mem0",
	  "users? -devdax disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off",
	  "dax0.0 is taken away from every process that has it open or mapped" },
	{ "devdax that can be drained, by force", machine_one, drainable, "eject --force mem0",
	  "revoke drain -devdax disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off",
	  "gets SIGBUS, and no way back returns it" },
	{ "not enabled", machine_one, committed, "eject mem0",
	  "decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off" },
	{ "not committed", machine_one, attached, "eject mem0",
	  "0!mem0 free-mem0 delete-region0 !mem0 slot1-off" },
	{ "half of an interleave set", machine_two_bridges, x2, "eject mem0",
	  "off:8m -kmem disable decommit 1!mem1 0!mem0 free-mem1 free-mem0 delete-region2 !mem0 "
	  "slot1-off", "region2 also uses mem1 (serial 0x1001), which stays in the machine" },
	{ "both of an interleave set", machine_two_bridges, x2, "eject mem0 mem1",
	  "off:8m -kmem disable decommit 1!mem1 0!mem0 free-mem1 free-mem0 delete-region2 !mem0 "
	  "!mem1 slot1-off slot2-off" },
	{ "an interleave set and another", machine_two_bridges, x2_and_two, "eject mem0",
	  "off:8m unused? -kmem disable -devdax disable decommit 1!mem1 0!mem0 free-mem1 free-mem0 "
	  "decommit 0!mem0 free-mem0 delete-region2 delete-region0 !mem0 slot1-off" },
	{ "the other one of it", machine_two_bridges, x2_and_two, "eject mem1",
	  "off:8m -kmem disable decommit 1!mem1 0!mem0 free-mem1 free-mem0 delete-region2 !mem1 "
	  "slot2-off", "region2 also uses mem0 (serial 0x1000)" },
	{ "three regions", machine_two_ports, three_on_a_card, "eject mem0",
	  "off:2k off:2m unused? -kmem disable -devdax disable -kmem disable decommit 0!mem0 "
	  "free-mem0 decommit 0!mem0 free-mem0 decommit 0!mem0 free-mem0 delete-region2 "
	  "delete-region1 delete-region0 !mem0 slot1-off" },
	{ "the upper of two on a bridge", machine_two_ports, one_on_each, "eject mem1",
	  "off:4m -kmem disable decommit 0!mem1 free-mem1 delete-region1 !mem1 slot2-off" },
	{ "the lower of two on a bridge", machine_two_ports, one_on_each, "eject mem0",
	  "off:4m -kmem disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off",
	  "can take no new region until region1 is destroyed" },
	{ "both of them", machine_two_ports, one_on_each, "eject 2 1",
	  "...delete-region1 delete-region0 !mem0 !mem1 slot1-off slot2-off" },
	{ "a card without a slot", machine_one, no_slots, "eject mem0",
	  "off:8m -kmem disable decommit 0!mem0 free-mem0 delete-region0 !mem0",
	  "mem0 has no hot-plug slot" },
	{ "disabled already", machine_two_ports, disabled, "eject mem0", "slot1-off" },
	{ "a slot that is off", machine_one, idle, "eject 99", "", "slot 99 is off already" },
	{ "no serial", machine_one, no_serial, "eject mem0", "!mem0 slot1-off" },
	{ "a switch in a slot", machine_switch4, switch_in_a_slot, "eject 7",
	  "off:4m unused? -devdax disable -kmem disable decommit 0!mem3 free-mem3 decommit 1!mem1 "
	  "0!mem0 free-mem1 free-mem0 delete-region1 delete-region0 !mem0 !mem1 !mem2 !mem3 "
	  "slot7-off" },
	{ "all cards of a switch in a slot", machine_switch4, switch_in_a_slot,
	  "eject mem3 mem2 mem1 mem0", "...!mem0 !mem1 !mem2 !mem3 slot7-off" },
	{ "a slot of a switch in a slot", machine_switch4, slots_in_a_slot, "eject mem1",
	  "!mem1 slot2-off" },
	{ "the slot of a switch with slots", machine_switch4, slots_in_a_slot, "eject slot:7 mem1",
	  "!mem0 !mem1 !mem2 !mem3 slot7-off" },
	{ "somebody else's region, named", machine_one, foreign, "eject mem0 region0",
	  "off:8m -kmem disable decommit 0!mem0 free-mem0 delete-region0 !mem0 slot1-off" },
	{ "somebody else's region, by its dax device", machine_one, foreign, "eject dax0.0 mem0",
	  "...delete-region0 !mem0 slot1-off" },

	{ "nothing of that name", machine_one, idle, "eject mem7", NULL, NULL, -ENOENT,
	  "no card, slot or region is called mem7: there is mem0, slot:1, slot:99" },
	{ "no slot of that name", machine_one, idle, "eject slot:mem0", NULL, NULL, -ENOENT,
	  "no card, slot or region is called slot:mem0" },
	{ "two of one serial", machine_two_ports, same_serial, "eject 0x1000", NULL, NULL,
	  -ENOTUNIQ, "several cards have the serial number 0x1000" },
	{ "only a region", machine_one, movable, "eject region0", NULL, NULL, -EINVAL,
	  "region0 is a region: name its card as well, or `destroy` it" },
	{ "a region elsewhere", machine_two_ports, one_on_each, "eject mem0 region1", NULL, NULL,
	  -EINVAL, "region1 is on none of the cards that are to go" },
	{ "somebody else's region", machine_one, foreign, "eject mem0", NULL, NULL, -EBUSY,
	  "region0 was not made by cxlmem and is not destroyed unasked: name it" },
	{ "somebody else's among others", machine_two_ports, one_of_another, "eject mem1 mem0",
	  NULL, NULL, -EBUSY, "region0 was not made by cxlmem" },
	{ "one card of a switch in a slot", machine_switch4, switch_in_a_slot, "eject mem0", NULL,
	  NULL, -EBUSY, "slot 7, which mem0 is in, holds mem1 (serial 0x1001) as well" },
	{ "no card of ours in it", machine_one, something_else_in_it, "eject 99", NULL, NULL,
	  -ENODEV, "no CXL memory card is known in it" },
	{ "capacity of nobody", machine_one, capacity_of_nobody, "eject mem0", NULL, NULL, -EBUSY,
	  "holds 256M of mem0 for no region" },
	{ "capacity not known", machine_one, capacity_unknown, "eject mem0", NULL, NULL, -ENODATA,
	  "could not be read: try again" },
	{ "persistent memory", machine_one, pmem, "eject mem0", NULL, NULL, -EOPNOTSUPP,
	  "region0 is a pmem region" },
	{ "revoke without a deadline", machine_one, drainable, "eject --on-deadline revoke mem0",
	  NULL, NULL, -EINVAL, "on-deadline revoke needs a deadline" },
};
/* clang-format on */

static struct plan *make(const struct mock *m, const char *line)
{
	_cleanup_(request_freep) struct request *q = parse_request(line);
	_cleanup_free_ char *reason = NULL;
	struct plan *plan = NULL;

	if (plan_make(m->picture, q, &plan, &reason) < 0)
		fail_msg("%s: %s", line, reason);
	assert_null(reason);
	return plan;
}

/* What may be pulled is said in the plan, for the time when it is done; and no more than that. */
static void what_is_said(void **state)
{
	static const struct {
		void (*machine)(struct mock *m);
		void (*change)(struct mock *m);
		const char *line, *summary, *done;
	} said[] = {
		/* clang-format off */
		{ machine_two_bridges, x2, "eject mem0",
		  "eject mem0 (serial 0x1000); destroy region2",
		  "mem0 (serial 0x1000) in slot 1 may be pulled" },
		{ machine_two_ports, one_on_each, "eject 1 2",
		  "eject mem0 (serial 0x1000), mem1 (serial 0x1001); destroy region0, region1",
		  "mem0 (serial 0x1000) in slot 1 may be pulled; mem1 (serial 0x1001) in slot 2 may be "
		  "pulled" },
		{ machine_one, no_slots, "eject mem0",
		  "eject mem0 (serial 0x1000); destroy region0",
		  "mem0 (serial 0x1000) is disabled, but has no hot-plug slot: pull it only when the "
		  "machine is off" },
		{ machine_one, no_serial, "eject mem0", "eject mem0 (at 0000:20:00.0)",
		  "mem0 (at 0000:20:00.0) in slot 1 may be pulled" },
		{ machine_one, idle, "eject 99", "eject slot 99", "what is in slot 99 may be pulled" },
		/* clang-format on */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(said); i++) {
		_cleanup_mock_ struct mock *m = mock_new();
		_cleanup_(plan_freep) struct plan *plan = NULL;

		said[i].machine(m);
		said[i].change(m);
		plan = make(m, said[i].line);
		assert_string_equal(plan->summary, said[i].summary);
		assert_string_equal(plan->done, said[i].done);
	}
}

/* Powering off is the end: up to there everything can be taken back, and from there nothing. */
static void point_of_no_return(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;

	(void)state;
	machine_two_bridges(m);
	x2(m);
	plan = make(m, "eject mem0 mem1");
	assert_int_equal(plan->n_steps, plan->no_return + 2);
	assert_int_equal(plan->steps[plan->no_return].kind, STEP_POWER_OFF);
	assert_int_equal(run_plan(m, plan, plan->no_return + 1, true, &reason), -ENODEV);
	assert_non_null(strstr(reason, "mem0 is gone"));
}

/* The planner puts disabling last; done any earlier, the kernel would not survive. */
static void never_in_use(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct step s;
	size_t i;

	(void)state;
	machine_one(m);
	movable(m);
	plan = make(m, "eject mem0");
	s = plan->steps[plan->n_steps - 2];
	assert_int_equal(s.kind, STEP_DISABLE_MEMDEV);
	for (i = 0; i < plan->n_steps - 3; i++) {
		assert_int_equal(mock_run_step(m, &plan->steps[i], NULL), 0);
		/* its decoder lets go of it with free-dpa, the last but deleting the region */
		assert_int_equal(mock_run_step(m, &s, NULL) < 0,
				 plan->steps[i].kind != STEP_FREE_DPA);
		if (plan->steps[i].kind == STEP_FREE_DPA)
			break;
	}
	assert_true(i < plan->n_steps - 3);
}

/* Endpoints are numbered anew on the way back, and what follows has to know. */
static void renumbered(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new(), *copy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *before = NULL, *after = NULL, *reason = NULL;

	(void)state;
	machine_two_by_two(m);
	slots(m);
	mock_add_region(m, 2, "movable", GIB, 2, 0, 2);
	mock_add_region(m, 2, "devdax", GIB, 2, 1, 3);
	ours(m);
	before = mock_signature(m);
	plan = make(m, "eject mem0 mem1 mem2 mem3");
	copy = mock_copy(m);
	assert_int_equal(run_plan(copy, plan, plan->no_return, true, &reason), 0);
	after = mock_signature(copy);
	assert_string_equal(before, after);
	/* the last to go was among the first to come back, and took another's number */
	assert_string_not_equal(mock_endpoint(copy, 3)->name, mock_endpoint(m, 3)->name);
}

int main(void)
{
	const struct CMUnitTest more[] = {
		cmocka_unit_test(what_is_said), cmocka_unit_test(point_of_no_return),
		cmocka_unit_test(never_in_use), cmocka_unit_test(renumbered),
	};
	int failed = run_cases("plan eject", cases, ARRAY_SIZE(cases));

	return failed + cmocka_run_group_tests_name("eject, more", more, NULL, NULL);
}
