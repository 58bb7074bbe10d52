/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "profile.h"

int profile_problem_text(const struct profile_problem *problem, char **ret)
{
	char line[16] = "", *text;

	if (problem->line)
		snprintf(line, sizeof(line), ":%u", problem->line);
	if (asprintf(&text, "%s%s: %s%s", problem->path, line,
		     problem->error ? "" : "warning: ", problem->text) < 0)
		return -ENOMEM;
	*ret = text;
	return 0;
}

/* "Name=a,b" behind what is there. */
static int add_word(char **text, const char *name, const char *value)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s=%s", *text ?: "", *text ? " " : "", name, value) < 0)
		return -ENOMEM;
	free(*text);
	*text = longer;
	return 0;
}

static int add_more(char **list, const char *word)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", *list ?: "", *list ? "," : "", word) < 0)
		return -ENOMEM;
	free(*list);
	*list = longer;
	return 0;
}

static int add_patterns(char **text, const char *name, const struct patterns *patterns)
{
	_cleanup_free_ char *list = NULL;
	int r = 0;

	for (size_t i = 0; i < patterns->n && r == 0; i++)
		r = add_more(&list, patterns->list[i]);
	return r < 0 || !list ? r : add_word(text, name, list);
}

static int add_numbers(char **text, const char *name, const struct numbers *numbers)
{
	_cleanup_free_ char *list = NULL;
	char word[24];
	int r = 0;

	for (size_t i = 0; i < numbers->n && r == 0; i++) {
		snprintf(word, sizeof(word), "0x%" PRIx64, numbers->list[i]);
		r = add_more(&list, word);
	}
	return r < 0 || !list ? r : add_word(text, name, list);
}

static int add_members(char **text, const struct profile *p)
{
	_cleanup_free_ char *list = NULL;
	char word[24];
	int r = 0;

	for (size_t i = 0; i < p->n_members && r == 0; i++) {
		snprintf(word, sizeof(word), "0x%" PRIx64, p->members[i].serial);
		r = add_more(&list, p->members[i].pattern ?: word);
	}
	return r < 0 || !list ? r : add_word(text, "Members", list);
}

int profile_match_text(const struct profile *p, char **ret)
{
	_cleanup_free_ char *text = NULL;
	char size[32];
	int r;

	r = add_numbers(&text, "Serial", &p->serials)			?:
		    add_patterns(&text, "Path", &p->paths)		?:
		    add_patterns(&text, "HostBridge", &p->host_bridges) ?:
		    add_numbers(&text, "Vendor", &p->vendors);
	if (r == 0 && p->min_size)
		r = add_word(&text, "MinSize", format_size(p->min_size, size));
	if (r == 0 && p->max_size != UNKNOWN)
		r = add_word(&text, "MaxSize", format_size(p->max_size, size));
	if (r == 0 && p->capacity != CAPACITY_ANY)
		r = add_word(&text, "Type", capacity_name(p->capacity));
	if (r == 0)
		r = add_members(&text, p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(text);
	return 0;
}
