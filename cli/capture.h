/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_CAPTURE_H
#define CXLMEM_CLI_CAPTURE_H

#include "cli.h"
#include "wish.h"

/*
 * A capture: what the daemon knows of a machine, in a file that can be looked at and planned with anywhere
 * (docs/capture.md).
 */

/**
 * capture_load - from here on the file stands for the daemon
 * @path: "-" is standard input; the output of `cxlmemctl status --json` will do, too
 *
 * Return: 0; negative errno with the sentence.
 */
int capture_load(struct cli *cli, const char *path, char **ret_reason);

/**
 * capture_get - a part of what was loaded: "picture", "rivals", "wishes", "profiles"; NULL = it has none
 *
 * Return: a reference, the caller's.
 */
struct json_object *capture_get(struct cli *cli, const char *part);

/**
 * capture_plan - plan on what was loaded, as the daemon would; @ret is the caller's (plan_to_json())
 *
 * Return: 0; negative errno with the sentence.
 */
int capture_plan(struct cli *cli, const struct wish *wish, struct json_object **ret,
		 char **ret_reason);

#endif
