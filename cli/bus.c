/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUS_PEER "org.freedesktop.DBus.Peer"
#define BUS_PROPERTIES "org.freedesktop.DBus.Properties"

/*
 * A slow machine (emulation, or a hundred cards behind slow mailboxes) takes long to read; a daemon
 * that hangs is found out by its watchdog, not here.
 */
/* For what is only an offer. */
#define PATIENCE_USEC (UINT64_C(2) * 1000 * 1000)
#define CALL_TIMEOUT_USEC (UINT64_C(120) * 1000 * 1000)

int bus_connect(struct cli *cli, char **ret_reason)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	int r;

	if (cli->bus)
		return 0;
	if (cli->host)
		r = sd_bus_open_system_remote(&bus, cli->host);
	else if (cli->machine)
		r = sd_bus_open_system_machine(&bus, cli->machine);
	else
		r = sd_bus_open_system(&bus);
	if (r == -ENOMEM)
		return r;
	if (r == -EINVAL && (cli->host || cli->machine))
		return say(ret_reason, -ENOTCONN, "\"%s\" is no name of a %s",
			   cli->host ?: cli->machine, cli->host ? "host" : "container");
	/* ssh may have ended already, or end later. */
	if (r < 0 && (cli->host || cli->machine))
		return bus_explain(NULL, -ENOTCONN, "this", ret_reason);
	if (r < 0)
		return bus_explain(NULL, r, "this", ret_reason);
	/* Lets an agent on the terminal or the desktop ask for a password. */
	r = sd_bus_set_allow_interactive_authorization(bus, true);
	if (r < 0)
		return bus_explain(NULL, r, "this", ret_reason);
	cli->bus = TAKE_PTR(bus);
	return 0;
}

int bus_connect_direct(struct cli *cli, char **ret_reason)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;

	if (cli->bus)
		return 0;
	if (cli->host || cli->machine)
		return bus_connect(cli, ret_reason);
	/* Who names a bus means that one. Where nobody listens, the bus may start the daemon. */
	if (geteuid() != 0 || getenv("DBUS_SYSTEM_BUS_ADDRESS") || sd_bus_new(&bus) < 0 ||
	    sd_bus_set_address(bus, BUS_DIRECT) < 0 || sd_bus_start(bus) < 0)
		return bus_connect(cli, ret_reason);
	cli->bus = TAKE_PTR(bus);
	return 0;
}

static int new_call(sd_bus *bus, sd_bus_message **ret, const char *path, const char *interface,
		    const char *member)
{
	return sd_bus_message_new_method_call(bus, ret, BUS_NAME, path, interface, member);
}

/* The same with one string. */
static int new_call_with(sd_bus *bus, sd_bus_message **ret, const char *path, const char *interface,
			 const char *member, const char *word)
{
	int r = new_call(bus, ret, path, interface, member);

	return r < 0 ? r : sd_bus_message_append_basic(*ret, 's', word);
}

/* @verb is what the person is doing, for the sentence. */
static int call(sd_bus *bus, sd_bus_message *m, const char *verb, sd_bus_message **ret,
		char **ret_reason)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, &error, ret);
	return r < 0 ? bus_explain(&error, r, verb, ret_reason) : 0;
}

/* A call whose answer is one string. */
static int call_for_text(sd_bus *bus, sd_bus_message *m, const char *verb, char **ret,
			 char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *text;
	char *copy;
	int r;

	r = call(bus, m, verb, &reply, ret_reason);
	if (r < 0)
		return r;
	r = sd_bus_message_read_basic(reply, 's', &text);
	if (r < 0)
		return bus_explain(NULL, r, verb, ret_reason);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int bus_ping(sd_bus *bus, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_call(bus, &m, BUS_PATH, BUS_PEER, "Ping");
	if (r < 0)
		return bus_explain(NULL, r, "this", ret_reason);
	return call(bus, m, "this", NULL, ret_reason);
}

bool bus_is_there(sd_bus *bus)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

	return new_call(bus, &m, BUS_PATH, BUS_PEER, "Ping") >= 0 &&
	       sd_bus_message_set_auto_start(m, false) >= 0 &&
	       sd_bus_call(bus, m, PATIENCE_USEC, &error, NULL) >= 0;
}

