/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_TEST_TEXT_H
#define CXLMEM_TEST_TEXT_H

#include <stdio.h>

/* A stream that ends in a string. */
struct text {
	char *text;
	size_t size;
	FILE *f;
};

/**
 * text_open - begin; text_close - end, and the string, which is good until text_free()
 */
void text_open(struct text *t);
const char *text_close(struct text *t);
void text_free(struct text *t);

/**
 * check_text - fail the test with both texts when they differ
 */
void check_text(const char *got, const char *wanted);

/**
 * check_lines - fail the test if a line has more than @columns columns (UTF-8, escape sequences not
 * counted) or ends in a blank
 */
void check_lines(const char *text, unsigned int columns);

#endif
