// SPDX-License-Identifier: LGPL-2.1-or-later
#include "direct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

static int listen_on(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	if (mkdir(DIRECT_DIRECTORY, 0755) < 0 && errno != EEXIST)
		return -errno;
	/* Of a daemon that was killed. */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	before = umask(0177);
	r = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	umask(before);
	if (r >= 0 && listen(fd, SOMAXCONN) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int direct_new(sd_event *event, direct_publish_t publish, void *userdata, struct direct **ret)
{
	struct direct *d = calloc(1, sizeof(*d));
	int fd, r;

	if (!d)
		return -ENOMEM;
	d->event = sd_event_ref(event);
	d->publish = publish;
	d->userdata = userdata;
	fd = listen_on(DIRECT_SOCKET);
	if (fd < 0) {
		direct_free(d);
		return fd;
	}
	r = sd_event_add_io(event, &d->io, fd, EPOLLIN, on_connect, d);
	if (r < 0)
		close(fd);
	else
		r = sd_event_source_set_io_fd_own(d->io, true);
	/* Out of descriptors, say: what cannot be accepted now would wake us without end. */
	if (r >= 0)
		r = sd_event_source_set_ratelimit(d->io, 1000000, 1000);
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
