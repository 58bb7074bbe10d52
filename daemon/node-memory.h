/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_NODE_MEMORY_H
#define CXLMEM_NODE_MEMORY_H

#include "door.h"

/**
 * node_memory_read - how much memory the nodes of a picture have, and what of it is free, as it is now
 *
 * A picture is used as long as no device comes or goes, and its memory is filled and freed meanwhile. Reading this
 * anew waits for nobody, so that the daemon may do it itself. What cannot be read is UNKNOWN.
 */
void node_memory_read(struct door *door, struct picture *p);

#endif
