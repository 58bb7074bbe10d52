/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "test.h"

#include "exit-status.h"
#include "json-util.h"
#include "profile.h"
#include "verbs.h"
/* The client has one of its own. */
#include "../../common/wish.h"

/* A manual page, with the escapes taken out: "\-" reads "-". */
static char *read_page(const char *path)
{
	FILE *f = fopen(path, "r");
	char *page = calloc(1, 1 << 16), *to = page;
	int c;

	assert_non_null(f);
	assert_non_null(page);
	while ((c = fgetc(f)) != EOF && to - page < (1 << 16) - 1)
		if (c != '\\')
			*to++ = c;
	assert_true(feof(f));
	fclose(f);
	return page;
}

/* Whether an entry of a list, or a heading, is a macro and then @text. */
static int has_entry(const char *page, const char *text)
{
	bool entry = false;

	for (const char *line = page; line; line = strchr(line, '\n')) {
		const char *word;

		line += *line == '\n';
		word = line + strcspn(line, " \n");
		if ((entry || strncmp(line, ".SS ", 4) == 0) && *line == '.' && *word == ' ' &&
		    strncmp(word + 1, text, strlen(text)) == 0 && strchr(" \n\"", word[1 + strlen(text)]))
			return 1;
		entry = strncmp(line, ".TP\n", 4) == 0 || strncmp(line, ".TQ\n", 4) == 0;
	}
	return 0;
}

/* The page of each group of verbs, and the one of the command as a whole. */
static const char *const groups[] = { "cxlmemctl-status", "cxlmemctl-doctor", "cxlmemctl-create",
				      "cxlmemctl-wishes" };

static char *read_group(size_t i)
{
	_cleanup_free_ char *path = NULL;

	assert_true(asprintf(&path, DATA "/man/%s.1", groups[i]) >= 0);
	return read_page(path);
}

/* A section of a page, the caller's. */
static char *section(const char *page, const char *heading)
{
	_cleanup_free_ char *line = NULL;
	const char *begin, *end;

	assert_true(asprintf(&line, ".SH %s\n", heading) >= 0);
	begin = strstr(page, line);
	if (!begin)
		return strdup("");
	end = strstr(begin + 1, "\n.SH ");
	return end ? strndup(begin, (size_t)(end - begin)) : strdup(begin);
}

/* Which page explains a verb; fails unless it is exactly one. */
static size_t group_of(const char *verb)
{
	size_t found = ARRAY_SIZE(groups);

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		_cleanup_free_ char *page = read_group(i), *verbs = section(page, "VERBS");

		if (!has_entry(verbs, verb))
			continue;
		if (found < ARRAY_SIZE(groups))
			fail_msg("%s is explained by %s and %s", verb, groups[found], groups[i]);
		found = i;
	}
	if (found == ARRAY_SIZE(groups))
		fail_msg("no manual page explains %s", verb);
	return found;
}

static int has_option(const char *page, unsigned int option)
{
	const struct option_info *o = &option_table[option];
	_cleanup_free_ char *entry = NULL;

	if (o->letter)
		assert_true(asprintf(&entry, "-%c \", \" --%s", o->letter, o->name) >= 0);
	else
		assert_true(asprintf(&entry, "--%s", o->name) >= 0);
	return has_entry(page, entry);
}

static bool is_main(const struct verb_info *v)
{
	return strcmp(v->name, "help") == 0;
}

