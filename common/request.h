/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_REQUEST_H
#define CXLMEM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "picture.h"

enum verb {
	VERB_CREATE,
	VERB_ONLINE,
	VERB_OFFLINE,
	VERB_DESTROY,
	VERB_SET_MODE,
	VERB_EJECT,
	_VERB_MAX
};

enum memory_mode { MODE_DEFAULT, MODE_SYSTEM_RAM, MODE_DEVDAX, _MODE_MAX };

/* What somebody wants done. Zero means "as you think best" in every optional field. */
struct request {
	enum verb verb;
	/*
	 * create: cards; eject: cards, slots ("2", "slot:2"), and regions that may go although they
	 * are somebody else's; else: regions. By any name, as typed
	 */
	char **objects;
	size_t n_objects;
	enum memory_mode mode;	  /* create (default system-ram), set-mode (required) */
	enum zone zone;		  /* create, online, set-mode system-ram; default movable */
	bool no_online;		  /* create, set-mode: leave the memory offline */
	uint64_t size;		  /* create: bytes of one region; 0 = all there is */
	unsigned int ways;	  /* create: members of one region; 0 = all cards named */
	unsigned int granularity; /* create: bytes; 0 = what window and switches allow */
	char *window;		  /* create: this root decoder and no other */
	bool deadline_given; /* by whoever asks, be it "none": no profile has a say then */
	uint64_t align; /* create, set-mode devdax: bytes; 0 = as the kernel has it */
	uint64_t deadline_usec; /* all but create and online: give up and walk back then; 0 = never */
	bool revoke; /* eject, destroy, set-mode: at the deadline take devdax away from its users */
	bool force; /* eject, destroy, set-mode: take devdax away from its users at once */
	bool leaving; /* offline, eject: the card goes whatever comes of it, so what is offline stays so; not set by words */
	char *origin; /* who wants it: "hand" (or NULL), "profile NAME", "button" ... */
};

struct request *request_free(struct request *r);

static inline void request_freep(struct request **r)
{
	request_free(*r);
}

/**
 * request_new - a request with one verb and no objects; NULL when out of memory
 */
struct request *request_new(enum verb verb);

/**
 * request_add_object - append a copy of @word
 *
 * Return: 0, or -ENOMEM.
 */
int request_add_object(struct request *r, const char *word);

/**
 * request_set - set one option by name, the names of the client's long options
 * @name: "mode", "zone", "size", "ways", "granularity", "window", "no-online", "align",
 * "deadline", "on-deadline", "force"
 * @value: text as a person types it ("2G", "movable", "yes", "30s")
 * @ret_reason: the sentence when it is refused: which option, what was given, what it takes
 *
 * The one place that knows which verb takes which option.
 *
 * Return: 0; -EINVAL with a reason; -ENOMEM.
 */
int request_set(struct request *r, const char *name, const char *value, char **ret_reason);

/**
 * request_to_json, request_from_json - as an object with the fields above that are set; @ret is the caller's
 *
 * Return: 0; -EINVAL with a reason; -ENOMEM.
 */
int request_to_json(const struct request *q, struct json_object **ret);
int request_from_json(struct json_object *json, struct request **ret, char **ret_reason);

/* What hardware can interleave, and how a sentence says it. */
#define WAYS_ALLOWED "1, 2, 3, 4, 6, 8, 12 or 16"
#define GRANULARITY_ALLOWED "a power of two from 256 to 16384"
bool ways_allowed(uint64_t ways);
bool granularity_allowed(uint64_t bytes);

const char *verb_name(enum verb v); /* "create", "set-mode" */
int verb_from_name(const char *s, enum verb *ret);
const char *memory_mode_name(enum memory_mode m); /* "system-ram", "devdax"; NULL for the default */
int memory_mode_from_name(const char *s, enum memory_mode *ret);

#endif
