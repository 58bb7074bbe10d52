/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_WISH_H
#define CXLMEM_WISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "picture.h"
#include "request.h"

/*
 * What the owner of the machine wants to be there, kept over reboots and while a card is away.
 * Regions have no lasting name: a wish is known by its cards, and those by serial and place.
 */
enum wish_kind {
	WISH_REGION, /* this region is to exist */
	WISH_LEAVE,  /* no profile is to use this card: its region was destroyed by hand */
	_WISH_KIND_MAX,
};

struct wish_member {
	uint64_t serial; /* UNKNOWN or 0: only the place tells */
	char *path;	 /* its place when it was seen last, memdev.path */
};

struct wish {
	enum wish_kind kind;
	uint64_t id;
	char *origin; /* "hand", "adopted", "profile NAME" */
	struct wish_member *members; /* by position */
	size_t n_members;
	/* WISH_REGION only */
	unsigned int granularity;
	uint64_t size;	 /* bytes */
	char *window;	 /* "decoder0.0"; NULL = any */
	uint64_t resource; /* where the region was last, to know it again without its cards */
	enum memory_mode mode;
	enum zone zone; /* system-ram only */
	bool online;
	uint64_t align; /* devdax: bytes; 0 = as the kernel has it */
	/* not written down */
	bool seen; /* all its cards were there at some time since the daemon started */
	uint64_t lost_since; /* its region lacks a card, reconcile_in.now; 0 = it does not */
};

struct wishes {
	struct wish *list;
	size_t n;
	uint64_t last_id;
	uint64_t generation; /* grows each time they are written down; 0 = never */
};

struct wishes *wishes_free(struct wishes *w);

static inline void wishes_freep(struct wishes **w)
{
	wishes_free(*w);
}

/**
 * wishes_add - append an empty wish with an id of its own
 *
 * Return: it, good until the next call; NULL when out of memory.
 */
struct wish *wishes_add(struct wishes *w, enum wish_kind kind, const char *origin);

/**
 * wishes_remove - forget one
 */
void wishes_remove(struct wishes *w, size_t i);

/**
 * wish_add_card - append a memdev of a picture as a member
 *
 * Return: 0, or -ENOMEM.
 */
int wish_add_card(struct wish *w, const struct memdev *card);

/**
 * wish_card - the memdev that a member means
 *
 * By serial, wherever the card is now; by place where the serial is 0 or stands on several cards.
 *
 * Return: memdev index, or -1: it is not there.
 */
int wish_card(const struct picture *p, const struct wish_member *m);

/**
 * wish_missing - how many of its cards are not there
 */
size_t wish_missing(const struct picture *p, const struct wish *w);

/**
 * wish_has_card - whether a memdev is one of its members
 */
bool wish_has_card(const struct picture *p, const struct wish *w, int memdev);

/**
 * wish_member_same - whether two members mean the same card: the same serial, or, without one, the same place
 */
bool wish_member_same(const struct wish_member *a, const struct wish_member *b);

/**
 * wish_shares_card - whether two wishes have a card in common
 */
bool wish_shares_card(const struct wish *a, const struct wish *b);

/**
 * wish_moved - whether one of its cards sits in another place than the wish remembers
 */
bool wish_moved(const struct picture *p, const struct wish *w);

/**
 * wishes_match - which region of a picture is whose
 * @ret: for each wish a region index or -1; room for @w->n
 *
 * A region belongs to the first wish with the same cards and the same size; one that lost cards, to
 * that with the same size in the same place of the address space. No region belongs to two.
 */
void wishes_match(const struct wishes *w, const struct picture *p, int *ret);

/**
 * wishes_annotate - write into a picture who wanted its regions (region.origin), in place of what stood there
 *
 * Return: 0, or -ENOMEM.
 */
int wishes_annotate(const struct wishes *w, struct picture *p);

/**
 * wish_from_region - fill an empty wish with a region as it is now: its cards, size, place and use
 *
 * Return: 0; -ENODATA with a reason when something that has to be remembered could not be read;
 * -ENOMEM.
 */
int wish_from_region(struct wish *w, const struct picture *p, int region, char **ret_reason);

/**
 * wish_request - the request that makes a wish's region again
 * @ret: the caller's; its origin is the wish's
 *
 * All of its cards must be there.
 *
 * Return: 0, or -ENOMEM.
 */
int wish_request(const struct wish *w, const struct picture *p, struct request **ret);

/**
 * wish_text - one line for people: "512M, system-ram, movable, on serial 0x1000 (profile a.profile)"
 *
 * Return: 0, or -ENOMEM.
 */
int wish_text(const struct wish *w, char **ret);

/**
 * wishes_to_json, wishes_from_json - {"version":1,"wishes":[...]}, the form of wishes.json and of
 * `cxlmemctl export` (docs/state.md)
 * @ret: the caller's
 * @ret_reason: what is wrong and where
 *
 * Return: 0; -EINVAL with a reason; -ENOMEM.
 */
int wishes_to_json(const struct wishes *w, struct json_object **ret);
int wishes_from_json(struct json_object *json, struct wishes **ret, char **ret_reason);

const char *wish_kind_name(enum wish_kind k); /* "region", "leave" */

#endif
