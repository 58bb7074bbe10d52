/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "json-util.h"

#include "actions.h"
#include "bus.h"
#include "json-out.h"

struct monitoring {
	struct cli *cli;
	bool as_json;
	sd_bus_slot *picture_slot, *added_slot, *finished_slot, *changed_slot, *daemon_slot;
	char *last; /* the last news of a running operation: it comes again with every change of its
		       bytes */
	bool broken; /* nobody reads any more, or no memory */
};

static void monitoring_clear(struct monitoring *m)
{
	sd_bus_slot_unref(m->picture_slot);
	sd_bus_slot_unref(m->added_slot);
	sd_bus_slot_unref(m->finished_slot);
	sd_bus_slot_unref(m->changed_slot);
	sd_bus_slot_unref(m->daemon_slot);
	free(m->last);
}

/* Something happened. @id 0: not to an operation. Strings that are NULL are left out. */
struct event {
	const char *name;
	uint64_t id;
	const char *state, *step, *reason;
};

static int event_to_json(const struct event *e, uint64_t usec, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	if ((r = json_set_u64(o, "time_usec", usec)) < 0 ||
	    (r = json_set_string(o, "event", e->name)) < 0 ||
	    (r = json_set_u64(o, "operation", e->id ? e->id : UNKNOWN)) < 0 ||
	    (r = json_set_string(o, "state", e->state)) < 0 ||
	    (r = json_set_string(o, "step", e->step)) < 0 ||
	    (r = json_set_string(o, "reason", e->reason)) < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

static void print_text(FILE *out, const struct event *e, time_t seconds)
{
	char when[16] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%T", &tm);
	fprintf(out, "%s %s", when, e->name);
	if (e->id)
		fprintf(out, " %" PRIu64, e->id);
	if (e->state)
		fprintf(out, " %s", e->state);
	if (e->step)
		fprintf(out, ": %s", e->step);
	if (e->reason && *e->reason)
		fprintf(out, ": %s", e->reason);
	fputc('\n', out);
}

static void print_event(struct monitoring *m, const struct event *e)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (!m->as_json)
		print_text(m->cli->out, e, t.tv_sec);
	else if (event_to_json(e, t.tv_sec * UINT64_C(1000000) + t.tv_nsec / 1000, &json) < 0 ||
		 print_record(m->cli, json) < 0)
		m->broken = true;
	/* Whoever reads a pipe wants it now. */
	if (fflush(m->cli->out) != 0)
		m->broken = true;
}

static int on_picture(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	(void)message;
	(void)ret_error;
	print_event(userdata, &(struct event){ .name = "picture changed" });
	return 0;
}

static int on_added(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	struct event e = { .name = "operation", .state = "added" };
	const char *path;

	(void)ret_error;
	if (sd_bus_message_read(message, "o", &path) >= 0 && operation_id(path, &e.id) == 0)
		print_event(userdata, &e);
	return 0;
}

static int on_finished(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	struct event e = { .name = "operation" };
	const char *path;

	(void)ret_error;
	if (sd_bus_message_read(message, "oss", &path, &e.state, &e.reason) >= 0 &&
	    operation_id(path, &e.id) == 0)
		print_event(userdata, &e);
	return 0;
}

static const char *running_step(const struct operation *op)
{
	for (size_t i = 0; i < op->n_steps; i++)
		if (strcmp(op->steps[i].state, "running") == 0)
			return op->steps[i].text;
	return NULL;
}

static bool is_news(struct monitoring *m, const struct event *e)
{
	char *now;

	if (asprintf(&now, "%" PRIu64 " %s %s", e->id, e->state ?: "", e->step ?: "") < 0) {
		m->broken = true;
		return false;
	}
	if (streq_null(now, m->last)) {
		free(now);
		return false;
	}
	free(m->last);
	m->last = now;
	return true;
}

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(operation_clear) struct operation op = { 0 };
	struct event e = { .name = "operation" };
	const char *path = sd_bus_message_get_path(message);

	(void)ret_error;
	if (operation_id(path, &e.id) < 0 || sd_bus_message_skip(message, "s") < 0 ||
	    operation_read(&op, message) < 0)
		return 0;
	e.state = op.state;
	e.step = running_step(&op);
	/* The end comes as a signal of its own. */
	if (e.state && (strcmp(e.state, "running") == 0 || strcmp(e.state, "undoing") == 0) &&
	    is_news(userdata, &e))
		print_event(userdata, &e);
	return 0;
}

static int on_daemon(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	const char *name, *before, *after;

	(void)ret_error;
	if (sd_bus_message_read(message, "sss", &name, &before, &after) >= 0)
		print_event(userdata, &(struct event){ .name = *after ? "cxlmemd started" :
									"cxlmemd stopped" });
	return 0;
}

static int watch(struct monitoring *m, char **ret_reason)
{
	sd_bus *bus = m->cli->bus;
	int r;

	if ((r = bus_watch(bus, &m->picture_slot, BUS_PATH, BUS_MANAGER, "PictureChanged",
			   on_picture, m, ret_reason)) < 0 ||
	    (r = bus_watch(bus, &m->added_slot, BUS_PATH, BUS_MANAGER, "OperationAdded", on_added,
			   m, ret_reason)) < 0 ||
	    (r = bus_watch(bus, &m->finished_slot, BUS_PATH, BUS_MANAGER, "OperationFinished",
			   on_finished, m, ret_reason)) < 0 ||
	    (r = bus_watch(bus, &m->changed_slot, NULL, "org.freedesktop.DBus.Properties",
			   "PropertiesChanged", on_changed, m, ret_reason)) < 0)
		return r;
	return bus_watch_daemon(bus, &m->daemon_slot, on_daemon, m, ret_reason);
}

/* Until Ctrl-C, the reader of the pipe or the bus ends it. */
static int listen_on(struct monitoring *m, char **ret_reason)
{
	int r;

	while (!m->broken) {
		r = sd_bus_process(m->cli->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(m->cli->bus, UINT64_MAX);
		if (r < 0 && r != -EINTR)
			return bus_explain(NULL, r, "monitor", ret_reason);
	}
	return say(ret_reason, -EPIPE, "what happens can no longer be printed");
}

int monitor(struct cli *cli, const struct command *command)
{
	_cleanup_(monitoring_clear) struct monitoring m = {
		.cli = cli,
		.as_json = command_is_json(command),
	};
	_cleanup_free_ char *reason = NULL;
	int r;

	if ((r = bus_connect(cli, &reason)) < 0 || (r = watch(&m, &reason)) < 0 ||
	    (r = bus_ping(cli->bus, &reason)) < 0)
		return cli_fail(cli, r, reason);
	r = listen_on(&m, &reason);
	return cli_fail(cli, r, reason);
}
