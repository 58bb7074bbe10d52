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

void make_plain(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}
