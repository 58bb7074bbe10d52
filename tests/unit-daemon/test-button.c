// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "button-internal.h"
#include "engine.h"
#include "harness.h"
#include "kmsg.h"
#include "machines.h"
#include "mock-door.h"
#include "mock-kernel.h"
#include "wish.h"

/* An engine on a mock machine, and a button that hears what a test says. */
struct bench {
	sd_event *event;
	struct mock_stage *stage;
	struct engine *engine;
	struct button *button;
	struct profile_set profiles;
	bool foreign; /* regions have no origin */
	bool bare; /* no region on the first card */
	bool looked;
	unsigned int fds, n_finished;
	enum operation_state state;
	uint64_t deadline;
	char *reason;
	const char *marks, *policy;
};

static void on_picture(struct picture *p, void *userdata)
{
	struct bench *b = userdata;

	/* The engine has a picture completed each time it uses it. */
	for (size_t i = 0; i < p->n_regions; i++) {
		free(p->regions[i].origin);
		p->regions[i].origin = b->foreign ? NULL : strdup("hand");
	}
}

static void on_looked(const struct picture *p, void *userdata)
{
	struct bench *b = userdata;

	b->looked = true;
	button_seen(b->button, p, &b->profiles);
}

static void on_planned(struct operation *o, const struct picture *p, void *userdata)
{
	struct bench *b = userdata;

	button_planned(b->button, o, p, &b->profiles);
}

static void on_stepped(struct operation *o, const struct step *s, uint64_t usec, void *userdata)
{
	struct bench *b = userdata;

	(void)usec;
	button_stepped(b->button, o, s);
}

static void on_finished(struct operation *o, void *userdata)
{
	struct bench *b = userdata;

	b->n_finished++;
	b->state = o->state;
	b->deadline = o->request->deadline_usec;
	free(b->reason);
	b->reason = o->reason ? strdup(o->reason) : NULL;
	button_finished(b->button, o);
}

static void add_first(struct mock *m)
{
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 0);
}

/* Two slots with a card each, and a region on the first one unless it is to be bare. */
static void machine(struct mock *m, bool bare, bool asks, const char *policy)
{
	machine_two_ports(m);
	if (!bare)
		add_first(m);
	mock_add_slot(m, "1", 0, -1);
	mock_add_slot(m, "2", 1, -1);
	for (size_t i = 0; i < m->picture->n_slots && asks; i++) {
		mock_set_string(&m->picture->slots[i].button_policy, policy ?: "power-off");
		mock_set_string(&m->picture->slots[i].button_request, "none");
	}
}

static void change(struct bench *b, void (*to)(struct mock *m))
{
	_cleanup_mock_ struct mock *m = mock_stage_get(b->stage);

	to(m);
	mock_stage_set(b->stage, m);
}

static void look(struct bench *b)
{
	b->looked = false;
	engine_look(b->engine);
	run_until(b->event, b->looked);
}

static void build(struct bench *b, bool asks)
{
	static const struct engine_hooks hooks = {
		.picture = on_picture,
		.looked = on_looked,
		.planned = on_planned,
		.stepped = on_stepped,
		.finished = on_finished,
	};
	const struct button_config config = { .open = mock_open, .marks = b->marks };
	_cleanup_mock_ struct mock *m = mock_new();

	machine(m, b->bare, asks, b->policy);
	b->stage = mock_stage_new();
	mock_stage_set(b->stage, m);
	assert_int_equal(sd_event_new(&b->event), 0);
	assert_int_equal(engine_new(b->event, mock_open, &hooks, b, &b->engine), 0);
	assert_int_equal(button_new(b->event, b->engine, &config, &b->button), 0);
	look(b);
}

static void tear_down_daemon(struct bench *b)
{
	b->engine = engine_free(b->engine);
	b->button = button_free(b->button);
}

