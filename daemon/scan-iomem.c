// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scan.h"
#include "sysfs.h"

struct line {
	unsigned int depth; /* two blanks of indentation each */
	uint64_t start, end;
	char *name; /* points into the line */
};

/* "  1010000000-104fffffff : region0" (kernel/resource.c, r_show()) */
static bool parse_line(char *text, struct line *ret)
{
	char *p = text;
	int n = 0;

	ret->depth = 0;
	while (p[0] == ' ' && p[1] == ' ') {
		ret->depth++;
		p += 2;
	}
	if (sscanf(p, "%" SCNx64 "-%" SCNx64 " : %n", &ret->start, &ret->end, &n) != 2 || n == 0)
		return false;
	ret->name = p + n;
	ret->name[strcspn(ret->name, "\n")] = '\0';
	return true;
}

static int window_of(const struct picture *p, const struct line *l)
{
	for (size_t i = 0; i < p->n_windows; i++) {
		const struct window *w = &p->windows[i];

		if (w->resource != UNKNOWN && w->size != UNKNOWN && l->start >= w->resource &&
		    l->end < w->resource + w->size)
			return (int)i;
	}
	return -1;
}

static bool is_window(const struct picture *p, int window, const struct line *l)
{
	const struct window *w = &p->windows[window];

	return l->start == w->resource && l->end == w->resource + w->size - 1;
}

static int add_busy(struct window *w, const struct line *l)
{
	struct busy_range *last = w->n_busy ? &w->busy[w->n_busy - 1] : NULL;
	struct busy_range *b;

	/* Lines below an already noted one are its parts. */
	if (last && l->end < last->start + last->size)
		return 0;
	b = window_add_busy(w);
	if (!b)
		return -ENOMEM;
	b->start = l->start;
	b->size = l->end - l->start + 1;
	return strdup_or_null(l->name, &b->name);
}

/*
 * What is spoken for but not by a region: RAM that firmware mapped, memory it set aside (and a dax device
 * of drivers/dax/hmem on that), the range of a region that was torn down by force.
 */
static int add_unmanaged(struct picture *p)
{
	for (size_t i = 0; i < p->n_windows; i++)
		for (size_t k = 0; k < p->windows[i].n_busy; k++) {
			const struct busy_range *b = &p->windows[i].busy[k];
			struct unmanaged *u;
			int r;

			if (picture_region_at(p, b->start, b->size) >= 0)
				continue;
			u = picture_add_unmanaged(p);
			if (!u)
				return -ENOMEM;
			u->window = (int)i;
			u->resource = b->start;
			u->size = b->size;
			r = strdup_or_null(b->name, &u->what);
			if (r < 0)
				return r;
		}
	return 0;
}

int scan_iomem(struct door *door, struct picture *p, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0;
	struct line l;
	uint64_t t;
	int r = 0;
	FILE *f;

	t = door_time();
	f = fopen("/proc/iomem", "re");
	if (!f)
		return say(ret_reason, -errno, "/proc/iomem cannot be opened: %s", strerror(errno));
	while (r >= 0 && getline(&text, &room, f) >= 0) {
		int window;

		if (!parse_line(text, &l))
			continue;
		window = window_of(p, &l);
		if (window < 0)
			continue;
		/* The window's own line; RAM that firmware mapped over all of it has the same range. */
		if (is_window(p, window, &l) && !strncmp(l.name, "CXL Window", 10))
			continue;
		r = add_busy(&p->windows[window], &l);
	}
	if (r >= 0 && ferror(f))
		r = say(ret_reason, -EIO, "/proc/iomem cannot be read to its end");
	fclose(f);
	door->kernel_usec += door_time() - t;
	return r < 0 ? r : add_unmanaged(p);
}
