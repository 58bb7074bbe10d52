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

static int set_steps(struct json_object *o, const struct plan *p)
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
		if (r == 0)
			r = step_text(&p->steps[i], &text);
		if (r == 0)
			r = json_set_string(step, "text", text);
	}
	return r;
}

int plan_to_json(const struct plan *p, struct json_object **ret)
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
		r = set_steps(o, p);
	if (r == 0 && p->no_return < p->n_steps)
		r = json_set_u64(o, "no_return", p->no_return);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}
