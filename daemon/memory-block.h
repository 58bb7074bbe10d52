/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MEMORY_BLOCK_H
#define CXLMEM_MEMORY_BLOCK_H

#include "door.h"
#include "step.h"

/*
 * Memory blocks, /sys/devices/system/memory/memoryN (drivers/base/memory.c). Part of the door.
 */

/**
 * memory_block_size - size of every block, bytes
 *
 * Return: 0, or -errno.
 */
int memory_block_size(struct door *door, uint64_t *ret);

/**
 * memory_block_state - state of one block
 *
 * Return: 0; -ENOENT when there is no such block; -errno.
 */
int memory_block_state(struct door *door, uint64_t number, enum mem_state *ret);

/**
 * memory_block_read - state of one block, and its zone when it is online
 *
 * Return: 0; -ENOENT when there is no such block; -errno.
 */
int memory_block_read(struct door *door, uint64_t number, enum mem_state *ret_state,
		      enum zone *ret_zone);

/**
 * memory_range_online - the first block that is online in a physical range
 * @start, @size: bytes
 * @ret: its number
 *
 * Return: 1 if there is one, 0 if none is, -errno.
 */
int memory_range_online(struct door *door, uint64_t start, uint64_t size, uint64_t *ret);

/**
 * memory_spans_check - whether all blocks of some spans are as the spans say
 *
 * A span of ZONE_UNKNOWN wants its blocks offline, or not there at all.
 *
 * Return: 1 if so; 0 if not, with the first difference in @ret_reason; -errno.
 */
int memory_spans_check(struct door *door, const struct block_span *spans, size_t n,
		       char **ret_reason);

/**
 * memory_spans_online, memory_spans_offline - block by block, for kernels without daxX.Y/state
 *
 * Blocks that are as asked already are left alone. When one fails, what this call had done is taken
 * back, and only that. Progress is told before the first one and after each. Offlining goes from
 * the last block to the first.
 *
 * Return: 0, or -errno with a reason.
 */
int memory_spans_online(struct door *door, const struct block_span *spans, size_t n,
			char **ret_reason);
int memory_spans_offline(struct door *door, const struct block_span *spans, size_t n,
			 char **ret_reason);

#endif
