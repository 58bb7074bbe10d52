/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_STEP_H
#define CXLMEM_STEP_H

#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "picture.h"

/*
 * A step is the smallest thing done to a machine: one change the kernel makes at once or not at
 * all. Every kind can be asked for again when it is already done (it then does nothing), so a step
 * that was cut off half-way can be run or undone whatever had become of it.
 */
enum step_kind {
	/* window, region (expected name); policy "made": that region may be there, empty, and is it then */
	STEP_CREATE_REGION,
	STEP_SET_INTERLEAVE, /* region, ways, granularity */
	STEP_ALLOC_HPA,	     /* region, size, resource (expected place, or UNKNOWN) */
	STEP_ALLOC_DPA,	     /* memdev, decoder, size */
	STEP_ATTACH,	     /* region, position, memdev, decoder */
	STEP_COMMIT,	     /* region */
	STEP_ENABLE, /* region, dax (expected name): bind, wait until the dax device is there */
	STEP_HOLD_AUTOPROBE,	  /* dax bus: leave new devices without a driver */
	STEP_RELEASE_AUTOPROBE,	  /* dax bus: as usual again */
	STEP_HOLD_AUTO_ONLINE,	  /* policy: what the kernel does with memory added meanwhile */
	STEP_RELEASE_AUTO_ONLINE, /* policy: the one that was in force */
	STEP_SET_ALIGN, /* dax that has no driver, size */
	STEP_BIND,    /* dax, driver ("kmem" or "device_dax"), blocks (kmem: expected afterwards) */
	STEP_ONLINE,  /* dax, blocks (zone for each run) */
	STEP_OFFLINE, /* dax, blocks (the runs that are online now) */
	STEP_CHECK_UNUSED,  /* dax: no process has it open or mapped; policy "force": say who, no more */
	STEP_UNBIND,	    /* dax, driver */
	/* These four with size and resource: only if it is still that one, and not made anew by somebody else */
	STEP_DISABLE,	    /* region */
	STEP_DECOMMIT,	    /* region */
	STEP_DETACH,	    /* region, position, memdev, decoder */
	STEP_FREE_DPA,	    /* memdev, decoder */
	STEP_FREE_HPA,	    /* region */
	STEP_DELETE_REGION, /* window, region */
	STEP_DRAIN, /* dax: let nobody begin to use it, wait until nobody does */
	STEP_REVOKE, /* dax: in a drain, take it away from who has it mapped or open */
	STEP_CANCEL_DRAIN,   /* dax: can be used as before */
	STEP_DISABLE_MEMDEV, /* memdev, of which nothing is in use */
	STEP_ENABLE_MEMDEV, /* memdev, decoder (the expected name of its first one) */
	STEP_POWER_OFF,	    /* slot, all cards of which are disabled: wait until they are gone */
	STEP_SET_BUTTON_POLICY, /* slot, policy: "ask" or "power-off" */
	STEP_ANSWER_BUTTON,	/* slot, policy: "accept" or "refuse"; nobody may be asking any more */
	STEP_SET_ATTENTION,	/* slot, policy: "on" or "off" */
	_STEP_KIND_MAX,
};

/*
 * Memory blocks that a step concerns: @count blocks from number @first, in (or to be put in) @zone.
 */
struct block_span {
	uint64_t first, count;
	enum zone zone; /* ZONE_UNKNOWN: offline */
};

struct step {
	enum step_kind kind;
	char *window, *region, *memdev, *decoder, *dax, *driver, *policy, *slot;
	int position;			/* -1 = none */
	unsigned int ways, granularity; /* 0 = none */
	uint64_t size, resource;	/* UNKNOWN = none */
	struct block_span *blocks;
	size_t n_blocks;
	/* run in this order to take the step back; they have no undo of their own */
	struct step *undo;
	size_t n_undo;
};

/**
 * step_clear - free what a step owns and zero it; the step itself is the caller's
 */
void step_clear(struct step *s);

/**
 * step_copy - deep copy into an uninitialised @ret
 *
 * Return: 0, or -ENOMEM (nothing in @ret).
 */
int step_copy(const struct step *s, struct step *ret);

/**
 * step_add_block - append a span; it is merged with the last one when they touch and share a zone
 *
 * Return: 0, or -ENOMEM.
 */
int step_add_block(struct step *s, uint64_t first, uint64_t count, enum zone zone);

/**
 * step_rename - exchange two names of objects wherever the step or its undo uses them
 *
 * The kernel chooses names of regions and dax devices; a plan holds the expected ones. When what
 * was expected to be called @from is called @to, whatever else in the plan is expected to be called
 * @to is something still to be made: it is called @from from now on, so that the two are not taken
 * for one. "decoder3" stands for all decoders of that port, decoder3.0 and so on.
 *
 * Return: 0, or -ENOMEM (some names may be exchanged and others not).
 */
int step_rename(struct step *s, const char *from, const char *to);

/**
 * step_text - one line for people: "allocate 512M of mem0 to decoder2.0"
 * @ret: the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int step_text(const struct step *s, char **ret);

/**
 * step_may_block - whether the kernel may take long over this step (and so progress is worth
 * showing)
 */
bool step_may_block(enum step_kind k);

/**
 * step_to_json, step_from_json - as an object with "step" (the kind), only the fields that are set,
 * and "undo"
 *
 * Return: 0; -EINVAL with a reason (@ret untouched); -ENOMEM.
 */
int step_to_json(const struct step *s, struct json_object **ret);
int step_from_json(struct json_object *json, struct step *ret, char **ret_reason);

const char *step_kind_name(enum step_kind k); /* "create-region" */
int step_kind_from_name(const char *s, enum step_kind *ret);

#endif
