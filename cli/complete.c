/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "complete.h"

#include <string.h>

#include "capture.h"
#include "names.h"
#include "verbs.h"

struct completion {
	struct cli *cli;
	const char *typed;    /* what names have to begin with */
	const char *in_front; /* of what is printed: "--zone=" */
	char **words;	      /* that were typed before it */
	int n_words;
	const struct verb_info *verb, *inner;
	unsigned int n_objects; /* words that are neither verb nor option */
	uint32_t given;		/* options */
	enum option_id open;	/* waits for its argument; _OPTION_MAX = none */
	bool only_words;	/* behind -- */
	bool lost;		/* there is no such verb: nobody knows what comes behind it */
	const char *from;	/* a capture */
};

static bool was_typed(const struct completion *c, const char *name)
{
	for (int i = 0; i < c->n_words; i++)
		if (strcmp(c->words[i], name) == 0)
			return true;
	return false;
}

/* Names come from firmware and devices: what a shell could take for more than a word stays out. */
static bool is_harmless(const char *name)
{
	return !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "_.:/-")];
}

static void offer(const char *name, const char *about, void *userdata)
{
	const struct completion *c = userdata;
	_cleanup_free_ char *plain = about ? strdup(about) : NULL;

	if (!is_harmless(name))
		return;
	fprintf(c->cli->out, "%s%s", c->in_front, name);
	if (plain) {
		make_plain(plain);
		fprintf(c->cli->out, "\t%s", plain);
	}
	fputc('\n', c->cli->out);
}

static void offer_new(const char *name, const char *about, void *userdata)
{
	if (!was_typed(userdata, name))
		offer(name, about, userdata);
}

static bool begins(const struct completion *c, const char *name)
{
	return strncmp(name, c->typed, strlen(c->typed)) == 0;
}

static void offer_choices(struct completion *c, const char *choices)
{
	_cleanup_free_ char *text = choices ? strdup(choices) : NULL;
	char *rest = text, *word;

	while (text && (word = strtok_r(rest, " ", &rest)))
		if (begins(c, word))
			offer(word, NULL, c);
}

static void offer_verbs(struct completion *c, bool changes)
{
	for (size_t i = 0; i < verb_table_size; i++)
		if ((!changes || verb_table[i].changes) && begins(c, verb_table[i].name))
			offer(verb_table[i].name, verb_table[i].brief, c);
}

/* The file that stands for the daemon stands for it here, too. */
static void offer_names(struct completion *c, uint32_t kinds)
{
	if (kinds & NAME_FILE)
		fputs(":files\n", c->cli->out);
	if (kinds & NAME_VERB)
		offer_verbs(c, false);
	if (kinds & NAME_CHANGE)
		offer_verbs(c, true);
	if (c->from && !c->cli->capture && capture_load(c->cli, c->from, NULL) < 0)
		return;
	/* Nobody waits for ssh, or types its password, in the middle of a line. */
	if (c->given & (BIT(OPTION_HOST) | BIT(OPTION_MACHINE)))
		return;
	names_live(c->cli, kinds, c->typed, offer_new, c);
}

static void offer_argument(struct completion *c, enum option_id option)
{
	offer_choices(c, option_table[option].choices);
	offer_names(c, option_table[option].names);
}

static void offer_options(struct completion *c)
{
	const struct verb_info *verb = c->inner ?: c->verb;
	uint32_t mask = COMMON_OPTIONS;

	/* Without a verb it is status. */
	mask |= verb ? verb->options : verb_find("status")->options;
	if (c->inner)
		mask = (mask & ~BIT(OPTION_NO_WAIT)) | c->verb->options;
	for (unsigned int i = 0; i < _OPTION_MAX; i++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s", option_table[i].name);
		if (mask & BIT(i) && !(c->given & BIT(i)) && begins(c, name))
			offer(name, option_table[i].help, c);
	}
}

static void offer_words(struct completion *c)
{
	const struct verb_info *verb = c->inner ?: c->verb;
	uint32_t names;

	if (!verb) {
		offer_verbs(c, false);
		return;
	}
	if (c->n_objects >= verb->max_words && !(verb->outer && !c->inner))
		return;
	names = verb->names;
	if (verb->choices && c->n_objects == 0) {
		offer_choices(c, verb->choices);
		/* Files come behind the word that says what for. */
		names &= ~(uint32_t)NAME_FILE;
	}
	offer_names(c, names);
}

static void give(struct completion *c, enum option_id option, const char *argument)
{
	c->given |= BIT(option);
	if (option == OPTION_FROM)
		c->from = argument;
}

static void take_option(struct completion *c, const char *word, int i)
{
	const char *equals = strchr(word, '=');
	enum option_id id = _OPTION_MAX;
	bool whole = true; /* its argument is in the same word, or it has none */

	if (word[1] == '-') {
		id = option_find(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2));
		whole = equals;
	} else {
		/* -jqf FILE, -s1G */
		for (const char *at = word + 1; *at; at++) {
			id = option_find_letter(*at);
			if (id == _OPTION_MAX)
				return;
			whole = at[1];
			if (option_table[id].argument)
				break;
			give(c, id, NULL);
		}
		equals = NULL;
	}
	if (id == _OPTION_MAX)
		return;
	if (!option_table[id].argument || whole) {
		give(c, id, equals ? equals + 1 : NULL);
		return;
	}
	give(c, id, i + 1 < c->n_words ? c->words[i + 1] : NULL);
	c->open = id;
}

static void take_word(struct completion *c, const char *word)
{
	if (!c->verb) {
		c->verb = verb_find(word);
		c->lost = !c->verb;
	} else if (c->verb->outer && !c->inner) {
		c->inner = verb_find(word);
		c->lost = !c->inner;
	} else {
		c->n_objects++;
	}
}

static void understand(struct completion *c)
{
	for (int i = 0; i < c->n_words && !c->lost; i++) {
		const char *word = c->words[i];

		if (c->open != _OPTION_MAX)
			c->open = _OPTION_MAX;
		else if (c->only_words || word[0] != '-' || !word[1])
			take_word(c, word);
		else if (strcmp(word, "--") == 0)
			c->only_words = true;
		else
			take_option(c, word, i);
	}
}

int complete_words(struct cli *cli, int n, char **words)
{
	struct completion c = {
		.cli = cli,
		.typed = n > 0 ? words[n - 1] : "",
		.in_front = "",
		.words = words,
		.n_words = n > 0 ? n - 1 : 0,
		.open = _OPTION_MAX,
	};
	const char *equals;
	_cleanup_free_ char *front = NULL;

	understand(&c);
	equals = strncmp(c.typed, "--", 2) == 0 ? strchr(c.typed, '=') : NULL;
	if (c.lost)
		return STATUS_DONE;
	if (c.open != _OPTION_MAX) {
		offer_argument(&c, c.open);
	} else if (!c.only_words && equals) {
		enum option_id id = option_find(c.typed + 2, equals - c.typed - 2);

		front = strndup(c.typed, equals - c.typed + 1);
		c.in_front = front ?: "";
		c.typed = equals + 1;
		if (front && id != _OPTION_MAX)
			offer_argument(&c, id);
	} else if (!c.only_words && c.typed[0] == '-') {
		offer_options(&c);
	} else {
		offer_words(&c);
	}
	json_object_put(cli->capture);
	cli->capture = NULL;
	return STATUS_DONE;
}
