/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SUGGEST_H
#define CXLMEM_SUGGEST_H

#include <stddef.h>

/**
 * word_distance - how many slips of the fingers lie between two words: letters missing, doubled,
 * wrong, or two neighbours swapped
 *
 * Return: the number; words longer than 63 letters are only compared up to there.
 */
unsigned int word_distance(const char *a, const char *b);

/**
 * suggest - the word of a list that was probably meant
 * @next: hands out the candidates one by one, NULL at the end; called with 0, 1, 2, ...
 * @userdata: passed to @next
 *
 * Return: one of the candidates, or NULL when none is near.
 */
const char *suggest(const char *typed, const char *(*next)(size_t i, const void *userdata),
		    const void *userdata);

#endif
