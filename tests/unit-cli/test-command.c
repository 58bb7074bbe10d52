/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "test.h"

#include "command.h"
#include "suggest.h"
#include "wish.h"

#define MAX_ARGS 12

/* A line without quotes, as argv. Owns the strings. */
struct argv {
	char *text;
	char *argv[MAX_ARGS + 1];
	int argc;
};

static struct argv split(const char *line)
{
	struct argv a = { .text = strdup(line), .argc = 1 };
	char *rest = a.text, *word;

	assert_non_null(a.text);
	a.argv[0] = a.text + strlen(a.text);
	while ((word = strtok_r(rest, " ", &rest))) {
		assert_true(a.argc < MAX_ARGS);
		a.argv[a.argc++] = word;
	}
	return a;
}

/* What a command line asks for, as far as it can be said without the machine. */
static int read_line(struct argv *a, struct command *command, struct wish *wish, char **reason)
{
	int r = command_parse(a->argc, a->argv, command, reason);

	if (r == 0 && command->verb && ((command->inner ?: command->verb)->changes))
		r = wish_from_command(command, wish, reason);
	return r;
}

static void test_refusals(void **state)
{
	static const struct {
		const char *line, *reason; /* part of the sentence */
	} cases[] = {
		{ "status --format=xml", "no format \"xml\": --format takes table, json or json-seq" },
		{ "status --format jsn", "no format \"jsn\"; did you mean json?" },
		{ "status --format", "--format needs a value: --format FORMAT" },
		{ "craete", "no verb \"craete\"; did you mean create?" },
		{ "xyzzy", "no verb \"xyzzy\"; `cxlmemctl help` lists them" },
		{ "lst", "did you mean list?" },
		{ "topo", "did you mean topology?" },
		{ "create", "create needs at least one CARD" },
		{ "online", "online needs at least one REGION" },
		{ "destroy --dry-run", "destroy needs at least one REGION" },
		{ "create --szie 1G mem0", "no option --szie; did you mean --size?" },
		{ "create --frobnicate mem0", "no option --frobnicate; `cxlmemctl help` lists" },
		{ "create -x mem0", "no option -x" },
		{ "create mem0 --size", "--size needs a value: --size SIZE" },
		{ "create mem0 -w", "-w needs a value: -w N" },
		{ "create --no-online=maybe mem0", "--no-online takes no value" },
		{ "create --size 12Q mem0", "12Q" },
		{ "create --size 0 mem0", "size is \"0\"" },
		{ "create --ways 5 mem0", "ways is \"5\"" },
		{ "create --granularity 100 mem0", "granularity is \"100\"" },
		{ "create --zone foo mem0", "zone is \"foo\"" },
		{ "create --mode pmem mem0", "mode is \"pmem\"" },
		{ "create --window= mem0", "window is empty" },
		{ "offline --zone movable region0", "offline takes no --zone" },
		{ "destroy --mode devdax region0", "destroy takes no --mode" },
		{ "online --ways 2 region0", "online takes no --ways" },
		{ "status --size 1G", "status takes no --size" },
		{ "status now", "status takes no further words, but \"now\"" },
		{ "list cards ports", "list takes one word, but \"ports\" was given as well" },
		{ "set-mode devdax", "set-mode needs a mode and at least one REGION" },
		{ "set-mode --mode devdax", "set-mode needs a mode and at least one REGION" },
		{ "set-mode region0 devdax", "the mode comes first: `cxlmemctl set-mode devdax region0`" },
		{ "set-mode region0 region1", "mode is \"region0\"" },
		{ "create-region mem0", "no verb \"create-region\"; did you mean create?" },
		{ "plan reconfigure-device dax0.0", "to plan; did you mean set-mode?" },
		{ "plan", "plan needs a verb that changes something" },
		{ "plan list", "\"list\" cannot be planned" },
		{ "plan crate mem0", "no verb \"crate\" to plan; did you mean create?" },
		{ "plan create", "create needs at least one CARD" },
		{ "plan create --no-wait mem0", "plan takes no --no-wait" },
		{ "plan offline --size 1G region0", "plan takes no --size" },
		{ "cancel", "cancel needs the ID" },
		{ "cancel 1 2", "cancel takes one word, but \"2\"" },
		{ "-- --json", "no verb \"--json\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(command_clear) struct command command = { 0 };
		_cleanup_free_ char *reason = NULL;
		struct argv a = split(cases[i].line);
		struct wish wish;

		if (read_line(&a, &command, &wish, &reason) != -EINVAL)
			fail_msg("\"%s\" was taken", cases[i].line);
		if (!reason || !strstr(reason, cases[i].reason))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].line, reason ?: "",
				 cases[i].reason);
		free(a.text);
	}
}

