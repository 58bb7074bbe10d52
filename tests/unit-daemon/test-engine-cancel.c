// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "machines.h"
#include "situations.h"

/* Puts the machine of a situation there and plans, to know what cases there are. */
static struct plan *prepare(struct scene *s, const struct situation *t)
{
	_cleanup_(request_freep) struct request *q = parse_request(t->line);
	_cleanup_mock_ struct mock *m = situation_machine(t, false);
	struct plan *plan = NULL;

	assert_int_equal(plan_make(m->picture, q, &plan, NULL), 0);
	scene_setup(s, t->machine);
	return plan;
}

static void reset(struct scene *s, const struct situation *t)
{
	_cleanup_mock_ struct mock *m = situation_machine(t, false);

	scene_set(s, m);
	s->on_changed = NULL;
}

static void test_no_such(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	assert_int_equal(engine_cancel(s.engine, 0), -ENOENT);
	assert_int_equal(engine_cancel(s.engine, 1), -ENOENT);
	scene_do(&s, "create mem0", OPERATION_DONE);
	assert_int_equal(engine_cancel(s.engine, 1), -EALREADY);
	assert_int_equal(engine_cancel(s.engine, 2), -ENOENT);
	assert_int_equal(engine_get(s.engine, 1)->state, OPERATION_DONE);
	scene_teardown(&s);
}

static void test_queued(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	scene_ask(&s, "create mem0");
	scene_ask(&s, "destroy region0");
	scene_ask(&s, "set-mode --mode devdax region0");
	assert_int_equal(engine_cancel(s.engine, 2), 0);
	assert_int_equal(s.finished_id, 2);
	assert_int_equal(s.state, OPERATION_CANCELLED);
	assert_non_null(s.reason);
	assert_int_equal(engine_cancel(s.engine, 2), -EALREADY);
	scene_wait(&s);
	assert_int_equal(s.n_finished, 3);
	assert_int_equal(s.finished_id, 3);
	assert_int_equal(s.state, OPERATION_DONE);
	scene_teardown(&s);
}

/* Many that never had their turn do not push out the one at work, nor stay for ever. */
static void test_history(void **state)
{
	struct scene s;
	size_t n = 0;

	(void)state;
	scene_setup(&s, machine_one);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_GATE, STEP_COMMIT });
	scene_ask(&s, "create mem0");
	for (uint64_t id = 2; id <= 2 * ENGINE_HISTORY; id++) {
		scene_ask(&s, "destroy region0");
		assert_int_equal(engine_cancel(s.engine, id), 0);
	}
	assert_non_null(engine_get(s.engine, 1));
	mock_stage_open_gate(s.stage);
	scene_wait(&s);
	assert_int_equal(s.finished_id, 1);
	assert_int_equal(s.state, OPERATION_DONE);
	while (engine_nth(s.engine, n))
		n++;
	assert_int_equal(n, ENGINE_HISTORY);
	scene_teardown(&s);
}

/* Nobody knows it yet, but whoever goes through all of them can find it. */
static void test_before_start(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	scene_ask(&s, "create mem0");
	assert_int_equal(engine_cancel(s.engine, engine_nth(s.engine, 0)->id), 0);
	scene_wait(&s);
	assert_int_equal(s.answers, 1);
	assert_int_equal(s.id, 0);
	assert_int_equal(s.error, -ECANCELED);
	assert_int_equal(s.n_finished, 0);
	assert_int_equal(s.stage->n_trace, 0);
	scene_teardown(&s);
}

static void cancel_first(struct scene *s, struct operation *o)
{
	if (o->id != 1)
		return;
	/* the second has its turn next, and is being looked at the machine for */
	s->stage->scan_acts = true;
	s->stage->scan_action = MOCK_GATE;
}

