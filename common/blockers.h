/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_BLOCKERS_H
#define CXLMEM_BLOCKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

/*
 * What is in the way of taking memory away: who has memory there, and what kind of memory it is, block by
 * block. Sizes are bytes.
 */

/* Memory of a process on the node; @locked and @pinned are those of the whole process, wherever they are. */
struct blocker_process {
	uint64_t pid;
	char *name;
	uint64_t bytes, huge; /* on the node; @huge of hugetlb, part of @bytes */
	uint64_t locked, pinned;
	bool open, mapped; /* devdax: it has the device open, or mapped */
};

/* What the pages of a memory block are. */
struct blocker_block {
	uint64_t number;
	bool going;	 /* the kernel is at it */
	uint64_t movable; /* mapped by processes, or cached: moved */
	uint64_t kernel; /* the kernel's own */
	uint64_t huge;	 /* hugetlb */
	uint64_t locked; /* mlock(); part of none of the others */
	uint64_t held;	 /* a process's, but mapped by none: in a pipe, or under I/O */
};

struct blockers {
	char *region, *dax; /* may be NULL */
	uint64_t node;	    /* UNKNOWN for devdax */
	bool devdax;
	uint64_t active; /* devdax: bytes in use; UNKNOWN where the kernel does not count them */
	struct blocker_process *processes;
	size_t n_processes;
	struct blocker_block *blocks;
	size_t n_blocks;
	bool partial; /* there was no time to look at everything */
};

/**
 * blockers_free - free them and all they own (NULL is fine)
 */
void blockers_free(struct blockers *b);

static inline void blockers_freep(struct blockers **b)
{
	blockers_free(*b);
}

/**
 * blockers_sort - what is hardest to move first: pinned and huge before locked before the rest, then by size; the
 * block that the kernel is at before others
 */
void blockers_sort(struct blockers *b);

/**
 * blockers_lines - for people: a sentence for each, at most @max of processes and of blocks each
 * @max: the rest is counted in a line of its own
 * @ret: lines, ending with NULL; the caller's, and each of them
 *
 * Return: 0, or -ENOMEM.
 */
int blockers_lines(const struct blockers *b, size_t max, char ***ret);

/**
 * blockers_to_json, blockers_from_json - docs/dbus.md has the keys
 *
 * Return: 0; -EINVAL with a reason; -ENOMEM.
 */
int blockers_to_json(const struct blockers *b, struct json_object **ret);
int blockers_from_json(struct json_object *json, struct blockers **ret, char **ret_reason);

#endif
