/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_RENDER_H
#define CXLMEM_CLI_RENDER_H

#include <stdio.h>

#include <json-c/json_object.h>

#include "picture.h"
#include "profile.h"

#include "bus.h"
#include "find-object.h"
#include "operation.h"
#include "term.h"

/*
 * From what the daemon told to text. Pure functions: they know neither bus nor machine.
 * They return 0, or -ENOMEM.
 */

enum list_kind {
	LIST_WINDOWS,
	LIST_PORTS,
	LIST_CARDS,
	LIST_SLOTS,
	LIST_REGIONS,
	LIST_DAX,
	LIST_MEMORY,
	LIST_NODES,
	_LIST_MAX,
};

/**
 * list_kind_name - the word that is typed; list_kind_key - the key in the picture's JSON
 */
const char *list_kind_name(enum list_kind kind);
const char *list_kind_key(enum list_kind kind);

/**
 * render_list - one kind of objects as a table; a sentence if there are none
 */
int render_list(FILE *out, const struct style *style, const struct picture *p, enum list_kind kind);

/**
 * render_everything - all tables that are not empty, each under its name
 */
int render_everything(FILE *out, const struct style *style, const struct picture *p);

/**
 * render_status - one screen: problems, sums, regions, operations that are not over
 * @rivals, @wishes: the daemon's answers to GetRivals and GetWishes; may be NULL
 */
int render_status(FILE *out, const struct style *style, const struct picture *p,
		  const struct operation_line *lines, size_t n_lines,
		  struct json_object *rivals, struct json_object *wishes);

/**
 * render_profiles - a table in the order in which they are tried
 * @p: to say which cards each takes; NULL = nobody knows
 */
int render_profiles(FILE *out, const struct style *style, const struct profile_set *set,
		    const struct picture *p);

/**
 * render_wishes - what is remembered and what became of it, a line each (the answer to GetWishes)
 */
int render_wishes(FILE *out, const struct style *style, struct json_object *wishes);

/**
 * render_topology - a tree: windows, below them host bridges, switches and cards, and regions with
 * what uses them
 */
int render_topology(FILE *out, const struct style *style, const struct picture *p);

/**
 * render_topology_svg - the same as an SVG picture
 */
int render_topology_svg(FILE *out, const struct picture *p);

/**
 * render_object - all that is known of one thing, a line for each
 */
void render_object(FILE *out, const struct style *style, const struct picture *p,
		   const struct object *object);

/**
 * render_plan - the steps of a plan as the daemon sends it (plan_to_json())
 */
int render_plan(FILE *out, const struct style *style, struct json_object *plan);

/**
 * render_operations - a table, one line for each
 */
int render_operations(FILE *out, const struct style *style, const struct operation_line *lines,
		      size_t n_lines);

/**
 * render_operation - all that is known of one
 */
int render_operation(FILE *out, const struct style *style, const struct operation *op);

#endif