static void test_before_plan(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	s.on_finished = cancel_first;
	scene_ask(&s, "create mem0");
	scene_ask(&s, "destroy region0");
	run_until(s.event, s.finished_id == 1);
	/* its turn comes, and then nothing more as long as the gate is shut */
	while (sd_event_run(s.event, 0) > 0)
		;
	assert_int_equal(engine_cancel(s.engine, 2), 0);
	assert_int_equal(s.n_finished, 1);
	mock_stage_open_gate(s.stage);
	scene_wait(&s);
	assert_int_equal(s.finished_id, 2);
	assert_int_equal(s.state, OPERATION_CANCELLED);
	assert_null(engine_get(s.engine, 2)->plan);
	scene_teardown(&s);
}

static void cancel_at(struct scene *s, struct operation *o)
{
	if (o->state != OPERATION_RUNNING || o->at != s->arg)
		return;
	/* at the gate, if there is one */
	if (s->stage->n_script && !o->progress_done)
		return;
	s->on_changed = NULL;
	assert_int_equal(engine_cancel(s->engine, o->id), o->at > o->plan->no_return ? -EBUSY : 0);
	/* a second time is no harm */
	assert_int_equal(engine_cancel(s->engine, o->id), o->at > o->plan->no_return ? -EBUSY : 0);
	mock_stage_open_gate(s->stage);
}

/* When @at steps are known to be done, while the worker goes on meanwhile or waits at that step. */
static unsigned int cancel_everywhere(const struct situation *t, bool wait)
{
	struct scene s;
	_cleanup_(plan_freep) struct plan *plan = prepare(&s, t);
	unsigned int n = 0;

	for (size_t at = 0; at < plan->n_steps; at++, n++) {
		reset(&s, t);
		while (sem_trywait(&s.stage->gate) == 0)
			;
		if (wait)
			mock_stage_expect(s.stage, (struct mock_event){ MOCK_GATE, MOCK_ANY,
									(unsigned int)at });
		s.arg = at;
		s.on_changed = cancel_at;
		scene_ask(&s, t->line);
		scene_wait(&s);
		assert_null(s.on_changed);
		if (at > plan->no_return)
			assert_int_equal(s.state, OPERATION_DONE);
		else if (at == plan->no_return && wait)
			/* too late by one: that step has begun, and is let finish */
			assert_int_equal(s.state, OPERATION_DONE);
		else if (plan->no_return == plan->n_steps || s.state != OPERATION_DONE) {
			if (s.state != OPERATION_CANCELLED)
				fail_msg("%s, step %zu: %s (%s)", t->name, at,
					 operation_state_name(s.state), s.reason);
			assert_string_equal(s.reason, "cancelled on request");
			scene_expect_unchanged(&s);
		}
	}
	scene_teardown(&s);
	return n;
}

static void test_between_steps(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (size_t i = 0; i < N_SITUATIONS; i += under_valgrind() ? 5 : 1)
		for (int wait = 0; wait < 2; wait++)
			if (!forks_are_slow() || (int)i % 2 == wait)
				n += cancel_everywhere(&situations[i], wait);
	print_message("cancelled at %u places\n", n);
	assert_true(n > 0);
}

static void cancel_on_progress(struct scene *s, struct operation *o)
{
	if (!o->progress_done)
		return;
	s->on_changed = NULL;
	assert_int_equal(engine_cancel(s->engine, o->id), 0);
	assert_int_equal(engine_cancel(s->engine, o->id), 0);
}

