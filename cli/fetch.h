/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_FETCH_H
#define CXLMEM_CLI_FETCH_H

#include <json-c/json_object.h>

#include "picture.h"

#include "cli.h"

/**
 * fetch_json - the picture as the daemon sent it, for --json: nothing that a newer daemon adds gets
 * lost on the way
 * @ret: the caller's
 *
 * Return: 0, or a negative errno with the sentence (bus.h).
 */
int fetch_json(struct cli *cli, struct json_object **ret, char **ret_reason);

/**
 * read_picture - understand what fetch_json() got; @ret is the caller's
 *
 * Return: 0; -EBADMSG with the sentence; -ENOMEM.
 */
int read_picture(struct json_object *json, struct picture **ret, char **ret_reason);

#endif
