/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_RECORD_H
#define CXLMEM_RECORD_H

#include "operation.h"
#include "profile.h"
#include "wish.h"

/*
 * What an operation that succeeds will have changed about the owner's wishes. It is drawn up when
 * the operation is planned, while its cards and regions are all there, and carried out at its end.
 */
struct record;

struct record *record_free(struct record *r);

static inline void record_freep(struct record **r)
{
	record_free(*r);
}

/**
 * record_new - draw it up for an operation that was just planned on @p
 * @profiles: cards that one of these would use again by itself are to be left alone once their
 * region is destroyed by hand
 *
 * Return: 0, or -ENOMEM.
 */
int record_new(const struct operation *o, const struct picture *p, const struct wishes *w,
	       const struct profile_set *profiles, struct record **ret);

/**
 * record_id - of the operation
 */
uint64_t record_id(const struct record *r);

/**
 * record_to_json, record_from_json - for the journal, in case the daemon does not live to see the end
 * @o: the operation it is about
 * @ret: the caller's
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int record_to_json(const struct record *r, struct json_object **ret);
int record_from_json(const struct operation *o, struct json_object *json, struct record **ret);

/**
 * record_apply - the operation is done: change the wishes
 * @ret_changed: set to true if anything changed
 *
 * Only what a person did changes what they wished for: a region destroyed by hand is left alone by
 * profiles; one that went with its card, or was made again by itself, is still wished for.
 *
 * Return: 0, or -ENOMEM.
 */
int record_apply(struct record *r, struct wishes *w, bool *ret_changed);

#endif
