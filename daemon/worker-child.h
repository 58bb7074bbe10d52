/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_WORKER_CHILD_H
#define CXLMEM_WORKER_CHILD_H

#include "channel.h"
#include "door.h"

/**
 * worker_child_serve - answer requests until the parent closes the channel
 *
 * Return: 0 at the end of the stream, or -errno.
 */
int worker_child_serve(struct channel *c, struct door *door);

#endif
