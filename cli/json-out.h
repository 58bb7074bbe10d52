/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_JSON_OUT_H
#define CXLMEM_CLI_JSON_OUT_H

#include <json-c/json_object.h>

#include "cli.h"

/**
 * print_json - a value for other programs, in the format that was asked for
 *
 * As a sequence, a list is a record for each of its elements, anything else one record.
 *
 * Return: 0, or -ENOMEM.
 */
int print_json(struct cli *cli, struct json_object *value);

/**
 * print_record - one of several values, as they come: a line
 *
 * Return: 0, or -ENOMEM.
 */
int print_record(struct cli *cli, struct json_object *value);

/**
 * read_json - read what the daemon sent; @ret is the caller's
 *
 * Return: 0; -EBADMSG with the sentence; -ENOMEM.
 */
int read_json(const char *text, struct json_object **ret, char **ret_reason);

#endif
