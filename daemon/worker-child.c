// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker-child.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "learn.h"
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

static int reply_end(struct channel *c, struct json_object *reply, int error, const char *reason,
		     uint64_t kernel_usec, bool last)
{
	json_object_object_add(reply, "error", json_object_new_int(error));
	json_object_object_add(reply, "kernel_usec", json_object_new_uint64(kernel_usec));
	json_object_object_add(reply, "last", json_object_new_boolean(last));
	if (error < 0)
		add_string(reply, "reason", reason ?: strerror(-error));
	return channel_send(c, reply);
}

static int do_scan(struct channel *c, struct door *door, unsigned int flags)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object();
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_free_ char *reason = NULL;
	uint64_t before = door->kernel_usec, changes;
	struct json_object *json;
	int r;

	if (!reply)
		return -ENOMEM;
	/* Counted first: what changes while we look makes the picture old, not the count new. */
	if (door->ops->changes(door, &changes) >= 0)
		json_object_object_add(reply, "changes", json_object_new_uint64(changes));
	r = door->ops->scan(door, flags, &p, &reason);
	if (r >= 0)
		r = picture_to_json(p, &json);
	if (r >= 0)
		json_object_object_add(reply, "picture", json);
	return reply_end(c, reply, r, reason, door->kernel_usec - before, true);
}

/* Asked meanwhile to leave out what has not begun? Nothing else comes while a request runs. */
static bool asked_to_stop(struct channel *c)
{
	char byte;

	/* It may have been read together with the request. */
	return c->in_n > 0 || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static int do_step(struct channel *c, struct door *door, struct step *steps, size_t n, size_t i)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object();
	_cleanup_free_ char *reason = NULL;
	uint64_t before = door->kernel_usec;
	struct step_result result = {};
	int r, sent;

	if (!reply)
		return -ENOMEM;
	if (i > 0 && asked_to_stop(c)) {
		r = say(&reason, -ECANCELED, "cancelled on request");
	} else {
		r = door->ops->run(door, &steps[i], &result, &reason);
		if (r >= 0)
			r = steps_learn(steps, n, steps[i].kind, &result);
	}
	add_string(reply, "from", result.from);
	add_string(reply, "to", result.to);
	add_string(reply, "previous", result.previous);
	step_result_clear(&result);
	sent = reply_end(c, reply, r, reason, door->kernel_usec - before, r < 0 || i + 1 == n);
	return sent < 0 ? sent : r < 0 ? 1 : 0;
}

static int do_steps(struct channel *c, struct door *door, struct json_object *list)
{
	size_t n = json_object_array_length(list), i = 0;
	_cleanup_json_ struct json_object *reply = NULL;
	_cleanup_free_ char *reason = NULL;
	struct step *steps;
	int r = 0;

	steps = calloc(n ?: 1, sizeof(*steps));
	if (!steps)
		return -ENOMEM;
	for (i = 0; r >= 0 && i < n; i++)
		r = step_from_json(json_object_array_get_idx(list, i), &steps[i], &reason);
	if (r < 0) {
		reply = json_object_new_object();
		r = reply ? reply_end(c, reply, r, reason, 0, true) : -ENOMEM;
	}
	for (i = 0; r == 0 && i < n; i++)
		r = do_step(c, door, steps, n, i);
	for (i = 0; i < n; i++)
		step_clear(&steps[i]);
	free(steps);
	return r < 0 ? r : 0;
}

static int do_explain(struct channel *c, struct door *door, struct json_object *json)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object();
	_cleanup_free_ char *text = NULL, *reason = NULL;
	uint64_t before = door->kernel_usec;
	struct step step = {};
	int r;

	if (!reply)
		return -ENOMEM;
	r = step_from_json(json, &step, &reason);
	if (r >= 0)
		r = door->ops->explain ? door->ops->explain(door, &step, &text) : -ENODATA;
	step_clear(&step);
	if (r >= 0)
		add_string(reply, "text", text);
	return reply_end(c, reply, r, reason, door->kernel_usec - before, true);
}

static int answer(struct channel *c, struct door *door, struct json_object *request)
{
	struct json_object *v;

	if (json_object_object_get_ex(request, "steps", &v))
		return do_steps(c, door, v);
	if (json_object_object_get_ex(request, "explain", &v))
		return do_explain(c, door, v);
	if (json_object_object_get_ex(request, "scan", &v))
		return do_scan(c, door, (unsigned int)json_object_get_int(v));
	/* A "stop" that came after the last step had begun. */
	return 0;
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
