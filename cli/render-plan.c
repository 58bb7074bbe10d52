/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return json_object_get_string(value);
}

static struct json_object *array_of(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_array))
		return NULL;
	return value;
}

int render_plan(FILE *out, const struct style *style, struct json_object *plan)
{
	struct json_object *steps = array_of(plan, "steps"), *notes = array_of(plan, "notes");
	size_t n_steps = steps ? json_object_array_length(steps) : 0;
	size_t n_notes = notes ? json_object_array_length(notes) : 0;

	fputs(tint_on(style, TINT_BOLD), out);
	put_sentence(out, style, 0, 2, "%s", text_of(plan, "summary") ?: "plan");
	fputs(tint_off(style, TINT_BOLD), out);
	if (n_steps == 0)
		fputs("nothing to do\n", out);
	for (size_t i = 0; i < n_steps; i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);
		const char *kind = text_of(step, "step") ?: "unknown step";

		fprintf(out, "%3zu  ", i + 1);
		put_sentence(out, style, 5, 5, "%s", text_of(step, "text") ?: kind);
	}
	for (size_t i = 0; i < n_notes; i++)
		put_note(out, style, json_object_get_string(json_object_array_get_idx(notes, i)));
	return 0;
}
