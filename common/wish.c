/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wish.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = { [WISH_REGION] = "region", [WISH_LEAVE] = "leave" };

const char *wish_kind_name(enum wish_kind k)
{
	return k >= 0 && k < _WISH_KIND_MAX ? kinds[k] : NULL;
}

static void clear(struct wish *w)
{
	for (size_t i = 0; i < w->n_members; i++)
		free(w->members[i].path);
	free(w->members);
	free(w->origin);
	free(w->window);
}

struct wishes *wishes_free(struct wishes *w)
{
	if (!w)
		return NULL;
	for (size_t i = 0; i < w->n; i++)
		clear(&w->list[i]);
	free(w->list);
	free(w);
	return NULL;
}

struct wish *wishes_add(struct wishes *w, enum wish_kind kind, const char *origin)
{
	_cleanup_free_ char *copy = NULL;
	struct wish *new;

	if (strdup_or_null(origin, &copy) < 0 || grow(&w->list, w->n, sizeof(*w->list)) < 0)
		return NULL;
	new = &w->list[w->n++];
	new->kind = kind;
	new->id = ++w->last_id;
	new->origin = TAKE_PTR(copy);
	new->resource = UNKNOWN;
	return new;
}

void wishes_remove(struct wishes *w, size_t i)
{
	clear(&w->list[i]);
	memmove(&w->list[i], &w->list[i + 1], (w->n - i - 1) * sizeof(*w->list));
	w->n--;
}

int wish_add_card(struct wish *w, const struct memdev *card)
{
	struct wish_member *m;
	char *path;

	if (strdup_or_null(card->path ?: card->host, &path) < 0)
		return -ENOMEM;
	if (grow(&w->members, w->n_members, sizeof(*w->members)) < 0) {
		free(path);
		return -ENOMEM;
	}
	m = &w->members[w->n_members++];
	m->serial = card->serial;
	m->path = path;
	return 0;
}

static const char *zone_text(const struct wish *w)
{
	return w->mode == MODE_DEVDAX ? "" : w->zone == ZONE_KERNEL ? ", kernel" : ", movable";
}

int wish_text(const struct wish *w, char **ret)
{
	_cleanup_free_ char *cards = NULL;
	char buf[32], *text;
	size_t size = 0;
	FILE *f = open_memstream(&cards, &size);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_members; i++) {
		const struct wish_member *m = &w->members[i];

		fprintf(f, "%s", i ? ", " : "");
		if (m->serial != 0 && m->serial != UNKNOWN)
			fprintf(f, "serial 0x%" PRIx64, m->serial);
		else
			fprintf(f, "the card at %s", m->path ?: "an unknown place");
	}
	if (fclose(f) != 0)
		return -ENOMEM;
	if (w->kind == WISH_LEAVE) {
		if (asprintf(&text, "%s is left alone", cards) < 0)
			return -ENOMEM;
	} else if (asprintf(&text, "%s, %s%s%s, on %s (%s)", format_size(w->size, buf),
			    memory_mode_name(w->mode) ?: "system-ram", zone_text(w),
			    w->mode != MODE_DEVDAX && !w->online ? ", offline" : "", cards,
			    w->origin ?: "hand") < 0) {
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
