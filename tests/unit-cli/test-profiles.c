/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/stat.h>

#include <json-c/json_tokener.h>

#include "test.h"

#include "fake-daemon.h"
#include "json-util.h"
#include "machine.h"
#include "session.h"

#define DIRECTORY "/etc/cxlmem/profiles.d"

/* A machine's files in a directory of their own. */
static int setup(void **state)
{
	char *root = strdup("/tmp/profiles-XXXXXX"), command[96];

	assert_non_null(root);
	assert_non_null(mkdtemp(root));
	snprintf(command, sizeof(command), "mkdir -p %s" DIRECTORY, root);
	assert_int_equal(system(command), 0);
	*state = root;
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", (char *)*state);
	assert_int_equal(system(command), 0);
	free(*state);
	return 0;
}

static void write_profile(const char *root, const char *name, const char *text)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s" DIRECTORY "/%s", root, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void write_some(const char *root)
{
	write_profile(root, "10-one.profile", "[Match]\nSerial=0x1000\n[Memory]\nMode=devdax\n");
	write_profile(root, "20-pair.profile", "[Region]\nMembers=0x1001 slot:4\n");
	write_profile(root, "90-rest.profile", "[Match]\nPath=*\n[Memory]\nOnline=no\n");
}

/* As the machine prints it, but for the name of the temporary directory. */
static void check_out(struct session *s, const char *root, int status, const char *out,
		      const char *err)
{
	for (char *at; (at = strstr(s->out.text, root));)
		memmove(at, at + strlen(root), strlen(at + strlen(root)) + 1);
	session_check(s, status, out, err);
	session_free(s);
}

/* Without a daemon: on a bus that is not there. */
static void run(struct session *s, const char *root, const char *line)
{
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all", 1), 0);
	session_run_at(s, NULL, root, line);
}

static void test_none(void **state)
{
	struct session s;

	run(&s, *state, "profiles");
	check_out(&s, *state, STATUS_DONE,
		  "there are no profiles: cards are left alone until somebody uses them\n", "");
	run(&s, *state, "profiles check");
	check_out(&s, *state, STATUS_DONE, "there are no profiles\n", "");
	run(&s, *state, "profiles --json");
	check_out(&s, *state, STATUS_DONE, "{\n  \"profiles\": [],\n  \"problems\": []\n}\n", "");
}

static void test_check(void **state)
{
	struct session s;

	write_some(*state);
	run(&s, *state, "profiles check");
	check_out(&s, *state, STATUS_DONE, "nothing is wrong with 3 profiles\n", "");
	run(&s, *state, "profiles check -q");
	check_out(&s, *state, STATUS_DONE, "", "");
	write_profile(*state, "20-pair.profile", "[Match]\nType=pmem\n");
	run(&s, *state, "profiles check");
	check_out(&s, *state, STATUS_DONE,
		  DIRECTORY "/20-pair.profile:2: warning: Type=pmem: cxlmem uses volatile capacity "
			    "only, such a card needs to have some, too\n",
		  "");
	write_profile(*state, "30-bad.profile", "[Match]\nSerail=1\n\n[Region]\nWays=5\n");
	run(&s, *state, "profiles check --quiet");
	check_out(&s, *state, STATUS_FAILED,
		  DIRECTORY "/30-bad.profile:2: there is no key Serail= in [Match]: did you mean "
			    "Serial=?\n" DIRECTORY "/30-bad.profile:5: Ways= is \"5\": it takes 1, "
			    "2, 3, 4, 6, 8, 12 or 16\n",
		  "");
}

