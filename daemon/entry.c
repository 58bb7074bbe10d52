// SPDX-License-Identifier: LGPL-2.1-or-later
#include "entry.h"

#include <errno.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "json-util.h"

static struct json_object *record(const char *kind, uint64_t operation)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || json_set_string(o, "record", kind) < 0 ||
	    (operation && json_set_u64(o, "operation", operation) < 0))
		return NULL;
	return TAKE_PTR(o);
}

int entry_boot_id(char ret[static 33])
{
	sd_id128_t id;
	int r = sd_id128_get_boot(&id);

	if (r < 0)
		return r;
	sd_id128_to_string(id, ret);
	return 0;
}

static int add_request(struct json_object *to, const struct request *q)
{
	struct json_object *json;
	int r = request_to_json(q, &json);

	return r < 0 ? r : json_take(to, "request", json);
}

static int add_plan(struct json_object *to, const struct plan *p)
{
	struct json_object *json;
	int r = plan_to_record(p, &json);

	return r < 0 ? r : json_take(to, "plan", json);
}

int entry_begin(struct journal *j, const struct operation *o)
{
	_cleanup_json_ struct json_object *json = record("begin", o->id);
	char boot[33];
	int r = json ? entry_boot_id(boot) : -ENOMEM;

	if (r >= 0)
		r = json_set_string(json, "boot", boot);
	if (r >= 0)
		r = json_set_u64(json, "time", o->started_realtime);
	if (r >= 0)
		r = add_request(json, o->request);
	if (r >= 0)
		r = add_plan(json, o->plan);
	if (r < 0)
		return r;
	/* The one before it has ended. */
	journal_rewind(j);
	return journal_write(j, &json, 1, false);
}

int entry_intent(struct journal *j, uint64_t operation, struct json_object *intent)
{
	_cleanup_json_ struct json_object *json = record("intent", operation);
	int r = json ? json_take(json, "intent", json_object_get(intent)) : -ENOMEM;

	return r < 0 ? r : journal_write(j, &json, 1, false);
}

int entry_end(struct journal *j, const struct operation *o, struct json_object *wishes)
{
	_cleanup_json_ struct json_object *end = record("end", o->id), *all = record("wishes", o->id);
	int r = end && all ? 0 : -ENOMEM;

	if (r == 0)
		r = json_set_string(end, "state", operation_state_name(o->state));
	if (r == 0)
		r = json_set_string(end, "reason", o->reason);
	if (r == 0)
		r = json_set_string(end, "left", o->left);
	if (r == 0 && wishes)
		r = json_take(all, "wishes", json_object_get(wishes));
	if (r < 0)
		return r;
	/* In one write: either both are there or the operation is not over. */
	return wishes ? journal_write(j, (struct json_object *[]){ all, end }, 2, true) :
			journal_write(j, &end, 1, true);
}

int entry_saved(struct journal *j)
{
	_cleanup_json_ struct json_object *json = record("saved", 0);

	return json ? journal_write(j, &json, 1, false) : -ENOMEM;
}

static int add_place(struct json_object *to, const struct entry_place *place)
{
	int r = json_set_u64(to, "at", place->at);

	return r == 0 && place->undo >= 0 ? json_set_u64(to, "undo", (uint64_t)place->undo) : r;
}

int entry_done_new(const struct entry_place *place, int error, const struct step_result *result,
		   struct json_object **ret)
{
	_cleanup_json_ struct json_object *json = record("done", place->operation);
	int r = json ? add_place(json, place) : -ENOMEM;

	if (r == 0 && error < 0)
		r = json_take(json, "error", json_object_new_int(error));
	if (r == 0)
		r = json_set_string(json, "from", result->from);
	if (r == 0)
		r = json_set_string(json, "to", result->to);
	if (r == 0)
		r = json_set_string(json, "previous", result->previous);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(json);
	return 0;
}

int entry_step(struct journal *j, const struct entry_place *place, size_t until,
	       struct json_object *done)
{
	_cleanup_json_ struct json_object *json = record("step", place->operation);
	int r = json ? add_place(json, place) : -ENOMEM;

	if (r == 0 && until > place->at)
		r = json_set_u64(json, "until", until);
	if (r < 0)
		return r;
	return done ? journal_write(j, (struct json_object *[]){ done, json }, 2, false) :
		      journal_write(j, &json, 1, false);
}

int entry_named(struct journal *j, const struct entry_place *place, const char *from, const char *to)
{
	_cleanup_json_ struct json_object *json = record("named", place->operation);
	int r = json ? add_place(json, place) : -ENOMEM;

	if (r == 0)
		r = json_set_string(json, "from", from);
	if (r == 0)
		r = json_set_string(json, "to", to);
	return r < 0 ? r : journal_write(j, &json, 1, false);
}
