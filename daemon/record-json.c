// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>

#include "json-util.h"
#include "record-internal.h"

int record_to_json(const struct record *r, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *made, *touched;
	int error;

	if (!o)
		return -ENOMEM;
	error = wishes_to_json(r->made, &made);
	if (error == 0)
		error = json_take(o, "made", made);
	touched = json_object_new_array();
	if (json_take(o, "touched", touched) < 0)
		return -ENOMEM;
	for (size_t i = 0; error == 0 && i < r->n_touched; i++)
		error = json_append(touched, json_object_new_uint64(r->touched[i]));
	if (error < 0)
		return error;
	*ret = TAKE_PTR(o);
	return 0;
}

int record_from_json(const struct operation *o, struct json_object *json, struct record **ret)
{
	_cleanup_(record_freep) struct record *rec = NULL;
	struct json_object *made, *touched;
	int r = record_new_empty(o, &rec);

	if (r < 0)
		return r;
	if (!json_object_object_get_ex(json, "made", &made) ||
	    !json_object_object_get_ex(json, "touched", &touched) ||
	    !json_object_is_type(touched, json_type_array))
		return -EINVAL;
	rec->made = wishes_free(rec->made);
	r = wishes_from_json(made, &rec->made, NULL);
	for (size_t i = 0; r == 0 && i < json_object_array_length(touched); i++) {
		uint64_t id;

		r = json_read_u64(json_object_array_get_idx(touched, i), &id);
		if (r == 0)
			r = grow(&rec->touched, rec->n_touched, sizeof(*rec->touched));
		if (r == 0)
			rec->touched[rec->n_touched++] = id;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(rec);
	return 0;
}
