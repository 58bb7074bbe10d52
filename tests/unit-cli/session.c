/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include <signal.h>
#include <string.h>

#include "test.h"

#define MAX_ARGS 16

/* @keep_empty: a blank at the end begins a word that is empty */
static void run_words(struct session *s, sd_bus *bus, const char *root, bool terminal,
		      const char *line, bool keep_empty)
{
	_cleanup_free_ char *text = strdup(line);
	char *argv[MAX_ARGS + 3] = { text }, *rest = text, *word;
	int argc = 1;

	assert_non_null(text);
	/* Ignored in background jobs of scripts, and then in all that they start. */
	signal(SIGINT, SIG_DFL);
	while ((word = strtok_r(rest, " ", &rest))) {
		assert_true(argc < MAX_ARGS);
		argv[argc++] = word;
	}
	if (keep_empty && (!*line || line[strlen(line) - 1] == ' '))
		argv[argc++] = (char *)"";
	*s = (struct session){ 0 };
	text_open(&s->out);
	text_open(&s->err);
	s->cli.out = s->out.f;
	s->cli.err = s->err.f;
	s->cli.bus = bus;
	s->cli.root = root;
	s->cli.err_style.terminal = terminal;
	s->status = cli_run(&s->cli, argc, argv);
	s->cli.bus = sd_bus_flush_close_unref(s->cli.bus);
	text_close(&s->out);
	text_close(&s->err);
}

static void run(struct session *s, sd_bus *bus, const char *root, bool terminal, const char *line)
{
	run_words(s, bus, root, terminal, line, false);
}

void session_run_words(struct session *s, sd_bus *bus, const char *line)
{
	run_words(s, bus, NULL, false, line, true);
}

void session_run(struct session *s, sd_bus *bus, const char *line)
{
	run(s, bus, NULL, false, line);
}

void session_run_terminal(struct session *s, sd_bus *bus, const char *line)
{
	run(s, bus, NULL, true, line);
}

void session_run_at(struct session *s, sd_bus *bus, const char *root, const char *line)
{
	run(s, bus, root, false, line);
}

void session_free(struct session *s)
{
	text_free(&s->out);
	text_free(&s->err);
}

void session_check(const struct session *s, int status, const char *out, const char *err)
{
	if (s->status != status)
		fail_msg("status %d, not %d; out:\n%s\nerr:\n%s", s->status, status, s->out.text,
			 s->err.text);
	if (out)
		check_text(s->out.text, out);
	if (err)
		check_text(s->err.text, err);
}
