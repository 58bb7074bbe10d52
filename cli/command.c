/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include <errno.h>
#include <string.h>

#include "util.h"

#define ALL_OPTIONS (BIT(_OPTION_MAX) - 1)

void command_clear(struct command *c)
{
	free(c->words);
	*c = (struct command){ 0 };
}

static void take(struct command *c, enum option_id id, const char *value)
{
	c->values[id] = value;
	/* Short for it: whichever of them came last wins. */
	if (id == OPTION_JSON)
		c->values[OPTION_FORMAT] = format_name(FORMAT_JSON);
}

/* The verb is not known yet while options are read, so every option there is gets accepted here. */
static int parse_long(struct command *c, char **argv, int *i, char **ret_reason)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	enum option_id id = option_find(name, length);
	const struct option_info *option;

	if (id == _OPTION_MAX) {
		_cleanup_free_ char *typed = strndup(name, length);
		const char *near = typed ? option_suggest(typed, ALL_OPTIONS) : NULL;

		if (near)
			return say(ret_reason, -EINVAL,
				   "there is no option --%s; did you mean --%s?", typed, near);
		return say(ret_reason, -EINVAL,
			   "there is no option --%.*s; `cxlmemctl help` lists them", (int)length,
			   name);
	}
	option = &option_table[id];
	if (!option->argument) {
		if (equals)
			return say(ret_reason, -EINVAL, "--%s takes no value, but \"%s\" was given",
				   option->name, equals + 1);
		take(c, id, "yes");
		return 0;
	}
	take(c, id, equals ? equals + 1 : argv[++*i]);
	if (!c->values[id])
		return say(ret_reason, -EINVAL, "--%s needs a value: --%s %s", option->name,
			   option->name, option->argument);
	return 0;
}

static int parse_letters(struct command *c, char **argv, int *i, char **ret_reason)
{
	for (const char *at = argv[*i] + 1; *at; at++) {
		enum option_id id = option_find_letter(*at);

		if (id == _OPTION_MAX)
			return say(ret_reason, -EINVAL,
				   "there is no option -%c; `cxlmemctl help` lists them", *at);
		if (!option_table[id].argument) {
			take(c, id, "yes");
			continue;
		}
		take(c, id, at[1] ? at + 1 : argv[++*i]);
		if (!c->values[id])
			return say(ret_reason, -EINVAL, "-%c needs a value: -%c %s", *at, *at,
				   option_table[id].argument);
		return 0;
	}
	return 0;
}

static int split(struct command *c, int argc, char **argv, char **ret_reason)
{
	bool only_words = false;
	int r;

	/* No more words than arguments, and one for the end. */
	c->words = calloc(argc + 1, sizeof(*c->words));
	if (!c->words)
		return -ENOMEM;
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		r = 0;
		if (only_words || arg[0] != '-' || !arg[1])
			c->words[c->n_words++] = argv[i];
		else if (strcmp(arg, "--") == 0)
			only_words = true;
		else if (arg[1] == '-')
			r = parse_long(c, argv, &i, ret_reason);
		else
			r = parse_letters(c, argv, &i, ret_reason);
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *shift(struct command *c)
{
	const char *first = c->words[0];

	memmove(c->words, c->words + 1, c->n_words * sizeof(*c->words));
	c->n_words--;
	return first;
}

static int take_verb(struct command *c, char **ret_reason)
{
	const char *word = shift(c), *near;

	c->verb = verb_find(word);
	if (c->verb)
		return 0;
	near = verb_suggest(word, false);
	if (near)
		return say(ret_reason, -EINVAL, "there is no verb \"%s\"; did you mean %s?", word,
			   near);
	return say(ret_reason, -EINVAL, "there is no verb \"%s\"; `cxlmemctl help` lists them",
		   word);
}

static int take_inner(struct command *c, char **ret_reason)
{
	const char *word, *near;

	if (c->n_words == 0)
		return say(ret_reason, -EINVAL, "%s", c->verb->missing);
	word = shift(c);
	c->inner = verb_find(word);
	if (c->inner && c->inner->changes)
		return 0;
	near = verb_suggest(word, true);
	if (!c->inner && near)
		return say(ret_reason, -EINVAL, "there is no verb \"%s\" to %s; did you mean %s?",
			   word, c->verb->name, near);
	c->inner = NULL;
	return say(ret_reason, -EINVAL, "\"%s\" cannot be planned; %s", word, c->verb->missing);
}

static int check_options(const struct command *c, const struct verb_info *verb, char **ret_reason)
{
	uint32_t allowed = COMMON_OPTIONS | verb->options;

	/* A plan is there at once. */
	if (c->inner)
		allowed = (allowed & ~BIT(OPTION_NO_WAIT)) | c->verb->options;
	for (unsigned int i = 0; i < _OPTION_MAX; i++) {
		if (!c->values[i] || allowed & BIT(i))
			continue;
		return say(ret_reason, -EINVAL,
			   "%s takes no --%s; `cxlmemctl help %s` lists what it takes",
			   c->verb->name, option_table[i].name, verb->name);
	}
	return 0;
}

static int check_words(const struct command *c, const struct verb_info *verb, char **ret_reason)
{
	if (c->n_words < verb->min_words)
		return say(ret_reason, -EINVAL, "%s", verb->missing);
	if (c->n_words <= verb->max_words)
		return 0;
	if (verb->max_words == 0)
		return say(ret_reason, -EINVAL, "%s takes no further words, but \"%s\" was given",
			   verb->name, c->words[0]);
	return say(ret_reason, -EINVAL, "%s takes one word, but \"%s\" was given as well",
		   verb->name, c->words[verb->max_words]);
}

static int understand(struct command *c, int argc, char **argv, char **ret_reason)
{
	const struct verb_info *verb;
	int r;

	r = split(c, argc, argv, ret_reason);
	if (r == 0 && command_has(c, OPTION_FORMAT))
		r = format_from_name(c->values[OPTION_FORMAT], &c->format, ret_reason);
	if (r < 0 || c->n_words == 0)
		return r;
	r = take_verb(c, ret_reason);
	if (r < 0)
		return r;
	/* Who asks for help need not have got the rest right. */
	if (command_has(c, OPTION_HELP) || command_has(c, OPTION_VERSION))
		return 0;
	if (c->verb->outer && (r = take_inner(c, ret_reason)) < 0)
		return r;
	verb = c->inner ?: c->verb;
	r = check_options(c, verb, ret_reason);
	return r < 0 ? r : check_words(c, verb, ret_reason);
}

int command_parse(int argc, char **argv, struct command *ret, char **ret_reason)
{
	struct command c = { 0 };
	int r;

	r = understand(&c, argc, argv, ret_reason);
	if (r < 0)
		command_clear(&c);
	else
		*ret = c;
	return r;
}
