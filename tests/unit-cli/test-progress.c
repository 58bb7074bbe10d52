/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "test.h"

#include "progress.h"
#include "text.h"

#define SEC UINT64_C(1000000)

static const struct style plain = { 0 };
static const struct style terminal = { .width = 80, .terminal = true };

static struct operation_step steps[4];

static struct operation make(const char *a, const char *b, const char *c)
{
	static char create[] = "create region0", hold[] = "let nobody online new memory",
		    online[] = "bring 512M of dax0.0 online as movable";

	steps[0] = (struct operation_step){ .text = create, .state = (char *)(uintptr_t)a };
	steps[1] = (struct operation_step){ .text = hold, .state = (char *)(uintptr_t)b };
	steps[2] = (struct operation_step){ .text = online, .state = (char *)(uintptr_t)c };
	return (struct operation){ .steps = steps, .n_steps = 3 };
}

static void check_line(const struct operation *op, unsigned int width, uint64_t usec,
		       const char *wanted)
{
	_cleanup_free_ char *line = NULL;
	struct style style = { .width = width, .terminal = true };

	assert_int_equal(progress_line(op, &style, usec, usec, &line), 0);
	check_text(line, wanted);
	assert_true(strlen(line) < width);
}

static void test_line(void **state)
{
	struct operation op = make("done", "done", "running");

	(void)state;
	op.step = 2;
	check_line(&op, 80, 12 * SEC, "[3/3] bring 512M of dax0.0 online as movable  12s");
	op.bytes_total = 512 * MIB;
	check_line(&op, 120, SEC / 10,
		   "[3/3] bring 512M of dax0.0 online as movable  [--------------------]  0%  0 of "
		   "512M");
	op.bytes_done = 128 * MIB;
	check_line(&op, 120, 2 * SEC,
		   "[3/3] bring 512M of dax0.0 online as movable  [#####---------------]  25%  "
		   "128M of "
		   "512M  64M/s  6.0s left");
	check_line(
		&op, 80, 2 * SEC,
		"[3/3] bring 512M o  [#####---------------]  25%  128M of 512M  64M/s  6.0s left");
	check_line(&op, 60, 2 * SEC, "[3/3] bring 512M of da  25%  128M of 512M  64M/s  6.0s left");
	check_line(&op, 30, 2 * SEC, "[3/3] bring 512M of dax0.0 on");
	/* A kernel that counts differently must not draw outside of the bar. */
	op.bytes_done = 1024 * MIB;
	check_line(&op, 120, 2 * SEC,
		   "[3/3] bring 512M of dax0.0 online as movable  [####################]  100%  "
		   "512M of "
		   "512M  256M/s");
}

static void test_undoing(void **state)
{
	struct operation op = make("done", "done", "failed");
	char undoing[] = "undoing";

	(void)state;
	op.state = undoing;
	check_line(&op, 80, SEC, "[2/3] taking back: let nobody online new memory  1.0s");
}

static void test_plain(void **state)
{
	_cleanup_(text_free) struct text t;
	struct progress p;
	struct operation op = make("running", "waiting", "waiting");

	(void)state;
	text_open(&t);
	progress_begin(&p, t.f, &plain, SEC);
	assert_int_equal(progress_wake(&p, SEC), UINT64_MAX);
	assert_int_equal(progress_update(&p, &op, SEC), 0);
	op = make("done", "running", "waiting");
	assert_int_equal(progress_update(&p, &op, SEC), 0);
	/* The same news again is no news. */
	assert_int_equal(progress_update(&p, &op, 9 * SEC), 0);
	op = make("done", "done", "failed");
	assert_int_equal(progress_update(&p, &op, 9 * SEC), 0);
	op = make("undone", "undone", "failed");
	assert_int_equal(progress_update(&p, &op, 9 * SEC), 0);
	progress_end(&p);
	check_text(text_close(&t), "[1/3] create region0\n"
				   "[2/3] let nobody online new memory\n"
				   "[3/3] failed: bring 512M of dax0.0 online as movable\n"
				   "[2/3] taken back: let nobody online new memory\n"
				   "[1/3] taken back: create region0\n");
}

/* Nothing for half a second, then not more than ten times a second, and gone at the end. */
static void test_terminal(void **state)
{
	_cleanup_(text_free) struct text t;
	struct progress p;
	struct operation op = make("done", "running", "waiting");

	(void)state;
	text_open(&t);
	progress_begin(&p, t.f, &terminal, SEC);
	op.step = 1;
	assert_int_equal(progress_wake(&p, SEC), SEC + SEC / 2);
	assert_int_equal(progress_update(&p, &op, SEC + SEC / 4), 0);
	fflush(t.f);
	assert_int_equal(t.size, 0);
	assert_int_equal(progress_update(&p, &op, SEC + SEC / 2), 0);
	assert_int_equal(progress_update(&p, &op, SEC + SEC / 2 + SEC / 20), 0);
	assert_int_equal(progress_wake(&p, SEC + SEC / 2), 2 * SEC + SEC / 2);
	progress_end(&p);
	check_text(text_close(&t), "\r[2/3] let nobody online new memory  0.0s\033[K\r\033[K");
}

static void test_duration(void **state)
{
	char buf[DURATION_SIZE];

	(void)state;
	assert_string_equal(format_duration(0, buf), "0.0s");
	assert_string_equal(format_duration(1450000, buf), "1.4s");
	assert_string_equal(format_duration(59 * SEC, buf), "59s");
	assert_string_equal(format_duration(3605 * SEC, buf), "60min 5s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),	 cmocka_unit_test(test_undoing),
		cmocka_unit_test(test_plain),	 cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
