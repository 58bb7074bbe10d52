// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <string.h>

#include "harness.h"
#include "machines.h"
#include "mock-kernel.h"

/*
 * What a deadline interrupts never ends here, and an hour is over as soon as it has begun: no test depends on how
 * fast a machine is.
 */

static void one_movable(struct mock *m)
{
	machine_one(m);
	mock_add_slot(m, "1", 0, -1);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
}

static void one_drainable(struct mock *m)
{
	machine_one(m);
	m->drains = true;
	mock_add_slot(m, "1", 0, -1);
	mock_add_region(m, 0, "devdax", GIB, 1, 0);
	mock_set_string(&m->used_dax, m->picture->daxes[0].name);
}

static void two_drainable(struct mock *m)
{
	machine_two_ports(m);
	m->drains = true;
	mock_add_region(m, 0, "devdax", GIB, 1, 0);
	mock_add_region(m, 0, "devdax", GIB, 1, 1);
}

static void movable_and_drainable(struct mock *m)
{
	machine_two_ports(m);
	m->drains = true;
	mock_add_region(m, 0, "devdax", GIB, 1, 0);
	mock_add_region(m, 0, "movable", GIB, 1, 1);
}

static void expect_reason(const struct scene *s, const char *part)
{
	if (!s->reason || !strstr(s->reason, part))
		fail_msg("the reason is: %s", s->reason ?: "none");
}

static void be_late(struct scene *s, struct operation *o)
{
	/* it is in the step that never ends, or waits at the gate */
	if (!o->progress_done || !o->deadline)
		return;
	s->on_changed = NULL;
	assert_true(sd_event_source_set_time_relative(o->deadline, 0) >= 0);
}

/* Each step that the kernel may take long over, before and after it took effect. */
static void test_in_a_step(void **state)
{
	static const struct {
		void (*machine)(struct mock *m);
		const char *line;
		enum step_kind kind;
	} cases[] = {
		{ one_movable, "offline --deadline 1h region0", STEP_OFFLINE },
		{ one_movable, "destroy --deadline 1h region0", STEP_OFFLINE },
		{ one_movable, "destroy --deadline 1h region0", STEP_UNBIND },
		{ one_movable, "set-mode --deadline 1h --mode devdax region0", STEP_BIND },
		{ one_movable, "eject --deadline 1h mem0 region0", STEP_OFFLINE },
		{ one_movable, "eject --deadline 1h mem0 region0", STEP_DISABLE },
		{ one_movable, "eject --deadline 1h mem0 region0", STEP_DISABLE_MEMDEV },
		{ one_drainable, "eject --deadline 1h mem0 region0", STEP_DRAIN },
		{ one_drainable, "destroy --deadline 1h --on-deadline keep region0", STEP_DRAIN },
	};
	struct scene s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int after = 0; after < 2; after++) {
			if (after && (forks_are_slow() || cases[i].kind == STEP_DRAIN))
				continue;
			scene_setup(&s, cases[i].machine);
			s.stage->explains = true;
			s.on_changed = be_late;
			mock_stage_expect(s.stage,
					  (struct mock_event){ MOCK_BLOCK, cases[i].kind, .after = after });
			scene_do(&s, cases[i].line, OPERATION_FAILED);
			expect_reason(&s, "1h are over and memory block 34 of ");
			scene_expect_unchanged(&s);
			scene_teardown(&s);
		}
}

/* What is in the way is not known: then at least what it was at. */
static void test_without_explanation(void **state)
{
	struct scene s;

	(void)state;
	for (int blocks = 0; blocks < 2; blocks++) {
		scene_setup(&s, one_movable);
		s.stage->explain_blocks = blocks;
		s.on_changed = be_late;
		mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_OFFLINE });
		scene_do(&s, "offline --deadline 1h region0", OPERATION_FAILED);
		expect_reason(&s, "1h are over and it was not through with: take 8 memory blocks (movable) "
				  "of dax0.0 offline");
		scene_expect_unchanged(&s);
		scene_teardown(&s);
	}
}