static void tear_down(struct bench *b)
{
	tear_down_daemon(b);
	b->event = sd_event_unref(b->event);
	while (waitpid(-1, NULL, 0) > 0)
		;
	if (b->stage)
		mock_stage_free(b->stage);
	b->stage = NULL;
	free(b->reason);
	b->reason = NULL;
	assert_int_equal(count_fds(), b->fds);
}

/* What a test that failed has left is in nobody's way: cmocka comes here all the same. */
static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	b->fds = count_fds();
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	tear_down(b);
	free(b);
	return 0;
}

static bool slot_is(struct bench *b, int slot, const char *policy, const char *request,
		    enum tristate attention)
{
	_cleanup_mock_ struct mock *m = mock_stage_get(b->stage);
	const struct slot *s = &m->picture->slots[slot];

	return streq_null(s->button_policy, policy) && streq_null(s->button_request, request) &&
	       s->attention == attention;
}

static void ask(struct mock *m)
{
	mock_set_string(&m->picture->slots[0].button_request, "power-off");
}

/* The kernel: the request stands in sysfs, then the event comes. */
static void press(struct bench *b)
{
	change(b, ask);
	button_event(b->button, "1", "power-off");
}

static void end(struct bench *b, enum operation_state state)
{
	unsigned int before = b->n_finished;

	run_until(b->event, b->n_finished > before);
	assert_int_equal(b->state, state);
}

static void the_kernel_is_told_to_ask(void **state)
{
	struct bench *b = *state;

	build(b, true);
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	assert_true(slot_is(b, 0, "ask", "none", NO));
	tear_down_daemon(b);
	/* Nobody would answer any more. */
	assert_true(slot_is(b, 0, "power-off", "none", NO));
	assert_true(slot_is(b, 1, "power-off", "none", NO));
	tear_down(b);
	build(b, false);
	assert_true(slot_is(b, 0, NULL, NULL, NO));
}

static void pressed(void **state)
{
	struct bench *b = *state;

	build(b, true);
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	press(b);
	/* The bounce of a button, and slots that are no business of ours. */
	button_event(b->button, "1", "power-off");
	button_event(b->button, "77", "power-off");
	button_event(b->button, "1", "what");
	end(b, OPERATION_DONE);
	assert_true(b->deadline == UINT64_C(60) * 1000000);
	assert_false(engine_busy(b->engine));
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(b->stage);

		assert_int_equal(m->picture->slots[0].power, NO);
		assert_int_equal(m->picture->n_regions, 0);
	}
}

static void refused(void **state)
{
	struct bench *b = *state;

	build(b, true);
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	change(b, ask);
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_FAIL, .kind = STEP_OFFLINE,
							.error = -EBUSY });
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_FAILED);
	run_until(b->event, slot_is(b, 0, "ask", "none", YES));
	/* Another press is another try. */
	press(b);
	end(b, OPERATION_DONE);
}

/* Somebody else's region: the planner refuses, and so is the press. */
static void not_ours(void **state)
{
	struct bench *b = *state;

	build(b, true);
	b->foreign = true;
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	press(b);
	run_until(b->event, slot_is(b, 0, "ask", "none", YES));
	assert_int_equal(b->n_finished, 0);
}

static void withdrawn(void **state)
{
	struct bench *b = *state;

	build(b, true);
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	change(b, ask);
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_OFFLINE });
	button_event(b->button, "1", "power-off");
	run_until(b->event, engine_nth(b->engine, 0) && engine_nth(b->engine, 0)->progress_total);
	button_event(b->button, "1", "withdrawn");
	end(b, OPERATION_CANCELLED);
	/* The indicator stays off: that was no fault. */
	assert_true(slot_is(b, 0, "ask", "power-off", NO));
}

/* The second press comes before the eject is even planned: nothing is begun. */
static void withdrawn_at_once(void **state)
{
	struct bench *b = *state;

	build(b, true);
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	press(b);
	button_event(b->button, "1", "withdrawn");
	run_until(b->event, !engine_busy(b->engine));
	assert_int_equal(b->n_finished, 0);
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(b->stage);

		assert_int_equal(m->picture->n_regions, 1);
	}
	assert_true(slot_is(b, 0, "ask", "power-off", NO));
	/* Another press is another try. */
	press(b);
	end(b, OPERATION_DONE);
}

