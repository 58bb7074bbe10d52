// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <string.h>

#include "harness.h"
#include "machines.h"
#include "mock-kernel.h"

static void three_slots(struct mock *m)
{
	int bridge = mock_add_bridge(m, "pci0000:0c", 4, 8);

	for (int i = 0; i < 3; i++)
		mock_add_card(m, bridge, GIB);
	mock_add_window(m, 4 * GIB, 4 * GIB, 256, 1, bridge);
	mock_add_slot(m, "1", 0, -1);
	mock_add_slot(m, "2", 1, -1);
	mock_add_slot(m, "3", 2, -1);
	mock_add_region(m, 0, "movable", GIB, 1, 1);
	for (size_t i = 0; i < m->picture->n_regions; i++)
		mock_set_string(&m->picture->regions[i].origin, "hand");
}

static bool is_off(struct scene *s, int slot)
{
	_cleanup_mock_ struct mock *m = mock_stage_get(s->stage);

	return m->picture->slots[slot].power == NO;
}

/* The first slot is off when the second refuses, also the second time: what is left to do is named, and can be done. */
static void a_later_slot_refuses(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, three_slots);
	for (unsigned int i = 1; i < 3; i++)
		mock_stage_expect(s.stage, (struct mock_event){ .action = MOCK_FAIL, .kind = STEP_POWER_OFF,
								.nth = 1, .error = -EBUSY });
	scene_do(&s, "eject mem0 mem1 mem2", OPERATION_STUCK);
	assert_non_null(strstr(s.reason, "power-off is refused with EBUSY"));
	assert_non_null(strstr(s.reason, "slot 2 is still to be powered off, with `cxlmemctl eject slot:2`; slot 3 is "
					 "still to be powered off, with `cxlmemctl eject slot:3`"));
	assert_true(is_off(&s, 0));
	assert_false(is_off(&s, 1));
	scene_do(&s, "eject slot:2 slot:3", OPERATION_DONE);
	assert_true(is_off(&s, 1) && is_off(&s, 2));
	assert_int_equal(engine_get(s.engine, 1)->state, OPERATION_SETTLED);
	scene_teardown(&s);
}

/* It refuses once: asked again it goes. */
static void a_later_slot_refuses_once(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, three_slots);
	mock_stage_expect(s.stage, (struct mock_event){ .action = MOCK_FAIL, .kind = STEP_POWER_OFF, .nth = 1,
							.error = -EBUSY });
	scene_do(&s, "eject mem0 mem1 mem2", OPERATION_DONE);
	assert_true(is_off(&s, 0) && is_off(&s, 1) && is_off(&s, 2));
	scene_teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_later_slot_refuses),
		cmocka_unit_test(a_later_slot_refuses_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
