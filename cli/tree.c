/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

struct tree *tree_new(void)
{
	return calloc(1, sizeof(struct tree));
}

static void clear(struct tree_node *n)
{
	for (size_t i = 0; i < n->n_children; i++) {
		clear(n->children[i]);
		free(n->children[i]);
	}
	free(n->children);
	free(n->name);
	free(n->text);
}

struct tree *tree_free(struct tree *t)
{
	if (t)
		clear(&t->root);
	free(t);
	return NULL;
}

static struct tree_node *append(struct tree_node *parent)
{
	struct tree_node *node;

	if (grow(&parent->children, parent->n_children, sizeof(*parent->children)) < 0)
		return NULL;
	node = calloc(1, sizeof(*node));
	if (node)
		parent->children[parent->n_children++] = node;
	return node;
}

struct tree_node *tree_add(struct tree *t, struct tree_node *parent, enum tint tint,
			   const char *name, const char *format, ...)
{
	struct tree_node *node = append(parent ?: &t->root);
	va_list ap;

	if (!node) {
		t->broken = true;
		return &t->root;
	}
	node->tint = tint;
	node->name = strdup(name);
	va_start(ap, format);
	if (vasprintf(&node->text, format, ap) < 0)
		node->text = NULL;
	va_end(ap);
	if (node->name && node->text) {
		make_plain(node->name);
		make_plain(node->text);
	} else {
		t->broken = true;
	}
	return node;
}

/* Print at most *@room columns and take them off. */
static void print_within(FILE *out, const char *text, size_t *room)
{
	size_t length = strlen(text);

	if (length <= *room) {
		fputs(text, out);
		*room -= length;
		return;
	}
	if (*room >= 2)
		fprintf(out, "%.*s..", (int)(*room - 2), text);
	*room = 0;
}

/* How much of a text to print before a new line, to stay within @room: to the end of a part. 0: it has none. */
static size_t break_at(const char *text, size_t room)
{
	size_t at = 0;

	for (size_t i = 0; i < room && text[i]; i++)
		if (text[i] == ',' && text[i + 1] == ' ')
			at = i + 1;
	return at;
}

static size_t room_behind(const struct style *style, size_t indent)
{
	if (!style->width)
		return SIZE_MAX;
	return style->width > indent ? style->width - indent : 0;
}

/* What stands to the left of what is below a node. */
static const char *bar(const struct style *style, bool more)
{
	return !more ? "   " : style->utf8 ? "│  " : "|  ";
}

/* @deeper, @indent: what stands to the left of what is below it, and its columns; the line itself begins behind them */
static void print_line(const struct tree_node *n, FILE *out, const struct style *style,
		       const char *deeper, size_t indent)
{
	size_t room = room_behind(style, indent), at;
	const char *text = n->text;

	fputs(tint_on(style, n->tint), out);
	print_within(out, n->name, &room);
	fputs(tint_off(style, n->tint), out);
	if (*text)
		print_within(out, "  ", &room);
	while (strlen(text) > room && (at = break_at(text, room)) > 0) {
		fprintf(out, "%.*s\n%s%s  ", (int)at, text, deeper, bar(style, n->n_children > 0));
		text += at + 1;
		room = room_behind(style, indent + strlen("     "));
	}
	print_within(out, text, &room);
	fputc('\n', out);
}

/* @prefix is what stands to the left of the children's branches: three columns for each level
 * above. */
static int print_children(const struct tree_node *n, FILE *out, const struct style *style,
			  const char *prefix, size_t indent)
{
	const char *branch = style->utf8 ? "├─ " : "|- ", *end = style->utf8 ? "└─ " : "`- ";
	int r = 0;

	for (size_t i = 0; i < n->n_children && r == 0; i++) {
		bool last = i + 1 == n->n_children;
		_cleanup_free_ char *deeper = NULL;

		if (asprintf(&deeper, "%s%s", prefix, bar(style, !last)) < 0) {
			deeper = NULL;
			return -ENOMEM;
		}
		fprintf(out, "%s%s", prefix, last ? end : branch);
		print_line(n->children[i], out, style, deeper, indent + 3);
		r = print_children(n->children[i], out, style, deeper, indent + 3);
	}
	return r;
}

int tree_print(const struct tree *t, FILE *out, const struct style *style)
{
	int r = 0;

	if (t->broken)
		return -ENOMEM;
	for (size_t i = 0; i < t->root.n_children && r == 0; i++) {
		print_line(t->root.children[i], out, style, "", 0);
		r = print_children(t->root.children[i], out, style, "", 0);
	}
	return r;
}
