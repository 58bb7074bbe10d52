// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t door_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int make_path(char path[static PATH_MAX], const char *format, va_list ap)
{
	int n = snprintf(path, PATH_MAX, "/sys/"), m;

	m = vsnprintf(path + n, (size_t)(PATH_MAX - n), format, ap);
	return m < 0 || m >= PATH_MAX - n ? -ENAMETOOLONG : 0;
}

/* The path of a printf-like caller; kept a macro because a va_list cannot be handed back. */
#define PATH_FROM_FORMAT(path, format)                                                             \
	({                                                                                         \
		va_list _ap;                                                                       \
		int _r;                                                                            \
                                                                                                   \
		va_start(_ap, format);                                                             \
		_r = make_path(path, format, _ap);                                                 \
		va_end(_ap);                                                                       \
		_r;                                                                                \
	})

static int read_path(struct door *door, const char *path, char **ret)
{
	char value[SYSFS_VALUE_MAX];
	uint64_t t = door_time();
	ssize_t n = -1;
	int fd, e;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	e = errno;
	if (fd >= 0) {
		n = read(fd, value, sizeof(value) - 1);
		e = errno;
		close(fd);
	}
	door->kernel_usec += door_time() - t;
	if (n < 0)
		return -e;
	while (n > 0 && value[n - 1] == '\n')
		n--;
	value[n] = '\0';
	*ret = strdup(value);
	return *ret ? 0 : -ENOMEM;
}

int sysfs_read(struct door *door, char **ret, const char *format, ...)
{
	char path[PATH_MAX];
	int r;

	r = PATH_FROM_FORMAT(path, format);
	return r < 0 ? r : read_path(door, path, ret);
}

int sysfs_read_u64(struct door *door, uint64_t *ret, const char *format, ...)
{
	_cleanup_free_ char *value = NULL;
	char path[PATH_MAX];
	int r;

	r = PATH_FROM_FORMAT(path, format);
	if (r < 0)
		return r;
	r = read_path(door, path, &value);
	return r < 0 ? r : parse_u64(value, ret);
}

int sysfs_write(struct door *door, const char *value, const char *format, ...)
{
	char path[PATH_MAX];
	int fd, r, e;
	uint64_t t;
	ssize_t n;

	r = PATH_FROM_FORMAT(path, format);
	if (r == 0 && door->ready)
		r = door->ready(door->ready_userdata);
	if (r < 0)
		return r;
	t = door_time();
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		r = -errno;
	} else {
		n = write(fd, value, strlen(value));
		e = errno;
		close(fd);
		r = n < 0 ? -e : 0;
	}
	door->kernel_usec += door_time() - t;
	return r;
}

bool sysfs_exists(struct door *door, const char *format, ...)
{
	char path[PATH_MAX];
	uint64_t t;
	bool there;

	if (PATH_FROM_FORMAT(path, format) < 0)
		return false;
	t = door_time();
	there = access(path, F_OK) == 0;
	door->kernel_usec += door_time() - t;
	return there;
}

static int read_link(struct door *door, const char *path, char **ret)
{
	char target[PATH_MAX];
	uint64_t t = door_time();
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	int r = n < 0 ? -errno : 0;

	door->kernel_usec += door_time() - t;
	if (r < 0)
		return r;
	target[n] = '\0';
	*ret = strdup(target);
	return *ret ? 0 : -ENOMEM;
}

int sysfs_link(struct door *door, char **ret, const char *format, ...)
{
	char path[PATH_MAX];
	int r;

	r = PATH_FROM_FORMAT(path, format);
	return r < 0 ? r : read_link(door, path, ret);
}

int sysfs_link_name(struct door *door, char **ret, const char *format, ...)
{
	_cleanup_free_ char *target = NULL;
	char path[PATH_MAX];
	const char *last;
	int r;

	r = PATH_FROM_FORMAT(path, format);
	if (r >= 0)
		r = read_link(door, path, &target);
	if (r == -ENOENT) {
		*ret = NULL;
		return 0;
	}
	if (r < 0)
		return r;
	last = strrchr(target, '/');
	return strdup_or_null(last ? last + 1 : target, ret);
}

int sysfs_each(struct door *door, sysfs_entry_t f, void *userdata, const char *format, ...)
{
	char path[PATH_MAX];
	struct dirent *e;
	uint64_t t;
	DIR *dir;
	int r;

	r = PATH_FROM_FORMAT(path, format);
	if (r < 0)
		return r;
	t = door_time();
	dir = opendir(path);
	r = dir ? 0 : -errno;
	door->kernel_usec += door_time() - t;
	if (!dir)
		return r;
	for (;;) {
		t = door_time();
		e = readdir(dir);
		door->kernel_usec += door_time() - t;
		if (!e)
			break;
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		r = f(e->d_name, userdata);
		if (r != 0)
			break;
	}
	closedir(dir);
	return r;
}
