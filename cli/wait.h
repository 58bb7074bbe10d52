/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_WAIT_H
#define CXLMEM_CLI_WAIT_H

#include "cli.h"
#include "operation.h"
#include "wish.h"

/* How an operation ended, as far as somebody waited for it. */
struct outcome {
	uint64_t id;
	char *state;  /* "done", "failed", "cancelled", "stuck"; NULL = nobody waited to the end */
	char *reason; /* one sentence, or empty */
	bool left;    /* the person pressed Ctrl-C and then once more */
	struct operation details; /* as it was at its end, when that was asked for */
};

void outcome_clear(struct outcome *o);

enum patience {
	PATIENCE_NONE, /* until the operation has started */
	PATIENCE_MUTE, /* to the end, nothing shown */
	PATIENCE_SHOW, /* to the end, with progress */
};

/**
 * operation_run - have a wish carried out
 * @cli: connected
 * @details: ask for them at the end: one more round trip
 * @ret: the caller's (outcome_clear)
 *
 * While it waits, Ctrl-C asks the daemon to cancel (on a terminal once it is pressed again), and
 * pressed again after that leaves the operation to itself.
 *
 * Return: 0 when there is an outcome, whatever it is; -ENOTCONN when the daemon cannot be reached
 * or went away; another negative errno when it refused; with the sentence in @ret_reason.
 */
int operation_run(struct cli *cli, const struct wish *wish, enum patience patience, bool details,
		  struct outcome *ret, char **ret_reason);

/**
 * operation_walk_back - cancel an operation, whoever started it; otherwise as operation_run()
 */
int operation_walk_back(struct cli *cli, uint64_t id, enum patience patience, bool details,
			struct outcome *ret, char **ret_reason);

#endif
