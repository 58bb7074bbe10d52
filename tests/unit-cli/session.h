/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_TEST_SESSION_H
#define CXLMEM_TEST_SESSION_H

#include "cli.h"
#include "text.h"

/* One run of the client, all in strings. */
struct session {
	struct cli cli;
	struct text out, err;
	int status;
};

/**
 * session_run - run a command line (split at blanks) over @bus, which is taken over; NULL = the
 * system bus
 */
void session_run(struct session *s, sd_bus *bus, const char *line);

/**
 * session_run_terminal - the same for a person at a terminal
 */
void session_run_terminal(struct session *s, sd_bus *bus, const char *line);

/**
 * session_run_words - the same where a blank at the end begins another word, an empty one
 */
void session_run_words(struct session *s, sd_bus *bus, const char *line);

/**
 * session_run_at - the same with the profiles of another machine, below @root
 */
void session_run_at(struct session *s, sd_bus *bus, const char *root, const char *line);
void session_free(struct session *s);

/**
 * session_check - fail the test unless the run printed and returned this
 * @out, @err: all of it; NULL = not looked at
 */
void session_check(const struct session *s, int status, const char *out, const char *err);

#endif
