// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unix-socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util.h"

static int make_directory_of(const char *path)
{
	_cleanup_free_ char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return -ENOMEM;
	if (!slash || slash == dir)
		return 0;
	*slash = 0;
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* Return: the socket, or -errno. */
static int listen_on(const char *path, mode_t mode)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	mode_t before;
	int r;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	r = make_directory_of(path);
	if (r < 0)
		return r;
	/* Of a daemon that was killed. */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	before = umask(0777 & ~mode);
	r = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	umask(before);
	if (r < 0)
		return r;
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	r = fd;
	fd = -1;
	return r;
}

int unix_socket_listen(sd_event *event, const char *path, mode_t mode, sd_event_io_handler_t on_connect,
		       void *userdata, sd_event_source **ret)
{
	sd_event_source *io = NULL;
	int fd = listen_on(path, mode), r;

	if (fd < 0)
		return fd;
	r = sd_event_add_io(event, &io, fd, EPOLLIN, on_connect, userdata);
	if (r < 0)
		close(fd);
	else
		r = sd_event_source_set_io_fd_own(io, true);
	/* Out of descriptors, say: what cannot be accepted now would wake us without end. */
	if (r >= 0)
		r = sd_event_source_set_ratelimit(io, 1000000, 1000);
	if (r < 0) {
		sd_event_source_disable_unref(io);
		return r;
	}
	*ret = io;
	return 0;
}
