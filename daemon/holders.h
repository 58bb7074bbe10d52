/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_HOLDERS_H
#define CXLMEM_HOLDERS_H

#include "door.h"

/**
 * holders_check - refuse when a process has a dax device open or mapped
 * @dax: "dax0.0"
 *
 * Looks at every process's open files and mappings in /proc. Pages that are only pinned (a pipe, io_uring's
 * fixed buffers, RDMA) after the mapping is gone cannot be seen this way: only a kernel with the activation
 * series counts them.
 *
 * Return: 0 when nobody does; -EBUSY with the first few by name and pid; -errno.
 */
int holders_check(struct door *door, const char *dax, char **ret_reason);

#endif
