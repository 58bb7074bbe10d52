/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_TERM_H
#define CXLMEM_CLI_TERM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "util.h"

/* What may be done to the text that goes to one stream. All zero: plain, any width, for a file or a
 * pipe. */
struct style {
	unsigned int width; /* columns; 0 = as wide as it gets */
	bool terminal;	    /* the cursor can be moved */
	bool colour;
	bool utf8; /* line drawing characters may be used */
};

enum tint { TINT_NONE, TINT_BOLD, TINT_DIM, TINT_GOOD, TINT_WARN, TINT_BAD, _TINT_MAX };

/**
 * term_style - find out what a file descriptor can show
 *
 * Colour is left out when NO_COLOR is set to anything (https://no-color.org) or TERM is "dumb".
 * The locale must have been set (setlocale) for utf8 to be found.
 */
void term_style(int fd, struct style *ret);

/**
 * tint_on, tint_off - escape sequences around tinted text; empty where the style has no colour
 */
const char *tint_on(const struct style *style, enum tint tint);
const char *tint_off(const struct style *style, enum tint tint);

/**
 * put_sentence - print a sentence and end the line; where it does not fit, go on in the next at a word
 * @column: how many columns of the line are taken already
 * @indent: blanks in front of the lines that follow
 *
 * What stands between backquotes is to be typed, and is broken only where it fits on no line.
 */
void put_sentence(FILE *out, const struct style *style, unsigned int column, unsigned int indent,
	      const char *format, ...) _printf_(5, 6);
void put_sentence_va(FILE *out, const struct style *style, unsigned int column, unsigned int indent,
		 const char *format, va_list ap);

/**
 * put_note - "note: " and a sentence
 */
void put_note(FILE *out, const struct style *style, const char *text);

/**
 * make_plain - replace what is no printable ASCII, in place
 *
 * Names and versions come from devices: none of them may move the cursor, and a column is a byte.
 */
void make_plain(char *text);

#endif
