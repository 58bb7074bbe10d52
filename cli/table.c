/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define GAP 2
#define MIN_FLEX 8

struct cell {
	char *text;
	enum tint tint;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct cell *cells;
	size_t n_cells;
	bool broken; /* a cell was lost for want of memory */
};

struct table *table_new(const struct table_column *columns, size_t n_columns)
{
	struct table *t;

	assert(n_columns > 0 && n_columns <= TABLE_MAX_COLUMNS);
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->columns = columns;
	t->n_columns = n_columns;
	return t;
}

struct table *table_free(struct table *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
	return NULL;
}

void table_add(struct table *t, enum tint tint, const char *format, ...)
{
	va_list ap;
	char *text;
	int r;

	va_start(ap, format);
	r = vasprintf(&text, format, ap);
	va_end(ap);
	if (r < 0 || grow(&t->cells, t->n_cells, sizeof(*t->cells)) < 0) {
		if (r >= 0)
			free(text);
		t->broken = true;
		return;
	}
	make_plain(text);
	t->cells[t->n_cells++] = (struct cell){ .text = text, .tint = tint };
}

void table_add_size(struct table *t, uint64_t bytes)
{
	char buf[32];

	table_add(t, bytes == UNKNOWN ? TINT_WARN : TINT_NONE, "%s", format_size(bytes, buf));
}

void table_lose(struct table *t)
{
	t->broken = true;
}

size_t table_rows(const struct table *t)
{
	return (t->n_cells + t->n_columns - 1) / t->n_columns;
}

static void measure(const struct table *t, size_t *widths)
{
	for (size_t c = 0; c < t->n_columns; c++)
		widths[c] = strlen(t->columns[c].title);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t length = strlen(t->cells[i].text);

		if (length > widths[i % t->n_columns])
			widths[i % t->n_columns] = length;
	}
}

/* Take what is too much from the columns that can be cut, always from the widest one. */
static void fit(const struct table *t, size_t *widths, size_t room)
{
	size_t total = GAP * (t->n_columns - 1);

	for (size_t c = 0; c < t->n_columns; c++)
		total += widths[c];
	while (total > room) {
		size_t widest = t->n_columns;

		for (size_t c = 0; c < t->n_columns; c++)
			if (t->columns[c].flex && widths[c] > MIN_FLEX &&
			    (widest == t->n_columns || widths[c] > widths[widest]))
				widest = c;
		if (widest == t->n_columns)
			return;
		widths[widest]--;
		total--;
	}
}

static void print_cell(FILE *out, const struct style *style, const char *text, enum tint tint,
		       size_t width, bool right, bool last)
{
	size_t length = strlen(text);
	bool cut = length > width;
	int pad = cut ? 0 : width - length;

	if (right)
		fprintf(out, "%*s", pad, "");
	fputs(tint_on(style, tint), out);
	if (cut)
		fprintf(out, "%.*s..", (int)width - 2, text);
	else
		fputs(text, out);
	fputs(tint_off(style, tint), out);
	/* No blanks at the end of a line: they wrap on narrow terminals and dirty a diff. */
	if (!last)
		fprintf(out, "%*s", (right ? 0 : pad) + GAP, "");
}

int table_print(const struct table *t, FILE *out, const struct style *style, unsigned int indent)
{
	size_t widths[TABLE_MAX_COLUMNS];

	if (t->broken)
		return -ENOMEM;
	measure(t, widths);
	if (style->width > indent)
		fit(t, widths, style->width - indent);

	fprintf(out, "%*s", (int)indent, "");
	for (size_t c = 0; c < t->n_columns; c++)
		print_cell(out, style, t->columns[c].title, TINT_BOLD, widths[c],
			   t->columns[c].right, c + 1 == t->n_columns);
	fputc('\n', out);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t c = i % t->n_columns;
		bool last = c + 1 == t->n_columns || i + 1 == t->n_cells;

		if (c == 0)
			fprintf(out, "%*s", (int)indent, "");
		print_cell(out, style, t->cells[i].text, t->cells[i].tint, widths[c],
			   t->columns[c].right, last);
		if (last)
			fputc('\n', out);
	}
	return 0;
}
