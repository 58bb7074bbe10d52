// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "machines.h"
#include "mock-kernel.h"

static void devdax_in_use(struct mock *m)
{
	machine_one(m);
	mock_add_region(m, 0, "devdax", GIB, 1, 0);
	mock_set_string(&m->used_dax, m->picture->daxes[0].name);
}

/* Refused while somebody uses it; with force it is said who did. */
static void test_force(void **state)
{
	struct operation *o;
	struct scene s;

	(void)state;
	/* The log stays open once it was. */
	(void)sd_journal_print(7, "who had a dax device open is logged");
	scene_setup(&s, devdax_in_use);
	scene_do(&s, "destroy region0", OPERATION_FAILED);
	assert_non_null(strstr(s.reason, "somebody has dax0.0 open"));
	scene_expect_unchanged(&s);
	scene_do(&s, "destroy --force region0", OPERATION_DONE);
	o = engine_get(s.engine, s.finished_id);
	assert_non_null(o);
	assert_int_equal(o->plan->n_notes, 3);
	assert_string_equal(o->plan->notes[2], "somebody had it open");
	scene_teardown(&s);
}

/* What could not be taken back is named, with what can be typed about it, and that works. */
static void test_choices(void **state)
{
	static const char choice[] = "`cxlmemctl destroy region0` takes away what is left of it, `cxlmemctl adopt region0` "
				     "keeps it as it is";
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_BIND, .error = -EIO });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_DETACH, .error = -EIO });
	scene_do(&s, "create mem0", OPERATION_STUCK);
	assert_non_null(strstr(s.reason, "detach is refused with EIO"));
	assert_non_null(strstr(s.reason, choice));
	s.stage->n_script = 0;
	assert_int_equal(engine_get(s.engine, 1)->state, OPERATION_STUCK);
	scene_do(&s, "destroy region0", OPERATION_DONE);
	assert_int_equal(engine_get(s.engine, 1)->state, OPERATION_SETTLED);
	scene_expect_unchanged(&s);
	scene_teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_force),
		cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests_name("engine, what it tells", tests, NULL, NULL);
}