static void test_options_anywhere(void **state)
{
	static const char *const lines[] = {
		"create --size 1G --ways 2 mem0 mem1",
		"--size=1G create --ways=2 mem0 mem1",
		"-s1G create mem0 -w 2 mem1",
		"create -s 512M -w2 mem0 mem1 --size 1G",
		"create --size 1G --ways 2 -- mem0 mem1",
		"plan create --size 1G -w 2 mem0 mem1",
		"plan --size 1G create -w 2 mem0 mem1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(command_clear) struct command command = { 0 };
		_cleanup_free_ char *reason = NULL;
		struct argv a = split(lines[i]);
		struct wish wish;

		if (read_line(&a, &command, &wish, &reason) < 0)
			fail_msg("\"%s\": %s", lines[i], reason ?: "?");
		assert_string_equal(wish.verb->name, "create");
		assert_string_equal(wish.values[OPTION_SIZE], "1G");
		assert_string_equal(wish.values[OPTION_WAYS], "2");
		assert_null(wish.values[OPTION_ZONE]);
		assert_int_equal(wish.n_objects, 2);
		assert_string_equal(wish.objects[0], "mem0");
		assert_string_equal(wish.objects[1], "mem1");
		free(a.text);
	}
}

static void test_flags(void **state)
{
	_cleanup_(command_clear) struct command command = { 0 };
	struct argv a = split("create -jqN mem0 -");
	struct wish wish;

	(void)state;
	assert_int_equal(read_line(&a, &command, &wish, NULL), 0);
	assert_true(command_has(&command, OPTION_JSON));
	assert_true(command_has(&command, OPTION_QUIET));
	assert_false(command_has(&command, OPTION_DRY_RUN));
	assert_string_equal(wish.values[OPTION_NO_ONLINE], "yes");
	/* How the result is shown is no business of the daemon. */
	assert_null(wish.values[OPTION_JSON]);
	assert_null(wish.values[OPTION_QUIET]);
	assert_string_equal(wish.objects[1], "-");
	free(a.text);
}

static void test_set_mode(void **state)
{
	static const char *const lines[] = {
		"set-mode devdax region0 dax1.0",
		"set-mode --mode devdax region0 dax1.0",
		"set-mode region0 -m devdax dax1.0",
		"plan set-mode devdax region0 dax1.0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(command_clear) struct command command = { 0 };
		struct argv a = split(lines[i]);
		struct wish wish;

		assert_int_equal(read_line(&a, &command, &wish, NULL), 0);
		assert_string_equal(wish.values[OPTION_MODE], "devdax");
		assert_int_equal(wish.n_objects, 2);
		assert_string_equal(wish.objects[0], "region0");
		assert_string_equal(wish.objects[1], "dax1.0");
		free(a.text);
	}
}

/* Who asks for help is not told about what else is wrong. */
static void test_help_first(void **state)
{
	static const char *const lines[] = { "create --help", "offline --zone movable -h",
					     "plan --help", "--version", "-h" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(command_clear) struct command command = { 0 };
		struct argv a = split(lines[i]);

		assert_int_equal(command_parse(a.argc, a.argv, &command, NULL), 0);
		assert_true(command_has(&command, OPTION_HELP) ||
			    command_has(&command, OPTION_VERSION));
		free(a.text);
	}
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned int d;
	} cases[] = {
		{ "create", "create", 0 },  { "craete", "create", 1 },	{ "crate", "create", 1 },
		{ "creates", "create", 1 }, { "cretae", "create", 1 },	{ "", "abc", 3 },
		{ "abc", "", 3 },	    { "online", "offline", 2 }, { "ca", "abc", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(word_distance(cases[i].a, cases[i].b), cases[i].d);
		assert_int_equal(word_distance(cases[i].b, cases[i].a), cases[i].d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),   cmocka_unit_test(test_options_anywhere),
		cmocka_unit_test(test_flags),	   cmocka_unit_test(test_set_mode),
		cmocka_unit_test(test_help_first), cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
