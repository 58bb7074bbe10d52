/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "term.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util.h"

static unsigned int terminal_width(int fd)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	uint64_t n;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	/* Serial consoles report no size. */
	if (columns && parse_u64(columns, &n) == 0 && n > 0 && n < 10000)
		return n;
	return 80;
}

void term_style(int fd, struct style *ret)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool dumb = !term || strcmp(term, "dumb") == 0;

	*ret = (struct style){ .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 };
	if (!isatty(fd))
		return;
	ret->width = terminal_width(fd);
	ret->terminal = !dumb;
	ret->colour = !dumb && !(no_color && *no_color);
}

const char *tint_on(const struct style *style, enum tint tint)
{
	static const char *const table[_TINT_MAX] = {
		[TINT_NONE] = "",	  [TINT_BOLD] = "\033[1m",  [TINT_DIM] = "\033[2m",
		[TINT_GOOD] = "\033[32m", [TINT_WARN] = "\033[33m", [TINT_BAD] = "\033[1;31m",
	};

	return style->colour ? table[tint] : "";
}

const char *tint_off(const struct style *style, enum tint tint)
{
	return style->colour && tint != TINT_NONE ? "\033[0m" : "";
}

/* Up to the next blank that is not between backquotes. */
static size_t next_part(const char *text)
{
	const char *end;
	size_t n = 0;

	while (text[n] && text[n] != ' ') {
		end = text[n] == '`' ? strchr(text + n + 1, '`') : NULL;
		n = end ? (size_t)(end - text) + 1 : n + 1;
	}
	return n;
}

static void put_words(FILE *out, unsigned int width, unsigned int column, unsigned int indent,
		      const char *text)
{
	bool first = true;

	while (*text) {
		size_t n = next_part(text);

		if (!first && column + 1 + n > width && column > indent && indent + n <= width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
			/* Too long for any line: by its words. */
			if (column + n > width)
				n = strcspn(text, " ");
		}
		fprintf(out, "%.*s", (int)n, text);
		column += n;
		text += n;
		text += *text == ' ';
		first = false;
	}
}

void put_sentence_va(FILE *out, const struct style *style, unsigned int column, unsigned int indent,
		 const char *format, va_list ap)
{
	char *text;

	if (!style->width) {
		vfprintf(out, format, ap);
	} else if (vasprintf(&text, format, ap) >= 0) {
		put_words(out, style->width, column, indent, text);
		free(text);
	}
	fputc('\n', out);
}

void put_sentence(FILE *out, const struct style *style, unsigned int column, unsigned int indent,
	      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_sentence_va(out, style, column, indent, format, ap);
	va_end(ap);
}

void put_note(FILE *out, const struct style *style, const char *text)
{
	fprintf(out, "%snote:%s ", tint_on(style, TINT_WARN), tint_off(style, TINT_WARN));
	put_sentence(out, style, strlen("note: "), strlen("note: "), "%s", text);
}

void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}
