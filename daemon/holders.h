/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_HOLDERS_H
#define CXLMEM_HOLDERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "door.h"

/**
 * holders_find - who has a dax device open or mapped, for people: "dax0.0 is in use by db (pid 7, mapped)"
 * @ret: the first few by name and pid, the caller's
 * @ret_several: whether there is more than one; may be NULL
 *
 * Return: 1; 0 when nobody does (@ret untouched); -errno with a reason in @ret.
 */
int holders_find(struct door *door, const char *dax, char **ret, bool *ret_several);

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

/**
 * holders_device - the device number of a dax device
 *
 * Return: 0; -ENOENT when it has none, and nobody can have it open; -errno with a reason.
 */
int holders_device(struct door *door, const char *dax, dev_t *ret, char **ret_reason);

/**
 * holder_opens, holder_maps - whether a process has a character device open, or mapped
 */
bool holder_opens(const char *pid, dev_t device);
bool holder_maps(const char *pid, dev_t device);

#endif
