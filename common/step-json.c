/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>

#include "json-util.h"
#include "step.h"

/* Keys of the names in a step. */
static const struct {
	const char *key;
	size_t offset;
} names[] = {
	{ "window", offsetof(struct step, window) }, { "region", offsetof(struct step, region) },
	{ "memdev", offsetof(struct step, memdev) }, { "decoder", offsetof(struct step, decoder) },
	{ "dax", offsetof(struct step, dax) },	     { "driver", offsetof(struct step, driver) },
	{ "policy", offsetof(struct step, policy) }, { "slot", offsetof(struct step, slot) },
};

static int blocks_to_json(const struct step *s, struct json_object *o)
{
	struct json_object *array;
	size_t i;
	int r;

	if (!s->n_blocks)
		return 0;
	array = json_object_new_array();
	r = json_take(o, "blocks", array);
	for (i = 0; r == 0 && i < s->n_blocks; i++) {
		struct json_object *span = json_object_new_object();

		r = json_append(array, span);
		if (r == 0)
			r = json_set_u64(span, "first", s->blocks[i].first);
		if (r == 0)
			r = json_set_u64(span, "count", s->blocks[i].count);
		if (r == 0)
			r = json_set_string(span, "zone", zone_name(s->blocks[i].zone));
	}
	return r;
}

int step_to_json(const struct step *s, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *undo;
	size_t i;
	int r;

	if (!o)
		return -ENOMEM;
	r = json_set_string(o, "step", step_kind_name(s->kind));
	for (i = 0; r == 0 && i < ARRAY_SIZE(names); i++)
		r = json_set_string(o, names[i].key, *(char **)((char *)s + names[i].offset));
	if (r == 0 && s->position >= 0)
		r = json_set_u64(o, "position", s->position);
	if (r == 0 && s->ways)
		r = json_set_u64(o, "interleave_ways", s->ways);
	if (r == 0 && s->granularity)
		r = json_set_u64(o, "interleave_granularity", s->granularity);
	if (r == 0)
		r = json_set_u64(o, "size", s->size);
	if (r == 0)
		r = json_set_u64(o, "resource", s->resource);
	if (r == 0)
		r = blocks_to_json(s, o);
	if (r == 0 && s->n_undo) {
		undo = json_object_new_array();
		r = json_take(o, "undo", undo);
		for (i = 0; r == 0 && i < s->n_undo; i++) {
			struct json_object *u;

			r = step_to_json(&s->undo[i], &u);
			if (r == 0)
				r = json_append(undo, u);
		}
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

static int read_number(struct json_object *json, const char *key, uint64_t most, uint64_t *ret,
		       char **ret_reason)
{
	struct json_object *v;
	uint64_t n;

	if (!json_object_object_get_ex(json, key, &v) || !v)
		return 0;
	if (json_read_u64(v, &n) < 0 || n > most)
		return say(ret_reason, -EINVAL, "%s of a step is no number that fits", key);
	*ret = n;
	return 0;
}

static int read_blocks(struct json_object *json, struct step *s, char **ret_reason)
{
	struct json_object *array, *z;
	size_t i;

	if (!json_object_object_get_ex(json, "blocks", &array) || !array)
		return 0;
	if (!json_object_is_type(array, json_type_array))
		return say(ret_reason, -EINVAL, "blocks of a step is no list");
	for (i = 0; i < json_object_array_length(array); i++) {
		struct json_object *span = json_object_array_get_idx(array, i);
		uint64_t first = UNKNOWN, count = UNKNOWN;
		enum zone zone = ZONE_UNKNOWN;
		int r;

		if (!json_object_is_type(span, json_type_object))
			return say(ret_reason, -EINVAL, "blocks[%zu] of a step is no object", i);
		r = read_number(span, "first", UNKNOWN, &first, ret_reason);
		if (r == 0)
			r = read_number(span, "count", UNKNOWN, &count, ret_reason);
		if (r < 0)
			return r;
		if (!count || first >= UNKNOWN - count)
			return say(ret_reason, -EINVAL,
				   "blocks[%zu] of a step lacks first or count", i);
		if (json_object_object_get_ex(span, "zone", &z) && z &&
		    (!json_object_is_type(z, json_type_string) ||
		     zone_from_name(json_object_get_string(z), &zone) < 0))
			return say(ret_reason, -EINVAL, "blocks[%zu].zone of a step is no zone", i);
		r = step_add_block(s, first, count, zone);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_step(struct json_object *json, struct step *s, unsigned int depth,
		     char **ret_reason);

static int read_undo(struct json_object *json, struct step *s, unsigned int depth,
		     char **ret_reason)
{
	struct json_object *array;
	size_t i;
	int r;

	if (!json_object_object_get_ex(json, "undo", &array) || !array)
		return 0;
	if (!json_object_is_type(array, json_type_array))
		return say(ret_reason, -EINVAL, "undo of a step is no list");
	if (depth && json_object_array_length(array))
		return say(ret_reason, -EINVAL,
			   "a step that undoes another has no undo of its own");
	for (i = 0; i < json_object_array_length(array); i++) {
		if (grow(&s->undo, s->n_undo, sizeof(*s->undo)) < 0)
			return -ENOMEM;
		s->n_undo++; /* zeroed: step_clear() copes with half of it */
		r = read_step(json_object_array_get_idx(array, i), &s->undo[i], depth + 1,
			      ret_reason);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_step(struct json_object *json, struct step *s, unsigned int depth,
		     char **ret_reason)
{
	uint64_t position = UNKNOWN, ways = 0, granularity = 0;
	struct json_object *v;
	size_t i;
	int r;

	if (!json_object_is_type(json, json_type_object))
		return say(ret_reason, -EINVAL, "a step is no object");
	if (!json_object_object_get_ex(json, "step", &v) ||
	    !json_object_is_type(v, json_type_string))
		return say(ret_reason, -EINVAL, "a step does not say what it is (\"step\")");
	if (step_kind_from_name(json_object_get_string(v), &s->kind) < 0)
		return say(ret_reason, -EINVAL, "there is no step \"%s\"",
			   json_object_get_string(v));

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!json_object_object_get_ex(json, names[i].key, &v) || !v)
			continue;
		if (!json_object_is_type(v, json_type_string))
			return say(ret_reason, -EINVAL, "%s of a step is no text", names[i].key);
		if (strdup_or_null(json_object_get_string(v),
				   (char **)((char *)s + names[i].offset)) < 0)
			return -ENOMEM;
	}

	s->size = s->resource = UNKNOWN;
	r = read_number(json, "position", INT_MAX, &position, ret_reason);
	if (r == 0)
		r = read_number(json, "interleave_ways", UINT_MAX, &ways, ret_reason);
	if (r == 0)
		r = read_number(json, "interleave_granularity", UINT_MAX, &granularity, ret_reason);
	if (r == 0)
		r = read_number(json, "size", UNKNOWN, &s->size, ret_reason);
	if (r == 0)
		r = read_number(json, "resource", UNKNOWN, &s->resource, ret_reason);
	if (r == 0)
		r = read_blocks(json, s, ret_reason);
	if (r == 0)
		r = read_undo(json, s, depth, ret_reason);
	if (r < 0)
		return r;
	s->position = position == UNKNOWN ? -1 : (int)position;
	s->ways = ways;
	s->granularity = granularity;
	return 0;
}

int step_from_json(struct json_object *json, struct step *ret, char **ret_reason)
{
	struct step s = {};
	int r = read_step(json, &s, 0, ret_reason);

	if (r < 0) {
		step_clear(&s);
		return r;
	}
	*ret = s;
	return 0;
}
