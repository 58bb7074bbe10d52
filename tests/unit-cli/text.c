/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <stdbool.h>
#include <string.h>

#include "test.h"

void text_open(struct text *t)
{
	*t = (struct text){ 0 };
	t->f = open_memstream(&t->text, &t->size);
	assert_non_null(t->f);
}

const char *text_close(struct text *t)
{
	if (t->f)
		assert_int_equal(fclose(t->f), 0);
	t->f = NULL;
	return t->text;
}

void text_free(struct text *t)
{
	text_close(t);
	free(t->text);
}

void check_text(const char *got, const char *wanted)
{
	if (strcmp(got, wanted) != 0)
		fail_msg("got:\n%s\nwanted:\n%s", got, wanted);
}

void check_lines(const char *text, unsigned int columns)
{
	unsigned int n = 0;
	bool escape = false;

	for (const char *c = text; *c; c++) {
		if (*c == '\n') {
			if (n > columns || (c > text && c[-1] == ' '))
				fail_msg("a line has %u columns, or ends in a blank:\n%s", n, text);
			n = 0;
		} else if (*c == '\033') {
			escape = true;
		} else if (escape) {
			escape = !(*c >= 'A' && *c <= 'z' && *c != '[');
		} else if ((*c & 0xc0) != 0x80) {
			n++;
		}
	}
}
