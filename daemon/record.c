// SPDX-License-Identifier: LGPL-2.1-or-later
#include "record-internal.h"

#include <errno.h>
#include <string.h>

#include "util.h"

struct record *record_free(struct record *r)
{
	if (!r)
		return NULL;
	wishes_free(r->made);
	free(r->touched);
	free(r);
	return NULL;
}

uint64_t record_id(const struct record *r)
{
	return r->id;
}

static int add_members(struct wish *w, const struct plan *plan, const char *region,
		       const struct picture *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_steps; i++) {
		const struct step *s = &plan->steps[i];
		int card;

		if (s->kind == STEP_ALLOC_HPA && streq_null(s->region, region)) {
			w->size = s->size;
			w->resource = s->resource;
		}
		if (s->kind == STEP_SET_INTERLEAVE && streq_null(s->region, region))
			w->granularity = s->ways > 1 ? s->granularity : 0;
		if (s->kind != STEP_ATTACH || !streq_null(s->region, region))
			continue;
		card = picture_find_memdev(p, s->memdev);
		if (card >= 0)
			r = wish_add_card(w, &p->memdevs[card]);
	}
	return r;
}

static int note_created(struct record *rec, const struct operation *o, const struct picture *p)
{
	const struct plan *plan = o->plan;

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *s = &plan->steps[i];
		struct wish *w;
		int r;

		if (s->kind != STEP_CREATE_REGION)
			continue;
		w = wishes_add(rec->made, WISH_REGION, o->request->origin ?: "hand");
		if (!w)
			return -ENOMEM;
		r = strdup_or_null(s->window, &w->window);
		if (r == 0)
			r = add_members(w, plan, s->region, p);
		if (r < 0)
			return r;
		w->mode = rec->mode == MODE_DEFAULT ? MODE_SYSTEM_RAM : rec->mode;
		w->zone = rec->zone == ZONE_UNKNOWN ? ZONE_MOVABLE : rec->zone;
		w->online = rec->online;
		w->align = rec->align;
		w->seen = true;
	}
	return 0;
}

/*
 * The cards of a region that is going to be destroyed, if a profile would use them again. Each has a
 * wish of its own: it ends when that card leaves, whatever becomes of the others.
 */
static int note_cards(struct record *rec, const struct picture *p, const struct region *g,
		      const struct profile_set *profiles)
{
	for (size_t i = 0; i < g->n_mappings; i++) {
		int card = g->mappings[i].memdev, r;
		struct wish *w;

		if (card < 0 || !profile_set_match(profiles, p, card))
			continue;
		w = wishes_add(rec->made, WISH_LEAVE, "hand");
		if (!w)
			return -ENOMEM;
		r = wish_add_card(w, &p->memdevs[card]);
		if (r < 0)
			return r;
		w->seen = true;
	}
	return 0;
}

static int touch(struct record *rec, const struct wish *w)
{
	if (grow(&rec->touched, rec->n_touched, sizeof(*rec->touched)) < 0)
		return -ENOMEM;
	rec->touched[rec->n_touched++] = w->id;
	return 0;
}

static int note_there(struct record *rec, const struct picture *p, const struct wishes *w)
{
	_cleanup_free_ int *owned = calloc(w->n + 1, sizeof(*owned));
	int r = 0;

	if (!owned)
		return -ENOMEM;
	wishes_match(w, p, owned);
	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (owned[i] >= 0)
			r = touch(rec, &w->list[i]);
	return r;
}

static int note_regions(struct record *rec, const struct plan *plan, const struct picture *p,
			const struct wishes *w, const struct profile_set *profiles)
{
	_cleanup_free_ int *owned = calloc(w->n + 1, sizeof(*owned));
	int r = 0;

	if (!owned)
		return -ENOMEM;
	wishes_match(w, p, owned);
	for (size_t i = 0; r == 0 && i < plan->n_regions; i++) {
		int region = picture_find_region(p, plan->regions[i]);

		if (region < 0)
			continue;
		for (size_t k = 0; r == 0 && k < w->n; k++)
			if (owned[k] == region)
				r = touch(rec, &w->list[k]);
		if (r == 0 && rec->verb == VERB_DESTROY)
			r = note_cards(rec, p, &p->regions[region], profiles);
	}
	return r;
}

int record_new_empty(const struct operation *o, struct record **ret)
{
	_cleanup_(record_freep) struct record *rec = calloc(1, sizeof(*rec));
	const struct request *q = o->request;

	if (!rec)
		return -ENOMEM;
	rec->made = calloc(1, sizeof(*rec->made));
	if (!rec->made)
		return -ENOMEM;
	rec->id = o->id;
	rec->verb = q->verb;
	rec->by_hand = !q->origin || !strcmp(q->origin, "hand");
	rec->mode = q->mode;
	rec->zone = q->zone;
	rec->online = !q->no_online;
	rec->align = q->align;
	*ret = TAKE_PTR(rec);
	return 0;
}

