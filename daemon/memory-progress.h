/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MEMORY_PROGRESS_H
#define CXLMEM_MEMORY_PROGRESS_H

#include "door.h"

/*
 * How far the kernel is with many memory blocks that it takes on- or offline in one call: kmem's
 * state attribute (Linux 7.3 and later), which tells nothing until it returns. Their states can be
 * read meanwhile without a lock (state_show() in drivers/base/memory.c). Part of the door.
 */
struct memory_progress;

/**
 * memory_progress_start - look now and then, and tell @door's progress in bytes, until
 * memory_progress_stop()
 * @spans: the blocks; kept by the caller until then
 * @online: whether they come online; else they go offline
 *
 * A thread looks, so the worker has one while it is in the kernel; a signal that kills the worker
 * ends both. The caller must not use the door's progress meanwhile.
 *
 * Return: what is to be stopped; NULL when nobody wants to know or none could be started, which is
 * no harm.
 */
struct memory_progress *memory_progress_start(struct door *door, const struct block_span *spans,
					      size_t n, bool online);

/**
 * memory_progress_stop - nothing is told any more once this returns (NULL is fine)
 */
void memory_progress_stop(struct memory_progress *p);

#endif
