/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-util.h"
#include "plan.h"

static int set_strings(struct json_object *o, const char *key, char *const *strings, size_t n)
{
	struct json_object *array = json_object_new_array();
	size_t i;
	int r = json_take(o, key, array);

	for (i = 0; r == 0 && i < n; i++)
		r = json_append(array, json_object_new_string(strings[i]));
	return r;
}

static int set_steps(struct json_object *o, const struct plan *p, bool for_people)
{
	struct json_object *array = json_object_new_array();
	size_t i;
	int r = json_take(o, "steps", array);

	for (i = 0; r == 0 && i < p->n_steps; i++) {
		_cleanup_free_ char *text = NULL;
		struct json_object *step;

		r = step_to_json(&p->steps[i], &step);
		if (r == 0)
			r = json_append(array, step);
		if (r == 0 && for_people)
			r = step_text(&p->steps[i], &text);
		if (r == 0)
			r = json_set_string(step, "text", text);
	}
	return r;
}

static int to_json(const struct plan *p, bool for_people, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	r = json_set_string(o, "verb", verb_name(p->verb));
	if (r == 0)
		r = json_set_string(o, "summary", p->summary);
	if (r == 0)
		r = json_set_string(o, "done", p->done);
	if (r == 0)
		r = set_strings(o, "notes", p->notes, p->n_notes);
	if (r == 0)
		r = set_strings(o, "regions", p->regions, p->n_regions);
	if (r == 0)
		r = set_steps(o, p, for_people);
	if (r == 0 && p->no_return < p->n_steps)
		r = json_set_u64(o, "no_return", p->no_return);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

int plan_to_json(const struct plan *p, struct json_object **ret)
{
	return to_json(p, true, ret);
}

int plan_to_record(const struct plan *p, struct json_object **ret)
{
	return to_json(p, false, ret);
}

static int read_strings(struct json_object *json, const char *key, char ***ret, size_t *ret_n,
			char **ret_reason)
{
	struct json_object *list;

	if (!json_object_object_get_ex(json, key, &list) ||
	    !json_object_is_type(list, json_type_array))
		return say(ret_reason, -EINVAL, "\"%s\" of a plan is no list", key);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		if (!json_object_is_type(v, json_type_string))
			return say(ret_reason, -EINVAL, "%s[%zu] of a plan is no text", key, i);
		if (grow(ret, *ret_n, sizeof(**ret)) < 0 ||
		    strdup_or_null(json_object_get_string(v), &(*ret)[*ret_n]) < 0)
			return -ENOMEM;
		(*ret_n)++;
	}
	return 0;
}

static int read_steps(struct json_object *json, struct plan *p, char **ret_reason)
{
	struct json_object *list, *v;
	int r = 0;

	if (!json_object_object_get_ex(json, "steps", &list) ||
	    !json_object_is_type(list, json_type_array))
		return say(ret_reason, -EINVAL, "\"steps\" of a plan is no list");
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
		if (grow(&p->steps, p->n_steps, sizeof(*p->steps)) < 0)
			return -ENOMEM;
		r = step_from_json(json_object_array_get_idx(list, i), &p->steps[p->n_steps], ret_reason);
		if (r == 0)
			p->n_steps++;
	}
	p->no_return = p->n_steps;
	if (r == 0 && json_object_object_get_ex(json, "no_return", &v)) {
		uint64_t n;

		if (json_read_u64(v, &n) < 0 || n >= p->n_steps)
			return say(ret_reason, -EINVAL, "\"no_return\" of a plan is none of its steps");
		p->no_return = n;
	}
	return r;
}

int plan_from_json(struct json_object *json, struct plan **ret, char **ret_reason)
{
	_cleanup_(plan_freep) struct plan *p = calloc(1, sizeof(*p));
	_cleanup_free_ char *verb = NULL;
	int r;

	if (!p)
		return -ENOMEM;
	r = strdup_or_null(json_text(json, "verb"), &verb);
	if (r == 0 && (!verb || verb_from_name(verb, &p->verb) < 0))
		r = say(ret_reason, -EINVAL, "\"%s\" is no verb of a plan", verb ?: "");
	if (r == 0)
		r = strdup_or_null(json_text(json, "summary"), &p->summary);
	if (r == 0 && !p->summary)
		r = say(ret_reason, -EINVAL, "a plan does not say what it is (\"summary\")");
	if (r == 0)
		r = strdup_or_null(json_text(json, "done"), &p->done);
	if (r == 0)
		r = read_strings(json, "notes", &p->notes, &p->n_notes, ret_reason);
	if (r == 0)
		r = read_strings(json, "regions", &p->regions, &p->n_regions, ret_reason);
	if (r == 0)
		r = read_steps(json, p, ret_reason);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}
