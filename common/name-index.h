/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_NAME_INDEX_H
#define CXLMEM_NAME_INDEX_H

#include <stddef.h>

/* Names and the places they stand for, searched by bisection. The names belong to somebody else. */
struct name_entry {
	const char *name;
	int value;
};

struct name_index {
	struct name_entry *entries;
	size_t n;
};

/**
 * name_index_add - one more name; NULL is passed over
 *
 * Return: 0, or -ENOMEM.
 */
int name_index_add(struct name_index *ix, const char *name, int value);

/**
 * name_index_sort - make ready for searching, after the last name was added
 *
 * Return: NULL, or a name that is there twice.
 */
const char *name_index_sort(struct name_index *ix);

/**
 * name_index_find - the place of a name
 *
 * Return: what was added with it, or -1.
 */
int name_index_find(const struct name_index *ix, const char *name);

void name_index_clear(struct name_index *ix);

#endif
