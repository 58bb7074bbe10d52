/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_ENTRY_H
#define CXLMEM_ENTRY_H

#include "journal.h"
#include "operation.h"

/*
 * What the journal holds (docs/state.md). Each record is an object with "record", its kind, and
 * "operation", its number:
 *   begin   what is going to be done: boot, time, request, plan with all its undos
 *   intent  what it will have changed about the wishes when it succeeds (record_to_json())
 *   step    a step ("at"), or one of its undos ("at", "undo"), is about to run, and those up to "until" after it
 *   named   the region that a step is about to make, the plan's "from", is "to"
 *   done    it has run: "error", and what it found out ("from", "to", "previous")
 *   end     the operation is over: "state", "reason", "left"
 *   wishes  all wishes as they are from now on; the file of wishes follows later
 *   saved   that file is up to date
 */

/* Where in an operation a step belongs. */
struct entry_place {
	uint64_t operation;
	size_t at;
	int undo; /* within the undo of step @at; -1 = the step itself */
	bool again; /* not written down: a worker has died over it, and it may be done already */
};

/**
 * entry_begin - an operation that was just planned; not on the disk before the next entry that is
 *
 * Return: 0, or -errno.
 */
int entry_begin(struct journal *j, const struct operation *o);

/**
 * entry_intent - what it means for the wishes; @intent stays the caller's
 *
 * Return: 0, or -errno.
 */
int entry_intent(struct journal *j, uint64_t operation, struct json_object *intent);

/**
 * entry_end - it is over; on the disk when this returns
 * @wishes: all of them from now on, the caller's; NULL = as before
 *
 * Return: 0, or -errno.
 */
int entry_end(struct journal *j, const struct operation *o, struct json_object *wishes);

/**
 * entry_saved - the file of wishes is up to date
 *
 * Return: 0, or -errno.
 */
int entry_saved(struct journal *j);

/**
 * entry_done_new - the record for a step that has run, to be written with what comes next; the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int entry_done_new(const struct entry_place *place, int error, const struct step_result *result,
		   struct json_object **ret);

/**
 * entry_step - a step is about to run; not on the disk before journal_flush()
 * @until: the steps up to this one follow, each with a record of its own then; that of @place: none does
 * @done: of the step before it, or NULL; stays the caller's
 *
 * Return: 0, or -errno.
 */
int entry_step(struct journal *j, const struct entry_place *place, size_t until,
	       struct json_object *done);

/**
 * entry_named - the name of what the running step is about to make; for who finds it there, so not flushed
 *
 * Return: 0, or -errno.
 */
int entry_named(struct journal *j, const struct entry_place *place, const char *from, const char *to);

/**
 * entry_boot_id - of the running kernel, for records to tell whether they are about this machine as it is now
 *
 * Return: 0, or -errno.
 */
int entry_boot_id(char ret[static 33]);

#endif
