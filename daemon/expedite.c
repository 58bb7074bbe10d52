// SPDX-License-Identifier: LGPL-2.1-or-later
#include "expedite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "sysfs.h"
#include "util.h"

#define EXPEDITED "kernel/rcu_expedited"
#define NORMAL "kernel/rcu_normal" /* takes precedence: synchronize_rcu_expedited(), kernel/rcu/tree_exp.h */
/* What takes longer waits for something else: for who uses the memory, or for a very large card. */
#define LONGEST_USEC (5 * UINT64_C(1000000))

struct expedite {
	struct door *door;
	int mark; /* a file that says "1" while the setting is ours; -1 = cannot be written */
	sd_event_source *timer;
	bool ours;
};

static bool is(struct door *door, const char *path, const char *value)
{
	_cleanup_free_ char *now = NULL;

	return sysfs_read(door, &now, "%s", path) >= 0 && !strcmp(now, value);
}

/* Without it nobody would put back what a process that is killed leaves. */
static bool set_mark(struct expedite *x, bool ours)
{
	return pwrite(x->mark, ours ? "1" : "0", 1, 0) == 1;
}

static void put_back(struct expedite *x)
{
	int r = sysfs_write(x->door, "0", EXPEDITED);

	if (r >= 0) {
		(void)set_mark(x, false);
		x->ours = false;
		return;
	}
	/* No descriptor was to be had, say: ours as long as it is so. */
	(void)sd_journal_print(4, "/sys/" EXPEDITED " cannot be set back to 0 now: %s", strerror(-r));
	x->ours = true;
	(void)sd_event_source_set_time_relative(x->timer, LONGEST_USEC);
	(void)sd_event_source_set_enabled(x->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *s, uint64_t when, void *userdata)
{
	(void)s, (void)when;
	expedite_end(userdata);
	return 0;
}

int expedite_new(sd_event *event, struct door *door, const char *mark, struct expedite **ret)
{
	struct expedite *x = calloc(1, sizeof(*x));
	char before = '0';
	int r;

	if (!x)
		return -ENOMEM;
	x->door = door;
	x->mark = open(mark, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = sd_event_add_time_relative(event, &x->timer, CLOCK_MONOTONIC, 0, 0, on_timer, x);
	if (r >= 0)
		r = sd_event_source_set_enabled(x->timer, SD_EVENT_OFF);
	if (r < 0) {
		expedite_free(x);
		return r;
	}
	if (pread(x->mark, &before, 1, 0) == 1 && before == '1')
		put_back(x);
	*ret = x;
	return 0;
}

struct expedite *expedite_free(struct expedite *x)
{
	if (!x)
		return NULL;
	expedite_end(x);
	sd_event_source_disable_unref(x->timer);
	closep_fd(x->mark);
	free(x);
	return NULL;
}

void expedite_begin(struct expedite *x)
{
	if (x->ours || !is(x->door, EXPEDITED, "0") || !is(x->door, NORMAL, "0"))
		return;
	/* A setting that nothing would end is not made. */
	if (sd_event_source_set_time_relative(x->timer, LONGEST_USEC) < 0 ||
	    sd_event_source_set_enabled(x->timer, SD_EVENT_ONESHOT) < 0 || !set_mark(x, true))
		return;
	x->ours = sysfs_write(x->door, "1", EXPEDITED) >= 0;
	if (x->ours)
		return;
	(void)sd_event_source_set_enabled(x->timer, SD_EVENT_OFF);
	(void)set_mark(x, false);
}

void expedite_end(struct expedite *x)
{
	if (!x->ours)
		return;
	(void)sd_event_source_set_enabled(x->timer, SD_EVENT_OFF);
	put_back(x);
}
