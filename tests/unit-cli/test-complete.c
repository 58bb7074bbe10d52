/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "test.h"

#include "complete.h"
#include "fake-daemon.h"
#include "json-util.h"
#include "machine.h"
#include "session.h"
#include "verbs.h"

static char *picture_text(void)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_json_ struct json_object *json = NULL;

	machine_slot(p, "2", "0000:0d:00", "0000:0c:00.0", YES);
	machine_slot(p, "$(reboot)", "0000:e0:00", "0000:de:01.0", NO);
	assert_int_equal(picture_to_json(p, &json), 0);
	return strdup(json_object_to_json_string(json));
}

/* What a shell is told behind @line, whose last word is what follows the last blank. */
static char *ask(const struct fake *fake, const char *line)
{
	_cleanup_(session_free) struct session s;
	_cleanup_free_ char *whole = NULL;
	struct fake_daemon d;
	sd_bus *bus = fake ? fake_daemon_peer(&d, fake) : NULL;

	assert_true(asprintf(&whole, COMPLETE_OPTION " %s", line) >= 0);
	session_run_words(&s, bus, whole);
	if (fake)
		fake_daemon_stop(&d);
	session_check(&s, STATUS_DONE, NULL, "");
	return strdup(s.out.text);
}

static bool offers(const char *answer, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = answer; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, n) == 0 && strchr("\t\n", line[n]))
			return true;
	}
	return false;
}

/* @wanted: all names in their order, with blanks between; descriptions are not looked at. */
static void check(const struct fake *fake, const char *line, const char *wanted)
{
	_cleanup_free_ char *answer = ask(fake, line);
	char names[2048] = "";

	for (const char *at = answer; *at; at = strchr(at, '\n') + 1) {
		size_t n = strcspn(at, "\t\n"), have = strlen(names);

		assert_non_null(strchr(at, '\n'));
		assert_true(have + n + 2 < sizeof(names));
		snprintf(names + have, sizeof(names) - have, "%s%.*s", have ? " " : "", (int)n, at);
	}
	if (strcmp(names, wanted) != 0)
		fail_msg("\"%s\": got \"%s\", wanted \"%s\"", line, names, wanted);
}

/* Everything that the help text knows. */
static void test_table(void **state)
{
	_cleanup_free_ char *verbs = ask(NULL, "");

	(void)state;
	for (size_t i = 0; i < verb_table_size; i++) {
		const struct verb_info *v = &verb_table[i];
		_cleanup_free_ char *line = NULL, *options = NULL;

		assert_true(offers(verbs, v->name));
		assert_true(asprintf(&line, "%s --", v->name) >= 0);
		options = ask(NULL, line);
		for (unsigned int k = 0; k < _OPTION_MAX; k++) {
			char name[64];

			snprintf(name, sizeof(name), "--%s", option_table[k].name);
			if (offers(options, name) != !!((COMMON_OPTIONS | v->options) & BIT(k)))
				fail_msg("%s %s: %s", v->name, name, options);
		}
	}
}

static void test_words(void **state)
{
	(void)state;
	check(NULL, "ex", "export");
	check(NULL, "plan ", "create online offline drain set-mode destroy eject");
	check(NULL, "help mon", "monitor");
	check(NULL, "list ", "windows ports cards slots regions dax memory nodes");
	check(NULL, "list cards ", "");
	check(NULL, "-j list no", "nodes");
	check(NULL, "create --zone ", "movable kernel");
	check(NULL, "create --zone=", "--zone=movable --zone=kernel");
	check(NULL, "create --zone=k", "--zone=kernel");
	check(NULL, "create -jz m", "movable");
	check(NULL, "create --size ", "");
	check(NULL, "create --no-", "--no-online --no-wait");
	check(NULL, "create --no-online --no-", "--no-wait");
	check(NULL, "create --frob ", "");
	check(NULL, "create --frob=", "");
	check(NULL, "create --zone kernel --z", "");
	check(NULL, "create -zkernel --z", "");
	check(NULL, "create -- --z", "");
	check(NULL, "plan --no-", "");
	check(NULL, "plan create --no-", "--no-online");
	check(NULL, "plan create --fr", "--from");
	check(NULL, "set-mode ", "system-ram devdax");
	check(NULL, "nonsense ", "");
	check(NULL, "plan nonsense ", "");
	check(NULL, "profiles ", "check");
	check(NULL, "profiles check ", ":files");
	check(NULL, "--from ", ":files");
	check(NULL, "status --from=", ":files");
	check(NULL, "--fr", "--from");
	check(NULL, "capture ", ":files");
}

