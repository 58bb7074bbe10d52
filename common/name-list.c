/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "name-list.h"

#include <errno.h>
#include <stdio.h>

#define MOST 16

int name_list_add(struct name_list *l, const char *name)
{
	char *longer;

	if (!name || l->n++ >= MOST)
		return 0;
	if (asprintf(&longer, "%s%s%s", l->text ?: "", l->text ? ", " : "", name) < 0)
		return -ENOMEM;
	free(l->text);
	l->text = longer;
	return 0;
}

int name_list_end(struct name_list *l)
{
	char *longer;

	if (l->n <= MOST)
		return 0;
	if (asprintf(&longer, "%s and %zu more", l->text, l->n - MOST) < 0)
		return -ENOMEM;
	free(l->text);
	l->text = longer;
	return 0;
}
