/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capture.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "json-util.h"
#include "plan.h"

#include "actions.h"
#include "bus.h"
#include "fetch.h"
#include "files.h"
#include "json-out.h"

#define VERSION 1

/* Parts of a capture, and the methods of the daemon that bring them. */
static const struct {
	const char *key, *member;
} parts[] = {
	{ "picture", "GetPicture" },
	{ "rivals", "GetRivals" },
	{ "wishes", "GetWishes" },
	{ "profiles", "GetProfiles" },
};

static int add_part(struct cli *cli, struct json_object *to, size_t i, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	struct json_object *json;
	int r = bus_get(cli->bus, parts[i].member, &text, ret_reason);

	if (r == 0)
		r = read_json(text, &json, ret_reason);
	return r < 0 ? r : json_take(to, parts[i].key, json);
}

static int collect(struct cli *cli, struct json_object *to, char **ret_reason)
{
	int r = json_set_u64(to, "cxlmem_capture", VERSION);

	if (r == 0)
		r = json_set_string(to, "client", CXLMEM_VERSION);
	if (r == 0)
		r = json_set_u64(to, "time", (uint64_t)time(NULL));
	if (r == 0)
		r = bus_connect_direct(cli, ret_reason);
	if (r == 0)
		r = add_part(cli, to, 0, ret_reason);
	/* An older daemon knows nothing of the others, and the picture is what matters. */
	for (size_t i = 1; r == 0 && i < ARRAY_SIZE(parts); i++)
		if (add_part(cli, to, i, NULL) == -ENOMEM)
			return -ENOMEM;
	return r;
}

int capture(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = json_object_new_object();
	const char *path = command->n_words > 0 ? command->words[0] : "-";
	_cleanup_free_ char *reason = NULL;
	int r = json ? collect(cli, json, &reason) : -ENOMEM;

	if (r == 0 && !strcmp(path, "-"))
		r = print_json(cli, json);
	else if (r == 0)
		r = file_write(path,
			       json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_NOSLASHESCAPE),
			       &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

static int no_capture(const char *path, const char *why, char **ret_reason)
{
	return say(ret_reason, -EINVAL, "%s is no capture of a machine (%s): `cxlmemctl capture` writes one",
		   strcmp(path, "-") ? path : "standard input", why);
}

int capture_load(struct cli *cli, const char *path, char **ret_reason)
{
	_cleanup_json_ struct json_object *json = NULL, *whole = NULL;
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_free_ char *text = NULL, *why = NULL;
	enum json_tokener_error error;
	struct json_object *v;
	uint64_t version;
	int r;

	r = file_read(path, "`cxlmemctl capture`", &text, ret_reason);
	if (r < 0)
		return r;
	json = json_tokener_parse_verbose(text, &error);
	if (!json)
		return no_capture(path, json_tokener_error_desc(error), ret_reason);
	if (!json_object_is_type(json, json_type_object))
		return no_capture(path, "it is no object", ret_reason);
	if (!json_object_object_get_ex(json, "cxlmem_capture", &v)) {
		/* A picture alone. */
		whole = json_object_new_object();
		if (!whole || json_take(whole, "picture", json_object_get(json)) < 0)
			return -ENOMEM;
	} else if (json_read_u64(v, &version) < 0 || version != VERSION) {
		return no_capture(path, "it is of another version", ret_reason);
	} else if (!json_object_object_get_ex(json, "picture", &v)) {
		return no_capture(path, "there is no picture in it", ret_reason);
	} else {
		whole = json_object_get(json);
	}
	json_object_object_get_ex(whole, "picture", &v);
	r = picture_from_json(v, &p, &why);
	if (r == -EINVAL)
		return no_capture(path, why ?: "its picture makes no sense", ret_reason);
	if (r < 0)
		return r;
	cli->capture = TAKE_PTR(whole);
	return 0;
}

struct json_object *capture_get(struct cli *cli, const char *part)
{
	struct json_object *v;

	return json_object_object_get_ex(cli->capture, part, &v) ? json_object_get(v) : NULL;
}

static int make_request(const struct wish *wish, struct request **ret, char **ret_reason)
{
	_cleanup_(request_freep) struct request *q = NULL;
	enum verb verb;
	int r = verb_from_name(wish->verb->name, &verb);

	if (r < 0)
		return r;
	q = request_new(verb);
	r = q ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < wish->n_objects; i++)
		r = request_add_object(q, wish->objects[i]);
	for (unsigned int i = 0; r == 0 && i < _OPTION_MAX; i++)
		if (wish->values[i])
			r = request_set(q, option_table[i].name, wish->values[i], ret_reason);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(q);
	return 0;
}

int capture_plan(struct cli *cli, const struct wish *wish, struct json_object **ret,
		 char **ret_reason)
{
	_cleanup_json_ struct json_object *json = capture_get(cli, "picture");
	_cleanup_(request_freep) struct request *q = NULL;
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	int r;

	r = make_request(wish, &q, ret_reason);
	if (r == 0)
		r = read_picture(json, &p, ret_reason);
	if (r == 0)
		r = plan_make(p, q, &plan, ret_reason);
	return r < 0 ? r : plan_to_json(plan, ret);
}