static void open_when_behind(struct scene *s, struct operation *o)
{
	if (o->id == 2)
		mock_stage_open_gate(s->stage);
}

/* It waits behind another one for longer than it has. */
static void test_queued(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, one_movable);
	s.on_finished = open_when_behind;
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_GATE, STEP_OFFLINE });
	scene_ask(&s, "offline region0");
	scene_ask(&s, "destroy --deadline 20ms region0");
	scene_wait(&s);
	assert_int_equal(s.n_finished, 2);
	assert_int_equal(engine_get(s.engine, 1)->state, OPERATION_DONE);
	assert_int_equal(engine_get(s.engine, 2)->state, OPERATION_FAILED);
	assert_string_equal(engine_get(s.engine, 2)->reason, "20ms are over and its turn had not come");
	scene_teardown(&s);
}

static int open_gate(sd_event_source *source, uint64_t when, void *userdata)
{
	struct scene *s = userdata;

	(void)source;
	(void)when;
	mock_stage_open_gate(s->stage);
	return 0;
}

/* The machine is still being looked at: refused, and nothing was begun. */
static void test_before_plan(void **state)
{
	sd_event_source *timer;
	struct scene s;

	(void)state;
	scene_setup(&s, one_movable);
	s.stage->scan_acts = true;
	s.stage->scan_action = MOCK_GATE;
	scene_ask(&s, "offline --deadline 1ms region0");
	/* armed behind the deadline, so it fires behind it */
	assert_true(sd_event_add_time_relative(s.event, &timer, CLOCK_MONOTONIC, 50000, 0, open_gate, &s) >=
		    0);
	scene_wait(&s);
	sd_event_source_unref(timer);
	assert_int_equal(s.answers, 1);
	assert_int_equal(s.error, -ETIMEDOUT);
	assert_string_equal(s.refusal, "1ms are over and the machine has not been looked at yet");
	assert_int_equal(s.stage->n_trace, 0);
	scene_teardown(&s);
}

/* In time: nobody hears of the deadline, and no timer is left that could hit another operation. */
static void test_in_time(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, one_movable);
	scene_do(&s, "offline --deadline 1h region0", OPERATION_DONE);
	assert_null(engine_get(s.engine, 1)->deadline);
	scene_do(&s, "online region0", OPERATION_DONE);
	scene_do(&s, "eject --deadline 1h mem0 region0", OPERATION_DONE);
	scene_teardown(&s);
}

static bool is_armed(sd_event_source *source)
{
	return sd_event_source_get_enabled(source, NULL) > 0;
}

/* Past the point of no return there is only forward, late or not. */
static void test_past_return(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, two_drainable);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_GATE, STEP_DELETE_REGION });
	s.on_changed = be_late;
	scene_ask(&s, "destroy --deadline 1h region0");
	run_until(s.event, engine_get(s.engine, 1)->deadline &&
				   !s.on_changed &&
				   !is_armed(engine_get(s.engine, 1)->deadline));
	mock_stage_open_gate(s.stage);
	scene_wait(&s);
	assert_int_equal(s.state, OPERATION_DONE);
	scene_teardown(&s);
}

static void expect_step(const struct scene *s, enum step_kind kind, unsigned int times)
{
	unsigned int n = 0;

	for (size_t i = 0; i < s->stage->n_trace; i++)
		n += s->stage->trace[i] == kind;
	assert_int_equal(n, times);
}

/* Taken away at the deadline, it goes on; the step that waits finds out by itself. */
static void test_revoke(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, one_drainable);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_GATE, STEP_DRAIN });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_OPEN, STEP_REVOKE, .after = true });
	s.on_changed = be_late;
	scene_do(&s, "eject --deadline 1h --on-deadline revoke mem0 region0", OPERATION_DONE);
	expect_step(&s, STEP_REVOKE, 1);
	expect_step(&s, STEP_DRAIN, 1);
	expect_step(&s, STEP_CANCEL_DRAIN, 0);
	scene_teardown(&s);
}

