// SPDX-License-Identifier: LGPL-2.1-or-later
#include "button-internal.h"

#include <stdlib.h>
#include <string.h>

/* A press that nobody set a time for: long enough for memory to move, short enough for who stands there. */
#define DEADLINE_USEC (UINT64_C(60) * 1000000)

struct holder *button_find(struct button *b, const char *slot)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->list[i].slot, slot))
			return &b->list[i];
	return NULL;
}

struct holder *button_add(struct button *b, const char *slot)
{
	struct holder *h;
	char *copy = strdup(slot);

	if (!copy || grow(&b->list, b->n, sizeof(*b->list)) < 0) {
		free(copy);
		return NULL;
	}
	h = &b->list[b->n++];
	h->slot = copy;
	return h;
}

static bool holds_card(const struct picture *p, int slot)
{
	for (size_t i = 0; i < p->n_memdevs; i++)
		if (picture_below(p, (int)i, p->slots[slot].port))
			return true;
	return false;
}

bool button_uses_card(const struct picture *p, int region, int slot)
{
	const struct region *r = &p->regions[region];

	for (size_t i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].memdev >= 0 &&
		    picture_below(p, r->mappings[i].memdev, p->slots[slot].port))
			return true;
	return false;
}

static int note_removal(struct holder *h, const struct picture *p, int slot,
			const struct profile_set *profiles)
{
	bool saving = h->pressed && !h->asks;

	/* Of what it goes through after a press nothing is left out, and nothing new comes to it. */
	if (!saving)
		button_forget_online(h);
	h->n_regions = 0;
	h->deadline_usec = DEADLINE_USEC;
	h->revoke = false;
	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct profile *profile = profile_set_match(profiles, p, (int)i);

		if (!picture_below(p, (int)i, p->slots[slot].port) || !profile ||
		    !profile->deadline_usec)
			continue;
		h->deadline_usec = profile->deadline_usec;
		h->revoke = profile->on_deadline == ON_DEADLINE_REVOKE;
	}
	for (size_t i = 0; i < p->n_regions; i++) {
		if (!button_uses_card(p, (int)i, slot))
			continue;
		h->n_regions++;
		if (!saving && button_note_online(h, p, (int)i) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct holder *button_note_slot(struct button *b, const struct picture *p, int i,
				const struct profile_set *profiles)
{
	const struct slot *s = &p->slots[i];
	struct holder *h;

	if (!holds_card(p, i))
		return NULL;
	h = button_find(b, s->name) ?: button_add(b, s->name);
	if (!h)
		return NULL;
	h->guessed = false;
	h->asks = s->button_policy != NULL;
	if (note_removal(h, p, i, profiles) < 0)
		button_say(h, 4, "out of memory: what is on its card is not known in full");
	return h;
}

bool button_waits_for_users(const struct step *s)
{
	return s->kind == STEP_OFFLINE || s->kind == STEP_DRAIN;
}

bool button_may_hang(const struct operation *o)
{
	/* What runs for a press has its time already. */
	if (!o->plan || streq_null(o->request->origin, "button"))
		return false;
	for (size_t i = 0; i < o->plan->n_steps; i++)
		if (button_waits_for_users(&o->plan->steps[i]))
			return true;
	return false;
}

/* Over the card in slot number @slot. */
static bool may_hang_over(const struct operation *o, const struct picture *p, int slot)
{
	for (size_t i = 0; i < o->plan->n_steps; i++) {
		const struct step *s = &o->plan->steps[i];
		int dax = button_waits_for_users(s) ? picture_find_dax(p, s->dax) : -1;

		if (dax >= 0 && p->daxes[dax].region >= 0 && button_uses_card(p, p->daxes[dax].region, slot))
			return true;
	}
	return false;
}

void button_planned(struct button *b, struct operation *o, const struct picture *p,
		    const struct profile_set *profiles)
{
	bool hangs = button_may_hang(o);

	for (size_t i = 0; i < p->n_slots; i++) {
		struct holder *h = button_note_slot(b, p, (int)i, profiles);

		if (h && hangs && may_hang_over(o, p, (int)i))
			h->hangs = o->id;
		if (h && h->pressed && !h->asks)
			button_reconsider(b, h, o, p, (int)i);
	}
	for (size_t i = 0; i < b->n && hangs; i++)
		if (b->list[i].pressed && !b->list[i].asks)
			button_hurry(b, &b->list[i]);
}
