// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "health.h"
#include "machines.h"
#include "mock-door.h"
#include "mock-kernel.h"

#define EVACUATES "[Match]\nPath=*\n[Remove]\nDeadlineSec=7\nOnFailure=evacuate\n"
#define KEEPS	  "[Match]\nPath=*\n"

/* Two cards, a movable region on the first; an engine, and a watch on its cards. */
struct fixture {
	sd_event *event;
	struct mock_stage *stage;
	struct engine *engine;
	struct health_watch *watch;
	struct profile *profile;
	unsigned int fds, changes, finished;
	enum operation_state state;
	uint64_t deadline;
	char *verb, *region;
};

static void on_finished(struct operation *o, void *userdata)
{
	struct fixture *f = userdata;

	f->finished++;
	f->state = o->state;
	f->deadline = o->request->deadline_usec;
	free(f->verb);
	free(f->region);
	f->verb = strdup(verb_name(o->request->verb));
	f->region = strdup(o->request->objects[0]);
}

static void on_changed(void *userdata)
{
	((struct fixture *)userdata)->changes++;
}

static void setup(struct fixture *f, const char *profile)
{
	static const struct engine_hooks hooks = { .finished = on_finished };
	_cleanup_mock_ struct mock *m = mock_new();
	struct profile_problems problems = {};

	*f = (struct fixture){ .fds = count_fds() };
	assert_int_equal(sd_event_new(&f->event), 0);
	machine_two_ports(m);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	f->stage = mock_stage_new();
	mock_stage_set(f->stage, m);
	assert_int_equal(engine_new(f->event, mock_open, &hooks, f, &f->engine), 0);
	assert_int_equal(health_watch_new(f->engine, on_changed, f, &f->watch), 0);
	assert_int_equal(profile_parse_text("p", "p", profile, strlen(profile), &problems, &f->profile), 0);
}

static void teardown(struct fixture *f)
{
	f->watch = health_watch_free(f->watch);
	f->engine = engine_free(f->engine);
	sd_event_unref(f->event);
	while (waitpid(-1, NULL, 0) > 0)
		;
	mock_stage_free(f->stage);
	profile_free(f->profile);
	free(f->verb);
	free(f->region);
	assert_int_equal(count_fds(), f->fds);
}

/* As the manager does it with each picture; returns whether an operation was begun. */
static bool look(struct fixture *f)
{
	_cleanup_mock_ struct mock *m = mock_stage_get(f->stage);
	struct profile_set set = { .list = &f->profile, .n = 1 };

	health_watch_complete(f->watch, m->picture);
	health_watch_looked(f->watch, m->picture, &set);
	return engine_busy(f->engine);
}

static void report(struct fixture *f, int card, enum event_kind kind, enum event_severity severity)
{
	_cleanup_mock_ struct mock *m = mock_stage_get(f->stage);
	const struct memdev *d = &m->picture->memdevs[card];
	struct card_report r = { kind == EVENT_PCIE ? NULL : d->name, d->host,
				 kind == EVENT_PCIE ? UNKNOWN : d->serial, kind, severity, 1, "something" };

	health_watch_report(&r, f->watch);
}

static const char *marked(struct fixture *f, int card, char buf[static 64])
{
	_cleanup_mock_ struct mock *m = mock_stage_get(f->stage);

	health_watch_complete(f->watch, m->picture);
	snprintf(buf, 64, "%s", m->picture->memdevs[card].failing ?: "well");
	return buf;
}

static void test_marked(void **state)
{
	struct fixture f;
	char buf[64];

	(void)state;
	setup(&f, KEEPS);
	/* No card is known to be there yet. */
	report(&f, 0, EVENT_PCIE, SEVERITY_WARNING);
	assert_string_equal(marked(&f, 0, buf), "well");
	report(&f, 0, EVENT_PCIE, SEVERITY_WARNING);
	report(&f, 0, EVENT_DRAM, SEVERITY_WARNING);
	assert_string_equal(marked(&f, 0, buf), "well");
	assert_int_equal(f.changes, 0);
	report(&f, 0, EVENT_DRAM, SEVERITY_FATAL);
	report(&f, 0, EVENT_DRAM, SEVERITY_FATAL);
	assert_int_equal(f.changes, 1);
	assert_string_equal(marked(&f, 0, buf), "something");
	assert_string_equal(marked(&f, 1, buf), "well");
	/* The profile does not ask for anything. */
	assert_false(look(&f));
	teardown(&f);
}

/* A report on the first card that its profile does not leave at that, and what becomes of it. */
static void evacuate(struct fixture *f, enum event_kind kind, enum event_severity severity,
		     enum operation_state state)
{
	report(f, 0, kind, severity);
	assert_true(look(f));
	run_until(f->event, f->finished);
	assert_int_equal(f->state, state);
}

static void test_evacuated_once(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, EVACUATES);
	assert_false(look(&f));
	/* Nothing is on the other card. */
	report(&f, 1, EVENT_DRAM, SEVERITY_FATAL);
	assert_false(look(&f));
	evacuate(&f, EVENT_DRAM, SEVERITY_FATAL, OPERATION_DONE);
	assert_string_equal(f.verb, "offline");
	assert_string_equal(f.region, "region0");
	assert_true(f.deadline == UINT64_C(7) * 1000000);
	assert_false(look(&f));
	report(&f, 0, EVENT_DRAM, SEVERITY_FATAL);
	assert_false(look(&f));
	teardown(&f);
}

/* It cannot be done: said, and not tried for ever. */
static void test_not_evacuated(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, EVACUATES);
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_FAIL, STEP_OFFLINE, .error = -EBUSY });
	evacuate(&f, EVENT_POISON, SEVERITY_FAILURE, OPERATION_FAILED);
	assert_false(look(&f));
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marked),
		cmocka_unit_test(test_evacuated_once),
		cmocka_unit_test(test_not_evacuated),
	};

	/* The descriptor that libsystemd keeps for the journal is not to be taken for one that was left open. */
	(void)sd_journal_print(7, "tests of the health of cards");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
