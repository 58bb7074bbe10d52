/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_WHOLE_FILE_H
#define CXLMEM_WHOLE_FILE_H

#include <stddef.h>

/**
 * read_whole - all of a plain file, from its start; its offset stays where it is
 * @ret: the caller's, with a zero behind it
 * @ret_n: bytes without that
 *
 * Return: 0, or -errno.
 */
int read_whole(int fd, char **ret, size_t *ret_n);

/**
 * write_whole - all of a text, at the offset of a file
 *
 * Return: 0; -errno: a part of it may have been written.
 */
int write_whole(int fd, const char *text, size_t n);

#endif