/* Once its time is over, what comes after is taken away as soon as it is waited for. */
static void test_revoke_all(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, two_drainable);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_GATE, STEP_DRAIN, .nth = MOCK_ALWAYS });
	mock_stage_expect(s.stage,
			  (struct mock_event){ MOCK_OPEN, STEP_REVOKE, .nth = MOCK_ALWAYS, .after = true });
	s.on_changed = be_late;
	scene_do(&s, "destroy --deadline 1h --on-deadline revoke region0 region1", OPERATION_DONE);
	expect_step(&s, STEP_REVOKE, 2);
	scene_teardown(&s);
}

/* Memory of the system is not taken away from anybody. */
static void test_no_revoke_of_memory(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, movable_and_drainable);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_OFFLINE });
	s.on_changed = be_late;
	scene_do(&s, "destroy --deadline 1h --on-deadline revoke region0 region1", OPERATION_FAILED);
	expect_step(&s, STEP_REVOKE, 0);
	expect_reason(&s, "1h are over and it was not through with: take 8 memory blocks");
	scene_expect_unchanged(&s);
	scene_teardown(&s);
}

/* Revoking fails: what waits goes on waiting, until somebody calls it off. */
static void test_cancel_after_revoke(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, one_drainable);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_DRAIN });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_REVOKE, .error = -EIO });
	s.on_changed = be_late;
	scene_ask(&s, "eject --deadline 1h --on-deadline revoke mem0 region0");
	run_until(s.event, s.stage->n_trace == 2);
	assert_int_equal(s.stage->trace[1], STEP_REVOKE);
	assert_int_equal(engine_cancel(s.engine, 1), 0);
	scene_wait(&s);
	assert_int_equal(s.state, OPERATION_CANCELLED);
	assert_string_equal(s.reason, "cancelled on request");
	expect_step(&s, STEP_CANCEL_DRAIN, 1);
	scene_expect_unchanged(&s);
	scene_teardown(&s);
}

static void cancel_it(struct scene *s, struct operation *o)
{
	if (!o->progress_done)
		return;
	s->on_changed = NULL;
	assert_int_equal(engine_cancel(s->engine, o->id), 0);
}

/* Cancelled before the deadline, it is cancelled and has not failed, however long the way back is. */
static void test_cancel_first(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, one_movable);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_UNBIND });
	s.on_changed = cancel_it;
	scene_do(&s, "destroy --deadline 1h region0", OPERATION_CANCELLED);
	assert_string_equal(s.reason, "cancelled on request");
	scene_expect_unchanged(&s);
	scene_teardown(&s);
}

/* Its time is over, and the way back fails. */
static void test_undo_fails(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, one_movable);
	s.stage->explains = true;
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_UNBIND, .after = true });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_ONLINE, .error = -EIO });
	s.on_changed = be_late;
	scene_do(&s, "destroy --deadline 1h region0", OPERATION_STUCK);
	expect_reason(&s, "1h are over and memory block 34 of dax0.0 is still in use");
	expect_reason(&s, "online is refused with EIO");
	scene_teardown(&s);
}

/* Stopping the daemon while it asks what is in the way leaves nothing behind (scene_teardown() looks). */
static void test_stopped(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, one_movable);
	s.stage->explain_blocks = true;
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_OFFLINE });
	s.on_changed = be_late;
	scene_ask(&s, "offline --deadline 1h region0");
	run_until(s.event, s.stage->doors >= 2);
	scene_teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_a_step),	cmocka_unit_test(test_without_explanation),
		cmocka_unit_test(test_queued),		cmocka_unit_test(test_before_plan),
		cmocka_unit_test(test_in_time),		cmocka_unit_test(test_past_return),
		cmocka_unit_test(test_revoke),		cmocka_unit_test(test_revoke_all),
		cmocka_unit_test(test_no_revoke_of_memory), cmocka_unit_test(test_cancel_after_revoke),
		cmocka_unit_test(test_cancel_first),	cmocka_unit_test(test_undo_fails),
		cmocka_unit_test(test_stopped),
	};

	return cmocka_run_group_tests_name("engine, deadline", tests, NULL, NULL);
}
