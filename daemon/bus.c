// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "authorize.h"
#include "config.h"
#include "json-util.h"

int bus_error(sd_bus_error *error, int r, const char *reason)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ -EINVAL, "org.cxlmem1.Error.BadRequest" },
		{ -ENOENT, "org.cxlmem1.Error.NoSuchObject" },
		{ -ENOTUNIQ, "org.cxlmem1.Error.Ambiguous" },
		{ -EBUSY, "org.cxlmem1.Error.Busy" },
		{ -ENOSPC, "org.cxlmem1.Error.NoRoom" },
		{ -ENXIO, "org.cxlmem1.Error.Impossible" },
		{ -ENODEV, "org.cxlmem1.Error.NotReady" },
		{ -ENODATA, "org.cxlmem1.Error.Unknown" },
		{ -EOPNOTSUPP, "org.cxlmem1.Error.NotManaged" },
	};
	const char *name = "org.cxlmem1.Error.Failed";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].error == r)
			name = names[i].name;
	return sd_bus_error_set(error, name, reason ?: strerror(-r));
}

int bus_reply_error(sd_bus_message *call, int r, const char *reason)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

	bus_error(&error, r, reason);
	return sd_bus_reply_method_error(call, &error);
}

int bus_reply_json(sd_bus_message *call, struct json_object *json)
{
	const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);

	return text ? sd_bus_reply_method_return(call, "s", text) : -ENOMEM;
}

static void on_get_picture(const struct picture *p, int error, const char *reason, void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;
	_cleanup_json_ struct json_object *json = NULL;
	int r = error;

	if (r >= 0)
		r = picture_to_json(p, &json);
	if (r < 0) {
		(void)bus_reply_error(call, r, reason);
		return;
	}
	(void)bus_reply_json(call, json);
}

static int get_picture(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	int r = scanner_ask(m->scanner, on_get_picture, sd_bus_message_ref(call));

	if (r < 0) {
		sd_bus_message_unref(call);
		return bus_error(error, r, NULL);
	}
	return 1;
}

static int method_get_picture(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;

	return authorize_look(m->authority, call, get_picture, m, error);
}

/* verb, objects, options as they come over the bus, checked word by word. */
static int read_request(sd_bus_message *call, struct request **ret, sd_bus_error *error)
{
	_cleanup_(request_freep) struct request *request = NULL;
	_cleanup_free_ char *reason = NULL;
	const char *word, *value;
	enum verb verb;
	int r;

	r = sd_bus_message_read(call, "s", &word);
	if (r < 0)
		return r;
	if (verb_from_name(word, &verb) < 0) {
		say(&reason, 0, "there is no verb \"%s\": it is create, online, offline, destroy, "
				"set-mode or eject", word);
		return bus_error(error, -EINVAL, reason);
	}
	request = request_new(verb);
	if (!request)
		return -ENOMEM;
	r = sd_bus_message_enter_container(call, 'a', "s");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(call, "s", &word)) > 0) {
		r = request_add_object(request, word);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(call);
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(call, 'a', "{ss}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_read(call, "{ss}", &word, &value)) > 0) {
		r = request_set(request, word, value, &reason);
		if (r < 0)
			return bus_error(error, r, reason);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(request);
	return sd_bus_message_exit_container(call);
}

struct plan_call {
	sd_bus_message *call;
	struct request *request;
};

static void plan_call_free(struct plan_call *c)
{
	sd_bus_message_unref(c->call);
	request_free(c->request);
	free(c);
}

static void on_plan_picture(const struct picture *p, int error, const char *reason, void *userdata)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *refusal = NULL;
	struct plan_call *c = userdata;
	int r = error;

	if (r >= 0) {
		r = plan_make(p, c->request, &plan, &refusal);
		reason = refusal;
	}
	if (r >= 0)
		r = plan_to_json(plan, &json);
	if (r < 0)
		(void)bus_reply_error(c->call, r, reason);
	else
		(void)bus_reply_json(c->call, json);
	plan_call_free(c);
}

static int plan(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	struct plan_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->call = sd_bus_message_ref(call);
	r = read_request(call, &c->request, error);
	if (r >= 0)
		r = scanner_ask(m->scanner, on_plan_picture, c);
	if (r < 0) {
		plan_call_free(c);
		return r;
	}
	return 1;
}

static int method_plan(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;

	return authorize_look(m->authority, call, plan, m, error);
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;
	_cleanup_free_ char *path = NULL;
	int r = error;

	if (r >= 0)
		r = bus_operation_path(o->id, &path);
	if (r < 0)
		(void)bus_reply_error(call, r, reason);
	else
		(void)sd_bus_reply_method_return(call, "o", path);
}

static int start(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(request_freep) struct request *request = NULL;
	struct manager *m = userdata;
	int r;

	r = read_request(call, &request, error);
	if (r < 0)
		return r;
	steward_prepare(m->steward, request);
	r = engine_start(m->engine, request, on_started, sd_bus_message_ref(call));
	if (r < 0) {
		sd_bus_message_unref(call);
		return bus_error(error, r, NULL);
	}
	request = NULL;
	return 1;
}

static int method_start(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(request_freep) struct request *request = NULL;
	struct manager *m = userdata;
	int r;

	r = read_request(call, &request, error);
	return r < 0 ? r : authorize_request(m->authority, call, request, start, m, error);
}

static double fraction(const struct operation *o)
{
	if (operation_is_finished(o))
		return 1;
	return o->plan && o->plan->n_steps ? (double)o->at / (double)o->plan->n_steps : 0;
}