int record_new(const struct operation *o, const struct picture *p, const struct wishes *w,
	       const struct profile_set *profiles, struct record **ret)
{
	_cleanup_(record_freep) struct record *rec = NULL;
	const struct request *q = o->request;
	int r = record_new_empty(o, &rec);

	if (r < 0)
		return r;
	if (q->verb == VERB_CREATE) {
		r = note_there(rec, p, w);
		if (r == 0)
			r = note_created(rec, o, p);
	} else {
		r = note_regions(rec, o->plan, p, w, profiles);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(rec);
	return 0;
}

static bool same_cards(const struct wish *a, const struct wish *b)
{
	size_t same = 0;

	for (size_t i = 0; i < a->n_members; i++)
		for (size_t j = 0; j < b->n_members; j++)
			same += wish_member_same(&a->members[i], &b->members[j]);
	return same == a->n_members && same == b->n_members;
}

static struct wish *find_id(struct wishes *w, uint64_t id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].id == id)
			return &w->list[i];
	return NULL;
}

/* Hand over all of a wish but its id. */
static void move_wish(struct wish *to, struct wish *from)
{
	struct wish old = *to;
	uint64_t id = to->id;

	*to = *from;
	to->id = id;
	*from = old;
}

static bool touched(const struct record *rec, const struct wish *w)
{
	for (size_t i = 0; i < rec->n_touched; i++)
		if (rec->touched[i] == w->id)
			return true;
	return false;
}

/* The wish whose region this one is again: same cards, same size, and no region of its own. */
static uint64_t find_again(const struct record *rec, const struct wishes *w, const struct wish *made)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].kind == WISH_REGION && w->list[i].size == made->size &&
		    !touched(rec, &w->list[i]) && same_cards(&w->list[i], made))
			return w->list[i].id;
	return 0;
}

/*
 * Its cards are in use again, so they are not left alone any more. What a person makes of a card
 * also ends what had been wished for it and could not be.
 */
static void drop_outdated(const struct record *rec, struct wishes *w, const struct wish *made,
			  uint64_t again)
{
	for (size_t i = w->n; i-- > 0;) {
		const struct wish *old = &w->list[i];

		if (old->id != again && wish_shares_card(old, made) &&
		    (old->kind == WISH_LEAVE || (rec->by_hand && !touched(rec, old))))
			wishes_remove(w, i);
	}
}

static int apply_created(struct record *rec, struct wishes *w)
{
	for (size_t i = 0; i < rec->made->n; i++) {
		struct wish *made = &rec->made->list[i], *to;
		uint64_t again = find_again(rec, w, made);

		drop_outdated(rec, w, made, again);
		to = again ? find_id(w, again) : wishes_add(w, WISH_REGION, NULL);
		if (!to)
			return -ENOMEM;
		/* Made again and left offline: nobody said anything about the zone for later. */
		if (again && !made->online)
			made->zone = to->zone;
		move_wish(to, made);
		/* The next one on the same cards is another. */
		if (touch(rec, to) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void apply_destroyed(struct record *rec, struct wishes *w)
{
	for (size_t i = w->n; i-- > 0;)
		for (size_t k = 0; k < rec->n_touched; k++)
			if (w->list[i].id == rec->touched[k]) {
				wishes_remove(w, i);
				break;
			}
}

static int apply_left(struct record *rec, struct wishes *w)
{
	for (size_t i = 0; i < rec->made->n; i++) {
		struct wish *to = wishes_add(w, WISH_LEAVE, NULL);

		if (!to)
			return -ENOMEM;
		move_wish(to, &rec->made->list[i]);
	}
	return 0;
}

static int apply_use(struct record *rec, struct wishes *w)
{
	for (size_t i = 0; i < rec->n_touched; i++) {
		struct wish *to = find_id(w, rec->touched[i]);
		char *origin;

		if (!to)
			continue;
		if (rec->verb == VERB_SET_MODE) {
			to->mode = rec->mode;
			to->align = rec->align;
		}
		if (rec->verb != VERB_OFFLINE)
			to->zone = rec->zone == ZONE_UNKNOWN ? ZONE_MOVABLE : rec->zone;
		to->online = rec->verb != VERB_OFFLINE && rec->online;
		/* What a person set is theirs from now on, and no profile's. */
		origin = strdup("hand");
		if (!origin)
			return -ENOMEM;
		free(to->origin);
		to->origin = origin;
	}
	return 0;
}

int record_apply(struct record *rec, struct wishes *w, bool *ret_changed)
{
	/* What happens by itself follows the owner's wishes and changes none; but a profile's region is one. */
	if (rec->verb != VERB_CREATE && !rec->by_hand)
		return 0;
	*ret_changed |= rec->made->n > 0 || rec->n_touched > 0;
	switch (rec->verb) {
	case VERB_CREATE:
		return apply_created(rec, w);
	case VERB_DESTROY:
		apply_destroyed(rec, w);
		return apply_left(rec, w);
	case VERB_ONLINE:
	case VERB_OFFLINE:
	case VERB_SET_MODE:
		return apply_use(rec, w);
	default:
		*ret_changed = false;
		return 0;
	}
}
