// SPDX-License-Identifier: LGPL-2.1-or-later
#include "direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unix-socket.h"
#include "util.h"

/* More clients of root at a time than this are a mistake of somebody's, and have the system bus. */
#define CONNECTIONS_MAX 128

struct direct {
	sd_event *event;
	sd_event_source *io;
	direct_publish_t publish;
	void *userdata;
	sd_bus **connections;
	size_t n_connections;
};

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	sd_bus *bus = sd_bus_message_get_bus(m);
	struct direct *d = userdata;

	(void)error;
	for (size_t i = 0; i < d->n_connections; i++)
		if (d->connections[i] == bus) {
			d->connections[i] = d->connections[--d->n_connections];
			sd_bus_close_unref(bus);
			break;
		}
	return 0;
}

/* Takes @fd. */
static int add_connection(struct direct *d, int fd)
{
	_cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
	sd_id128_t id;
	int r;

	r = grow(&d->connections, d->n_connections, sizeof(*d->connections));
	if (r >= 0)
		r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_fd(bus, fd, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = sd_id128_randomize(&id);
	if (r >= 0)
		r = sd_bus_set_server(bus, 1, id);
	if (r >= 0)
		r = sd_bus_start(bus);
	/* The answer to its greeting, which it waits for with its first call, before what takes longer. */
	if (r >= 0)
		r = sd_bus_process(bus, NULL);
	if (r >= 0)
		r = sd_bus_attach_event(bus, d->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus.Local",
					"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
					"Disconnected", on_disconnected, d);
	if (r >= 0)
		r = d->publish(bus, d->userdata);
	if (r < 0)
		return r;
	d->connections[d->n_connections++] = TAKE_PTR(bus);
	return 0;
}

static bool is_root(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static int on_connect(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct direct *d = userdata;
	int connection;

	(void)s, (void)revents;
	connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (connection < 0)
		return 0;
	/* The mode of the socket says the same; who is turned away here takes the system bus. */
	if (d->n_connections >= CONNECTIONS_MAX || !is_root(connection))
		close(connection);
	else
		(void)add_connection(d, connection);
	return 0;
}

int direct_new(sd_event *event, direct_publish_t publish, void *userdata, struct direct **ret)
{
	struct direct *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->event = sd_event_ref(event);
	d->publish = publish;
	d->userdata = userdata;
	r = unix_socket_listen(event, DIRECT_SOCKET, 0600, on_connect, d, &d->io);
	if (r < 0) {
		direct_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

struct direct *direct_free(struct direct *d)
{
	if (!d)
		return NULL;
	if (d->io)
		(void)unlink(DIRECT_SOCKET);
	sd_event_source_disable_unref(d->io);
	for (size_t i = 0; i < d->n_connections; i++)
		sd_bus_flush_close_unref(d->connections[i]);
	free(d->connections);
	sd_event_unref(d->event);
	free(d);
	return NULL;
}

sd_bus *direct_nth(struct direct *d, size_t n)
{
	return d && n < d->n_connections ? d->connections[n] : NULL;
}
