/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include <json-c/json_tokener.h>

#include "test.h"

#include "fake-daemon.h"
#include "json-util.h"
#include "machine.h"
#include "session.h"

/* A file that is gone when the test is over. */
struct file {
	char path[32];
};

static int setup(void **state)
{
	struct file *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	strcpy(f->path, "/tmp/cxlmem-capture-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct file *f = *state;

	(void)unlink(f->path);
	free(f);
	return 0;
}

static void put(const struct file *f, const char *text)
{
	FILE *stream = fopen(f->path, "w");

	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
}

/* The picture of the machine for the views, as text. */
static char *two_bridges(void)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_json_ struct json_object *json = NULL;

	assert_int_equal(picture_to_json(p, &json), 0);
	return strdup(json_object_to_json_string(json));
}

/* Without a daemon: the bus is one that is not there. */
static void check(const struct file *f, const char *words, int status, const char *out, const char *err)
{
	_cleanup_(session_free) struct session s;
	char line[256];

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1);
	snprintf(line, sizeof(line), "--from %s %s", f->path, words);
	session_run(&s, NULL, line);
	session_check(&s, status, out, err);
}

static char *run(const struct fake *fake, const char *line)
{
	_cleanup_(session_free) struct session s;
	struct fake_daemon d;
	sd_bus *bus = fake_daemon_peer(&d, fake);

	session_run(&s, bus, line);
	fake_daemon_stop(&d);
	session_check(&s, STATUS_DONE, NULL, "");
	return strdup(s.out.text);
}

/* What a daemon tells, and a file that was captured from it, look the same. */
static void test_the_same(void **state)
{
	static const char *const lines[] = { "topology", "list", "list cards", "list --json", "status" };
	_cleanup_free_ char *picture = two_bridges();
	const struct file *f = *state;
	struct fake fake = { .picture = picture, .wishes = "{\"wishes\":[],\"reports\":[]}",
			     .no_operations = true };
	_cleanup_free_ char *none = NULL;
	char line[64];

	snprintf(line, sizeof(line), "capture %s", f->path);
	none = run(&fake, line);
	assert_string_equal(none, "");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *told = run(&fake, lines[i]);

		check(f, lines[i], STATUS_DONE, told, "");
	}
}

static void test_to_stdout(void **state)
{
	_cleanup_free_ char *picture = two_bridges();
	struct fake fake = { .picture = picture, .wishes = "{\"wishes\":[],\"reports\":[]}" };
	_cleanup_free_ char *text = run(&fake, "capture");
	const struct file *f = *state;

	put(f, text);
	check(f, "list windows", STATUS_DONE, NULL, "");
}

static void test_plan(void **state)
{
	_cleanup_free_ char *picture = two_bridges();
	const struct file *f = *state;

	/* A picture alone, as `status --json` prints it, is enough. */
	put(f, picture);
	check(f, "plan destroy region0", STATUS_DONE, NULL, "");
	check(f, "plan --json destroy region0", STATUS_DONE, NULL, "");
	/* The planner's own words. */
	check(f, "plan create mem1", STATUS_FAILED, "",
	      "cxlmemctl: the downstream port that mem1 hangs on could not be read\n");
	check(f, "plan create mem7", STATUS_FAILED, "", NULL);
	check(f, "plan create --size much mem1", STATUS_USAGE, "", NULL);
	check(f, "status", STATUS_DONE, NULL, "");
	check(f, "", STATUS_DONE, NULL, "");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "unexpected end of data" },
		{ "[]", "it is no object" },
		{ "{\"cxlmem_capture\":2,\"picture\":{}}", "it is of another version" },
		{ "{\"cxlmem_capture\":1}", "there is no picture in it" },
		{ "{\"cxlmem_capture\":1,\"picture\":{\"windows\":7}}", NULL },
		{ "{\"windows\":7}", NULL },
	};
	const struct file *f = *state;
	char err[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(f, cases[i].text);
		snprintf(err, sizeof(err),
			 "cxlmemctl: %s is no capture of a machine (%s): `cxlmemctl capture` writes one\n",
			 f->path, cases[i].why ?: "");
		check(f, "status", STATUS_FAILED, "", cases[i].why ? err : NULL);
	}
	/* What asks the daemon cannot be asked of a file. */
	put(f, "{}");
	check(f, "operations", STATUS_USAGE, "",
	      "cxlmemctl: operations takes no --from; `cxlmemctl help operations` lists what it takes\n");
	check(f, "create mem0", STATUS_USAGE, "", NULL);
	assert_int_equal(unlink(f->path), 0);
	snprintf(err, sizeof(err), "cxlmemctl: %s cannot be read: No such file or directory\n", f->path);
	check(f, "status", STATUS_FAILED, "", err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_to_stdout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
