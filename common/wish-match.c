/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "wish.h"

static bool serial_counts(uint64_t serial)
{
	return serial != 0 && serial != UNKNOWN;
}

static const char *place(const struct memdev *card)
{
	return card->path ?: card->host;
}

int wish_card(const struct picture *p, const struct wish_member *m)
{
	size_t same = 0;
	int found = -1;

	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct memdev *card = &p->memdevs[i];
		bool there = m->path && streq_null(place(card), m->path);

		if (serial_counts(m->serial) ? card->serial != m->serial :
					       serial_counts(card->serial) || !there)
			continue;
		same++;
		if (there)
			return (int)i;
		found = (int)i;
	}
	return same == 1 ? found : -1;
}

size_t wish_missing(const struct picture *p, const struct wish *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_members; i++)
		n += wish_card(p, &w->members[i]) < 0;
	return n;
}

bool wish_has_card(const struct picture *p, const struct wish *w, int memdev)
{
	for (size_t i = 0; i < w->n_members; i++)
		if (wish_card(p, &w->members[i]) == memdev)
			return true;
	return false;
}

bool wish_member_same(const struct wish_member *a, const struct wish_member *b)
{
	return a->serial == b->serial && (serial_counts(a->serial) || streq_null(a->path, b->path));
}

bool wish_shares_card(const struct wish *a, const struct wish *b)
{
	for (size_t i = 0; i < a->n_members; i++)
		for (size_t j = 0; j < b->n_members; j++)
			if (wish_member_same(&a->members[i], &b->members[j]))
				return true;
	return false;
}

bool wish_moved(const struct picture *p, const struct wish *w)
{
	for (size_t i = 0; i < w->n_members; i++) {
		int card = wish_card(p, &w->members[i]);

		if (card >= 0 && w->members[i].path &&
		    !streq_null(place(&p->memdevs[card]), w->members[i].path))
			return true;
	}
	return false;
}

static bool same_cards(const struct picture *p, const struct wish *w, const struct region *r)
{
	if (r->n_mappings != w->n_members)
		return false;
	for (size_t i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].memdev < 0 || !wish_has_card(p, w, r->mappings[i].memdev))
			return false;
	return true;
}

static bool claimed(const int *claims, size_t n, int region)
{
	for (size_t i = 0; i < n; i++)
		if (claims[i] == region)
			return true;
	return false;
}

static int find_region(const struct wish *w, const struct picture *p, const int *claims, size_t n,
		       bool exact)
{
	for (size_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->regions[i];
		bool here = w->resource != UNKNOWN && r->resource == w->resource;

		if (r->size != w->size || claimed(claims, n, (int)i) || (exact && !here))
			continue;
		if (region_lost_cards(r) ? here : same_cards(p, w, r))
			return (int)i;
	}
	return -1;
}

void wishes_match(const struct wishes *w, const struct picture *p, int *ret)
{
	for (size_t i = 0; i < w->n; i++)
		ret[i] = -1;
	/* Several regions of one size may be on the same cards: first those that stayed where they were. */
	for (int exact = 1; exact >= 0; exact--)
		for (size_t i = 0; i < w->n; i++)
			if (w->list[i].kind == WISH_REGION && ret[i] < 0)
				ret[i] = find_region(&w->list[i], p, ret, w->n, exact);
}

int wishes_annotate(const struct wishes *w, struct picture *p)
{
	_cleanup_free_ int *regions = calloc(w->n + 1, sizeof(*regions));

	if (!regions)
		return -ENOMEM;
	wishes_match(w, p, regions);
	/* The same picture may have been there before another wish. */
	for (size_t i = 0; i < p->n_regions; i++)
		p->regions[i].origin = (free(p->regions[i].origin), NULL);
	for (size_t i = 0; i < w->n; i++) {
		struct region *r;

		if (regions[i] < 0)
			continue;
		r = &p->regions[regions[i]];
		r->origin = strdup(w->list[i].origin ?: "hand");
		if (!r->origin)
			return -ENOMEM;
	}
	return 0;
}

static int unreadable(const struct region *r, const char *what, char **ret_reason)
{
	return say(ret_reason, -ENODATA, "%s of %s cannot be read, so it cannot be remembered; look "
					 "at the kernel log", what, r->name);
}

int wish_from_region(struct wish *w, const struct picture *p, int region, char **ret_reason)
{
	const struct region *r = &p->regions[region];
	int dax = picture_region_dax(p, region);
	struct region_memory memory;
	int e;

	if (r->size == UNKNOWN || r->size == 0)
		return unreadable(r, "the size", ret_reason);
	if (r->n_mappings == 0 || region_lost_cards(r))
		return unreadable(r, "a card", ret_reason);
	for (size_t i = 0; i < r->n_mappings; i++) {
		e = wish_add_card(w, &p->memdevs[r->mappings[i].memdev]);
		if (e < 0)
			return e;
	}
	if (r->window >= 0) {
		e = strdup_or_null(p->windows[r->window].name, &w->window);
		if (e < 0)
			return e;
	}
	picture_region_memory(p, region, &memory);
	w->granularity = r->ways > 1 ? r->granularity : 0;
	w->size = r->size;
	w->resource = r->resource;
	w->mode = dax >= 0 && streq_null(p->daxes[dax].driver, "device_dax") ? MODE_DEVDAX :
									       MODE_SYSTEM_RAM;
	w->zone = memory.kernel > 0 && memory.movable == 0 ? ZONE_KERNEL : ZONE_MOVABLE;
	w->online = memory.online > 0;
	w->align = w->mode == MODE_DEVDAX && p->daxes[dax].align != UNKNOWN ? p->daxes[dax].align : 0;
	w->seen = true;
	return 0;
}

/* A window's name counts the decoders of its root port; one that is not there now is not insisted on. */
static int choose_window(const struct wish *w, const struct picture *p, struct request *q)
{
	if (!w->window || picture_find_window(p, w->window) < 0)
		return 0;
	return strdup_or_null(w->window, &q->window);
}

int wish_request(const struct wish *w, const struct picture *p, struct request **ret)
{
	_cleanup_(request_freep) struct request *q = request_new(VERB_CREATE);
	int r;

	if (!q)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_members; i++) {
		int card = wish_card(p, &w->members[i]);

		r = request_add_object(q, p->memdevs[card].host ?: p->memdevs[card].name);
		if (r < 0)
			return r;
	}
	q->ways = w->n_members;
	q->granularity = w->granularity;
	q->size = w->size;
	q->mode = w->mode;
	q->no_online = w->mode != MODE_DEVDAX && !w->online;
	q->zone = w->mode == MODE_DEVDAX || q->no_online ? ZONE_UNKNOWN : w->zone;
	q->align = w->mode == MODE_DEVDAX ? w->align : 0;
	r = choose_window(w, p, q);
	if (r == 0)
		r = strdup_or_null(w->origin, &q->origin);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(q);
	return 0;
}
