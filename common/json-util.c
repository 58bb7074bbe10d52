/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-util.h"

#include <errno.h>

int json_take(struct json_object *o, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add_ex(o, key, value, JSON_C_OBJECT_KEY_IS_CONSTANT) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

int json_append(struct json_object *array, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_array_add(array, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

int json_set_string(struct json_object *o, const char *key, const char *s)
{
	return s ? json_take(o, key, json_object_new_string(s)) : 0;
}

int json_set_u64(struct json_object *o, const char *key, uint64_t v)
{
	return v == UNKNOWN ? 0 : json_take(o, key, json_object_new_uint64(v));
}

int json_set_true(struct json_object *o, const char *key, bool yes)
{
	return yes ? json_take(o, key, json_object_new_boolean(true)) : 0;
}

const char *json_text(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ?
		       json_object_get_string(v) :
		       NULL;
}

bool json_flag(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

uint64_t json_number(struct json_object *o, const char *key)
{
	struct json_object *v;
	uint64_t n;

	return json_object_object_get_ex(o, key, &v) && json_read_u64(v, &n) == 0 ? n : UNKNOWN;
}

int json_read_u64(struct json_object *value, uint64_t *ret)
{
	if (!json_object_is_type(value, json_type_int))
		return -EINVAL;
	/* json-c answers 0 for a negative number asked for as unsigned */
	if (json_object_get_int64(value) < 0)
		return -EINVAL;
	*ret = json_object_get_uint64(value);
	return 0;
}
