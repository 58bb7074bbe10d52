/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "json-util.h"
#include "name-index.h"
#include "picture-fields.h"

/* Where in the file we are, for the reason: "ports[3].decoders[0]". */
struct place {
	const struct place *outer;
	const char *key;
	size_t i;
};

struct reader {
	struct picture *p;
	struct name_index names[_REF_MAX];
	bool refs; /* second pass: all names are known, resolve references */
	char **ret_reason;
};

static size_t print_place(const struct place *at, char *buf, size_t size)
{
	size_t n = at->outer ? print_place(at->outer, buf, size) : 0;
	int more;

	if (!at->key || n >= size)
		return n;
	more = snprintf(buf + n, size - n, "%s[%zu].", at->key, at->i);
	return more < 0 ? n : n + more;
}

static int refuse(struct reader *rd, const struct place *at, const char *key, const char *what)
{
	char where[128] = "";

	print_place(at, where, sizeof(where));
	return say(rd->ret_reason, -EINVAL, "%s%s %s", where, key, what);
}

static int read_string(struct reader *rd, const struct place *at, const char *key,
		       struct json_object *v, char **ret)
{
	char *copy;

	if (!json_object_is_type(v, json_type_string))
		return refuse(rd, at, key, "is no text");
	if (strdup_or_null(json_object_get_string(v), &copy) < 0)
		return -ENOMEM;
	free(*ret); /* a key that stands twice: the last one counts */
	*ret = copy;
	return 0;
}

static int read_number(struct reader *rd, const struct place *at, const char *key,
		       struct json_object *v, uint64_t most, uint64_t *ret)
{
	if (json_read_u64(v, ret) < 0)
		return refuse(rd, at, key, "is no number");
	if (*ret > most)
		return refuse(rd, at, key, "is too big a number");
	return 0;
}

static int read_bool(struct reader *rd, const struct place *at, const char *key,
		     struct json_object *v, bool *ret)
{
	if (!json_object_is_type(v, json_type_boolean))
		return refuse(rd, at, key, "is neither true nor false");
	*ret = json_object_get_boolean(v);
	return 0;
}

static int read_word(struct reader *rd, const struct place *at, const struct field *f,
		     struct json_object *v, void *target)
{
	const char *s;
	int r;

	if (!json_object_is_type(v, json_type_string))
		return refuse(rd, at, f->key, "is no text");
	s = json_object_get_string(v);
	if (f->type == FIELD_KIND)
		r = port_kind_from_name(s, target);
	else if (f->type == FIELD_DECODE)
		r = decode_state_from_name(s, target);
	else if (f->type == FIELD_STATE)
		r = mem_state_from_name(s, target);
	else
		r = zone_from_name(s, target);
	return r < 0 ? refuse(rd, at, f->key, "is a word that is not known here") : 0;
}

static int read_ref(struct reader *rd, const struct place *at, const struct field *f,
		    struct json_object *v, int *ret)
{
	int index;

	if (!json_object_is_type(v, json_type_string))
		return refuse(rd, at, f->key, "is no text");
	index = name_index_find(&rd->names[f->ref], json_object_get_string(v));
	if (index < 0)
		return refuse(rd, at, f->key, "names something that is not in the picture");
	*ret = index;
	return 0;
}

static int read_fields(struct reader *rd, const struct place *at, const struct field *fields,
		       size_t n, struct json_object *json, void *object);

static int read_health(struct reader *rd, const struct place *at, const char *key,
		       struct json_object *v, struct health *h)
{
	if (!json_object_is_type(v, json_type_object))
		return refuse(rd, at, key, "is no object");
	h->known = true;
	return read_fields(rd, at, health_fields, n_health_fields, v, h);
}

static int read_field(struct reader *rd, const struct place *at, const struct field *f,
		      struct json_object *v, void *target)
{
	uint64_t n;
	bool b = false;
	int r;