/* In each step the kernel may take long over: it never ends, or it ends just when it is killed. */
static void test_in_a_step(void **state)
{
	bool cancelled[_STEP_KIND_MAX] = { 0 };
	unsigned int n = 0;

	(void)state;
	for (size_t i = 0; i < N_SITUATIONS; i += under_valgrind() ? 5 : 1) {
		const struct situation *t = &situations[i];
		struct scene s;
		_cleanup_(plan_freep) struct plan *plan = prepare(&s, t);

		for (size_t at = 0; at < plan->n_steps && at <= plan->no_return; at++)
			for (int how = 0; how < 3; how++) {
				if (!step_may_block(plan->steps[at].kind) ||
				    (forks_are_slow() && (int)(i + at) % 3 != how))
					continue;
				reset(&s, t);
				mock_stage_expect(s.stage,
						  (struct mock_event){ how < 2 ? MOCK_BLOCK : MOCK_TELL,
								       MOCK_ANY, (unsigned int)at,
								       .after = how > 0,
								       .error = 1 });
				s.on_changed = cancel_on_progress;
				scene_ask(&s, t->line);
				scene_wait(&s);
				cancelled[plan->steps[at].kind] = true;
				n++;
				/* it was past the point of no return before the kill came */
				if (how == 2 && plan->no_return < plan->n_steps &&
				    s.state == OPERATION_DONE)
					continue;
				if (s.state != OPERATION_CANCELLED)
					fail_msg("%s, step %zu: %s (%s)", t->name, at,
						 operation_state_name(s.state), s.reason);
				assert_string_equal(s.reason, "cancelled on request");
				scene_expect_unchanged(&s);
			}
		scene_teardown(&s);
	}
	print_message("cancelled in %u steps\n", n);
	/* A new kind needs a situation that has it. Cards are enabled on the way back only, which goes on. */
	for (int kind = 0; kind < _STEP_KIND_MAX && !forks_are_slow(); kind++)
		if (step_may_block(kind) && kind != STEP_ENABLE_MEMDEV && !cancelled[kind])
			fail_msg("nothing was cancelled in the middle of %s", step_kind_name(kind));
}

/* Its last step may have ended when the kill comes; the way back then begins with a worker that dies. */
static void test_late_kill(void **state)
{
	const struct situation t = { "create", machine_one, NULL, "create --mode devdax mem0" };
	unsigned int times = forks_are_slow() ? 5 : 100;
	struct scene s;

	(void)state;
	scene_setup(&s, t.machine);
	for (unsigned int i = 0; i < times; i++) {
		reset(&s, &t);
		mock_stage_expect(s.stage, (struct mock_event){ MOCK_TELL, STEP_BIND, .after = true,
								.error = 1 });
		s.on_changed = cancel_on_progress;
		scene_do(&s, t.line, OPERATION_CANCELLED);
		scene_expect_unchanged(&s);
	}
	scene_teardown(&s);
}

static void cancel_undo(struct scene *s, struct operation *o)
{
	if (o->state == OPERATION_UNDOING) {
		s->arg++;
		assert_int_equal(engine_cancel(s->engine, o->id), 0);
	}
}

/* It is on its way back already, for a reason of its own. */
static void test_while_undoing(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	s.on_changed = cancel_undo;
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_BIND, .error = -EIO });
	scene_do(&s, "create mem0", OPERATION_FAILED);
	assert_true(s.arg > 3);
	assert_string_equal(s.reason, "bind is refused with EIO");
	scene_expect_unchanged(&s);
	scene_teardown(&s);
}

/* The way back from a cancelled operation can fail like any other. */
static void test_undo_fails(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	s.on_changed = cancel_on_progress;
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_BIND });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_DELETE_REGION, .error = -EIO });
	scene_do(&s, "create mem0", OPERATION_STUCK);
	assert_non_null(strstr(s.reason, "cancelled on request"));
	assert_non_null(strstr(s.reason, "delete-region is refused with EIO"));
	scene_teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_such),	      cmocka_unit_test(test_queued),
		cmocka_unit_test(test_history),	      cmocka_unit_test(test_before_start),
		cmocka_unit_test(test_before_plan),   cmocka_unit_test(test_between_steps),
		cmocka_unit_test(test_in_a_step),     cmocka_unit_test(test_late_kill),
		cmocka_unit_test(test_while_undoing), cmocka_unit_test(test_undo_fails),
	};

	return cmocka_run_group_tests_name("engine, cancel", tests, NULL, NULL);
}
