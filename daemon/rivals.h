/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_RIVALS_H
#define CXLMEM_RIVALS_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json_object.h>

/*
 * Who else on this machine brings memory online: the kernel itself, udev rules of the distribution, daxctl's
 * service. Read from files; nothing is changed.
 */
struct rival {
	const char *kind; /* "kernel", "udev", "daxctl" */
	char *where;	  /* the file, with its line where it has lines */
	char *does;	  /* "brings every new memory block online by itself" */
	char *advice;	  /* what to do about it */
	bool problem;	  /* it can decide about memory that cxlmemd left offline */
};

struct rivals {
	struct rival *list;
	size_t n;
};

/**
 * rivals_find - look for them
 * @root: "" for the machine itself
 * @ret: the caller's, rivals_free()
 *
 * Return: 0, or -ENOMEM. What cannot be read is not there.
 */
int rivals_find(const char *root, struct rivals **ret);
struct rivals *rivals_free(struct rivals *r);

static inline void rivals_freep(struct rivals **r)
{
	rivals_free(*r);
}

/**
 * rivals_to_json - an array of {"kind","where","does","advice","problem"}; @ret is the caller's
 */
int rivals_to_json(const struct rivals *r, struct json_object **ret);

#endif
