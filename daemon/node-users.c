// SPDX-License-Identifier: LGPL-2.1-or-later
#include "node-users.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sysfs.h"

#define SHOWN 3

struct user {
	char pid[16];
	uint64_t bytes;
};

/* "7f... default anon=8 dirty=8 N0=3 N1=5 kernelpagesize_kB=4": fs/proc/task_mmu.c, show_numa_map(). */
static uint64_t bytes_in_line(const char *line, const char *node)
{
	const char *size = strstr(line, " kernelpagesize_kB="), *at = strstr(line, node);
	uint64_t pages, kib = 4;

	if (!at || sscanf(at + strlen(node), "%" SCNu64, &pages) != 1)
		return 0;
	if (size)
		(void)sscanf(size + strlen(" kernelpagesize_kB="), "%" SCNu64, &kib);
	return pages * kib * KIB;
}

void node_usage(const char *pid, uint64_t node, uint64_t *ret_bytes, uint64_t *ret_huge)
{
	_cleanup_free_ char *line = NULL;
	char path[PATH_MAX], word[32];
	size_t room = 0;
	FILE *f;

	*ret_bytes = *ret_huge = 0;
	snprintf(word, sizeof(word), " N%" PRIu64 "=", node);
	snprintf(path, sizeof(path), "/proc/%s/numa_maps", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &room, f) >= 0) {
		uint64_t bytes = bytes_in_line(line, word);

		*ret_bytes += bytes;
		*ret_huge += strstr(line, " huge ") ? bytes : 0;
	}
	fclose(f);
}

/* Keep the biggest, biggest first. */
static void note_user(struct user *users, const char *pid, uint64_t bytes)
{
	struct user new = { .bytes = bytes };
	size_t i;

	snprintf(new.pid, sizeof(new.pid), "%.15s", pid);
	for (i = 0; i < SHOWN; i++)
		if (users[i].bytes < new.bytes) {
			struct user old = users[i];

			users[i] = new;
			new = old;
		}
}

static void read_name(const char *pid, char name[static 64])
{
	char path[PATH_MAX];
	FILE *f;

	strcpy(name, "?");
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, 64, f))
		name[strcspn(name, "\n")] = '\0';
	fclose(f);
}

static int describe(const struct user *users, unsigned int found, char **ret)
{
	char *text = NULL, name[64], bytes[32];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < SHOWN && users[i].bytes; i++) {
		read_name(users[i].pid, name);
		fprintf(f, "%s%s (pid %s, %s)", i ? ", " : "", name, users[i].pid,
			format_size(users[i].bytes, bytes));
	}
	if (found > SHOWN)
		fprintf(f, " and %u more", found - SHOWN);
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}

int node_users(struct door *door, uint64_t node, char **ret)
{
	struct user users[SHOWN] = {};
	uint64_t t = door_time();
	unsigned int found = 0;
	struct dirent *e;
	DIR *proc;

	proc = opendir("/proc");
	if (!proc)
		return -errno;
	while ((e = readdir(proc))) {
		uint64_t bytes, huge;

		if (!*e->d_name || e->d_name[strspn(e->d_name, "0123456789")])
			continue;
		node_usage(e->d_name, node, &bytes, &huge);
		found += bytes > 0;
		note_user(users, e->d_name, bytes);
	}
	closedir(proc);
	door->kernel_usec += door_time() - t;
	if (!found) {
		*ret = NULL;
		return 0;
	}
	return describe(users, found, ret);
}
