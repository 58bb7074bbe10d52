/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_STATUS_H
#define CXLMEM_CLI_STATUS_H

#include "cli.h"

/**
 * status_write - ask for all that `cxlmemctl status` shows, and show it on @out
 * @ret_running: whether operations are under way
 *
 * Return: 0; a negative errno with the sentence in @ret_reason (the caller's).
 */
int status_write(struct cli *cli, FILE *out, const struct style *style, bool *ret_running,
		 char **ret_reason);

#endif
