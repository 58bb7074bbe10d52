/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-util.h"
#include "wish.h"

#define VERSION 1

static int write_members(struct json_object *o, const struct wish *w)
{
	struct json_object *array = json_object_new_array();
	int r = json_take(o, "members", array);

	for (size_t i = 0; r == 0 && i < w->n_members; i++) {
		struct json_object *m = json_object_new_object();

		r = json_append(array, m);
		if (r == 0)
			r = json_set_u64(m, "serial", w->members[i].serial);
		if (r == 0)
			r = json_set_string(m, "path", w->members[i].path);
	}
	return r;
}

static int write_region(struct json_object *o, const struct wish *w)
{
	int r = json_set_u64(o, "size", w->size);

	if (r == 0 && w->granularity)
		r = json_set_u64(o, "interleave_granularity", w->granularity);
	if (r == 0)
		r = json_set_string(o, "window", w->window);
	if (r == 0)
		r = json_set_u64(o, "resource", w->resource);
	if (r == 0)
		r = json_set_string(o, "mode", memory_mode_name(w->mode));
	if (r == 0 && w->mode == MODE_DEVDAX && w->align)
		r = json_set_u64(o, "align", w->align);
	if (r == 0 && w->mode != MODE_DEVDAX)
		r = json_set_string(o, "zone", zone_name(w->zone));
	if (r == 0 && w->mode != MODE_DEVDAX)
		r = json_take(o, "online", json_object_new_boolean(w->online));
	return r;
}

int wishes_to_json(const struct wishes *w, struct json_object **ret)
{
	_cleanup_json_ struct json_object *top = json_object_new_object();
	struct json_object *array;
	int r;

	if (!top)
		return -ENOMEM;
	r = json_set_u64(top, "version", VERSION);
	if (r == 0 && w->generation)
		r = json_set_u64(top, "generation", w->generation);
	array = json_object_new_array();
	if (json_take(top, "wishes", array) < 0)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < w->n; i++) {
		struct json_object *o = json_object_new_object();

		r = json_append(array, o);
		if (r == 0)
			r = json_set_u64(o, "id", w->list[i].id);
		if (r == 0)
			r = json_set_string(o, "kind", wish_kind_name(w->list[i].kind));
		if (r == 0)
			r = json_set_string(o, "origin", w->list[i].origin);
		if (r == 0)
			r = write_members(o, &w->list[i]);
		if (r == 0 && w->list[i].kind == WISH_REGION)
			r = write_region(o, &w->list[i]);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(top);
	return 0;
}

/* One value of wishes[i]; absent is fine. */
struct at {
	struct json_object *o;
	size_t i;
	char **ret_reason;
};

static int refuse(const struct at *at, const char *key, const char *what)
{
	return say(at->ret_reason, -EINVAL, "wishes[%zu].%s %s", at->i, key, what);
}

static int read_u64(const struct at *at, const char *key, uint64_t *ret)
{
	struct json_object *v;

	if (!json_object_object_get_ex(at->o, key, &v))
		return 0;
	return json_read_u64(v, ret) < 0 ? refuse(at, key, "is no number") : 0;
}

static int read_string(const struct at *at, const char *key, char **ret)
{
	struct json_object *v;

	if (!json_object_object_get_ex(at->o, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_string))
		return refuse(at, key, "is no text");
	return strdup_or_null(json_object_get_string(v), ret);
}

static int read_members(const struct at *at, struct wish *w)
{
	struct json_object *array;

	if (!json_object_object_get_ex(at->o, "members", &array) ||
	    !json_object_is_type(array, json_type_array) || json_object_array_length(array) == 0)
		return refuse(at, "members", "names no card");
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		const struct at member = { json_object_array_get_idx(array, i), at->i,
					   at->ret_reason };
		struct wish_member *m;
		int r;

		if (!json_object_is_type(member.o, json_type_object))
			return refuse(at, "members", "has something that is no card");
		if (grow(&w->members, w->n_members, sizeof(*w->members)) < 0)
			return -ENOMEM;
		m = &w->members[w->n_members++];
		m->serial = UNKNOWN;
		r = read_u64(&member, "serial", &m->serial);
		if (r == 0)
			r = read_string(&member, "path", &m->path);
		if (r < 0)
			return r;
		if ((m->serial == UNKNOWN || m->serial == 0) && !m->path)
			return refuse(at, "members", "has a card with neither serial nor path");
	}
	return 0;
}

