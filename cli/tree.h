/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_TREE_H
#define CXLMEM_CLI_TREE_H

#include <stdio.h>

#include "util.h"

#include "term.h"

/* A tree of lines: a name and what is said about it. */
struct tree;
struct tree_node;

struct tree *tree_new(void);
struct tree *tree_free(struct tree *t);

static inline void tree_freep(struct tree **t)
{
	tree_free(*t);
}

/**
 * tree_add - a new line below @parent (NULL: at the left edge), behind those that are there
 * @tint: of the name
 *
 * Running out of memory is remembered and told by tree_print().
 *
 * Return: the node, never NULL; the tree's.
 */
struct tree_node *tree_add(struct tree *t, struct tree_node *parent, enum tint tint,
			   const char *name, const char *format, ...) _printf_(5, 6);

/**
 * tree_print - all lines, cut to the width of a terminal
 *
 * Return: 0, or -ENOMEM if a line could not be kept (nothing is printed then).
 */
int tree_print(const struct tree *t, FILE *out, const struct style *style);

/**
 * tree_print_svg - the same as an SVG picture: a box for each line, the ones below it to its right
 *
 * The same tree always gives the same bytes.
 *
 * Return: 0, or -ENOMEM if a line could not be kept (nothing is printed then).
 */
int tree_print_svg(const struct tree *t, const char *title, FILE *out);

#endif
