// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "machines.h"
#include "mock-kernel.h"

static size_t count(struct engine *e)
{
	size_t n = 0;

	while (engine_nth(e, n))
		n++;
	return n;
}

static void test_done(void **state)
{
	_cleanup_mock_ struct mock *m = NULL;
	struct operation *o;
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	assert_false(engine_busy(s.engine));
	scene_ask(&s, "create mem0");
	assert_true(engine_busy(s.engine));
	/* not answered before it is planned */
	assert_int_equal(s.answers, 0);
	scene_wait(&s);
	assert_int_equal(s.answers, 1);
	assert_int_equal(s.id, 1);
	assert_int_equal(s.state, OPERATION_DONE);
	assert_int_equal(s.n_finished, 1);
	o = engine_get(s.engine, 1);
	assert_non_null(o);
	assert_ptr_equal(o, engine_nth(s.engine, 0));
	assert_int_equal(o->at, o->plan->n_steps);
	assert_int_equal(s.stage->n_trace, o->plan->n_steps);
	assert_true(s.n_changed >= o->plan->n_steps);
	assert_true(o->kernel_usec > o->plan->n_steps);
	assert_true(o->started_realtime <= o->finished_realtime);
	m = mock_stage_get(s.stage);
	assert_int_equal(m->picture->n_regions, 1);
	assert_int_equal(s.stage->doors, 2);
	scene_teardown(&s);
}

static void expect_refused(struct scene *s, const char *line, int error, const char *part)
{
	unsigned int finished = s->n_finished, changed = s->n_changed;
	size_t before = count(s->engine);

	scene_ask(s, line);
	scene_wait(s);
	assert_int_equal(s->answers, 1);
	assert_int_equal(s->id, 0);
	assert_int_equal(s->error, error);
	if (!strstr(s->refusal, part))
		fail_msg("refused with: %s", s->refusal);
	assert_int_equal(s->n_finished, finished);
	assert_int_equal(s->n_changed, changed);
	assert_int_equal(count(s->engine), before);
	scene_expect_unchanged(s);
}

static void test_refused(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	expect_refused(&s, "create mem9", -ENOENT, "mem9");
	expect_refused(&s, "create --size 64G mem0", -ENOSPC, "mem0");
	assert_int_equal(s.stage->n_trace, 0);
	s.stage->scan_acts = true;
	s.stage->scan_action = MOCK_FAIL;
	expect_refused(&s, "create mem0", -EIO, "nothing can be seen");
	s.stage->scan_acts = true;
	s.stage->scan_action = MOCK_DIE;
	expect_refused(&s, "create mem0", -EPIPE, "died");
	scene_do(&s, "create mem0", OPERATION_DONE);
	scene_teardown(&s);
}

static void test_nothing_to_do(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	scene_do(&s, "create mem0", OPERATION_DONE);
	s.stage->n_trace = 0;
	scene_do(&s, "online region0", OPERATION_DONE);
	assert_int_equal(s.stage->n_trace, 0);
	scene_teardown(&s);
}

static uint64_t next_id;

static void in_order(struct scene *s, struct operation *o)
{
	assert_int_equal(o->id, ++next_id);
	assert_int_equal(o->state, s->arg >> (2 * o->id) & 3 ? OPERATION_FAILED : OPERATION_DONE);
}

static void test_queue(void **state)
{
	static const char *const lines[] = {
		"create mem0", "create mem1", "destroy region1", "destroy region5",
		"set-mode --mode devdax region0", "create mem0", "create mem1",
	};
	_cleanup_mock_ struct mock *m = NULL;
	struct scene s;

	(void)state;
	scene_setup(&s, machine_two_ports);
	next_id = 0;
	s.on_finished = in_order;
	s.arg = 1 << (2 * 4) | 1 << (2 * 6);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		scene_ask(&s, lines[i]);
		/* whoever has to queue is answered at once */
		assert_int_equal(s.answers, i > 0);
	}
	assert_int_equal(count(s.engine), ARRAY_SIZE(lines));
	for (size_t i = 1; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(engine_nth(s.engine, i)->state, OPERATION_QUEUED);
	scene_wait(&s);
	assert_int_equal(s.n_finished, ARRAY_SIZE(lines));
	/* each was planned on what the ones before had made of the machine */
	assert_non_null(strstr(engine_get(s.engine, 4)->reason, "region5"));
	assert_null(engine_get(s.engine, 4)->plan);
	assert_non_null(strstr(engine_get(s.engine, 6)->reason, "mem0"));
	m = mock_stage_get(s.stage);
	assert_int_equal(m->picture->n_regions, 2);
	scene_teardown(&s);
}

