// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker-child.h"

#include <errno.h>
#include <string.h>

#include "util.h"

static void json_putp(struct json_object **o)
{
	json_object_put(*o);
}

#define _cleanup_json_ _cleanup_(json_putp)

static void add_string(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_string(value));
}

static void send_progress(void *userdata, uint64_t done, uint64_t total)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o)
		return;
	json_object_object_add(o, "done", json_object_new_uint64(done));
	json_object_object_add(o, "total", json_object_new_uint64(total));
	/* Lost progress is no harm, and a dead parent shows at the reply. */
	(void)channel_send(userdata, o);
}

static int do_scan(struct door *door, struct json_object *request, struct json_object *reply,
		   char **ret_reason)
{
	_cleanup_(picture_freep) struct picture *p = NULL;
	struct json_object *flags, *json;
	int r;

	if (!json_object_object_get_ex(request, "scan", &flags))
		return -EINVAL;
	r = door->ops->scan(door, (unsigned int)json_object_get_int(flags), &p, ret_reason);
	if (r >= 0)
		r = picture_to_json(p, &json);
	if (r >= 0)
		json_object_object_add(reply, "picture", json);
	return r;
}

static int do_step(struct door *door, struct json_object *json, struct json_object *reply,
		   char **ret_reason)
{
	struct step_result result = {};
	struct step s = {};
	int r;

	r = step_from_json(json, &s, ret_reason);
	if (r < 0)
		return r;
	r = door->ops->run(door, &s, &result, ret_reason);
	add_string(reply, "from", result.from);
	add_string(reply, "to", result.to);
	add_string(reply, "previous", result.previous);
	step_result_clear(&result);
	step_clear(&s);
	return r;
}

static int answer(struct channel *c, struct door *door, struct json_object *request)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object();
	_cleanup_free_ char *reason = NULL;
	uint64_t before = door->kernel_usec;
	struct json_object *step;
	int r;

	if (!reply)
		return -ENOMEM;
	if (json_object_object_get_ex(request, "step", &step))
		r = do_step(door, step, reply, &reason);
	else
		r = do_scan(door, request, reply, &reason);
	json_object_object_add(reply, "error", json_object_new_int(r));
	json_object_object_add(reply, "kernel_usec",
			       json_object_new_uint64(door->kernel_usec - before));
	if (r < 0)
		add_string(reply, "reason", reason ?: strerror(-r));
	return channel_send(c, reply);
}

int worker_child_serve(struct channel *c, struct door *door)
{
	door->progress = send_progress;
	door->progress_userdata = c;
	for (;;) {
		_cleanup_json_ struct json_object *request = NULL;
		int r;

		r = channel_take(c, &request);
		if (r > 0)
			r = answer(c, door, request);
		else if (r == 0) {
			r = channel_fill(c);
			if (r == 0)
				return 0;
			if (r == -EINTR)
				continue;
		}
		if (r < 0)
			return r;
	}
}
