/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_VERBS_H
#define CXLMEM_CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli;
struct command;

/*
 * The one table that knows what can be typed: the parser, the help text, the suggestions and the
 * completion in shells are made from it.
 */
enum option_id {
	OPTION_JSON,
	OPTION_FORMAT,
	OPTION_QUIET,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_HOST,
	OPTION_MACHINE,
	OPTION_MODE,
	OPTION_ZONE,
	OPTION_SIZE,
	OPTION_WAYS,
	OPTION_GRANULARITY,
	OPTION_WINDOW,
	OPTION_NO_ONLINE,
	OPTION_ALIGN,
	OPTION_DEADLINE,
	OPTION_ON_DEADLINE,
	OPTION_FORCE,
	OPTION_NO_WAIT,
	OPTION_DRY_RUN,
	OPTION_FROM,
	OPTION_SVG,
	_OPTION_MAX,
};

#define BIT(option) (UINT32_C(1) << (option))
/* Understood in front of and behind every verb. */
#define COMMON_OPTIONS \
	(BIT(OPTION_JSON) | BIT(OPTION_FORMAT) | BIT(OPTION_QUIET) | BIT(OPTION_HELP) | \
	 BIT(OPTION_VERSION) | BIT(OPTION_HOST) | BIT(OPTION_MACHINE))

struct option_info {
	const char *name;     /* without dashes */
	char letter;	      /* 0 = none */
	const char *argument; /* what it takes, for the help text; NULL = nothing */
	const char *help;
	bool wish; /* goes to the daemon, under this name */
	/* What its argument may be, for the shell: words, and kinds of names (names.h). */
	const char *choices;
	uint32_t names;
};

struct verb_info {
	const char *name;
	const char *words;   /* for the usage line, "CARD..." */
	const char *brief;   /* one line */
	const char *details; /* paragraphs; NULL = the brief says it all */
	uint32_t options;    /* beside the common ones */
	unsigned int min_words, max_words;
	const char *missing; /* the sentence when there are too few words */
	const char *choices; /* what the first word may be, for the shell; NULL = names only */
	uint32_t names;	     /* what kinds of names words may be (names.h) */
	bool changes;	     /* a change of the machine: can be planned */
	const char *same_as; /* another name of this verb; NULL = a verb of its own */
	bool outer;	     /* takes one of those that change, with its words and options */
	int (*run)(struct cli *cli, const struct command *command);
};

extern const struct option_info option_table[_OPTION_MAX];
extern const struct verb_info verb_table[];
extern const size_t verb_table_size;

/**
 * verb_find - a verb by its name, or NULL
 */
const struct verb_info *verb_find(const char *name);

/**
 * option_find - an option by its name, without dashes; _OPTION_MAX if there is none
 */
enum option_id option_find(const char *name, size_t length);

/**
 * option_find_letter - an option by its letter; _OPTION_MAX if there is none
 */
enum option_id option_find_letter(char letter);

/**
 * verb_suggest - the name of the verb that was probably meant, or NULL: that of another tool, or misspelt
 * @changes: among those that change the machine only
 */
const char *verb_suggest(const char *typed, bool changes);

/**
 * option_suggest - the name of the option that was probably meant, among the options in @mask; or
 * NULL
 */
const char *option_suggest(const char *typed, uint32_t mask);

#endif