static void ask_again(struct scene *s, struct operation *o)
{
	(void)o;
	if (s->arg++ == 0)
		scene_ask(s, "destroy region0");
}

static void test_ask_in_hook(void **state)
{
	struct scene s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		scene_setup(&s, machine_one);
		if (i == 0)
			s.on_started = ask_again;
		if (i == 1)
			s.on_changed = ask_again;
		if (i == 2)
			s.on_finished = ask_again;
		scene_ask(&s, "create mem0");
		scene_wait(&s);
		assert_int_equal(s.n_finished, 2);
		assert_int_equal(s.finished_id, 2);
		assert_int_equal(s.state, OPERATION_DONE);
		scene_expect_unchanged(&s);
		scene_teardown(&s);
	}
}

/* Somebody is faster: a region of theirs has the name that was planned for ours. */
static void their_region(struct mock *m)
{
	mock_add_region(m, 0, "empty", 0, 1);
}

static void test_renamed(void **state)
{
	_cleanup_mock_ struct mock *theirs = mock_new(), *m = NULL;
	_cleanup_free_ char *with_theirs = NULL;
	unsigned int cases = 0;
	struct operation *o;
	struct scene s;
	size_t n;

	(void)state;
	machine_one(theirs);
	scene_setup(&s, machine_one);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_OTHER, STEP_CREATE_REGION,
							.other = their_region });
	scene_do(&s, "create mem0", OPERATION_DONE);
	m = mock_stage_get(s.stage);
	o = engine_get(s.engine, s.finished_id);
	assert_int_equal(m->picture->n_regions, 2);
	assert_string_equal(o->plan->regions[0], "region1");
	assert_int_equal(m->picture->regions[0].size, 0);
	assert_true(m->picture->regions[1].size == GIB);
	n = o->plan->n_steps;

	/* and theirs stays when ours is taken back */
	mock_free(m);
	m = mock_copy(theirs);
	their_region(theirs);
	with_theirs = mock_signature(theirs);
	for (size_t i = 1; i < n; i++, cases++) {
		_cleanup_free_ char *now = NULL;

		scene_set(&s, m);
		mock_stage_expect(s.stage, (struct mock_event){ MOCK_OTHER, STEP_CREATE_REGION,
								.other = their_region });
		mock_stage_expect(s.stage, (struct mock_event){ i % 2 ? MOCK_FAIL : MOCK_DIE,
								MOCK_ANY, (unsigned int)i,
								.error = -EIO });
		scene_do(&s, "create mem0", OPERATION_FAILED);
		now = mock_stage_signature(s.stage);
		assert_string_equal(now, with_theirs);
	}
	print_message("%u steps failed after a renaming\n", cases);
	assert_true(cases > 5);
	scene_teardown(&s);
}

static void other_name(struct mock *m)
{
	mock_set_string(&m->picture->windows[0].next_region, "region7");
}

/* What is destroyed and has to be made again may be called otherwise: the rest of the way back goes there. */
static void test_renamed_back(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new(), *now = NULL;
	struct scene s;

	(void)state;
	machine_one(m);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	scene_setup(&s, machine_one);
	scene_set(&s, m);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_DIE, STEP_DELETE_REGION,
							.after = true });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_OTHER, STEP_CREATE_REGION,
							.other = other_name });
	scene_do(&s, "destroy region0", OPERATION_FAILED);
	scene_expect_unchanged(&s);
	now = mock_stage_get(s.stage);
	assert_string_equal(now->picture->regions[0].name, "region7");
	/* whoever reads the operation is told so */
	assert_string_equal(engine_get(s.engine, 1)->plan->regions[0], "region7");
	scene_teardown(&s);
}

static void policy_kernel(struct mock *m)
{
	mock_set_string(&m->picture->auto_online, "online_kernel");
}

static void hold_probing(struct mock *m)
{
	m->autoprobe_held = true;
}

