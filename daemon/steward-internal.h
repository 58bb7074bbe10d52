/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_STEWARD_INTERNAL_H
#define CXLMEM_STEWARD_INTERNAL_H

#include "reconcile.h"
#include "record.h"
#include "steward.h"

/* How long an eject of a card may take, by all names that it has. */
struct removal {
	char *memdev, *host, *slot;
	uint64_t serial;
	uint64_t deadline_usec;
	bool revoke;
};

struct steward {
	sd_event *event;
	struct engine *engine;
	char *root, *dir;
	struct wishes *wishes;
	struct profile_set *profiles;
	char *broken; /* why nothing is done by itself; NULL = all is well */
	struct arrival *arrivals;
	size_t n_arrivals;
	struct attempt *attempts;
	size_t n_attempts;
	struct journal *journal; /* NULL = none is kept */
	sd_event_source *save;	/* what is in the journal already is still to go into its file */
	bool unsaved;
	struct record *record;	/* of the operation that was planned last */
	char *key;		/* of the request that was started last; NULL = none is under way */
	uint64_t operation;	/* its operation, 0 = not planned yet */
	sd_event_source *timer; /* look again */
	struct removal *removals; /* cards whose profile has a deadline */
	size_t n_removals;
};

/* steward-removal.c */

/**
 * steward_note_removals - know the deadlines of the cards in a picture
 *
 * Return: 0, or -ENOMEM.
 */
int steward_note_removals(struct steward *s, const struct picture *p);

/**
 * steward_clear_removals - forget them
 */
void steward_clear_removals(struct steward *s);

/**
 * steward_save - write the wishes down; a failure is logged
 *
 * Return: 0, or -errno with a reason.
 */
int steward_save(struct steward *s, char **ret_reason);

/**
 * steward_input - what reconcile() needs to know; nothing in it is the caller's
 */
struct reconcile_in steward_input(const struct steward *s, const struct picture *p);

/**
 * steward_retry - forget what failed, and look at the machine soon
 */
void steward_retry(struct steward *s);

#endif