	switch (f->type) {
	case FIELD_NAME:
	case FIELD_STRING:
		return read_string(rd, at, f->key, v, target);
	case FIELD_NUMBER:
	case FIELD_U64:
		return read_number(rd, at, f->key, v, UNKNOWN, target);
	case FIELD_I64:
		if (!json_object_is_type(v, json_type_int))
			return refuse(rd, at, f->key, "is no number");
		*(int64_t *)target = json_object_get_int64(v);
		return 0;
	case FIELD_UINT:
		r = read_number(rd, at, f->key, v, UINT_MAX, &n);
		if (r == 0)
			*(unsigned int *)target = n;
		return r;
	case FIELD_INT:
		r = read_number(rd, at, f->key, v, INT_MAX, &n);
		if (r == 0)
			*(int *)target = n;
		return r;
	case FIELD_BOOL:
		return read_bool(rd, at, f->key, v, target);
	case FIELD_TRI:
		r = read_bool(rd, at, f->key, v, &b);
		if (r == 0)
			*(enum tristate *)target = b ? YES : NO;
		return r;
	case FIELD_DECODE:
	case FIELD_KIND:
	case FIELD_STATE:
	case FIELD_ZONE:
		return read_word(rd, at, f, v, target);
	case FIELD_REF:
		return read_ref(rd, at, f, v, target);
	case FIELD_HEALTH:
		return read_health(rd, at, f->key, v, target);
	}
	return -EINVAL;
}

static int read_fields(struct reader *rd, const struct place *at, const struct field *fields,
		       size_t n, struct json_object *json, void *object)
{
	struct json_object *v;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		const struct field *f = &fields[i];

		if ((f->type == FIELD_REF) != rd->refs)
			continue;
		if (!json_object_object_get_ex(json, f->key, &v) || !v) {
			if (f->type == FIELD_NAME || f->type == FIELD_NUMBER ||
			    f->type == FIELD_KIND)
				return refuse(rd, at, f->key, "is missing");
			continue;
		}
		r = read_field(rd, at, f, v, (char *)object + f->offset);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_object(struct reader *rd, const struct place *at, const struct object_type *type,
		       struct json_object *json, void *object)
{
	const struct object_type *const *child;
	int r;

	r = read_fields(rd, at, type->fields, type->n_fields, json, object);
	for (child = type->children; r == 0 && child && *child; child++) {
		struct place inner = { .outer = at, .key = (*child)->key };
		struct json_object *array;

		if (!json_object_object_get_ex(json, (*child)->key, &array) || !array)
			continue;
		if (!json_object_is_type(array, json_type_array))
			return refuse(rd, at, (*child)->key, "is no list");
		for (inner.i = 0; r == 0 && inner.i < json_object_array_length(array); inner.i++) {
			struct json_object *element = json_object_array_get_idx(array, inner.i);
			void *target;

			if (!json_object_is_type(element, json_type_object))
				return refuse(rd, &inner, "entry", "is no object");
			if (rd->refs)
				target = *(char **)((char *)object + (*child)->array_offset) +
					 inner.i * (*child)->size;
			else
				target = (*child)->add(object);
			if (!target)
				return -ENOMEM;
			r = read_object(rd, &inner, *child, element, target);
		}
	}
	return r;
}

static int index_names(struct reader *rd)
{
	const size_t counts[_REF_MAX] = {
		[REF_WINDOW] = rd->p->n_windows,
		[REF_PORT] = rd->p->n_ports,
		[REF_MEMDEV] = rd->p->n_memdevs,
		[REF_SLOT] = rd->p->n_slots,
		[REF_REGION] = rd->p->n_regions,
	};
	enum ref ref;
	size_t i;

	for (ref = 0; ref < _REF_MAX; ref++) {
		const char *twice;

		for (i = 0; i < counts[ref]; i++)
			if (name_index_add(&rd->names[ref], picture_ref_name(rd->p, ref, i), i) < 0)
				return -ENOMEM;
		twice = name_index_sort(&rd->names[ref]);
		if (twice)
			return say(rd->ret_reason, -EINVAL, "%s is in the picture twice", twice);
	}
	return 0;
}

static int read_picture(struct reader *rd, struct json_object *json)
{
	const struct place top = {};
	int r;

	if (!json_object_is_type(json, json_type_object))
		return say(rd->ret_reason, -EINVAL, "the picture is no JSON object");
	r = read_object(rd, &top, &picture_type, json, rd->p);
	if (r == 0)
		r = index_names(rd);
	if (r == 0) {
		rd->refs = true;
		r = read_object(rd, &top, &picture_type, json, rd->p);
	}
	if (r == 0)
		r = picture_check(rd->p, rd->ret_reason);
	return r;
}

int picture_from_json(struct json_object *json, struct picture **ret, char **ret_reason)
{
	_cleanup_(picture_freep) struct picture *p = picture_new();
	struct reader rd = { .p = p, .ret_reason = ret_reason };
	enum ref ref;
	int r;

	if (!p)
		return -ENOMEM;
	r = read_picture(&rd, json);
	for (ref = 0; ref < _REF_MAX; ref++)
		name_index_clear(&rd.names[ref]);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}