static void test_names(void **state)
{
	_cleanup_free_ char *picture = picture_text();
	struct fake fake = { .picture = picture };

	(void)state;
	check(&fake, "create ", "mem0 mem1");
	check(&fake, "create mem0 ", "mem1");
	check(&fake, "create --dry-run -s 1G m", "mem0 mem1");
	check(&fake, "create 0x1", "0x1000 0x1001");
	check(&fake, "create 0000:d", "0000:df:00.0");
	check(&fake, "plan create mem1 m", "mem0");
	check(&fake, "-H elsewhere destroy ", "");
	check(&fake, "destroy ", "region0");
	check(&fake, "destroy d", "dax0.0");
	check(&fake, "destroy /", "/dev/dax0.0");
	check(&fake, "destroy n", "node1");
	check(&fake, "set-mode devdax ", "region0");
	check(&fake, "set-mode --mode devdax r", "region0");
	check(&fake, "create --window ", "decoder0.0 decoder0.1 decoder0.2");
	check(&fake, "create --window=decoder0.2", "--window=decoder0.2");
	/* What could mean more to a shell than a name is not offered. */
	check(&fake, "eject ", "mem0 mem1 slot:2");
	check(&fake, "forget ", "all mem0 mem1 region0");
	check(&fake, "blockers ", "region0");
	check(&fake, "blockers region0 ", "");
	check(&fake, "cancel ", "1");
	check(&fake, "operations ", "1");
}

static void test_about(void **state)
{
	_cleanup_free_ char *picture = picture_text(), *answer = NULL;
	struct fake fake = { .picture = picture };

	(void)state;
	answer = ask(&fake, "eject ");
	assert_string_equal(answer, "mem0\tcard, 512M, 0 free\nmem1\tcard, 512M, 512M free\n"
				    "slot:2\tslot, none\n");
}

/* Nobody there, or nobody who says anything sensible: no names, and no complaint. */
static void test_silent(void **state)
{
	struct fake refuses = { .error = "org.cxlmem1.Error.NotAuthorized", .message = "no" };
	struct fake nonsense = { .picture = "[7" };

	(void)state;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1);
	check(NULL, "create ", "");
	check(NULL, "cancel ", "");
	check(&refuses, "create ", "");
	check(&refuses, "cancel ", "");
	check(&nonsense, "create ", "");
	check(NULL, "--from /nowhere create ", "");
}

/* The file that stands for the machine has the names. */
static void test_from(void **state)
{
	_cleanup_free_ char *picture = picture_text(), *line = NULL;
	char path[] = "/tmp/cxlmem-complete-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");

	(void)state;
	assert_non_null(f);
	assert_true(fputs(picture, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_true(asprintf(&line, "--from %s plan destroy ", path) >= 0);
	check(NULL, line, "region0");
	free(line);
	assert_true(asprintf(&line, "plan --from=%s create mem0 m", path) >= 0);
	check(NULL, line, "mem1");
	assert_int_equal(remove(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table), cmocka_unit_test(test_words),
		cmocka_unit_test(test_names), cmocka_unit_test(test_about),
		cmocka_unit_test(test_from),  cmocka_unit_test(test_silent),
	};

	return cmocka_run_group_tests_name("complete", tests, NULL, NULL);
}