/* What a hold found goes back, not what the picture said, however it ends. */
static void test_settings(void **state)
{
	static const struct {
		enum step_kind hold;
		void (*other)(struct mock *m);
	} changes[] = { { STEP_HOLD_AUTO_ONLINE, policy_kernel }, { STEP_HOLD_AUTOPROBE, hold_probing } };
	static const struct {
		int kind; /* that fails; -1 = none */
		enum mock_action action;
	} ends[] = { { -1, 0 },			      { STEP_BIND, MOCK_FAIL },
		     { STEP_BIND, MOCK_DIE },	      { STEP_ENABLE, MOCK_FAIL },
		     { STEP_ENABLE, MOCK_DIE },	      { STEP_RELEASE_AUTO_ONLINE, MOCK_FAIL },
		     { STEP_RELEASE_AUTOPROBE, MOCK_FAIL } };
	struct scene s;
	size_t n = 0;

	(void)state;
	scene_setup(&s, machine_one);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(ends); j++) {
			_cleanup_mock_ struct mock *m = mock_new(), *now = NULL;

			machine_one(m);
			scene_set(&s, m);
			mock_stage_expect(s.stage, (struct mock_event){ MOCK_OTHER,
									(int)changes[i].hold,
									.other = changes[i].other });
			if (ends[j].kind >= 0)
				mock_stage_expect(s.stage, (struct mock_event){ ends[j].action,
										ends[j].kind,
										.error = -EIO });
			scene_do(&s, "create mem0",
				 ends[j].kind < 0 ? OPERATION_DONE : OPERATION_FAILED);
			/* one that failed before the hold never saw the change */
			if (s.stage->script[0].seen)
				changes[i].other(m);
			n += s.stage->script[0].seen > 0;
			now = mock_stage_get(s.stage);
			if (!streq_null(now->picture->auto_online, m->picture->auto_online) ||
			    now->autoprobe_held != m->autoprobe_held)
				fail_msg("%zu, %zu: %s %d", i, j, now->picture->auto_online,
					 now->autoprobe_held);
		}
	assert_true(n > ARRAY_SIZE(ends));
	scene_teardown(&s);
}

/* The undo of an unbind holds the policy as well. */
static void test_settings_back(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new(), *now = NULL;
	struct scene s;

	(void)state;
	machine_one(m);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	scene_setup(&s, machine_one);
	scene_set(&s, m);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_DISABLE, .error = -EIO });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_OTHER, STEP_HOLD_AUTO_ONLINE,
							.other = policy_kernel });
	scene_do(&s, "destroy region0", OPERATION_FAILED);
	now = mock_stage_get(s.stage);
	assert_string_equal(now->picture->auto_online, "online_kernel");
	assert_int_equal(now->picture->memory[0].zone, ZONE_MOVABLE);
	scene_teardown(&s);
}

/* Capacity that somebody took since planning is theirs. */
static void take_capacity(struct mock *m)
{
	struct decoder *d = &mock_endpoint(m, 0)->decoders[0];

	d->dpa_resource = 0;
	d->dpa_size = 256 * MIB;
	mock_set_string(&d->mode, "ram");
}

static void test_overtaken(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_free_ char *expected = NULL, *now = NULL;
	struct scene s;

	(void)state;
	machine_one(m);
	take_capacity(m);
	expected = mock_signature(m);
	scene_setup(&s, machine_one);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_OTHER, STEP_ALLOC_DPA,
							.other = take_capacity });
	scene_do(&s, "create mem0", OPERATION_FAILED);
	assert_non_null(strstr(s.reason, "in use"));
	now = mock_stage_signature(s.stage);
	assert_string_equal(now, expected);
	scene_teardown(&s);
}

static void test_picture_kept(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	engine_look(s.engine);
	/* asked while it looks: waits for that one */
	scene_ask(&s, "create mem9");
	assert_int_equal(s.answers, 0);
	scene_wait(&s);
	assert_int_equal(s.answers, 1);
	assert_int_equal(s.stage->scans, 1);
	/* a picture serves once */
	expect_refused(&s, "create mem9", -ENOENT, "mem9");
	assert_int_equal(s.stage->scans, 2);

	engine_look(s.engine);
	expect_refused(&s, "create mem9", -ENOENT, "mem9");
	assert_int_equal(s.stage->scans, 3);
	scene_teardown(&s);
}

static void test_picture_old(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	struct scene s;

	(void)state;
	machine_one(m);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	scene_setup(&s, machine_one);
	engine_look(s.engine);
	/* one event: the picture */
	assert_true(sd_event_run(s.event, UINT64_MAX) > 0);
	assert_int_equal(s.stage->scans, 1);
	/* not again while nothing changed */
	engine_look(s.engine);
	assert_int_equal(sd_event_run(s.event, 0), 0);
	scene_set(&s, m);
	/* a picture from before would know no region */
	scene_do(&s, "offline region0", OPERATION_DONE);
	assert_int_equal(s.stage->scans, 2);
	scene_teardown(&s);
}

