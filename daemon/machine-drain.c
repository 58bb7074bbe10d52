// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "holders.h"
#include "machine.h"
#include "sysfs.h"

/* Of a kernel with the series of kernel/: Documentation/ABI/testing/sysfs-bus-dax there. */
#define DRAIN "bus/dax/devices/%s/drain"
#define ACTIVE "bus/dax/devices/%s/active_pages"

/* The kernel tells the end of a drain; in between the number of pages is looked at for the progress. */
#define LOOK_MSEC 1000

static int write_drain(struct door *door, const char *dax, const char *word)
{
	return sysfs_write(door, word, DRAIN, dax);
}

/* The descriptor first, then the state: a change in between is not missed. */
static int open_drain(const char *dax)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%.64s/drain", dax);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_state(int fd, char state[static 32])
{
	ssize_t n = pread(fd, state, 31, 0);

	if (n < 0)
		return -errno;
	state[n] = '\0';
	state[strcspn(state, "\n")] = '\0';
	return 0;
}

static void tell_progress(struct door *door, const char *dax, uint64_t *most)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), active;

	if (sysfs_read_u64(door, &active, ACTIVE, dax) < 0)
		return;
	if (active > *most)
		*most = active;
	if (door->progress && *most)
		door->progress(door->progress_userdata, (*most - active) * page, *most * page);
}

static int wait_drained(struct door *door, const char *dax, int fd, char **ret_reason)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	uint64_t most = 0, t;
	char state[32];
	int r;

	for (;;) {
		r = read_state(fd, state);
		if (r < 0)
			return say(ret_reason, r, "whether %s is still in use cannot be read: %s", dax,
				   strerror(-r));
		if (!strcmp(state, "drained") || !strcmp(state, "unbound"))
			return 0;
		if (strcmp(state, "draining"))
			return say(ret_reason, -EBUSY,
				   "%s is %s again: somebody else called the drain off", dax, state);
		tell_progress(door, dax, &most);
		t = door_time();
		if (poll(&p, 1, LOOK_MSEC) < 0 && errno != EINTR)
			return say(ret_reason, -errno, "%s cannot be waited for: %s", dax,
				   strerror(errno));
		door->kernel_usec += door_time() - t;
	}
}

int machine_drain(struct door *door, const struct step *s, struct step_result *ret,
		  char **ret_reason)
{
	int fd, r;

	(void)ret;
	fd = open_drain(s->dax);
	/* Another kernel than the one that was planned for: then as on any kernel. */
	if (fd == -ENOENT)
		return holders_check(door, s->dax, ret_reason);
	if (fd < 0)
		return say(ret_reason, fd, "%s cannot be drained: %s", s->dax, strerror(-fd));
	r = write_drain(door, s->dax, "begin");
	/* Bound to no driver, it is used by nobody. */
	if (r == -ENXIO)
		r = 0;
	else if (r < 0)
		r = say(ret_reason, r, "%s cannot be drained: %s", s->dax, strerror(-r));
	else
		r = wait_drained(door, s->dax, fd, ret_reason);
	close(fd);
	return r;
}

int machine_revoke(struct door *door, const struct step *s, struct step_result *ret,
		   char **ret_reason)
{
	int r;

	(void)ret;
	/* The worker that drains it may not have got to its first word yet. */
	r = write_drain(door, s->dax, "begin");
	if (r >= 0)
		r = write_drain(door, s->dax, "revoke");
	if (r < 0 && r != -ENXIO)
		return say(ret_reason, r, "%s cannot be taken away from who uses it: %s", s->dax,
			   strerror(-r));
	return 0;
}

int machine_cancel_drain(struct door *door, const struct step *s, struct step_result *ret,
			 char **ret_reason)
{
	int r;

	(void)ret;
	r = write_drain(door, s->dax, "cancel");
	/* Gone, or without a driver: nothing is being drained. */
	if (r < 0 && r != -ENXIO && r != -ENOENT)
		return say(ret_reason, r, "the drain of %s cannot be called off: %s", s->dax,
			   strerror(-r));
	return 0;
}

int machine_refuse_active(struct door *door, const char *dax, char **ret_reason)
{
	_cleanup_free_ char *state = NULL;
	uint64_t active = 0;
	int r;

	r = sysfs_read(door, &state, DRAIN, dax);
	if (r == -ENOENT || (r >= 0 && strcmp(state, "live") && strcmp(state, "draining")))
		return 0;
	/* Not drained by us: then it is idle from here on, or stays as it is. */
	if (r >= 0)
		r = write_drain(door, dax, "begin");
	if (r >= 0)
		r = sysfs_read_u64(door, &active, ACTIVE, dax);
	if (r >= 0 && !active)
		return 0;
	(void)write_drain(door, dax, "cancel");
	if (r < 0)
		return say(ret_reason, r, "whether %s is in use cannot be told: %s", dax, strerror(-r));
	return say(ret_reason, -EBUSY, "%" PRIu64 " page%s of %s %s in use again", active,
		   active == 1 ? "" : "s", dax, active == 1 ? "is" : "are");
}
