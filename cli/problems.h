/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_PROBLEMS_H
#define CXLMEM_CLI_PROBLEMS_H

#include <stdio.h>

#include <json-c/json_object.h>

#include "picture.h"

#include "bus.h"
#include "term.h"

/**
 * print_problems - one line for everything somebody should look after
 * @rivals, @wishes: the daemon's answers to GetRivals and GetWishes; may be NULL
 *
 * Return: how many there are.
 */
unsigned int print_problems(FILE *out, const struct style *style, const struct picture *p,
			    const struct operation_line *lines, size_t n_lines,
			    struct json_object *rivals, struct json_object *wishes);

#endif
