/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_DOOR_H
#define CXLMEM_DOOR_H

#include <stdint.h>

#include "blockers.h"
#include "picture.h"
#include "step.h"

/*
 * The door to the kernel: the only way to sysfs, /proc, libcxl and libdaxctl. It sits in the worker
 * process, so whatever blocks or crashes behind it leaves the daemon standing. The daemon itself holds one
 * only to ask for the count of changes, which never blocks. Tests put another one in.
 */

enum door_scan_flags {
	/* also ask each card for its health (a mailbox command per card), and how fast links and memory are */
	DOOR_SCAN_HEALTH = 1 << 0,
};

/* What a step left behind for the ones after it. */
struct step_result {
	char *from, *to; /* the object the plan calls @from is really called @to; NULL = as planned */
	char *previous;  /* HOLD_*: the setting that was in force; NULL = not told */
	char *note;      /* what a person should know of it; NULL = nothing */
};

typedef void (*door_progress_t)(void *userdata, uint64_t done, uint64_t total);

struct door;

struct door_ops {
	/* A fresh picture. Return: 0, or -errno with a reason. */
	int (*scan)(struct door *door, unsigned int flags, struct picture **ret, char **ret_reason);
	/*
	 * Check, do and check again one step; already done is success. Return: 0, or -errno with a
	 * reason, and then the machine is as before the step or its undo makes it so.
	 */
	int (*run)(struct door *door, const struct step *step, struct step_result *ret,
		   char **ret_reason);
	/*
	 * What stands in the way of a step that another process is at, for people: "memory block 34 of dax0.0 is
	 * still in use: ...". Takes no locks that such a step holds. NULL: this door never knows.
	 * @ret: the caller's
	 * Return: 0; -ENODATA when nothing can be told of such a step; -errno.
	 */
	int (*explain)(struct door *door, const struct step *step, char **ret);
	/*
	 * Who and what is in the way of taking memory away, for a region, dax device or node by its name. As
	 * explain, takes no locks that a step holds. NULL: this door never knows.
	 * @ret: the caller's
	 * Return: 0; -ENOENT; -errno with a reason.
	 */
	int (*blockers)(struct door *door, const char *name, struct blockers **ret, char **ret_reason);
	/*
	 * A count that grows with every device that comes, goes, binds, or whose memory goes on- or offline.
	 * Return: 0, or -errno.
	 */
	int (*changes)(struct door *door, uint64_t *ret);
	void (*free)(struct door *door);
};

struct door {
	const struct door_ops *ops;
	uint64_t kernel_usec; /* time spent in calls into the kernel, ever growing */
	door_progress_t progress; /* may be NULL */
	void *progress_userdata;
	/*
	 * CREATE_REGION is about to make what the plan calls @from, and it will be @to; then the step tells no
	 * names in its result. May be NULL. Return: 0, or -errno: do not.
	 */
	int (*named)(void *userdata, const char *from, const char *to);
	void *named_userdata;
	/*
	 * Called before each change that a step makes, not before it looks: may the machine be changed? Waits if it
	 * has to. May be NULL. Return: 0, or -errno: change nothing.
	 */
	int (*ready)(void *userdata);
	void *ready_userdata;
};

/**
 * door_open_machine - the door to the machine we run on
 * @ret: the caller's, door_close() frees it
 *
 * Return: 0, or -ENOMEM.
 */
int door_open_machine(struct door **ret);

/**
 * door_close - free a door of any kind (NULL is fine)
 */
struct door *door_close(struct door *door);

/**
 * step_result_clear - free what a result owns
 */
void step_result_clear(struct step_result *r);

#endif
