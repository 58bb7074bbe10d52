/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "suggest.h"

#include <string.h>

#define LONGEST 63

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: three rows of the usual table are enough to know about swaps. */
unsigned int word_distance(const char *a, const char *b)
{
	unsigned int rows[3][LONGEST + 1];
	unsigned int *before = rows[0], *last = rows[1], *now = rows[2];
	size_t n = strnlen(a, LONGEST), m = strnlen(b, LONGEST);

	for (size_t j = 0; j <= m; j++)
		last[j] = j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			unsigned int cost = a[i - 1] != b[j - 1];

			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

const char *suggest(const char *typed, const char *(*next)(size_t i, const void *userdata),
		    const void *userdata)
{
	size_t length = strlen(typed);
	/* A third of the letters may be wrong: "lst" is list, "foo" is nothing. */
	unsigned int best = length / 3 + 1;
	const char *found = NULL, *word;

	for (size_t i = 0; (word = next(i, userdata)); i++) {
		unsigned int d = word_distance(typed, word);

		/* Somebody who stops typing early means the word that begins so. */
		if (length >= 3 && strncmp(typed, word, length) == 0)
			d = 0;
		if (d < best) {
			best = d;
			found = word;
		}
	}
	return found;
}