/* A change while it looks makes the picture old as well. */
static void test_picture_old_at_once(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	s.stage->scan_acts = true;
	s.stage->scan_action = MOCK_CHANGE;
	engine_look(s.engine);
	scene_ask(&s, "create mem0");
	scene_wait(&s);
	assert_int_equal(s.state, OPERATION_DONE);
	assert_int_equal(s.stage->scans, 2);
	scene_teardown(&s);
}

/* What changed too late for the picture that was being made is seen all the same. */
static void test_look_again(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	s.stage->scan_acts = true;
	s.stage->scan_action = MOCK_CHANGE;
	engine_look(s.engine);
	engine_look(s.engine);
	run_until(s.event, s.stage->scans == 2);
	while (sd_event_run(s.event, 200000) > 0)
		;
	/* it knows all there is to know */
	engine_look(s.engine);
	assert_int_equal(sd_event_run(s.event, 0), 0);
	assert_int_equal(s.stage->scans, 2);
	/* while a request is looked at that is refused then */
	s.stage->changes++;
	scene_ask(&s, "create mem9");
	engine_look(s.engine);
	scene_wait(&s);
	assert_int_equal(s.error, -ENOENT);
	run_until(s.event, s.stage->scans == 4);
	scene_teardown(&s);
}

static void going_offline(struct mock *m)
{
	machine_one(m);
	region_movable(m);
	m->picture->memory[0].state = MEM_GOING_OFFLINE;
}

/* Who took a block offline gives up: the kernel says nothing about it, and the next request is not refused for it. */
static void test_look_in_motion(void **state)
{
	_cleanup_mock_ struct mock *m = NULL;
	struct scene s;

	(void)state;
	scene_setup(&s, going_offline);
	engine_look(s.engine);
	run_until(s.event, s.stage->scans == 1);
	while (sd_event_run(s.event, 200000) > 0)
		;
	m = mock_stage_get(s.stage);
	m->picture->memory[0].state = MEM_ONLINE;
	mock_stage_set(s.stage, m);
	s.stage->changes--;
	scene_do(&s, "offline region0", OPERATION_DONE);
	assert_int_equal(s.stage->scans, 2);
	scene_teardown(&s);
}

static void test_look_dies(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	s.stage->scan_acts = true;
	s.stage->scan_action = MOCK_DIE;
	engine_look(s.engine);
	scene_do(&s, "create mem0", OPERATION_DONE);
	assert_int_equal(s.stage->scans, 2);
	s.stage->scan_acts = true;
	s.stage->scan_action = MOCK_FAIL;
	engine_look(s.engine);
	scene_do(&s, "destroy region0", OPERATION_DONE);
	scene_expect_unchanged(&s);
	scene_teardown(&s);
}

/* Between two operations the worker goes; the next one gets a new one and never hears of it. */
static void test_idle_death(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	for (int i = 0; i < 3; i++) {
		pid_t pid;

		scene_do(&s, i % 2 ? "destroy region0" : "create mem0", OPERATION_DONE);
		pid = s.stage->pid;
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	assert_int_equal(s.stage->doors, 4);
	scene_teardown(&s);
}

static void kill_worker(struct scene *s, struct operation *o)
{
	if (o->state == OPERATION_UNDOING && s->arg == 0) {
		s->arg = 1;
		assert_int_equal(kill(s->stage->pid, SIGKILL), 0);
		assert_int_equal(waitpid(s->stage->pid, NULL, 0), s->stage->pid);
	}
}

/* It goes right after it told of a failure, before the way back is asked for. */
static void test_death_before_undo(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	s.on_changed = kill_worker;
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_COMMIT, .error = -EIO });
	scene_do(&s, "create mem0", OPERATION_FAILED);
	scene_expect_unchanged(&s);
	scene_teardown(&s);
}

/* An undo that kills its worker each time is given up, and all that can be taken back is. */
static void test_undo_always_dies(void **state)
{
	_cleanup_mock_ struct mock *m = NULL;
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_COMMIT, .error = -EIO });
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_DIE, STEP_DELETE_REGION, MOCK_ALWAYS });
	scene_do(&s, "create mem0", OPERATION_STUCK);
	assert_non_null(strstr(s.reason, "commit is refused with EIO"));
	assert_non_null(strstr(s.reason, "the worker process died"));
	m = mock_stage_get(s.stage);
	assert_int_equal(m->picture->n_regions, 1);
	assert_int_equal(m->picture->regions[0].size, 0);
	assert_int_equal(s.stage->script[1].seen, 2);
	/* what is stuck is not in the way of others */
	scene_do(&s, "create mem0", OPERATION_DONE);
	scene_teardown(&s);
}

