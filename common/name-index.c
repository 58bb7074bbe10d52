/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "name-index.h"

#include <errno.h>
#include <string.h>

#include "util.h"

int name_index_add(struct name_index *ix, const char *name, int value)
{
	if (!name)
		return 0;
	if (grow(&ix->entries, ix->n, sizeof(*ix->entries)) < 0)
		return -ENOMEM;
	ix->entries[ix->n++] = (struct name_entry){ name, value };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct name_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

const char *name_index_sort(struct name_index *ix)
{
	size_t i;

	if (ix->n)
		qsort(ix->entries, ix->n, sizeof(*ix->entries), compare);
	for (i = 1; i < ix->n; i++)
		if (strcmp(ix->entries[i - 1].name, ix->entries[i].name) == 0)
			return ix->entries[i].name;
	return NULL;
}

int name_index_find(const struct name_index *ix, const char *name)
{
	struct name_entry key = { .name = name }, *found;

	if (!name || !ix->n)
		return -1;
	found = bsearch(&key, ix->entries, ix->n, sizeof(*ix->entries), compare);
	return found ? found->value : -1;
}

void name_index_clear(struct name_index *ix)
{
	free(ix->entries);
	*ix = (struct name_index){};
}