static int list_operations(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct manager *m = userdata;
	struct operation *o;
	int r;

	(void)error;
	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(ossds)");
	for (size_t i = 0; r >= 0 && (o = engine_nth(m->engine, i)); i++) {
		_cleanup_free_ char *path = NULL;

		r = bus_operation_path(o->id, &path);
		if (r >= 0)
			r = sd_bus_message_append(reply, "(ossds)", path,
						  verb_name(o->request->verb),
						  operation_state_name(o->state), fraction(o),
						  o->plan ? o->plan->summary : "");
	}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_message_send(reply);
}

static int method_list_operations(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;

	return authorize_look(m->authority, call, list_operations, m, error);
}

static int no_such_operation(sd_bus_error *error, uint64_t id)
{
	_cleanup_free_ char *reason = NULL;

	say(&reason, 0, "there is no operation %ju: `cxlmemctl operations` lists them",
	    (uintmax_t)id);
	return bus_error(error, -ENOENT, reason);
}

static int cancel(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_free_ char *reason = NULL;
	struct manager *m = userdata;
	uint64_t id;
	int r;

	r = sd_bus_message_read(call, "t", &id);
	if (r < 0)
		return r;
	r = engine_cancel(m->engine, id);
	if (r == -ENOENT)
		return no_such_operation(error, id);
	if (r == -EALREADY)
		say(&reason, 0, "operation %ju has finished already", (uintmax_t)id);
	if (r == -EBUSY)
		say(&reason, 0, BUS_PAST_RETURN);
	return r < 0 ? bus_error(error, r, reason) : sd_bus_reply_method_return(call, NULL);
}

static int method_cancel(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	struct operation *o;
	uint64_t id;
	int r;

	r = sd_bus_message_read(call, "t", &id);
	if (r < 0)
		return r;
	o = engine_get(m->engine, id);
	return o ? authorize_cancel(m->authority, call, o->request, cancel, m, error) :
		   no_such_operation(error, id);
}

static int property_version(sd_bus *bus, const char *path, const char *interface,
			    const char *property, sd_bus_message *reply, void *userdata,
			    sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)userdata, (void)error;
	return sd_bus_message_append(reply, "s", CXLMEM_VERSION);
}

static int get_rivals(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct manager *m = userdata;
	int r = contest_to_json(m->contest, &json);

	(void)error;
	return r < 0 ? r : bus_reply_json(call, json);
}

static int method_get_rivals(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;

	return authorize_look(m->authority, call, get_rivals, m, error);
}

static int get_health(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct manager *m = userdata;
	int r = health_watch_to_json(m->health, &json);

	(void)error;
	return r < 0 ? r : bus_reply_json(call, json);
}

static int method_get_health(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;

	return authorize_look(m->authority, call, get_health, m, error);
}

static void on_get_blockers(const char *text, int error, const char *reason, void *userdata)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *call = userdata;

	if (error < 0)
		(void)bus_reply_error(call, error, reason);
	else
		(void)sd_bus_reply_method_return(call, "s", text);
}

static int get_blockers(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	const char *name;
	int r;

	r = sd_bus_message_read(call, "s", &name);
	if (r < 0)
		return r;
	r = blockers_watch_ask(m->blockers, name, on_get_blockers, sd_bus_message_ref(call));
	if (r < 0) {
		sd_bus_message_unref(call);
		return bus_error(error, r, r == -EBUSY ? "too many wait for an answer already: try again" :
							 NULL);
	}
	return 1;
}

static int method_get_blockers(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;

	return authorize_look(m->authority, call, get_blockers, m, error);
}

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_METHOD_WITH_ARGS("GetPicture", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", picture),
				method_get_picture, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Plan", SD_BUS_ARGS("s", verb, "as", objects, "a{ss}", options),
				SD_BUS_RESULT("s", plan), method_plan, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS("s", verb, "as", objects, "a{ss}", options),
				SD_BUS_RESULT("o", operation), method_start,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetRivals", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", rivals),
				method_get_rivals, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetBlockers", SD_BUS_ARGS("s", region), SD_BUS_RESULT("s", blockers),
				method_get_blockers, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetHealth", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", health),
				method_get_health, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ListOperations", SD_BUS_NO_ARGS,
				SD_BUS_RESULT("a(ossds)", operations), method_list_operations,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("t", id), SD_BUS_NO_RESULT, method_cancel,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("OperationAdded", SD_BUS_ARGS("o", operation), 0),
	SD_BUS_SIGNAL_WITH_ARGS("OperationFinished",
				SD_BUS_ARGS("o", operation, "s", state, "s", reason), 0),
	SD_BUS_SIGNAL("PictureChanged", NULL, 0),
	SD_BUS_VTABLE_END
};

sd_bus *bus_nth(struct manager *m, size_t n)
{
	sd_bus *bus = direct_nth(m->direct, n);

	/* Behind all direct ones the system bus, where a process more is in the way of whoever waits. */
	return bus ?: n == 0 || direct_nth(m->direct, n - 1) ? m->bus : NULL;
}

void bus_picture_changed(struct manager *m)
{
	sd_bus *bus;

	for (size_t i = 0; (bus = bus_nth(m, i)); i++)
		(void)sd_bus_emit_signal(bus, BUS_PATH, BUS_MANAGER, "PictureChanged", NULL);
}

int bus_add_objects(sd_bus *bus, void *userdata)
{
	struct manager *m = userdata;
	int r;

	r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_MANAGER, manager_vtable, m);
	if (r >= 0)
		r = bus_add_steward(bus, m);
	if (r >= 0)
		r = bus_add_metrics(bus, m);
	return r < 0 ? r : bus_add_operations(bus, m);
}

int bus_publish(struct manager *m)
{
	int r;

	r = bus_add_objects(m->bus, m);
	if (r >= 0)
		r = sd_bus_request_name(m->bus, BUS_NAME, 0);
	return r < 0 ? r : 0;
}
