/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_TABLE_H
#define CXLMEM_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util.h"

#include "term.h"

/* A table of text with aligned columns. Cells are added row by row, from left to right. */
struct table_column {
	const char *title;
	bool right; /* numbers */
	bool flex;  /* may be cut short to fit a terminal */
};

#define TABLE_MAX_COLUMNS 16

struct table;

/**
 * table_new - an empty table; NULL when out of memory
 * @columns: kept by reference, must outlive the table; at most TABLE_MAX_COLUMNS
 */
struct table *table_new(const struct table_column *columns, size_t n_columns);
struct table *table_free(struct table *t);

static inline void table_freep(struct table **t)
{
	table_free(*t);
}

/**
 * table_add - the next cell; running out of memory is remembered and told by table_print()
 */
void table_add(struct table *t, enum tint tint, const char *format, ...) _printf_(3, 4);

/**
 * table_add_size - the next cell, a size as people write it ("unknown" where nobody could read it)
 */
void table_add_size(struct table *t, uint64_t bytes);

/**
 * table_lose - a cell could not be made for want of memory: table_print() will say so
 */
void table_lose(struct table *t);

/**
 * table_rows - how many rows have been begun
 */
size_t table_rows(const struct table *t);

/**
 * table_print - the titles and all rows, each line behind @indent spaces
 *
 * Return: 0, or -ENOMEM if a cell could not be kept (nothing is printed then).
 */
int table_print(const struct table *t, FILE *out, const struct style *style, unsigned int indent);

#endif