static int read_memory(const struct at *at, struct wish *w)
{
	_cleanup_free_ char *mode = NULL, *zone = NULL;
	struct json_object *v;
	int r;

	r = read_string(at, "mode", &mode);
	if (r == 0)
		r = read_string(at, "zone", &zone);
	if (r < 0)
		return r;
	if (!mode || memory_mode_from_name(mode, &w->mode) < 0)
		return refuse(at, "mode", "is neither system-ram nor devdax");
	w->zone = ZONE_MOVABLE;
	if (zone && zone_from_name(zone, &w->zone) < 0)
		return refuse(at, "zone", "is neither movable nor kernel");
	w->online = true;
	if (json_object_object_get_ex(at->o, "online", &v)) {
		if (!json_object_is_type(v, json_type_boolean))
			return refuse(at, "online", "is neither true nor false");
		w->online = json_object_get_boolean(v);
	}
	r = read_u64(at, "align", &w->align);
	if (r == 0 && w->align && (w->mode != MODE_DEVDAX ||
				   (w->align != 4 * KIB && w->align != 2 * MIB && w->align != GIB)))
		r = refuse(at, "align", "is not 4096, 2097152 or 1073741824, or it is not for devdax");
	return r;
}

static int read_region(const struct at *at, struct wish *w)
{
	uint64_t granularity = 0;
	int r;

	r = read_u64(at, "size", &w->size);
	if (r == 0 && (w->size == 0 || w->size == UNKNOWN))
		r = refuse(at, "size", "is missing");
	if (r == 0)
		r = read_u64(at, "interleave_granularity", &granularity);
	if (r == 0 && (granularity > 16384 || granularity & (granularity - 1)))
		r = refuse(at, "interleave_granularity", "is no power of two up to 16384");
	w->granularity = granularity;
	if (r == 0)
		r = read_string(at, "window", &w->window);
	if (r == 0)
		r = read_u64(at, "resource", &w->resource);
	return r == 0 ? read_memory(at, w) : r;
}

static int read_wish(const struct at *at, struct wishes *all)
{
	_cleanup_free_ char *kind = NULL;
	enum wish_kind k;
	struct wish *w;
	int r;

	if (!json_object_is_type(at->o, json_type_object))
		return say(at->ret_reason, -EINVAL, "wishes[%zu] is no object", at->i);
	r = read_string(at, "kind", &kind);
	if (r < 0)
		return r;
	for (k = 0; k < _WISH_KIND_MAX; k++)
		if (streq_null(kind, wish_kind_name(k)))
			break;
	if (k == _WISH_KIND_MAX)
		return refuse(at, "kind", "is neither region nor leave");
	w = wishes_add(all, k, NULL);
	if (!w)
		return -ENOMEM;
	r = read_u64(at, "id", &w->id);
	if (w->id > all->last_id && w->id < UINT32_MAX)
		all->last_id = w->id;
	if (r == 0)
		r = read_string(at, "origin", &w->origin);
	if (r == 0)
		r = read_members(at, w);
	return r == 0 && k == WISH_REGION ? read_region(at, w) : r;
}

/* What a file says twice is a file nobody wrote on purpose. */
static int check_ids(const struct wishes *w, char **ret_reason)
{
	for (size_t i = 0; i < w->n; i++)
		for (size_t j = 0; j < i; j++)
			if (w->list[i].id == w->list[j].id)
				return say(ret_reason, -EINVAL,
					   "wishes[%zu].id is that of wishes[%zu], too", i, j);
	return 0;
}

int wishes_from_json(struct json_object *json, struct wishes **ret, char **ret_reason)
{
	_cleanup_(wishes_freep) struct wishes *w = NULL;
	struct json_object *array, *v;
	uint64_t version;
	int r;

	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "version", &v) || json_read_u64(v, &version) < 0)
		return say(ret_reason, -EINVAL, "it has no version: this is no file of wishes");
	if (version != VERSION)
		return say(ret_reason, -EINVAL, "it is of version %ju, this cxlmem reads version %d",
			   (uintmax_t)version, VERSION);
	if (!json_object_object_get_ex(json, "wishes", &array) ||
	    !json_object_is_type(array, json_type_array))
		return say(ret_reason, -EINVAL, "it has no list of wishes");
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	if (json_object_object_get_ex(json, "generation", &v) && json_read_u64(v, &w->generation) < 0)
		return say(ret_reason, -EINVAL, "its generation is no number");
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		const struct at at = { json_object_array_get_idx(array, i), i, ret_reason };

		r = read_wish(&at, w);
		if (r < 0)
			return r;
	}
	r = check_ids(w, ret_reason);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}
