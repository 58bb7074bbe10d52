// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>

#include "authorize.h"
#include "bus.h"
#include "json-util.h"
#include "util.h"

/* Profiles and wishes on the bus: daemon/steward.h. */

static int get_profiles(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	_cleanup_json_ struct json_object *json = NULL;
	int r = profile_set_to_json(steward_profiles(m->steward), &json);

	return r < 0 ? bus_error(error, r, NULL) : bus_reply_json(call, json);
}

/* A call that needs a picture, and the words it came with. */
struct ask {
	struct manager *m;
	sd_bus_message *call;
	char **words;
	int (*change)(struct steward *s, const struct picture *p, char *const *words, size_t n,
		      size_t *ret, char **ret_reason);
};

static struct ask *ask_free(struct ask *a)
{
	if (!a)
		return NULL;
	sd_bus_message_unref(a->call);
	for (size_t i = 0; a->words && a->words[i]; i++)
		free(a->words[i]);
	free(a->words);
	free(a);
	return NULL;
}

static void ask_freep(struct ask **a)
{
	ask_free(*a);
}

static void on_describe(const struct picture *p, int error, const char *reason, void *userdata)
{
	_cleanup_(ask_freep) struct ask *a = userdata;
	_cleanup_json_ struct json_object *json = NULL;
	int r = error;

	if (r >= 0)
		r = steward_describe(a->m->steward, p, &json);
	if (r >= 0)
		r = bus_reply_json(a->call, json);
	if (r < 0)
		(void)bus_reply_error(a->call, r, reason);
}

static void on_change(const struct picture *p, int error, const char *reason, void *userdata)
{
	_cleanup_(ask_freep) struct ask *a = userdata;
	_cleanup_free_ char *refusal = NULL;
	size_t n = 0, count = 0;
	int r = error;

	while (a->words[n])
		n++;
	if (r >= 0) {
		r = a->change(a->m->steward, p, a->words, n, &count, &refusal);
		reason = refusal;
	}
	if (r < 0)
		(void)bus_reply_error(a->call, r, reason);
	else
		(void)sd_bus_reply_method_return(a->call, "u", (uint32_t)count);
}

static int ask_picture(struct manager *m, sd_bus_message *call, struct ask *template,
		       scanner_reply_t reply, sd_bus_error *error)
{
	struct ask *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	*a = *template;
	a->m = m;
	a->call = sd_bus_message_ref(call);
	r = scanner_ask(m->scanner, reply, a);
	if (r < 0) {
		ask_free(a);
		return bus_error(error, r, NULL);
	}
	return 1;
}

static int get_wishes(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct ask nothing = { 0 };

	return ask_picture(userdata, call, &nothing, on_describe, error);
}

static int change(sd_bus_message *call, struct manager *m, sd_bus_error *error, struct ask *a,
		  const char *verb)
{
	_cleanup_free_ char *reason = NULL;
	int r = sd_bus_message_read_strv(call, &a->words);

	if (r < 0)
		return r;
	if (!a->words || !a->words[0]) {
		say(&reason, 0, "nothing is named that is to be %s", verb);
		for (size_t i = 0; a->words && a->words[i]; i++)
			free(a->words[i]);
		free(a->words);
		return bus_error(error, -EINVAL, reason);
	}
	return ask_picture(m, call, a, on_change, error);
}

static int forget(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct ask a = { .change = steward_forget };

	return change(call, userdata, error, &a, "forgotten");
}

static int adopt(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct ask a = { .change = steward_adopt };

	return change(call, userdata, error, &a, "adopted");
}

static int export_wishes(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	int r = steward_export(m->steward, &json, &reason);

	return r < 0 ? bus_error(error, r, reason) : bus_reply_json(call, json);
}

static int import_wishes(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	enum json_tokener_error parse;
	size_t count;
	const char *text;
	int r;

	r = sd_bus_message_read(call, "s", &text);
	if (r < 0)
		return r;
	json = json_tokener_parse_verbose(text, &parse);
	if (!json) {
		say(&reason, 0, "it is no JSON: %s", json_tokener_error_desc(parse));
		return bus_error(error, -EINVAL, reason);
	}
	r = steward_import(m->steward, json, &count, &reason);
	if (r < 0)
		return bus_error(error, r, reason);
	return sd_bus_reply_method_return(call, "u", (uint32_t)count);
}

static int reload(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	_cleanup_free_ char *reason = NULL;
	int r = steward_reload(m->steward, &reason);

	return r < 0 ? bus_error(error, r, reason) : sd_bus_reply_method_return(call, NULL);
}

/* Who may look may look at all of it; whoever changes what is to be on the machine needs one right. */
#define LOOK(method, function)                                                                  \
	static int method(sd_bus_message *call, void *userdata, sd_bus_error *error)            \
	{                                                                                       \
		struct manager *m = userdata;                                                   \
												\
		return authorize_look(m->authority, call, function, m, error);                  \
	}
#define CHANGE(method, function, name)                                                          \
	static int method(sd_bus_message *call, void *userdata, sd_bus_error *error)            \
	{                                                                                       \
		static const struct asked asked = { .action = ACTION_IMPORT, .verb = name };    \
		struct manager *m = userdata;                                                   \
												\
		return authorize(m->authority, call, &asked, function, m, error);               \
	}

LOOK(method_get_profiles, get_profiles)
LOOK(method_get_wishes, get_wishes)
LOOK(method_export, export_wishes)
CHANGE(method_forget, forget, "forget")
CHANGE(method_adopt, adopt, "adopt")
CHANGE(method_import, import_wishes, "import")
CHANGE(method_reload, reload, "reload")

static const sd_bus_vtable steward_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("GetProfiles", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", profiles),
				method_get_profiles, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetWishes", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", wishes),
				method_get_wishes, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", wishes), method_export,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Forget", SD_BUS_ARGS("as", objects), SD_BUS_RESULT("u", count),
				method_forget, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Adopt", SD_BUS_ARGS("as", regions), SD_BUS_RESULT("u", count),
				method_adopt, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Import", SD_BUS_ARGS("s", wishes), SD_BUS_RESULT("u", count),
				method_import, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

int bus_add_steward(sd_bus *bus, struct manager *m)
{
	return sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MANAGER, steward_vtable, m);
}