/* The daemon was not there when the button was pressed. */
static void found_pressed(void **state)
{
	struct bench *b = *state;

	build(b, true);
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	change(b, ask);
	engine_look(b->engine);
	end(b, OPERATION_DONE);
}

/* Five seconds, and no way to say no: everything on the card goes in order, whoever made it. */
static void in_a_hurry(void **state)
{
	struct bench *b = *state;

	build(b, false);
	b->foreign = true;
	change(b, ask);
	look(b);
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_DONE);
	assert_true(b->deadline == UINT64_C(60) * 1000000);
}

/* The same, of a region that came a moment ago: nobody has looked since. */
static void not_ours_and_new(void **state)
{
	struct bench *b = *state;

	b->bare = b->foreign = true;
	build(b, false);
	change(b, add_first);
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_DONE);
}

static enum region_use use_of(struct bench *b, int region)
{
	_cleanup_mock_ struct mock *m = mock_stage_get(b->stage);
	struct region_memory memory;

	assert_true(m->picture->n_regions > (size_t)region);
	picture_region_memory(m->picture, region, &memory);
	return memory.use;
}

static void add_second(struct mock *m)
{
	mock_add_region(m, 0, "kernel", 256 * MIB, 1, 0);
}

static void add_third(struct mock *m)
{
	mock_add_region(m, 0, "movable", 256 * MIB, 1, 0);
}

/* On the other card. */
static void add_other(struct mock *m)
{
	mock_add_region(m, 0, "movable", 512 * MIB, 1, 1);
}

static int on_over(sd_event_source *s, uint64_t when, void *userdata)
{
	(void)s, (void)when;
	*(bool *)userdata = true;
	return 0;
}

static bool slot_is_off(struct bench *b)
{
	_cleanup_mock_ struct mock *m = mock_stage_get(b->stage);

	return m->picture->slots[0].power == NO && m->picture->n_regions == 0;
}

/* No way to say no, and the first region hangs until its part of the time is over. */
static void one_hangs(void **state)
{
	struct bench *b = *state;

	build(b, false);
	change(b, add_second);
	look(b);
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_OFFLINE });
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_STUCK);
	assert_int_not_equal(use_of(b, 0), USE_OFFLINE);
	end(b, OPERATION_DONE);
	assert_int_equal(use_of(b, 1), USE_OFFLINE);
	/* The eject tries the first one again, and then nothing hangs. */
	end(b, OPERATION_DONE);
	assert_true(b->deadline == UINT64_C(60) * 1000000);
	assert_true(slot_is_off(b));
}

/* The kernel lets go only when the slot may have lost its power. */
static void too_late(void **state)
{
	struct bench *b = *state;
	bool over = false;

	build(b, false);
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_GATE, .kind = STEP_OFFLINE });
	button_event(b->button, "1", "power-off");
	assert_false(b->button->list[0].late);
	assert_true(sd_event_add_time_relative(b->event, NULL, CLOCK_MONOTONIC, UINT64_C(4600) * 1000, 1, on_over,
					       &over) >= 0);
	run_until(b->event, over && engine_nth(b->engine, 0)->progress_total);
	mock_stage_open_gate(b->stage);
	end(b, OPERATION_DONE);
	assert_true(b->button->list[0].late);
}

/* The second one came a moment before the press, and nobody has looked since: what hangs keeps it from nothing, either. */
static void one_hangs_beside_a_new_one(void **state)
{
	struct bench *b = *state;

	build(b, false);
	change(b, add_second);
	for (unsigned int i = 0; i < 2; i++)
		mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK,
								 .kind = STEP_OFFLINE });
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_STUCK); /* the eject of both */
	end(b, OPERATION_STUCK); /* the first one, alone */
	assert_int_not_equal(use_of(b, 0), USE_OFFLINE);
	end(b, OPERATION_DONE);
	assert_int_equal(use_of(b, 1), USE_OFFLINE);
	end(b, OPERATION_DONE);
	assert_true(slot_is_off(b));
}

