/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_PLAN_H
#define CXLMEM_PLAN_H

#include "picture.h"
#include "request.h"
#include "step.h"

/*
 * The way from a picture to a wish: steps in order, each with its undo, and what a person should
 * know.
 */
struct plan {
	enum verb verb;
	char *summary; /* "create region0: 512M on mem0 through decoder0.0, system-ram, movable" */
	/* What a person may count on once it is done: "mem0 ... in slot 2 may be pulled"; or NULL. */
	char *done;
	char **notes;  /* what is lost or left out, one sentence each */
	size_t n_notes;
	char **regions; /* names (expected names for create) of the regions it is about */
	size_t n_regions;
	struct step *steps; /* none: the machine is already as asked */
	size_t n_steps;
	/*
	 * Index of the first step that cannot be taken back once it ran (the kernel does not commit
	 * a decoder that was released out of order): from there on only forward. n_steps: there is
	 * none.
	 */
	size_t no_return;
};

struct plan *plan_free(struct plan *p);

static inline void plan_freep(struct plan **p)
{
	plan_free(*p);
}

/**
 * plan_make - from a picture and a request to a plan; a pure function
 * @picture: the machine as it is now
 * @request: what is wanted
 * @ret: the plan, the caller's
 * @ret_reason: on error the sentence that says which constraint is violated and by what; the
 * caller's
 *
 * Return: 0, or with a reason:
 * -EINVAL the request makes no sense; -ENOENT no such card, slot, region or window; -ENOTUNIQ a name that
 * means several; -EBUSY something is in use or must go first; -ENOSPC no room in window, card or
 * decoders; -ENXIO the topology cannot do it (no window spans the bridges, wrong granularity,
 * unbalanced members); -ENODEV a card that is not enabled; -ENODATA something that must be known
 * could not be read; -EOPNOTSUPP this is not managed here (pmem, locked by firmware); or -ENOMEM
 * without.
 */
int plan_make(const struct picture *picture, const struct request *request, struct plan **ret,
	      char **ret_reason);

/**
 * plan_rename - step_rename() for all of a plan: its steps, their undos and the regions it is about
 *
 * Return: 0, or -ENOMEM.
 */
int plan_rename(struct plan *p, const char *from, const char *to);

/**
 * plan_add_note - one more sentence that a person should know, told by the machine while it runs
 *
 * Return: 0, or -ENOMEM.
 */
int plan_add_note(struct plan *p, const char *text);

/**
 * plan_to_json - {"verb","summary","done","notes","regions","steps":[step_to_json() plus "text"]} and
 * "no_return" if there is such a step; @ret is the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int plan_to_json(const struct plan *p, struct json_object **ret);

/**
 * plan_to_record - the same without "text", which a machine does not read
 */
int plan_to_record(const struct plan *p, struct json_object **ret);

/**
 * plan_from_json - the plan that either wrote; @ret is the caller's
 *
 * Return: 0; -EINVAL with a reason; -ENOMEM.
 */
int plan_from_json(struct json_object *json, struct plan **ret, char **ret_reason);

#endif