int bus_get(sd_bus *bus, const char *member, char **ret_json, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_call(bus, &m, BUS_PATH, BUS_MANAGER, member);
	if (r < 0)
		return bus_explain(NULL, r, "looking", ret_reason);
	return call_for_text(bus, m, "looking", ret_json, ret_reason);
}

static int get_with(sd_bus *bus, const char *member, const char *word, char **ret_text, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_call_with(bus, &m, BUS_PATH, BUS_MANAGER, member, word);
	if (r < 0)
		return bus_explain(NULL, r, "looking", ret_reason);
	return call_for_text(bus, m, "looking", ret_text, ret_reason);
}

int bus_get_blockers(sd_bus *bus, const char *name, char **ret_json, char **ret_reason)
{
	return get_with(bus, "GetBlockers", name, ret_json, ret_reason);
}

int bus_get_metrics(sd_bus *bus, const char *format, char **ret_text, char **ret_reason)
{
	return get_with(bus, "GetMetrics", format, ret_text, ret_reason);
}

static int call_for_count(sd_bus *bus, sd_bus_message *m, const char *verb, uint32_t *ret,
			  char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = call(bus, m, verb, &reply, ret_reason);
	if (r < 0)
		return r;
	r = sd_bus_message_read_basic(reply, 'u', ret);
	return r < 0 ? bus_explain(NULL, r, verb, ret_reason) : 0;
}

int bus_remember(sd_bus *bus, const char *member, const char *verb, char *const *words, size_t n,
		 uint32_t *ret, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_call(bus, &m, BUS_PATH, BUS_MANAGER, member);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_bus_message_append_basic(m, 's', words[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r < 0)
		return bus_explain(NULL, r, verb, ret_reason);
	return call_for_count(bus, m, verb, ret, ret_reason);
}

int bus_import(sd_bus *bus, const char *json, uint32_t *ret, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_call_with(bus, &m, BUS_PATH, BUS_MANAGER, "Import", json);
	if (r < 0)
		return bus_explain(NULL, r, "import", ret_reason);
	return call_for_count(bus, m, "import", ret, ret_reason);
}

static int append_wish(sd_bus_message *m, const struct wish *wish)
{
	int r;

	r = sd_bus_message_append(m, "s", wish->verb->name);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(m, 'a', "s");
	if (r < 0)
		return r;
	for (size_t i = 0; i < wish->n_objects; i++) {
		r = sd_bus_message_append(m, "s", wish->objects[i]);
		if (r < 0)
			return r;
	}
	r = sd_bus_message_close_container(m);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(m, 'a', "{ss}");
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < _OPTION_MAX; i++) {
		if (!wish->values[i])
			continue;
		r = sd_bus_message_append(m, "{ss}", option_table[i].name, wish->values[i]);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(m);
}

static int new_wish(sd_bus *bus, const char *member, const struct wish *wish, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_call(bus, &m, BUS_PATH, BUS_MANAGER, member);
	if (r < 0)
		return r;
	r = append_wish(m, wish);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

/* Only text that is no UTF-8 makes a wish that cannot be sent. */
static int explain_wish(const struct wish *wish, int r, char **ret_reason)
{
	if (r == -EINVAL)
		return say(ret_reason, r, "%s was given a word that is no UTF-8 text",
			   wish->verb->name);
	return bus_explain(NULL, r, wish->verb->name, ret_reason);
}

int bus_plan(sd_bus *bus, const struct wish *wish, char **ret_json, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_wish(bus, "Plan", wish, &m);
	if (r < 0)
		return explain_wish(wish, r, ret_reason);
	return call_for_text(bus, m, "planning", ret_json, ret_reason);
}

int bus_start(sd_bus *bus, sd_bus_slot **ret, const struct wish *wish,
	      sd_bus_message_handler_t answered, void *userdata, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_wish(bus, "Start", wish, &m);
	if (r < 0)
		return explain_wish(wish, r, ret_reason);
	r = sd_bus_call_async(bus, ret, m, answered, userdata, CALL_TIMEOUT_USEC);
	return r < 0 ? bus_explain(NULL, r, wish->verb->name, ret_reason) : 0;
}

void operation_lines_free(struct operation_line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(lines[i].path);
		free(lines[i].verb);
		free(lines[i].state);
		free(lines[i].summary);
	}
	free(lines);
}

bool operation_line_is_over(const struct operation_line *line)
{
	return strcmp(line->state, "queued") != 0 && strcmp(line->state, "running") != 0 &&
	       strcmp(line->state, "undoing") != 0;
}

static int read_line(sd_bus_message *m, struct operation_line *line)
{
	const char *path, *verb, *state, *summary;
	int r;

	r = sd_bus_message_read(m, "(ossds)", &path, &verb, &state, &line->fraction, &summary);
	if (r <= 0)
		return r;
	line->path = strdup(path);
	line->verb = strdup(verb);
	line->state = strdup(state);
	line->summary = strdup(summary);
	return line->path && line->verb && line->state && line->summary ? 1 : -ENOMEM;
}

int bus_list_operations(sd_bus *bus, struct operation_line **ret, size_t *ret_n, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	struct operation_line *lines = NULL;
	size_t n = 0;
	int r;

	r = new_call(bus, &m, BUS_PATH, BUS_MANAGER, "ListOperations");
	if (r < 0)
		return bus_explain(NULL, r, "looking", ret_reason);
	r = call(bus, m, "looking", &reply, ret_reason);
	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(reply, 'a', "(ossds)");
	while (r >= 0) {
		r = grow(&lines, n, sizeof(*lines));
		if (r < 0)
			break;
		r = read_line(reply, &lines[n]);
		if (r == 0)
			break;
		n++;
	}
	if (r < 0) {
		operation_lines_free(lines, n);
		return bus_explain(NULL, r, "looking", ret_reason);
	}
	*ret = lines;
	*ret_n = n;
	return 0;
}

int bus_get_operation(sd_bus *bus, const char *path, struct operation *op, char **ret_reason)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	int r;

	r = new_call_with(bus, &m, path, BUS_PROPERTIES, "GetAll", BUS_OPERATION);
	if (r < 0)
		return bus_explain(NULL, r, "looking", ret_reason);
	r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, &error, &reply);
	if (sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
	    sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_INTERFACE) ||
	    sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_METHOD)) {
		const char *id = strrchr(path, '/');

		return say(ret_reason, -ENOENT,
			   "there is no operation %s; `cxlmemctl operations` shows those there are",
			   id ? id + 1 : path);
	}
	if (r < 0)
		return bus_explain(&error, r, "looking", ret_reason);
	r = operation_read(op, reply);
	return r < 0 ? bus_explain(NULL, r, "looking", ret_reason) : 0;
}

