// SPDX-License-Identifier: LGPL-2.1-or-later
#include "holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sysfs.h"

#define SHOWN 3

struct holders {
	dev_t device;
	unsigned int found;
	char names[256];
};

static void note_holder(struct holders *h, const char *pid, const char *how)
{
	char path[PATH_MAX], comm[64] = "?";
	size_t used = strlen(h->names);
	FILE *f;

	if (h->found++ >= SHOWN)
		return;
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
	}
	snprintf(h->names + used, sizeof(h->names) - used, "%s%s (pid %s, %s)", used ? ", " : "", comm,
		 pid, how);
}

bool holder_opens(const char *pid, dev_t device)
{
	char path[PATH_MAX];
	struct dirent *e;
	struct stat st;
	bool yes = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!yes && (e = readdir(dir)))
		yes = fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISCHR(st.st_mode) &&
		      st.st_rdev == device;
	closedir(dir);
	return yes;
}

/*
 * "7f..-7f.. rw-s 00000000 00:06 123 /dev/dax0.0": the file is named, its device number is not (the
 * one shown is that of the file system), so the number is taken from map_files/, which links to the file.
 */
bool holder_maps(const char *pid, dev_t device)
{
	_cleanup_free_ char *line = NULL;
	char path[PATH_MAX], range[64];
	size_t room = 0;
	struct stat st;
	bool yes = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!yes && getline(&line, &room, f) >= 0) {
		if (!strchr(line, '/') || sscanf(line, "%63s", range) != 1)
			continue;
		if (!strstr(line, "dax"))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/map_files/%s", pid, range);
		yes = stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == device;
	}
	fclose(f);
	return yes;
}

static bool is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

int holders_device(struct door *door, const char *dax, dev_t *ret, char **ret_reason)
{
	_cleanup_free_ char *number = NULL;
	unsigned int major, minor;
	int r;

	r = sysfs_read(door, &number, "bus/dax/devices/%s/dev", dax);
	if (r == -ENOENT)
		return r;
	if (r < 0)
		return say(ret_reason, r, "the device number of %s cannot be read: %s", dax,
			   strerror(-r));
	if (sscanf(number, "%u:%u", &major, &minor) != 2)
		return say(ret_reason, -EINVAL, "the device number of %s is no number: \"%s\"", dax,
			   number);
	*ret = makedev(major, minor);
	return 0;
}

int holders_find(struct door *door, const char *dax, char **ret, bool *ret_several)
{
	struct holders h = {};
	struct dirent *e;
	uint64_t t;
	DIR *proc;
	int r;

	r = holders_device(door, dax, &h.device, ret);
	/* Without a driver, or without a device node, nobody can have it open. */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	t = door_time();
	proc = opendir("/proc");
	if (!proc)
		return say(ret, -errno, "/proc cannot be read: %s", strerror(errno));
	while ((e = readdir(proc))) {
		if (!is_number(e->d_name))
			continue;
		if (holder_opens(e->d_name, h.device))
			note_holder(&h, e->d_name, "open");
		else if (holder_maps(e->d_name, h.device))
			note_holder(&h, e->d_name, "mapped");
	}
	closedir(proc);
	door->kernel_usec += door_time() - t;
	if (!h.found)
		return 0;
	if (ret_several)
		*ret_several = h.found > 1;
	return say(ret, 1, "%s is in use by %s%s", dax, h.names, h.found > SHOWN ? " and others" : "");
}

int holders_check(struct door *door, const char *dax, char **ret_reason)
{
	_cleanup_free_ char *who = NULL;
	bool several = false;
	int r = holders_find(door, dax, &who, &several);

	if (r < 0)
		return say(ret_reason, r, "%s", who ?: strerror(-r));
	return r == 0 ? 0 : say(ret_reason, -EBUSY, "%s: stop %s first", who, several ? "them" : "it");
}