static void test_check_files(void **state)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct json_object *problem;
	char line[160];
	struct session s;

	write_some(*state);
	write_profile(*state, "bad", "[Match]\nPath=*\nWays=5\n");
	snprintf(line, sizeof(line), "profiles check %s" DIRECTORY "/10-one.profile",
		 (char *)*state);
	run(&s, *state, line);
	check_out(&s, *state, STATUS_DONE, "nothing is wrong with 1 profile\n", "");
	snprintf(line, sizeof(line), "profiles check %s" DIRECTORY "/bad /nowhere/x",
		 (char *)*state);
	run(&s, *state, line);
	check_out(&s, *state, STATUS_FAILED,
		  DIRECTORY "/bad:3: Ways= stands in [Match]: it belongs into [Region]\n"
			    "/nowhere/x: the file cannot be read: No such file or directory\n",
		  "");
	run(&s, *state, "profiles check --json /nowhere/x");
	session_check(&s, STATUS_FAILED, NULL, "");
	json = json_tokener_parse(s.out.text);
	session_free(&s);
	assert_int_equal(json_object_array_length(json), 1);
	problem = json_object_array_get_idx(json, 0);
	assert_string_equal(
		json_object_to_json_string_ext(problem, JSON_C_TO_STRING_PLAIN |
								JSON_C_TO_STRING_NOSLASHESCAPE),
		"{\"path\":\"/nowhere/x\",\"severity\":\"error\",\"message\":\"the file "
		"cannot be read: No such file or directory\"}");
}

static void test_usage(void **state)
{
	struct session s;

	run(&s, *state, "profiles chekc");
	check_out(&s, *state, STATUS_USAGE, "",
		  "cxlmemctl: profiles takes no word \"chekc\"; did you mean check?\n");
	run(&s, *state, "profiles /a/file");
	check_out(&s, *state, STATUS_USAGE, "",
		  "cxlmemctl: profiles takes no word \"/a/file\": `cxlmemctl profiles check "
		  "/a/file` checks a file\n");
}

static void test_no_daemon(void **state)
{
	struct session s;

	write_some(*state);
	run(&s, *state, "profiles");
	assert_non_null(strstr(s.err.text, "cxlmemctl: which cards they take is not known: "));
	check_out(&s, *state, STATUS_DONE,
		  "PROFILE  FOR                    USE               CARDS    FILE\n"
		  "10-one   Serial=0x1000          devdax            unknown  " DIRECTORY
		  "/10-one.profile\n"
		  "20-pair  Members=0x1001,slot:4  2 ways, movable   unknown  " DIRECTORY
		  "/20-pair.profile\n"
		  "90-rest  Path=*                 movable, offline  unknown  " DIRECTORY
		  "/90-rest.profile\n",
		  NULL);
}

/* With the daemon's picture; a profile that is broken is missing, and the next one takes its
 * cards. */
static void test_cards(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_json_ struct json_object *json = NULL, *got = NULL;
	struct json_object *profiles, *cards;
	struct fake fake = { 0 };
	struct fake_daemon d;
	struct session s;

	write_some(*state);
	write_profile(*state, "20-pair.profile", "nonsense");
	write_profile(*state, "30-vendor.profile", "[Match]\nVendor=8086\n");
	assert_int_equal(picture_to_json(p, &json), 0);
	fake.picture = json_object_to_json_string(json);
	session_run_at(&s, fake_daemon_peer(&d, &fake), *state, "profiles");
	fake_daemon_stop(&d);
	check_out(&s, *state, STATUS_DONE,
		  "PROFILE    FOR            USE               CARDS  FILE\n"
		  "10-one     Serial=0x1000  devdax            mem0   " DIRECTORY
		  "/10-one.profile\n"
		  "30-vendor  Vendor=0x8086  movable           -      " DIRECTORY
		  "/30-vendor.profile\n"
		  "90-rest    Path=*         movable, offline  mem1   " DIRECTORY
		  "/90-rest.profile\n",
		  "cxlmemctl: 1 error in profiles, those are not used: `cxlmemctl profiles check` "
		  "shows what is wrong\n");

	session_run_at(&s, fake_daemon_peer(&d, &fake), *state, "profiles --json");
	fake_daemon_stop(&d);
	got = json_tokener_parse(s.out.text);
	session_free(&s);
	assert_true(json_object_object_get_ex(got, "profiles", &profiles));
	assert_int_equal(json_object_array_length(profiles), 3);
	assert_true(
		json_object_object_get_ex(json_object_array_get_idx(profiles, 2), "cards", &cards));
	assert_string_equal(json_object_to_json_string_ext(cards, JSON_C_TO_STRING_PLAIN),
			    "[\"mem1\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_check_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_usage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cards, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