/* Each verb has its page, which has all of its options, and man finds it by the verb's name. */
static void test_verbs(void **state)
{
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmemctl.1"), *verbs = section(page, "VERBS");

	(void)state;
	for (size_t i = 0; i < verb_table_size; i++) {
		const struct verb_info *v = &verb_table[i];
		_cleanup_free_ char *group = NULL, *path = NULL, *own = NULL;
		size_t g;

		if (is_main(v)) {
			assert_true(has_entry(verbs, v->name));
			continue;
		}
		g = group_of(v->name);
		group = read_group(g);
		for (unsigned int o = 0; o < _OPTION_MAX; o++)
			if (v->options & BIT(o) && !has_option(group, o))
				fail_msg("%s does not explain --%s of %s", groups[g], option_table[o].name, v->name);
		assert_true(asprintf(&own, "cxlmemctl-%s", v->name) >= 0);
		if (strcmp(own, groups[g]) == 0)
			continue;
		assert_true(asprintf(&path, ALIASES "/%s.1", own) >= 0);
		group = (free(group), read_page(path));
		own = (free(own), NULL);
		assert_true(asprintf(&own, ".so man1/%s.1\n", groups[g]) >= 0);
		assert_string_equal(group, own);
	}
}

static void test_common_options(void **state)
{
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmemctl.1");

	(void)state;
	for (unsigned int o = 0; o < _OPTION_MAX; o++)
		if (!has_option(page, o) == !!(COMMON_OPTIONS & BIT(o)))
			fail_msg("--%s belongs %s cxlmemctl(1)", option_table[o].name,
				 COMMON_OPTIONS & BIT(o) ? "on" : "on the page of its verbs, not on");
}

/* Call a function with the line behind each .TP and .TQ of a text. */
static void each_entry(char *text, void (*check)(char *line, const char *where, uint32_t options),
		       const char *where, uint32_t options)
{
	bool next = false;
	char *at;

	for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		if (next)
			check(line, where, options);
		next = strcmp(line, ".TP") == 0 || strcmp(line, ".TQ") == 0;
	}
}

/* ".BR create ", " destroy": bold are the first word behind the macro and every second one then. */
static void check_verbs(char *line, const char *where, uint32_t options)
{
	char *at, *word = strtok_r(line, " ", &at);
	bool all = strcmp(where, "cxlmemctl") == 0 && !strstr(at, "[");

	(void)options;
	while ((word = strtok_r(NULL, " ", &at))) {
		if (strchr(word, '"'))
			continue;
		if (!verb_find(word))
			fail_msg("%s(1) explains the verb %s, which does not exist", where, word);
		if (!all)
			break;
	}
}

static void check_option(char *line, const char *where, uint32_t options)
{
	char *name = strstr(line, "--");
	enum option_id o;

	if (!name)
		fail_msg("%s(1): \"%s\" stands among the options", where, line);
	name += 2;
	name[strcspn(name, " ,\"")] = 0;
	o = option_find(name, strlen(name));
	if (o == _OPTION_MAX || !(options & BIT(o)))
		fail_msg("%s(1) explains --%s, which none of its verbs takes", where, name);
}

/* No page explains what does not exist. */
static void test_nothing_else(void **state)
{
	_cleanup_free_ char *main_page = read_page(DATA "/man/cxlmemctl.1");
	_cleanup_free_ char *main_verbs = section(main_page, "VERBS"), *main_options = section(main_page, "OPTIONS");

	(void)state;
	each_entry(main_verbs, check_verbs, "cxlmemctl", 0);
	each_entry(main_options, check_option, "cxlmemctl", COMMON_OPTIONS);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		_cleanup_free_ char *page = read_group(i), *verbs = section(page, "VERBS");
		_cleanup_free_ char *options = section(page, "OPTIONS");
		uint32_t mask = 0;

		for (size_t v = 0; v < verb_table_size; v++)
			if (has_entry(verbs, verb_table[v].name))
				mask |= verb_table[v].options;
		assert_true(strlen(verbs) > 100);
		each_entry(verbs, check_verbs, groups[i], 0);
		each_entry(options, check_option, groups[i], mask);
	}
}

/* Each exit code has its entry, in the section about them, and there is none that does not exist. */
static void test_exit_codes(void **state)
{
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmemctl.1");
	const char *section = strstr(page, ".SH EXIT STATUS\n"), *end;
	unsigned int n = 0;

	(void)state;
	assert_non_null(section);
	end = strstr(section + 1, ".SH ");
	assert_non_null(end);
	for (const char *at = section; (at = strstr(at, ".TP\n.B ")) && at < end; at++) {
		assert_int_equal(at[strlen(".TP\n.B ")], '0' + n);
		n++;
	}
	assert_int_equal(n, _STATUS_MAX);
	for (n = 0; n < _STATUS_MAX; n++)
		assert_non_null(exit_status_text[n]);
}

