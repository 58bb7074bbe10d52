/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile-internal.h"

const char *capacity_name(enum capacity c)
{
	return c == CAPACITY_RAM ? "ram" : c == CAPACITY_PMEM ? "pmem" : NULL;
}

const char *fewer_name(enum fewer f)
{
	static const char *const names[] = {
		[FEWER_WAIT] = "wait",
		[FEWER_LESS] = "less",
		[FEWER_SEPARATE] = "separate",
	};

	return names[f];
}

const char *on_deadline_name(enum on_deadline d)
{
	return d == ON_DEADLINE_REVOKE ? "revoke" : "keep";
}

const char *on_failure_name(enum on_failure f)
{
	return f == ON_FAILURE_EVACUATE ? "evacuate" : "keep";
}

int patterns_add(struct patterns *p, const char *word)
{
	_cleanup_free_ char *copy = strdup(word);

	if (!copy || grow(&p->list, p->n, sizeof(*p->list)) < 0)
		return -ENOMEM;
	p->list[p->n++] = TAKE_PTR(copy);
	return 0;
}

void patterns_clear(struct patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i]);
	free(p->list);
	*p = (struct patterns){ 0 };
}

int numbers_add(struct numbers *n, uint64_t number)
{
	if (grow(&n->list, n->n, sizeof(*n->list)) < 0)
		return -ENOMEM;
	n->list[n->n++] = number;
	return 0;
}

void numbers_clear(struct numbers *n)
{
	free(n->list);
	*n = (struct numbers){ 0 };
}

void profile_members_clear(struct profile *p)
{
	for (size_t i = 0; i < p->n_members; i++)
		free(p->members[i].pattern);
	free(p->members);
	p->members = NULL;
	p->n_members = 0;
}

struct profile *profile_free(struct profile *p)
{
	if (!p)
		return NULL;
	free(p->name);
	free(p->path);
	patterns_clear(&p->dropins);
	numbers_clear(&p->serials);
	numbers_clear(&p->vendors);
	patterns_clear(&p->paths);
	patterns_clear(&p->host_bridges);
	profile_members_clear(p);
	free(p);
	return NULL;
}

void profile_problems_clear(struct profile_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		free(problems->list[i].path);
		free(problems->list[i].text);
	}
	free(problems->list);
	*problems = (struct profile_problems){ 0 };
}

int profile_problems_add(struct profile_problems *problems, const char *path, unsigned int line,
			 bool error, const char *format, ...)
{
	struct profile_problem p = { .line = line, .error = error };
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&p.text, format, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	p.path = strdup(path);
	if (!p.path || grow(&problems->list, problems->n, sizeof(*problems->list)) < 0) {
		free(p.path);
		free(p.text);
		return -ENOMEM;
	}
	problems->list[problems->n++] = p;
	return 0;
}

struct profile_set *profile_set_free(struct profile_set *set)
{
	if (!set)
		return NULL;
	for (size_t i = 0; i < set->n; i++)
		profile_free(set->list[i]);
	free(set->list);
	profile_problems_clear(&set->problems);
	free(set);
	return NULL;
}

const struct profile *profile_set_find(const struct profile_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->list[i]->name, name) == 0)
			return set->list[i];
	return NULL;
}
