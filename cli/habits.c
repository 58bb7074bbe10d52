/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "habits.h"

#include <stddef.h>
#include <string.h>

#include "util.h"

struct habit {
	const char *theirs, *ours;
};

static const struct habit verbs[] = {
	/* cxl */
	{ "create-region", "create" },
	{ "destroy-region", "destroy" },
	{ "enable-region", "online" },
	{ "disable-region", "offline" },
	{ "disable-memdev", "eject" },
	/* daxctl, ndctl */
	{ "reconfigure-device", "set-mode" },
	{ "online-memory", "online" },
	{ "offline-memory", "offline" },
	{ "disable-device", "destroy" },
	{ "destroy-device", "destroy" },
	{ "create-device", "create" },
	/* systemctl and the like */
	{ "start", "online" },
	{ "stop", "offline" },
	{ "enable", "online" },
	{ "disable", "offline" },
	{ "add", "create" },
	{ "new", "create" },
	{ "delete", "destroy" },
	{ "remove", "eject" },
	{ "rm", "destroy" },
	{ "unplug", "eject" },
	{ "ls", "list" },
	{ "info", "show" },
	{ "cat", "show" },
	{ "mode", "set-mode" },
	{ "abort", "cancel" },
	{ "kill", "cancel" },
	{ "jobs", "operations" },
	{ "list-jobs", "operations" },
	/* nvme */
	{ "smart-log", "health" },
	{ "error-log", "health" },
	{ "list-subsys", "topology" },
};

static const struct habit lists[] = {
	{ "memdevs", "cards" }, { "memdev", "cards" },	   { "devices", "cards" },
	{ "decoders", "ports" }, { "root", "windows" },	   { "bridges", "ports" },
	{ "switches", "ports" }, { "endpoints", "ports" }, { "blocks", "memory" },
	{ "numa", "nodes" },
};

static const char *find(const struct habit *habits, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(habits[i].theirs, word) == 0)
			return habits[i].ours;
	return NULL;
}

const char *habit_verb(const char *word)
{
	return find(verbs, ARRAY_SIZE(verbs), word);
}

const char *habit_list(const char *word)
{
	return find(lists, ARRAY_SIZE(lists), word);
}
