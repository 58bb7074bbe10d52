/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_FILES_H
#define CXLMEM_CLI_FILES_H

/**
 * file_write - put a text into a file; one that was there is replaced only by a whole one
 *
 * Return: 0; -errno with the sentence.
 */
int file_write(const char *path, const char *text, char **ret_reason);

/**
 * file_read - all of a text file; "-" is standard input
 * @wanted: what writes such files, for the sentence ("`cxlmemctl export`")
 * @ret: the caller's
 *
 * Return: 0; -EFBIG, -EINVAL (no text), -errno, each with the sentence; -ENOMEM.
 */
int file_read(const char *path, const char *wanted, char **ret, char **ret_reason);

#endif
