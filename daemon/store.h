/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_STORE_H
#define CXLMEM_STORE_H

#include "wish.h"

/* What is kept over reboots: one file of wishes, replaced as a whole (docs/state.md). */

#define STORE_FILE "wishes.json"

/**
 * store_load - read the wishes kept in a directory
 * @dir: "/var/lib/cxlmem"
 * @ret: the caller's; empty when there is no file yet
 * @ret_reason: the sentence, on error: which file, what is wrong, what to do
 *
 * Return: 0; -EBADMSG: the file is damaged or of another version (it is left as it is); another
 * -errno when it cannot be read.
 */
int store_load(const char *dir, struct wishes **ret, char **ret_reason);

/**
 * store_save - replace the file; after a crash at any moment it is either the old one or the new one
 *
 * Return: 0, or -errno with a reason (the old file stands).
 */
int store_save(const char *dir, const struct wishes *w, char **ret_reason);

#endif