/* The one that was known was taken offline by somebody, and two came: these are put back, and no others. */
static void taken_back_with_others(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	struct bench *b = *state;

	build(b, false);
	machine(m, true, false, NULL);
	mock_add_region(m, 0, "offline", 512 * MIB, 1, 0);
	add_second(m);
	add_third(m);
	mock_stage_set(b->stage, m);
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_OFFLINE, .nth = 1,
							 .after = true });
	button_event(b->button, "1", "power-off");
	run_until(b->event, engine_nth(b->engine, 0) && engine_nth(b->engine, 0)->progress_total);
	button_event(b->button, "1", "withdrawn");
	run_until(b->event, b->n_finished >= 3 && !engine_busy(b->engine));
	assert_int_equal(use_of(b, 0), USE_OFFLINE);
	assert_int_equal(use_of(b, 1), USE_ONLINE);
	assert_int_equal(use_of(b, 2), USE_ONLINE);
}

/* With time enough the eject is all there is to it. */
static void none_hangs_beside_a_new_one(void **state)
{
	struct bench *b = *state;

	build(b, false);
	change(b, add_second);
	button_event(b->button, "1", "power-off");
	run_until(b->event, !engine_busy(b->engine) && slot_is_off(b));
}

/* Taken back while the eject of both is under way: both are put back, each once. */
static void taken_back_beside_a_new_one(void **state)
{
	struct bench *b = *state;

	build(b, false);
	change(b, add_second);
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_OFFLINE });
	button_event(b->button, "1", "power-off");
	run_until(b->event, engine_nth(b->engine, 0) && engine_nth(b->engine, 0)->progress_total);
	button_event(b->button, "1", "withdrawn");
	run_until(b->event, b->n_finished >= 3 && !engine_busy(b->engine));
	assert_int_equal(use_of(b, 0), USE_ONLINE);
	assert_int_equal(use_of(b, 1), USE_ONLINE);
}

static void started(struct operation *o, int error, const char *reason, void *userdata)
{
	(void)error;
	(void)reason;
	*(bool *)userdata = o != NULL;
}

static void expect_given_up(struct bench *b)
{
	end(b, OPERATION_STUCK);
	assert_non_null(strstr(b->reason, "its card goes, and it was not through with: take"));
	assert_non_null(strstr(b->reason, "; what was taken offline stays so"));
	end(b, OPERATION_DONE);
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(b->stage);

		assert_int_equal(m->picture->slots[0].power, NO);
	}
}

/* Somebody's eject hangs over memory that cannot be freed, with no deadline, when the button is pressed. */
static void press_while_it_hangs(struct bench *b)
{
	struct request *q = parse_request("eject slot:1");
	bool begun = false;

	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_OFFLINE });
	assert_int_equal(engine_start(b->engine, q, started, &begun), 0);
	run_until(b->event, begun && engine_nth(b->engine, 0)->progress_total);
	button_event(b->button, "1", "power-off");
	expect_given_up(b);
}

static void in_the_middle_of_an_eject(void **state)
{
	struct bench *b = *state;

	build(b, false);
	press_while_it_hangs(b);
}

/* Over memory that came online a moment before: nobody has looked since but the one who planned it. */
static void in_the_middle_of_an_early_eject(void **state)
{
	struct bench *b = *state;

	b->bare = true;
	build(b, false);
	change(b, add_first);
	press_while_it_hangs(b);
}

/*
 * The same, but its turn has not come when the button is pressed: another card's memory hangs. That is walked back, for
 * it loses nothing, and the five seconds are soon over.
 */
