/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>

#include "json-util.h"
#include "request.h"

static int set_number(struct json_object *o, const char *key, uint64_t value)
{
	return value ? json_set_u64(o, key, value) : 0;
}

int request_to_json(const struct request *q, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *objects = json_object_new_array();
	int r = o ? json_take(o, "objects", objects) : -ENOMEM;

	if (!o)
		json_object_put(objects);
	for (size_t i = 0; r == 0 && i < q->n_objects; i++)
		r = json_append(objects, json_object_new_string(q->objects[i]));
	if (r == 0)
		r = json_set_string(o, "verb", verb_name(q->verb));
	if (r == 0)
		r = json_set_string(o, "mode", memory_mode_name(q->mode));
	if (r == 0 && q->zone != ZONE_UNKNOWN)
		r = json_set_string(o, "zone", zone_name(q->zone));
	if (r == 0)
		r = json_set_true(o, "no_online", q->no_online);
	if (r == 0)
		r = set_number(o, "size", q->size);
	if (r == 0)
		r = set_number(o, "ways", q->ways);
	if (r == 0)
		r = set_number(o, "granularity", q->granularity);
	if (r == 0)
		r = json_set_string(o, "window", q->window);
	if (r == 0)
		r = json_set_true(o, "deadline_given", q->deadline_given);
	if (r == 0)
		r = set_number(o, "align", q->align);
	if (r == 0)
		r = set_number(o, "deadline_usec", q->deadline_usec);
	if (r == 0)
		r = json_set_true(o, "revoke", q->revoke);
	if (r == 0)
		r = json_set_true(o, "force", q->force);
	if (r == 0)
		r = json_set_true(o, "leaving", q->leaving);
	if (r == 0)
		r = json_set_string(o, "origin", q->origin);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

static int number(struct json_object *json, const char *key, uint64_t most, uint64_t *ret,
		  char **ret_reason)
{
	struct json_object *v;

	*ret = 0;
	if (!json_object_object_get_ex(json, key, &v))
		return 0;
	if (json_read_u64(v, ret) < 0 || *ret > most)
		return say(ret_reason, -EINVAL, "%s of a request is no number that fits", key);
	return 0;
}

static int read_objects(struct json_object *json, struct request *q, char **ret_reason)
{
	struct json_object *list;
	int r = 0;

	if (!json_object_object_get_ex(json, "objects", &list) ||
	    !json_object_is_type(list, json_type_array))
		return say(ret_reason, -EINVAL, "a request does not say what it is about (\"objects\")");
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
		struct json_object *word = json_object_array_get_idx(list, i);

		if (!json_object_is_type(word, json_type_string))
			return say(ret_reason, -EINVAL, "objects[%zu] of a request is no text", i);
		r = request_add_object(q, json_object_get_string(word));
	}
	return r;
}

static int read_names(struct json_object *json, struct request *q, char **ret_reason)
{
	const char *mode = json_text(json, "mode"), *zone = json_text(json, "zone");
	int r;

	if (mode && memory_mode_from_name(mode, &q->mode) < 0)
		return say(ret_reason, -EINVAL, "\"%s\" is no mode", mode);
	if (zone && zone_from_name(zone, &q->zone) < 0)
		return say(ret_reason, -EINVAL, "\"%s\" is no zone", zone);
	r = strdup_or_null(json_text(json, "window"), &q->window);
	return r < 0 ? r : strdup_or_null(json_text(json, "origin"), &q->origin);
}

static int read_numbers(struct json_object *json, struct request *q, char **ret_reason)
{
	uint64_t ways = 0, granularity = 0;
	int r;

	r = number(json, "size", UNKNOWN - 1, &q->size, ret_reason);
	if (r == 0)
		r = number(json, "ways", UINT_MAX, &ways, ret_reason);
	if (r == 0)
		r = number(json, "granularity", UINT_MAX, &granularity, ret_reason);
	if (r == 0)
		r = number(json, "align", UNKNOWN - 1, &q->align, ret_reason);
	if (r == 0)
		r = number(json, "deadline_usec", UNKNOWN - 1, &q->deadline_usec, ret_reason);
	q->ways = (unsigned int)ways;
	q->granularity = (unsigned int)granularity;
	return r;
}

int request_from_json(struct json_object *json, struct request **ret, char **ret_reason)
{
	_cleanup_(request_freep) struct request *q = NULL;
	const char *verb = json_text(json, "verb");
	enum verb v;
	int r;

	if (!verb || verb_from_name(verb, &v) < 0)
		return say(ret_reason, -EINVAL, "\"%s\" is no verb of a request", verb ?: "");
	q = request_new(v);
	if (!q)
		return -ENOMEM;
	r = read_objects(json, q, ret_reason);
	if (r == 0)
		r = read_names(json, q, ret_reason);
	if (r == 0)
		r = read_numbers(json, q, ret_reason);
	if (r < 0)
		return r;
	q->no_online = json_flag(json, "no_online");
	q->deadline_given = json_flag(json, "deadline_given");
	q->revoke = json_flag(json, "revoke");
	q->force = json_flag(json, "force");
	q->leaving = json_flag(json, "leaving");
	*ret = TAKE_PTR(q);
	return 0;
}