/* Past the point of no return what fails twice is told, with what to do. */
static void test_stuck_forward(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new(), *now = NULL;
	struct scene s;

	(void)state;
	machine_two_ports(m);
	mock_add_region(m, 0, "devdax", GIB, 1, 0);
	mock_add_region(m, 0, "devdax", GIB, 1, 1);
	scene_setup(&s, machine_two_ports);
	scene_set(&s, m);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, STEP_DELETE_REGION, MOCK_ALWAYS,
							.error = -EIO });
	scene_do(&s, "destroy region0", OPERATION_STUCK);
	assert_int_equal(s.stage->script[0].seen, 2);
	assert_non_null(strstr(s.reason, "delete-region is refused with EIO"));
	assert_non_null(strstr(s.reason, "ask for the same once more"));
	s.stage->n_script = 0;
	scene_do(&s, "destroy region0", OPERATION_DONE);
	now = mock_stage_get(s.stage);
	assert_int_equal(now->picture->n_regions, 1);
	scene_teardown(&s);
}

static void note_progress(struct scene *s, struct operation *o)
{
	if (o->progress_total) {
		assert_int_equal(o->plan->steps[o->at].kind, STEP_OFFLINE);
		assert_int_equal(o->progress_done, ++s->arg);
	}
}

static void test_progress(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	scene_do(&s, "create mem0", OPERATION_DONE);
	s.on_changed = note_progress;
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_TELL, STEP_OFFLINE, .error = 8 });
	scene_do(&s, "destroy region0", OPERATION_DONE);
	assert_int_equal(s.arg, 8);
	scene_teardown(&s);
}

static void test_history(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	scene_do(&s, "create mem0", OPERATION_DONE);
	for (int i = 2; i <= ENGINE_HISTORY + 10; i++)
		scene_do(&s, "online region0", OPERATION_DONE);
	assert_int_equal(count(s.engine), ENGINE_HISTORY);
	assert_null(engine_get(s.engine, 10));
	assert_int_equal(engine_nth(s.engine, 0)->id, 11);
	assert_int_equal(engine_nth(s.engine, ENGINE_HISTORY - 1)->id, ENGINE_HISTORY + 10);
	scene_teardown(&s);
}

static void test_free_at_once(void **state)
{
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	scene_ask(&s, "create mem0");
	scene_ask(&s, "destroy region0");
	/* the first has no answer yet, the second has */
	assert_int_equal(s.answers, 1);
	s.answers = 0;
	s.engine = engine_free(s.engine);
	assert_int_equal(s.answers, 1);
	assert_int_equal(s.error, -ECANCELED);
	assert_int_equal(s.n_finished, 0);
	scene_expect_unchanged(&s);
	scene_teardown(&s);
	assert_null(engine_free(NULL));
}

static void test_free_at_work(void **state)
{
	unsigned int changed;
	struct scene s;

	(void)state;
	scene_setup(&s, machine_one);
	mock_stage_expect(s.stage, (struct mock_event){ MOCK_BLOCK, STEP_COMMIT });
	scene_ask(&s, "create mem0");
	run_until(s.event, s.id && engine_get(s.engine, s.id)->progress_done);
	changed = s.n_changed;
	s.engine = engine_free(s.engine);
	assert_int_equal(sd_event_run(s.event, 0), 0);
	assert_int_equal(s.n_changed, changed);
	assert_int_equal(s.n_finished, 0);
	scene_teardown(&s);
}

static int open_nothing(struct door **ret)
{
	(void)ret;
	return -EIO;
}

static void test_no_door(void **state)
{
	static const struct engine_hooks hooks = {};
	struct engine *untouched = (void *)state, *e = untouched;
	unsigned int fds = count_fds();
	sd_event *event = NULL;

	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(engine_new(event, open_nothing, &hooks, NULL, &e), -EIO);
	assert_ptr_equal(e, untouched);
	sd_event_unref(event);
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_done),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_ask_in_hook),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_renamed_back),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_settings_back),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_picture_kept),
		cmocka_unit_test(test_picture_old),
		cmocka_unit_test(test_picture_old_at_once),
		cmocka_unit_test(test_look_again),
		cmocka_unit_test(test_look_in_motion),
		cmocka_unit_test(test_look_dies),
		cmocka_unit_test(test_idle_death),
		cmocka_unit_test(test_death_before_undo),
		cmocka_unit_test(test_undo_always_dies),
		cmocka_unit_test(test_stuck_forward),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_free_at_once),
		cmocka_unit_test(test_free_at_work),
		cmocka_unit_test(test_no_door),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