static void before_the_turn_of_an_eject(void **state)
{
	struct request *first = parse_request("offline region1"), *q = parse_request("eject slot:1");
	bool begun = false, queued = false;
	struct bench *b = *state;

	build(b, false);
	change(b, add_other);
	look(b);
	for (unsigned int i = 0; i < 2; i++)
		mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK,
								 .kind = STEP_OFFLINE });
	assert_int_equal(engine_start(b->engine, first, started, &begun), 0);
	run_until(b->event, begun && engine_nth(b->engine, 0)->progress_total);
	assert_int_equal(engine_start(b->engine, q, started, &queued), 0);
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_FAILED);
	assert_non_null(strstr(b->reason, "the card in slot 1 goes, and its memory has to be saved first, and it "
					  "was not through with: take"));
	assert_int_equal(use_of(b, 1), USE_ONLINE);
	expect_given_up(b);
	assert_int_equal(use_of(b, 0), USE_ONLINE);
}

/* Nothing was made of the card: what somebody else does with another one is left to them. */
static void nothing_to_save(void **state)
{
	struct request *q = parse_request("offline region0");
	struct bench *b = *state;
	bool begun = false;

	b->bare = true;
	build(b, false);
	change(b, add_other);
	look(b);
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_OFFLINE });
	assert_int_equal(engine_start(b->engine, q, started, &begun), 0);
	run_until(b->event, begun && engine_nth(b->engine, 0)->progress_total);
	button_event(b->button, "1", "power-off");
	assert_null(engine_nth(b->engine, 0)->hurried);
	assert_null(engine_nth(b->engine, 0)->deadline);
	assert_int_equal(engine_cancel(b->engine, engine_nth(b->engine, 0)->id), 0);
	end(b, OPERATION_CANCELLED);
	end(b, OPERATION_DONE);
}

/* Two regions on the first card; the signature of that machine, the caller's. */
static char *build_two(struct bench *b)
{
	build(b, false);
	change(b, add_second);
	look(b);
	return mock_stage_signature(b->stage);
}

static void expect_put_back(struct bench *b, const char *before)
{
	_cleanup_free_ char *after = NULL;

	end(b, OPERATION_DONE);
	run_until(b->event, !engine_busy(b->engine));
	after = mock_stage_signature(b->stage);
	assert_string_equal(before, after);
}

/* What could be saved stays saved when the rest cannot be; and comes back if the card stays after all. */
static void saved_and_put_back(void **state)
{
	struct bench *b = *state;
	_cleanup_free_ char *before = build_two(b);

	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_FAIL, .kind = STEP_OFFLINE,
							 .error = -EBUSY });
	/* Counted from the run behind that one: first the other region, then the eject. */
	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_FAIL, .kind = STEP_OFFLINE,
							 .nth = 1, .error = -EBUSY });
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_STUCK);
	end(b, OPERATION_DONE);
	end(b, OPERATION_STUCK);
	assert_int_equal(use_of(b, 0), USE_ONLINE);
	assert_int_equal(use_of(b, 1), USE_OFFLINE);
	button_event(b->button, "1", "withdrawn");
	expect_put_back(b, before);
}

/* The second press comes while the first region is being freed. */
static void taken_back_while_saving(void **state)
{
	struct bench *b = *state;
	_cleanup_free_ char *before = build_two(b);

	mock_stage_expect(b->stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_OFFLINE,
							 .nth = 1 });
	button_event(b->button, "1", "power-off");
	end(b, OPERATION_DONE);
	run_until(b->event, engine_nth(b->engine, 1) && engine_nth(b->engine, 1)->progress_total);
	button_event(b->button, "1", "withdrawn");
	end(b, OPERATION_CANCELLED);
	expect_put_back(b, before);
}

/*
 * A daemon that was killed had the kernel ask about the first slot, somebody else about the second: the next one hands
 * back the first, and leaves the second alone.
 */
