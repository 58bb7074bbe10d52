/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_COMMAND_H
#define CXLMEM_CLI_COMMAND_H

#include "format.h"
#include "verbs.h"

/* A command line, understood. All strings are argv's. */
struct command {
	const struct verb_info *verb;	 /* NULL: none was typed */
	const struct verb_info *inner;	 /* what is to be planned, or NULL */
	const char *values[_OPTION_MAX]; /* NULL = not given; "yes" for options that take nothing */
	enum format format;
	char **words;			 /* owned; what is neither verb nor option */
	size_t n_words;
};

/**
 * command_clear - free what a command owns
 */
void command_clear(struct command *c);

/**
 * command_parse - understand a command line
 * @ret: the caller's (command_clear)
 * @ret_reason: on error the sentence for the person who typed it; the caller's
 *
 * Options may stand anywhere, as --name=value, --name value, -x value, -xvalue; -- ends them. The
 * last one wins.
 *
 * Return: 0; -EINVAL with a reason; -ENOMEM.
 */
int command_parse(int argc, char **argv, struct command *ret, char **ret_reason);

/**
 * command_has - whether an option was given
 */
static inline bool command_has(const struct command *c, enum option_id option)
{
	return c->values[option] != NULL;
}

/**
 * command_is_json - whether it is for a program
 */
static inline bool command_is_json(const struct command *c)
{
	return c->format != FORMAT_TABLE;
}

/**
 * command_is_mute - whether nothing is to be printed but errors
 */
static inline bool command_is_mute(const struct command *c)
{
	return command_has(c, OPTION_QUIET) && !command_is_json(c);
}

#endif
