/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_PAGE_KINDS_H
#define CXLMEM_PAGE_KINDS_H

#include "blockers.h"
#include "door.h"

/**
 * page_kinds_read - what the pages of a memory block are, by /proc/kpageflags and /proc/kpagecount
 * @size: of a block, bytes
 * @block: its number is set; the sums are filled in
 *
 * Two reads of 8 bytes for each page.
 *
 * Return: 0; -EACCES and the like when the kernel does not show them.
 */
int page_kinds_read(struct door *door, uint64_t size, struct blocker_block *block);

#endif