static void taken_over(void **state)
{
	char marks[] = "/tmp/cxlmem-marks-XXXXXX", first[64], second[64];
	struct bench *b = *state;

	assert_non_null(mkdtemp(marks));
	snprintf(first, sizeof(first), "%s/1", marks);
	snprintf(second, sizeof(second), "%s/2", marks);
	assert_int_equal(close(creat(first, 0600)), 0);
	b->marks = marks;
	b->policy = "ask";
	build(b, true);
	tear_down_daemon(b);
	assert_true(slot_is(b, 0, "power-off", "none", NO));
	assert_true(slot_is(b, 1, "ask", "none", NO));
	assert_int_equal(access(first, F_OK), -1);
	tear_down(b);
	/* What it tells the kernel itself it marks, and takes the mark away when it hands it back. */
	b->policy = NULL;
	build(b, true);
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	assert_int_equal(access(first, F_OK), 0);
	assert_int_equal(access(second, F_OK), 0);
	tear_down_daemon(b);
	assert_true(slot_is(b, 1, "power-off", "none", NO));
	assert_int_equal(rmdir(marks), 0);
}

static void profile_says_how_long(void **state)
{
	static const char text[] = "[Match]\nPath=*\n[Memory]\nMode=devdax\n"
				   "[Remove]\nDeadlineSec=7\nOnDeadline=revoke\n";
	struct profile_problems problems = { 0 };
	struct profile *list[1];
	struct bench *b = *state;

	assert_int_equal(profile_parse_text("p", "p", text, strlen(text), &problems, &list[0]), 0);
	build(b, true);
	b->profiles = (struct profile_set){ .list = list, .n = 1 };
	run_until(b->event, slot_is(b, 1, "ask", "none", NO));
	look(b);
	press(b);
	end(b, OPERATION_DONE);
	assert_true(b->deadline == UINT64_C(7) * 1000000);
	profile_free(list[0]);
}

static void kernel_log(void **state)
{
	static const struct {
		const char *record, *slot;
		bool cancel;
	} cases[] = {
		{ "6,812,5000,-;pcieport 0000:0c:00.0: pciehp: Slot(1): Button press: will power off in "
		  "5 sec\n SUBSYSTEM=pci", "1", false },
		{ "6,813,5001,-;pcieport 0000:0c:00.0: pciehp: Slot(2-1): Button press: canceling "
		  "request to power off", "2-1", true },
		{ "6,1,1,-;pcieport 0000:0c:00.0: pciehp: Slot(1): Button press: will power on in 5 sec",
		  NULL, false },
		{ "6,1,1,-;pcieport 0000:0c:00.0: pciehp: Slot(1): Card not present", NULL, false },
		/* logger(1) wrote this. */
		{ "14,1,1,-;pcieport 0000:0c:00.0: pciehp: Slot(1): Button press: will power off in 5 "
		  "sec", NULL, false },
		{ "6,1,1,-;x pciehp: Slot(): Button press: will power off", NULL, false },
		{ "6,1,1,-;x pciehp: Slot(", NULL, false },
		{ "", NULL, false },
		{ ";", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char slot[KMSG_SLOT_MAX];
		bool cancel;

		assert_int_equal(kmsg_parse(cases[i].record, slot, &cancel), cases[i].slot != NULL);
		if (!cases[i].slot)
			continue;
		assert_string_equal(slot, cases[i].slot);
		assert_int_equal(cancel, cases[i].cancel);
	}
}

#define button_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		button_test(the_kernel_is_told_to_ask), button_test(pressed),
		button_test(refused),			button_test(not_ours),
		button_test(withdrawn),			button_test(withdrawn_at_once),
		button_test(found_pressed),		button_test(in_a_hurry),
		button_test(one_hangs),			button_test(saved_and_put_back),
		button_test(one_hangs_beside_a_new_one), button_test(none_hangs_beside_a_new_one),
		button_test(too_late),
		button_test(taken_back_beside_a_new_one), button_test(taken_back_with_others),
		button_test(not_ours_and_new),
		button_test(taken_back_while_saving),	button_test(taken_over),
		button_test(in_the_middle_of_an_eject),
		button_test(in_the_middle_of_an_early_eject),
		button_test(before_the_turn_of_an_eject),
		button_test(nothing_to_save),
		button_test(profile_says_how_long),	cmocka_unit_test(kernel_log),
	};

	/* The journal's socket stays open once it was used. */
	(void)sd_journal_print(7, "tests of the button begin");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