static void test_profile_keys(void **state)
{
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmem.profile.5");
	const char *section, *name;

	(void)state;
	for (size_t i = 0; profile_key(i, &section, &name); i++) {
		_cleanup_free_ char *entry = NULL, *heading = NULL;

		assert_true(asprintf(&entry, "%s=", name) >= 0);
		assert_true(asprintf(&heading, "[%s]", section) >= 0);
		if (!has_entry(page, entry))
			fail_msg("the manual page of profiles says nothing about %s", entry);
		assert_true(has_entry(page, heading));
	}
	assert_false(has_entry(page, "Frob="));
}

/* Every key of the file of wishes, at whatever depth. */
static void check_keys(const char *page, struct json_object *json)
{
	if (json_object_is_type(json, json_type_array))
		for (size_t i = 0; i < json_object_array_length(json); i++)
			check_keys(page, json_object_array_get_idx(json, i));
	if (!json_object_is_type(json, json_type_object))
		return;
	json_object_object_foreach(json, key, value)
	{
		if (!has_entry(page, key))
			fail_msg("cxlmem-state(5) says nothing about %s", key);
		check_keys(page, value);
	}
}

static void test_wishes(void **state)
{
	static const char text[] =
		"{\"version\":1,\"generation\":2,\"wishes\":["
		"{\"id\":1,\"kind\":\"region\",\"origin\":\"hand\",\"members\":[{\"serial\":1,\"path\":\"a\"},"
		"{\"serial\":2,\"path\":\"b\"}],\"size\":268435456,\"interleave_granularity\":256,"
		"\"window\":\"decoder0.0\",\"resource\":0,\"mode\":\"system-ram\",\"zone\":\"movable\",\"online\":true},"
		"{\"id\":2,\"kind\":\"region\",\"origin\":\"hand\",\"members\":[{\"serial\":3,\"path\":\"c\"}],"
		"\"size\":268435456,\"mode\":\"devdax\",\"align\":4096}]}";
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmem-state.5"), *part = section(page, "wishes.json");
	_cleanup_json_ struct json_object *json = json_tokener_parse(text), *again = NULL;
	_cleanup_(wishes_freep) struct wishes *wishes = NULL;

	(void)state;
	assert_non_null(json);
	assert_int_equal(wishes_from_json(json, &wishes, NULL), 0);
	assert_int_equal(wishes_to_json(wishes, &again), 0);
	/* All that is written stands in the text above, so all keys there are known. */
	assert_true(json_object_equal(json, again));
	check_keys(part, again);
}

/* Every kind of record that the daemon writes. */
static void test_journal(void **state)
{
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmem-state.5"), *part = section(page, "journal");
	_cleanup_free_ char *source = read_page(DATA "/../daemon/entry.c");
	unsigned int n = 0;

	(void)state;
	for (char *at = source; (at = strstr(at, "record(\"")); n++) {
		char *kind = at + strlen("record(\"");

		at = strchr(kind, '"');
		*at++ = 0;
		if (!has_entry(part, kind))
			fail_msg("cxlmem-state(5) says nothing about records of kind %s", kind);
	}
	assert_true(n >= 8);
}

static void test_examples(void **state)
{
	static const char *const names[] = { "10-database", "20-interleaved-pair", "50-each-card" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(profile_freep) struct profile *p = NULL;
		struct profile_problems problems = { 0 };
		_cleanup_free_ char *path = NULL;

		assert_true(asprintf(&path, DATA "/examples/%s.profile", names[i]) >= 0);
		assert_int_equal(profile_load_file(path, &problems, &p), 0);
		assert_int_equal(problems.n, 0);
		assert_string_equal(p->name, names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_common_options),
		cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_profile_keys),
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
