/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_RECONCILE_H
#define CXLMEM_RECONCILE_H

#include "picture.h"
#include "profile.h"
#include "request.h"
#include "wish.h"

/*
 * Compares the machine with what its owner wants, and says what to do next: one request at a time,
 * because the next one depends on what became of this one.
 */

/* A card that is there, and since when. */
struct arrival {
	uint64_t serial;
	char *path;
	uint64_t since; /* CLOCK_MONOTONIC or BOOTTIME, microseconds: the same clock as @now */
};

/* A request that failed. It is not made again before its time, or before the machine changes. */
struct attempt {
	char *key;
	char *reason;
	unsigned int count;
	uint64_t not_before; /* UNKNOWN = not again */
};

struct reconcile_in {
	const struct picture *picture;
	const struct profile_set *profiles;
	const struct wishes *wishes;
	const struct arrival *arrivals;
	size_t n_arrivals;
	const struct attempt *attempts;
	size_t n_attempts;
	uint64_t now;
};

enum wish_state {
	WISH_THERE,	/* its region exists */
	WISH_MISSING,	/* a card is not there */
	WISH_NOT_READY, /* a card is there, but disabled or still coming up */
	WISH_DUE,	/* it can be made now */
	WISH_FAILED,	/* it was tried */
	WISH_LEFT,	/* a card that is left alone */
	_WISH_STATE_MAX,
};

struct wish_status {
	enum wish_state state;
	int region;   /* index, or -1 */
	char *reason; /* a sentence, NULL when there is nothing to say */
};

struct reconcile {
	struct request *request; /* to be made now; NULL = none */
	char *key;		 /* of that request, for an attempt */
	char *why;		 /* one line for the log */
	uint64_t again;		 /* when to look again without a change; UNKNOWN = not */
	struct wish_status *status; /* of each wish */
	size_t n_status;
	uint64_t *drop; /* ids of wishes that are to be forgotten */
	size_t n_drop;
	char **reports; /* cards that wait, profiles that cannot be followed: a sentence each */
	size_t n_reports;
};

/**
 * reconcile - what is to be done next; a pure function
 *
 * In this order: what is left of regions of ours whose card has been gone for a second is cleared away; wishes whose
 * cards are all there are made; cards that nobody wished anything for go to the first profile that
 * matches them. A card that has a region, a wish or a part of its capacity in use is never touched.
 *
 * Return: 0, or -ENOMEM (nothing in @ret).
 */
int reconcile(const struct reconcile_in *in, struct reconcile *ret);

/**
 * reconcile_clear - free what it owns
 */
void reconcile_clear(struct reconcile *r);

const char *wish_state_name(enum wish_state s); /* "there", "missing", ... */

#endif
