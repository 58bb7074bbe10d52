// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "machines.h"
#include "mock-door.h"
#include "scanner.h"

struct fixture {
	sd_event *event;
	struct mock_stage *stage;
	struct scanner *scanner;
	unsigned int fds;
};

/* One who asks, and what came of it. */
struct asker {
	struct fixture *f;
	unsigned int answers, again; /* @again: ask so often more, each time when answered */
	int error;
	char *reason;
	size_t regions;
};

static void setup(struct fixture *f, worker_open_t open_door)
{
	_cleanup_mock_ struct mock *m = mock_new();

	*f = (struct fixture){ .fds = count_fds() };
	assert_int_equal(sd_event_new(&f->event), 0);
	machine_one(m);
	f->stage = mock_stage_new();
	mock_stage_set(f->stage, m);
	assert_int_equal(scanner_new(f->event, open_door, NULL, NULL, &f->scanner), 0);
}

static void teardown(struct fixture *f)
{
	f->scanner = scanner_free(f->scanner);
	sd_event_unref(f->event);
	while (waitpid(-1, NULL, 0) > 0)
		;
	mock_stage_free(f->stage);
	assert_int_equal(count_fds(), f->fds);
}

static void on_picture(const struct picture *p, int error, const char *reason, void *userdata)
{
	struct asker *a = userdata;

	assert_int_equal(p == NULL, error < 0);
	a->answers++;
	a->error = error;
	free(a->reason);
	a->reason = reason ? strdup(reason) : NULL;
	a->regions = p ? p->n_regions : 0;
	if (a->again && a->again--)
		(void)scanner_ask(a->f->scanner, on_picture, a);
}

static void ask(struct fixture *f, struct asker *a)
{
	a->f = f;
	assert_int_equal(scanner_ask(f->scanner, on_picture, a), 0);
}

static void test_one(void **state)
{
	struct asker a = {};
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	/* no worker before one is needed */
	assert_int_equal(f.stage->doors, 0);
	ask(&f, &a);
	assert_int_equal(a.answers, 0);
	run_until(f.event, a.answers);
	assert_int_equal(a.error, 0);
	assert_int_equal(f.stage->scans, 1);
	ask(&f, &a);
	run_until(f.event, a.answers == 2);
	assert_int_equal(f.stage->scans, 2);
	assert_int_equal(f.stage->doors, 1);
	teardown(&f);
}

/* A picture is never older than the question: those who ask during a scan get the next one, together. */
static void test_shared(void **state)
{
	struct asker first = {}, more[20] = {};
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	ask(&f, &first);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		ask(&f, &more[i]);
	run_until(f.event, first.answers);
	/* the first scan was for the first only */
	assert_int_equal(more[0].answers, 0);
	run_until(f.event, more[19].answers);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		assert_int_equal(more[i].answers, 1);
		assert_int_equal(more[i].error, 0);
	}
	assert_int_equal(f.stage->scans, 2);
	teardown(&f);
}

static void test_fresh(void **state)
{
	_cleanup_mock_ struct mock *m = NULL;
	struct asker before = {}, after = {};
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	ask(&f, &before);
	run_until(f.event, before.answers);
	m = mock_stage_get(f.stage);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
	mock_stage_set(f.stage, m);
	ask(&f, &after);
	run_until(f.event, after.answers);
	assert_int_equal(before.regions, 0);
	assert_int_equal(after.regions, 1);
	teardown(&f);
}

static void test_ask_in_answer(void **state)
{
	struct asker a = { .again = 3 }, b = { .again = 1 };
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	ask(&f, &a);
	ask(&f, &b);
	run_until(f.event, a.answers == 4 && b.answers == 2);
	assert_int_equal(a.error, 0);
	assert_int_equal(sd_event_run(f.event, 0), 0);
	teardown(&f);
}

static void test_failure(void **state)
{
	struct asker a = {};
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	f.stage->scan_acts = true;
	f.stage->scan_action = MOCK_FAIL;
	ask(&f, &a);
	run_until(f.event, a.answers);
	assert_int_equal(a.error, -EIO);
	assert_string_equal(a.reason, "nothing can be seen");
	free(a.reason);
	a.reason = NULL;
	ask(&f, &a);
	run_until(f.event, a.answers == 2);
	assert_int_equal(a.error, 0);
	teardown(&f);
}

static void test_death(void **state)
{
	struct asker a = {}, b = {};
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	f.stage->scan_acts = true;
	f.stage->scan_action = MOCK_DIE;
	ask(&f, &a);
	ask(&f, &b);
	/* who waited for the next scan gets it, from a new worker */
	run_until(f.event, a.answers && b.answers);
	assert_int_equal(a.error, -EPIPE);
	assert_non_null(strstr(a.reason, "try again"));
	assert_int_equal(b.error, 0);
	assert_int_equal(f.stage->doors, 2);
	free(a.reason);
	teardown(&f);
}

/* It dies between two questions, and the second comes before anybody has heard of it. */
static void test_idle_death(void **state)
{
	struct asker a = {};
	struct fixture f;
	siginfo_t info = {};

	(void)state;
	setup(&f, mock_open);
	ask(&f, &a);
	run_until(f.event, a.answers);
	assert_int_equal(kill(f.stage->pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)f.stage->pid, &info, WEXITED), 0);
	ask(&f, &a);
	run_until(f.event, a.answers == 2);
	assert_int_equal(a.error, 0);
	assert_int_equal(f.stage->doors, 2);
	teardown(&f);
}

static int open_nothing(struct door **ret)
{
	(void)ret;
	return -EIO;
}

static void test_no_door(void **state)
{
	struct asker a = {};
	struct fixture f;

	(void)state;
	setup(&f, open_nothing);
	ask(&f, &a);
	run_until(f.event, a.answers);
	assert_int_equal(a.error, -EPIPE);
	assert_non_null(a.reason);
	free(a.reason);
	teardown(&f);
}

static void test_freed(void **state)
{
	/* one of them does not take no for an answer */
	struct asker served = {}, waiting[3] = { {}, { .again = 1 }, {} };
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	f.stage->scan_acts = true;
	f.stage->scan_action = MOCK_BLOCK;
	ask(&f, &served);
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		ask(&f, &waiting[i]);
	teardown(&f);
	assert_int_equal(served.answers, 1);
	assert_int_equal(served.error, -ECANCELED);
	free(served.reason);
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		assert_int_equal(waiting[i].answers, 1);
		assert_int_equal(waiting[i].error, -ECANCELED);
		free(waiting[i].reason);
	}
	assert_null(scanner_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),	   cmocka_unit_test(test_shared),
		cmocka_unit_test(test_fresh),	   cmocka_unit_test(test_ask_in_answer),
		cmocka_unit_test(test_failure),	   cmocka_unit_test(test_death),
		cmocka_unit_test(test_idle_death), cmocka_unit_test(test_no_door),
		cmocka_unit_test(test_freed),
	};

	return cmocka_run_group_tests_name("scanner", tests, NULL, NULL);
}
