/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SUCCESSION_H
#define CXLMEM_SUCCESSION_H

#include "engine.h"
#include "steward.h"

/*
 * Taking over from the daemon before this one: its journal, once no worker of it is at work any more; the wishes
 * that had not come into their file; and the operation that was not over.
 */
struct succession;

/**
 * succession_new - open the journal and take over, now or when the last worker of the other daemon has ended
 * @dir: state directory
 * @ret: the caller's, succession_free(); it holds the journal, so engine and steward go first
 *
 * Until it has taken over operations wait. Without a journal the engine is barred, and the reason logged.
 *
 * Return: 0, or -ENOMEM.
 */
int succession_new(sd_event *event, struct engine *engine, struct steward *steward, const char *dir,
		   struct succession **ret);
struct succession *succession_free(struct succession *s);

#endif
