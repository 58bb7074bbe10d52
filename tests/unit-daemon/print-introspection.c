// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "bus.h"
#include "harness.h"
#include "machines.h"
#include "mock-door.h"

/* Prints what the daemon's objects say of themselves: the manager, then an operation. For introspection.py. */

static void must(int r)
{
	if (r < 0) {
		fprintf(stderr, "%s\n", strerror(-r));
		abort();
	}
}

static sd_bus *open_end(int fd, bool server)
{
	sd_bus *bus;
	sd_id128_t id;

	must(sd_id128_randomize(&id));
	must(sd_bus_new(&bus));
	must(sd_bus_set_fd(bus, fd, fd));
	must(server ? sd_bus_set_server(bus, 1, id) : 0);
	must(sd_bus_start(bus));
	return bus;
}

static int on_xml(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	unsigned int *left = userdata;
	const char *xml;

	(void)error;
	must(sd_bus_message_get_errno(reply) ? -EIO : 0);
	must(sd_bus_message_read(reply, "s", &xml));
	puts(xml);
	--*left;
	return 0;
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	(void)o, (void)reason, (void)userdata;
	must(error);
}

int main(void)
{
	static const struct engine_hooks hooks = { 0 };
	static const char *const paths[] = { BUS_PATH, BUS_OPERATION_PATH "/1" };
	_cleanup_mock_ struct mock *machine = mock_new();
	struct mock_stage *stage;
	struct manager m = {};
	unsigned int left = 2;
	sd_bus *client;
	int fds[2];

	machine_one(machine);
	stage = mock_stage_new();
	mock_stage_set(stage, machine);
	must(sd_event_new(&m.event));
	must(engine_new(m.event, mock_open, &hooks, &m, &m.engine));
	must(engine_start(m.engine, parse_request("create mem0"), on_started, NULL));
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0 ? -errno : 0);
	m.bus = open_end(fds[0], true);
	must(bus_add_objects(m.bus, &m));
	client = open_end(fds[1], false);
	must(sd_bus_attach_event(m.bus, m.event, SD_EVENT_PRIORITY_NORMAL));
	must(sd_bus_attach_event(client, m.event, SD_EVENT_PRIORITY_NORMAL));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		must(sd_bus_call_method_async(client, NULL, NULL, paths[i], "org.freedesktop.DBus.Introspectable",
					      "Introspect", on_xml, &left, NULL));
	while (left || engine_busy(m.engine))
		must(sd_event_run(m.event, UINT64_MAX));
	engine_free(m.engine);
	sd_event_source_disable_unref(m.announce);
	sd_bus_close_unref(client);
	sd_bus_close_unref(m.bus);
	sd_event_unref(m.event);
	while (waitpid(-1, NULL, 0) > 0)
		;
	mock_stage_free(stage);
	return 0;
}
