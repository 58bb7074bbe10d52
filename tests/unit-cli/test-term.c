/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "interrupt.h"
#include "term.h"

struct terminal {
	int master, slave;
};

static struct terminal open_terminal(unsigned short columns)
{
	struct winsize size = { .ws_col = columns, .ws_row = 24 };
	struct terminal t;

	assert_int_equal(openpty(&t.master, &t.slave, NULL, NULL, &size), 0);
	return t;
}

static struct style look(const struct terminal *t)
{
	struct style style;

	term_style(t->slave, &style);
	return style;
}

/* A sentence goes on in the next line at a word; what is to be typed stays whole where it can. */
static void test_put_sentence(void **state)
{
	static const struct {
		unsigned int width, column, indent;
		const char *text, *wanted;
	} cases[] = {
		{ 0, 3, 3, "as long as it gets, without any width at all", NULL },
		{ 20, 0, 2, "just as long as this", "just as long as this" },
		{ 20, 0, 2, "just one more than this", "just one more than\n  this" },
		{ 20, 1, 2, "just as long as this", "just as long as\n  this" },
		{ 20, 0, 0, "say `type this here` and more", "say `type this here`\nand more" },
		{ 19, 0, 0, "say `type this here` and more", "say\n`type this here`\nand more" },
		{ 10, 0, 2, "a `much longer than that`", "a `much\n  longer\n  than\n  that`" },
		{ 10, 0, 2, "a wordthatfitsonnoline b", "a wordthatfitsonnoline\n  b" },
		{ 10, 0, 2, "an odd ` quote here", "an odd `\n  quote\n  here" },
		{ 10, 0, 2, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct style style = { .width = cases[i].width };
		char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		assert_non_null(f);
		put_sentence(f, &style, cases[i].column, cases[i].indent, "%s", cases[i].text);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(text[size - 1], '\n');
		text[size - 1] = '\0';
		assert_string_equal(text, cases[i].wanted ?: cases[i].text);
		free(text);
	}
}

static void test_style(void **state)
{
	struct terminal t = open_terminal(123);
	struct style style;
	int fds[2];

	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	style = look(&t);
	assert_true(style.terminal && style.colour);
	assert_int_equal(style.width, 123);
	assert_string_equal(tint_on(&style, TINT_BOLD), "\033[1m");
	assert_string_equal(tint_off(&style, TINT_BOLD), "\033[0m");
	assert_string_equal(tint_off(&style, TINT_NONE), "");

	/* https://no-color.org: when present and not an empty string */
	setenv("NO_COLOR", "", 1);
	assert_true(look(&t).colour);
	setenv("NO_COLOR", "1", 1);
	style = look(&t);
	assert_true(style.terminal && !style.colour);
	assert_string_equal(tint_on(&style, TINT_BAD), "");
	unsetenv("NO_COLOR");

	setenv("TERM", "dumb", 1);
	style = look(&t);
	assert_true(!style.terminal && !style.colour);
	unsetenv("TERM");
	assert_false(look(&t).terminal);
	setenv("TERM", "xterm", 1);

	assert_int_equal(pipe(fds), 0);
	term_style(fds[1], &style);
	assert_true(!style.terminal && !style.colour && style.width == 0);
	close(fds[0]);
	close(fds[1]);
	close(t.master);
	close(t.slave);
}

/* Serial consoles do not tell their size. */
static void test_no_size(void **state)
{
	struct terminal t = open_terminal(0);

	(void)state;
	unsetenv("COLUMNS");
	assert_int_equal(look(&t).width, 80);
	setenv("COLUMNS", "132", 1);
	assert_int_equal(look(&t).width, 132);
	setenv("COLUMNS", "wide", 1);
	assert_int_equal(look(&t).width, 80);
	close(t.master);
	close(t.slave);
}

static void test_interrupt(void **state)
{
	struct interrupt i;

	(void)state;
	/* Ignored in background jobs of scripts, and then in all that they start. */
	signal(SIGINT, SIG_DFL);
	assert_int_equal(interrupt_open(&i), 0);
	assert_false(interrupt_take(&i));
	assert_int_equal(raise(SIGINT), 0);
	assert_true(interrupt_take(&i));
	assert_false(interrupt_take(&i));
	interrupt_close(&i);
	/* Closed twice, as when an error comes first. */
	interrupt_close(&i);
}

static void test_interrupt_ignored(void **state)
{
	struct interrupt i;

	(void)state;
	signal(SIGINT, SIG_IGN);
	assert_int_equal(interrupt_open(&i), 0);
	assert_int_equal(raise(SIGINT), 0);
	assert_false(interrupt_take(&i));
	interrupt_close(&i);
	signal(SIGINT, SIG_DFL);
}

/* A chroot may have no /dev/pts. */
static bool has_terminals(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		return false;
	close(master);
	close(slave);
	return true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_sentence), cmocka_unit_test(test_style),
		cmocka_unit_test(test_no_size),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_interrupt_ignored),
	};

	if (!has_terminals()) {
		puts("no pseudo terminal can be opened here (is /dev/pts mounted?)");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
