/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-util.h"
#include "profile.h"

/* What was not given is left out, as in the file. */

static int put_patterns(struct json_object *o, const char *key, const struct patterns *patterns)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < patterns->n; i++)
		r = json_append(array, json_object_new_string(patterns->list[i]));
	if (r < 0 || patterns->n == 0)
		return r;
	return json_take(o, key, TAKE_PTR(array));
}

static int put_numbers(struct json_object *o, const char *key, const struct numbers *numbers)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < numbers->n; i++)
		r = json_append(array, json_object_new_uint64(numbers->list[i]));
	if (r < 0 || numbers->n == 0)
		return r;
	return json_take(o, key, TAKE_PTR(array));
}

/* A serial is a number, a pattern a string. */
static int put_members(struct json_object *o, const struct profile *p)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < p->n_members; i++) {
		const struct profile_member *m = &p->members[i];

		r = json_append(array, m->pattern ? json_object_new_string(m->pattern) :
						    json_object_new_uint64(m->serial));
	}
	if (r < 0 || p->n_members == 0)
		return r;
	return json_take(o, "members", TAKE_PTR(array));
}

static int put_nonzero(struct json_object *o, const char *key, uint64_t v)
{
	return json_set_u64(o, key, v ? v : UNKNOWN);
}

static int fill_match(struct json_object *o, const struct profile *p)
{
	return put_numbers(o, "serial", &p->serials)			?:
		       put_patterns(o, "path", &p->paths)		?:
		       put_patterns(o, "host_bridge", &p->host_bridges) ?:
		       put_numbers(o, "vendor", &p->vendors)		?:
		       put_nonzero(o, "min_size", p->min_size)		?:
		       json_set_u64(o, "max_size", p->max_size)		?:
		       json_set_string(o, "type", capacity_name(p->capacity));
}

static int fill_region(struct json_object *o, const struct profile *p)
{
	int r = json_set_u64(o, "ways", p->ways)		      ?:
			put_nonzero(o, "granularity", p->granularity) ?:
			put_nonzero(o, "size", p->size)		      ?:
									put_members(o, p);

	if (r < 0 || p->ways == 1)
		return r;
	return json_set_u64(o, "wait_usec", p->wait_usec) ?:
		       json_set_string(o, "fewer", fewer_name(p->fewer));
}

static int fill_memory(struct json_object *o, const struct profile *p)
{
	int r = json_set_string(o, "mode", memory_mode_name(p->mode))  ?:
			json_set_string(o, "zone", zone_name(p->zone)) ?:
			put_nonzero(o, "align", p->align);

	if (r < 0 || p->mode == MODE_DEVDAX)
		return r;
	return json_take(o, "online", json_object_new_boolean(p->online));
}

static int fill_remove(struct json_object *o, const struct profile *p)
{
	int r = 0;

	if (p->deadline_usec)
		r = json_set_u64(o, "deadline_usec", p->deadline_usec) ?:
			    json_set_string(o, "on_deadline", on_deadline_name(p->on_deadline));
	if (r == 0 && p->on_failure != ON_FAILURE_KEEP)
		r = json_set_string(o, "on_failure", on_failure_name(p->on_failure));
	return r;
}

static int put_section(struct json_object *o, const char *key, const struct profile *p,
		       int (*fill)(struct json_object *o, const struct profile *p))
{
	_cleanup_json_ struct json_object *section = json_object_new_object();
	int r = section ? fill(section, p) : -ENOMEM;

	if (r < 0 || json_object_object_length(section) == 0)
		return r;
	return json_take(o, key, TAKE_PTR(section));
}

int profile_to_json(const struct profile *p, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	r = json_set_string(o, "profile", p->name)	     ?:
		    json_set_string(o, "path", p->path)	     ?:
		    put_patterns(o, "dropins", &p->dropins)  ?:
		    put_section(o, "match", p, fill_match)   ?:
		    put_section(o, "region", p, fill_region) ?:
		    put_section(o, "memory", p, fill_memory) ?:
		    put_section(o, "remove", p, fill_remove);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

static int problem_to_json(const struct profile_problem *problem, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	r = json_set_string(o, "path", problem->path)					 ?:
		    put_nonzero(o, "line", problem->line)				 ?:
		    json_set_string(o, "severity", problem->error ? "error" : "warning") ?:
		    json_set_string(o, "message", problem->text);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

int profile_problems_to_json(const struct profile_problems *problems, struct json_object **ret)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < problems->n; i++) {
		struct json_object *o = NULL;

		r = problem_to_json(&problems->list[i], &o) ?: json_append(array, o);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(array);
	return 0;
}

static int list_to_json(const struct profile_set *set, struct json_object **ret)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < set->n; i++) {
		struct json_object *o = NULL;

		r = profile_to_json(set->list[i], &o) ?: json_append(array, o);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(array);
	return 0;
}

int profile_set_to_json(const struct profile_set *set, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *list = NULL, *problems = NULL;
	int r;

	if (!o)
		return -ENOMEM;
	r = list_to_json(set, &list) ?: json_take(o, "profiles", list);
	if (r == 0)
		r = profile_problems_to_json(&set->problems, &problems) ?:
			    json_take(o, "problems", problems);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}
