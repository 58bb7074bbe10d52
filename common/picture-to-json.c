/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-util.h"
#include "picture-fields.h"

static int write_fields(const struct picture *p, const struct field *fields, size_t n,
			const void *object, struct json_object *o);

static int write_health(const struct picture *p, const struct health *h, const char *key,
			struct json_object *o)
{
	struct json_object *health;
	int r;

	if (!h->known)
		return 0;
	health = json_object_new_object();
	r = json_take(o, key, health);
	if (r < 0)
		return r;
	return write_fields(p, health_fields, n_health_fields, h, health);
}

static int write_field(const struct picture *p, const struct field *f, const void *at,
		       struct json_object *o)
{
	switch (f->type) {
	case FIELD_NAME:
	case FIELD_STRING:
		return json_set_string(o, f->key, *(char *const *)at);
	case FIELD_NUMBER:
	case FIELD_U64:
		return json_set_u64(o, f->key, *(const uint64_t *)at);
	case FIELD_I64:
		if (*(const uint64_t *)at == UNKNOWN)
			return 0;
		return json_take(o, f->key, json_object_new_int64(*(const int64_t *)at));
	case FIELD_UINT:
		if (!*(const unsigned int *)at)
			return 0;
		return json_set_u64(o, f->key, *(const unsigned int *)at);
	case FIELD_INT:
		if (*(const int *)at < 0)
			return 0;
		return json_set_u64(o, f->key, *(const int *)at);
	case FIELD_BOOL:
		if (!*(const bool *)at)
			return 0;
		return json_take(o, f->key, json_object_new_boolean(1));
	case FIELD_TRI:
		if (*(const enum tristate *)at == MAYBE)
			return 0;
		return json_take(o, f->key,
				 json_object_new_boolean(*(const enum tristate *)at == YES));
	case FIELD_DECODE:
		return json_set_string(o, f->key, decode_state_name(*(const enum tristate *)at));
	case FIELD_KIND:
		return json_set_string(o, f->key, port_kind_name(*(const enum port_kind *)at));
	case FIELD_STATE:
		return json_set_string(o, f->key, mem_state_name(*(const enum mem_state *)at));
	case FIELD_ZONE:
		return json_set_string(o, f->key, zone_name(*(const enum zone *)at));
	case FIELD_REF:
		return json_set_string(o, f->key, picture_ref_name(p, f->ref, *(const int *)at));
	case FIELD_HEALTH:
		return write_health(p, at, f->key, o);
	}
	return -EINVAL;
}

static int write_fields(const struct picture *p, const struct field *fields, size_t n,
			const void *object, struct json_object *o)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = write_field(p, &fields[i], (const char *)object + fields[i].offset, o);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_object(const struct picture *p, const struct object_type *type, const void *object,
			struct json_object *o)
{
	const struct object_type *const *child;
	size_t i;
	int r;

	r = write_fields(p, type->fields, type->n_fields, object, o);
	for (child = type->children; r == 0 && child && *child; child++) {
		const char *elements =
			*(char *const *)((const char *)object + (*child)->array_offset);
		size_t n = *(const size_t *)((const char *)object + (*child)->count_offset);
		struct json_object *array = json_object_new_array();

		r = json_take(o, (*child)->key, array);
		for (i = 0; r == 0 && i < n; i++) {
			struct json_object *element = json_object_new_object();

			r = json_append(array, element);
			if (r == 0)
				r = write_object(p, *child, elements + i * (*child)->size, element);
		}
	}
	return r;
}

int picture_to_json(const struct picture *p, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	r = write_object(p, &picture_type, p, o);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}
