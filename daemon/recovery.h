/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_RECOVERY_H
#define CXLMEM_RECOVERY_H

#include <json-c/json_object.h>

#include "journal.h"
#include "operation.h"

/* What the journal says about a daemon that is no more. */
struct recovery {
	struct json_object *wishes; /* all of them, newer than their file; NULL = the file is up to date */
	/*
	 * What was not over: RUNNING at step @at, or UNDOING, as engine_resume() takes it. NULL = nothing, or the
	 * machine was started anew since.
	 */
	struct operation *operation;
	int error;		    /* for engine_resume() */
	struct json_object *intent; /* of it, for the wishes; NULL = unknown */
	char *lost; /* the summary of what was not over when the machine went down; NULL = nothing was */
	size_t damaged; /* records */
};

struct recovery *recovery_free(struct recovery *r);

static inline void recovery_freep(struct recovery **r)
{
	recovery_free(*r);
}

/**
 * recovery_read - read the journal, and leave it ready for writing
 * @boot: of the running kernel, entry_boot_id()
 * @ret: the caller's
 *
 * A record that is missing is what did not happen: an undo is asked for once more at worst.
 *
 * Return: 0; -errno with a reason.
 */
int recovery_read(struct journal *j, const char *boot, struct recovery **ret, char **ret_reason);

#endif
