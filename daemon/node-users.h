/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_NODE_USERS_H
#define CXLMEM_NODE_USERS_H

#include "door.h"

/**
 * node_users - the processes with most memory on a NUMA node, for people
 * @ret: "cxlmem-use (pid 77, 64M), ..." or NULL when no process has any; the caller's
 *
 * Reads /proc/PID/numa_maps of every process: milliseconds for each that has much memory. Memory of the kernel,
 * and pages that are only pinned, are in nobody's.
 *
 * Return: 0, or -errno.
 */
int node_users(struct door *door, uint64_t node, char **ret);

/**
 * node_usage - how much memory on a node a process has mapped, and how much of that is hugetlb
 * @ret_bytes, @ret_huge: bytes; 0 also when the process is gone
 */
void node_usage(const char *pid, uint64_t node, uint64_t *ret_bytes, uint64_t *ret_huge);

#endif
