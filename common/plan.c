/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan-internal.h"

struct plan *plan_free(struct plan *p)
{
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < p->n_notes; i++)
		free(p->notes[i]);
	for (i = 0; i < p->n_regions; i++)
		free(p->regions[i]);
	for (i = 0; i < p->n_steps; i++)
		step_clear(&p->steps[i]);
	free(p->notes);
	free(p->regions);
	free(p->steps);
	free(p->summary);
	free(p->done);
	free(p);
	return NULL;
}

int plan_rename(struct plan *p, const char *from, const char *to)
{
	size_t i;
	int r;

	for (i = 0; i < p->n_steps; i++) {
		r = step_rename(&p->steps[i], from, to);
		if (r < 0)
			return r;
	}
	for (i = 0; i < p->n_regions; i++) {
		bool is_from = strcmp(p->regions[i], from) == 0;
		char *copy;

		if (!is_from && strcmp(p->regions[i], to) != 0)
			continue;
		copy = strdup(is_from ? to : from);
		if (!copy)
			return -ENOMEM;
		free(p->regions[i]);
		p->regions[i] = copy;
	}
	return 0;
}

int plan_step(struct planner *pl, struct step s)
{
	struct plan *plan = pl->plan;
	int r;

	r = grow(&plan->steps, plan->n_steps, sizeof(*plan->steps));
	if (r == 0)
		r = step_copy(&s, &plan->steps[plan->n_steps]);
	if (r == 0)
		plan->n_steps++;
	return r;
}

/* Append to an array of strings; takes @s in any case. */
static int append(char ***array, size_t *n, char *s)
{
	_cleanup_free_ char *own = s;

	if (!own || grow(array, *n, sizeof(**array)) < 0)
		return -ENOMEM;
	(*array)[(*n)++] = TAKE_PTR(own);
	return 0;
}

int plan_note(struct planner *pl, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	return append(&pl->plan->notes, &pl->plan->n_notes, n < 0 ? NULL : text);
}

int plan_add_note(struct plan *p, const char *text)
{
	return append(&p->notes, &p->n_notes, strdup(text));
}

int plan_summary(struct planner *pl, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	free(pl->plan->summary);
	pl->plan->summary = text;
	return 0;
}

int plan_add_region(struct planner *pl, const char *name)
{
	char *copy;

	if (strdup_or_null(name, &copy) < 0)
		return -ENOMEM;
	return append(&pl->plan->regions, &pl->plan->n_regions, copy);
}

/* The regions a request names, each once, in the order typed. @ret is the caller's (free). */
int plan_resolve_regions(struct planner *pl, int **ret, size_t *ret_n)
{
	const struct request *q = pl->request;
	_cleanup_free_ int *regions = calloc(q->n_objects, sizeof(*regions));
	_cleanup_free_ bool *seen = calloc(pl->p->n_regions + 1, sizeof(*seen));
	size_t i, n = 0;

	if (!regions || !seen)
		return -ENOMEM;
	for (i = 0; i < q->n_objects; i++) {
		int region, r;

		r = picture_resolve_region(pl->p, q->objects[i], &region, pl->ret_reason);
		if (r < 0)
			return r;
		if (seen[region])
			continue;
		seen[region] = true;
		regions[n++] = region;
	}
	*ret = TAKE_PTR(regions);
	*ret_n = n;
	return 0;
}

int plan_make(const struct picture *picture, const struct request *request, struct plan **ret,
	      char **ret_reason)
{
	static int (*const verbs[])(struct planner * pl) = {
		[VERB_CREATE] = plan_verb_create,     [VERB_ONLINE] = plan_verb_online,
		[VERB_OFFLINE] = plan_verb_offline,   [VERB_DESTROY] = plan_verb_destroy,
		[VERB_SET_MODE] = plan_verb_set_mode, [VERB_EJECT] = plan_verb_eject,
	};
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	_cleanup_free_ bool *going = calloc(picture->n_nodes + 1, sizeof(*going));
	struct planner pl = {
		.p = picture,
		.request = request,
		.plan = plan,
		.ret_reason = ret_reason,
		.going = going,
	};
	int r;

	if (!plan || !going)
		return -ENOMEM;
	plan->verb = request->verb;
	plan->no_return = SIZE_MAX;
	if (!request->n_objects)
		return say(ret_reason, -EINVAL, "%s needs at least one %s: name it",
			   verb_name(request->verb),
			   request->verb == VERB_CREATE ? "card" :
			   request->verb == VERB_EJECT	? "card or slot" :
							  "region");
	if (request->revoke && !request->deadline_usec)
		return say(ret_reason, -EINVAL,
			   "on-deadline revoke needs a deadline: say how long to wait before");
	r = verbs[request->verb](&pl);
	if (r < 0)
		return r;
	if (plan->no_return > plan->n_steps)
		plan->no_return = plan->n_steps;
	*ret = TAKE_PTR(plan);
	return 0;
}
