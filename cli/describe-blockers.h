/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_DESCRIBE_BLOCKERS_H
#define CXLMEM_CLI_DESCRIBE_BLOCKERS_H

#include <stddef.h>

/**
 * describe_blockers - the daemon's JSON about what is in the way, as sentences
 * @max: of processes and of memory blocks, each
 * @ret: ends with NULL; the caller's, lines_free()
 *
 * Return: 0; -EBADMSG when it cannot be understood; -ENOMEM.
 */
int describe_blockers(const char *json, size_t max, char ***ret);
void lines_free(char **lines);

#endif
