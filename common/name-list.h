/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_NAME_LIST_H
#define CXLMEM_NAME_LIST_H

#include <stddef.h>
#include <stdlib.h>

/* Names in a sentence: "mem0, mem1, mem2", no more than a person reads, then how many more. */
struct name_list {
	char *text; /* NULL while empty */
	size_t n;
};

/**
 * name_list_add - one more name; NULL is passed over
 *
 * Return: 0, or -ENOMEM.
 */
int name_list_add(struct name_list *l, const char *name);

/**
 * name_list_end - say how many were left out, after the last name
 *
 * Return: 0, or -ENOMEM.
 */
int name_list_end(struct name_list *l);

static inline void name_list_clear(struct name_list *l)
{
	free(l->text);
	l->text = NULL;
	l->n = 0;
}

#endif