static int new_cancel(sd_bus *bus, uint64_t id, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_call(bus, &m, BUS_PATH, BUS_MANAGER, "Cancel");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "t", id);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

int bus_cancel(sd_bus *bus, uint64_t id, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_cancel(bus, id, &m);
	if (r < 0)
		return bus_explain(NULL, r, "cancel", ret_reason);
	return call(bus, m, "cancel", NULL, ret_reason);
}

int bus_cancel_async(sd_bus *bus, sd_bus_slot **ret, uint64_t id, sd_bus_message_handler_t answered,
		     void *userdata, char **ret_reason)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = new_cancel(bus, id, &m);
	if (r >= 0)
		r = sd_bus_call_async(bus, ret, m, answered, userdata, CALL_TIMEOUT_USEC);
	return r < 0 ? bus_explain(NULL, r, "cancel", ret_reason) : 0;
}

int operation_id(const char *path, uint64_t *ret)
{
	const size_t prefix = strlen(BUS_OPERATIONS_PATH "/");

	if (strncmp(path, BUS_OPERATIONS_PATH "/", prefix) != 0)
		return -EINVAL;
	return parse_u64(path + prefix, ret) < 0 ? -EINVAL : 0;
}

char *operation_path(uint64_t id, char buf[static OPERATION_PATH_SIZE])
{
	snprintf(buf, OPERATION_PATH_SIZE, BUS_OPERATIONS_PATH "/%" PRIu64, id);
	return buf;
}
