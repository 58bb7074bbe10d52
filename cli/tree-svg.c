/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "tree-internal.h"

/* Pixels. A row of its own for each box: none can be over another. */
#define MARGIN 12
#define ROW 34
#define BOX 26
#define INDENT 28
#define PAD 10
#define LETTER 7

static unsigned int text_width(const struct tree_node *n)
{
	return (strlen(n->name) + (*n->text ? 2 + strlen(n->text) : 0)) * LETTER;
}

static unsigned int box_width(const struct tree_node *n)
{
	return text_width(n) + 2 * PAD;
}

struct extent {
	unsigned int rows, width;
};

static void measure(const struct tree_node *n, unsigned int depth, struct extent *e)
{
	for (size_t i = 0; i < n->n_children; i++) {
		unsigned int right = depth * INDENT + box_width(n->children[i]);

		e->rows++;
		if (right > e->width)
			e->width = right;
		measure(n->children[i], depth + 1, e);
	}
}

/* All is printable ASCII by now (tree_add()). */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			fputc(*text, out);
	}
}

static const char *edge(enum tint tint)
{
	return tint == TINT_BAD ? "#c01c28" : tint == TINT_WARN ? "#c88800" : "#5e6c84";
}

static void draw_box(const struct tree_node *n, unsigned int x, unsigned int y, FILE *out)
{
	fprintf(out,
		"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"4\" fill=\"%s\" stroke=\"%s\"/>\n",
		x, y, box_width(n), BOX, n->tint == TINT_BAD ? "#fdecec" : "#f6f8fa", edge(n->tint));
	/* The length is said, so that it fits whatever font there is. */
	fprintf(out, "<text x=\"%u\" y=\"%u\" textLength=\"%u\" lengthAdjust=\"spacingAndGlyphs\">"
		     "<tspan font-weight=\"bold\">",
		x + PAD, y + 17, text_width(n));
	put_text(out, n->name);
	fputs("</tspan>", out);
	if (*n->text) {
		fputs("  ", out);
		put_text(out, n->text);
	}
	fputs("</text>\n", out);
}

/* The rows that a node's children take are below it; @row is the next one that is free. */
static void draw_children(const struct tree_node *n, unsigned int depth, unsigned int *row, FILE *out)
{
	unsigned int x = MARGIN + depth * INDENT;
	unsigned int bottom = MARGIN + (*row ? *row - 1 : 0) * ROW + BOX;

	for (size_t i = 0; i < n->n_children; i++) {
		unsigned int y = MARGIN + *row * ROW;

		if (depth > 0)
			fprintf(out, "<path d=\"M%u %u V%u H%u\" fill=\"none\" stroke=\"#9aa5b1\"/>\n",
				x - INDENT / 2, bottom, y + BOX / 2, x);
		draw_box(n->children[i], x, y, out);
		++*row;
		draw_children(n->children[i], depth + 1, row, out);
	}
}

int tree_print_svg(const struct tree *t, const char *title, FILE *out)
{
	struct extent e = { 0 };
	unsigned int row = 0, width, height;

	if (t->broken)
		return -ENOMEM;
	measure(&t->root, 0, &e);
	width = 2 * MARGIN + e.width;
	height = 2 * MARGIN + e.rows * ROW;
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" font-family=\"monospace\" font-size=\"12\" "
		"xml:space=\"preserve\">\n<title>",
		width, height, width, height);
	put_text(out, title);
	fprintf(out, "</title>\n<rect width=\"%u\" height=\"%u\" fill=\"#ffffff\"/>\n", width, height);
	draw_children(&t->root, 0, &row, out);
	fputs("</svg>\n", out);
	return 0;
}
