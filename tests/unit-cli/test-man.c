/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "test.h"

#include "exit-status.h"
#include "profile.h"
#include "verbs.h"

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

/* Whether a line of the page begins with a macro and then with @text, as the entry of a list does.
 */
static int has_entry(const char *page, const char *text)
{
	for (const char *line = page; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line != '.')
			continue;
		line += strcspn(line, " \n");
		if (*line == ' ' && strncmp(line + 1, text, strlen(text)) == 0 &&
		    strchr(" \n\"", line[1 + strlen(text)]))
			return 1;
	}
	return 0;
}

static void test_verbs(void **state)
{
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmemctl.1");

	(void)state;
	for (size_t i = 0; i < verb_table_size; i++)
		if (!has_entry(page, verb_table[i].name))
			fail_msg("the manual page says nothing about %s", verb_table[i].name);
	assert_false(has_entry(page, "frobnicate"));
}

static void test_options(void **state)
{
	_cleanup_free_ char *page = read_page(DATA "/man/cxlmemctl.1");

	(void)state;
	for (unsigned int i = 0; i < _OPTION_MAX; i++) {
		const struct option_info *o = &option_table[i];
		_cleanup_free_ char *entry = NULL;

		if (o->letter)
			assert_true(asprintf(&entry, "-%c \", \" --%s", o->letter, o->name) >= 0);
		else
			assert_true(asprintf(&entry, "--%s", o->name) >= 0);
		if (!has_entry(page, entry))
			fail_msg("the manual page has no entry .BR %s", entry);
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
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_profile_keys),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
