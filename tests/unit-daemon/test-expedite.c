// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expedite.h"
#include "fake-sysfs.h"
#include "sysfs.h"
#include "util.h"

/* The kernel's two settings; NULL: it has none. */
static struct {
	const char *expedited, *normal;
	bool fixed; /* cannot be written */
	unsigned int written;
} machine;

static const char **which(const char *path)
{
	return strcmp(path, "kernel/rcu_expedited") == 0 ? &machine.expedited :
	       strcmp(path, "kernel/rcu_normal") == 0	 ? &machine.normal :
							   NULL;
}

int sysfs_read(struct door *door, char **ret, const char *format, ...)
{
	char path[128];

	(void)door;
	SAY_PATH(path, format);
	assert_non_null(which(path));
	return *which(path) ? strdup_or_null(*which(path), ret) : -ENOENT;
}

int sysfs_write(struct door *door, const char *value, const char *format, ...)
{
	char path[128];

	(void)door;
	SAY_PATH(path, format);
	assert_ptr_equal(which(path), &machine.expedited);
	if (machine.fixed)
		return -EPERM;
	machine.expedited = strcmp(value, "1") == 0 ? "1" : "0";
	machine.written++;
	return 0;
}

struct fixture {
	sd_event *event;
	struct expedite *x;
	char dir[32], mark[64];
};

static bool marked(const struct fixture *f)
{
	FILE *file = fopen(f->mark, "re");
	char now = 0;

	if (file) {
		now = (char)fgetc(file);
		fclose(file);
	}
	return now == '1';
}

static void start(struct fixture *f)
{
	assert_int_equal(expedite_new(f->event, NULL, f->mark, &f->x), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	machine.expedited = machine.normal = "0";
	machine.fixed = false;
	machine.written = 0;
	strcpy(f->dir, "/tmp/cxlmem-expedite-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->mark, sizeof(f->mark), "%s/mark", f->dir);
	assert_true(sd_event_new(&f->event) >= 0);
	start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	expedite_free(f->x);
	sd_event_unref(f->event);
	(void)unlink(f->mark);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void test_for_a_moment(void **state)
{
	struct fixture *f = *state;

	expedite_begin(f->x);
	assert_string_equal(machine.expedited, "1");
	assert_true(marked(f));
	expedite_begin(f->x); /* one more is nothing new */
	expedite_end(f->x);
	assert_string_equal(machine.expedited, "0");
	assert_false(marked(f));
	assert_int_equal(machine.written, 2);
	expedite_end(f->x);
	assert_int_equal(machine.written, 2);
}

static void test_not_ours(void **state)
{
	struct fixture *f = *state;

	machine.expedited = "1"; /* somebody wants it so */
	expedite_begin(f->x);
	expedite_end(f->x);
	assert_string_equal(machine.expedited, "1");
	machine.expedited = "0";
	machine.normal = "1"; /* or wants none of it */
	expedite_begin(f->x);
	assert_string_equal(machine.expedited, "0");
	machine.expedited = NULL; /* or has only one CPU */
	expedite_begin(f->x);
	expedite_end(f->x);
	assert_int_equal(machine.written, 0);
	assert_false(marked(f));
}

static void test_killed(void **state)
{
	struct fixture *f = *state;
	struct expedite *killed = f->x;

	expedite_begin(f->x);
	start(f); /* the next daemon */
	assert_string_equal(machine.expedited, "0");
	assert_false(marked(f));
	expedite_free(killed);
	/* Without the mark it is somebody else's. */
	machine.expedited = "1";
	killed = f->x;
	start(f);
	assert_string_equal(machine.expedited, "1");
	expedite_free(killed);
}

static void test_not_without_a_way_back(void **state)
{
	struct fixture *f = *state;

	/* No mark can be made. */
	expedite_free(f->x);
	assert_int_equal(unlink(f->mark), 0);
	assert_int_equal(mkdir(f->mark, 0700), 0);
	start(f);
	expedite_begin(f->x);
	assert_string_equal(machine.expedited, "0");
	expedite_free(f->x);
	assert_int_equal(rmdir(f->mark), 0);
	start(f);
	/* It cannot be set: nothing stays behind. */
	machine.fixed = true;
	expedite_begin(f->x);
	assert_false(marked(f));
	/* Stopped in the middle of it. */
	machine.fixed = false;
	expedite_begin(f->x);
	f->x = expedite_free(f->x);
	assert_string_equal(machine.expedited, "0");
	assert_false(marked(f));
}

static void test_put_back_later(void **state)
{
	struct fixture *f = *state;

	expedite_begin(f->x);
	machine.fixed = true;
	expedite_end(f->x);
	assert_true(marked(f));
	machine.fixed = false;
	f->x = expedite_free(f->x);
	assert_string_equal(machine.expedited, "0");
	assert_false(marked(f));
}

static void test_not_for_long(void **state)
{
	struct fixture *f = *state;

	expedite_begin(f->x);
	while (strcmp(machine.expedited, "1") == 0)
		assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
	assert_false(marked(f));
	/* What somebody sets after that stays. */
	machine.expedited = "1";
	expedite_end(f->x);
	assert_string_equal(machine.expedited, "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_for_a_moment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_without_a_way_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_put_back_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_for_long, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
