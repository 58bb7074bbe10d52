// SPDX-License-Identifier: LGPL-2.1-or-later
#include "module.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sysfs.h"

/* systemd does it, with modprobe: then the daemon needs no right to load whatever it likes. */
static int start_unit(const char *name)
{
	_cleanup_free_ char *unit = NULL;
	char *argv[] = { (char *)"systemctl", (char *)"--quiet", (char *)"start", NULL, NULL };
	int status, r;
	pid_t pid;

	if (asprintf(&unit, "modprobe@%s.service", name) < 0) {
		unit = NULL;
		return -ENOMEM;
	}
	argv[3] = unit;
	r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

int module_load(struct door *door, const char *name, char **ret_reason)
{
	uint64_t t;
	int r;

	if (sysfs_exists(door, "module/%s", name))
		return 0;
	t = door_time();
	r = start_unit(name);
	door->kernel_usec += door_time() - t;
	if (r < 0)
		return say(ret_reason, r, "the kernel module %s cannot be loaded: systemctl start "
			   "modprobe@%s.service fails (%s)", name, name, strerror(-r));
	/* The unit says nothing of what modprobe thinks of it. */
	if (!sysfs_exists(door, "module/%s", name))
		return say(ret_reason, -ENOENT, "the kernel module %s cannot be loaded: this kernel has none, "
			   "or it is on modprobe's blacklist; `modprobe %s` says which", name, name);
	return 0;
}
