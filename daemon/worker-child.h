/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_WORKER_CHILD_H
#define CXLMEM_WORKER_CHILD_H

#include "channel.h"
#include "door.h"
#include "journal.h"

/**
 * worker_child_serve - answer requests until the parent closes the channel
 * @journal: for steps that are to be written down; NULL = none are
 *
 * Return: 0 at the end of the stream, or -errno.
 */
int worker_child_serve(struct channel *c, struct door *door, struct journal *journal);

#endif
