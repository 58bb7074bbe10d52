/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "name-list.h"
#include "plan-internal.h"

/* What goes, by index in the picture. */
struct ejection {
	struct planner *pl;
	const struct picture *p;
	bool *cards;
	bool *slots;   /* named: all that is in them goes */
	bool *power;   /* are powered off */
	bool *named;   /* regions: may go whoever made them, as all may when the card goes whatever comes of it */
	bool *regions; /* on one of the cards */
};

static void ejection_clear(struct ejection *e)
{
	free(e->cards);
	free(e->slots);
	free(e->power);
	free(e->named);
	free(e->regions);
}

#define CARD_TEXT_MAX 128

/* "mem0 (serial 0x1000)"; serials of 0 tell nothing. */
static const char *card_text(const struct picture *p, int card, char buf[static CARD_TEXT_MAX])
{
	const struct memdev *m = &p->memdevs[card];

	if (m->serial && m->serial != UNKNOWN)
		snprintf(buf, CARD_TEXT_MAX, "%s (serial 0x%" PRIx64 ")", m->name, m->serial);
	else
		snprintf(buf, CARD_TEXT_MAX, "%s (at %s)", m->name, m->host ?: "unknown");
	return buf;
}

static int no_such_thing(struct planner *pl, const char *word)
{
	_cleanup_(name_list_clear) struct name_list l = {};
	const struct picture *p = pl->p;
	char slot[64];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->n_memdevs; i++)
		r = name_list_add(&l, p->memdevs[i].name);
	for (i = 0; r == 0 && i < p->n_slots; i++) {
		snprintf(slot, sizeof(slot), "slot:%.50s", p->slots[i].name);
		r = name_list_add(&l, slot);
	}
	if (r == 0)
		r = name_list_end(&l);
	if (r < 0)
		return r;
	if (!l.text)
		return say(pl->ret_reason, -ENOENT,
			   "no card or slot is called %s: this machine shows no CXL memory card and "
			   "no slot for one",
			   word);
	return say(pl->ret_reason, -ENOENT, "no card, slot or region is called %s: there is %s",
		   word, l.text);
}

/* A card by any name; else a slot; else a region that may go as well. */
static int resolve(struct ejection *e, const char *word)
{
	const char *slot = strncmp(word, "slot:", 5) == 0 ? word + 5 : NULL;
	struct planner *pl = e->pl;
	int index, r = -ENOENT;

	if (!slot)
		r = picture_resolve_card(e->p, word, &index, pl->ret_reason);
	if (r == 0)
		e->cards[index] = true;
	if (r != -ENOENT)
		return r;
	index = picture_find_slot(e->p, slot ?: word);
	if (index >= 0) {
		e->slots[index] = e->power[index] = true;
		return 0;
	}
	if (!slot)
		r = picture_resolve_region(e->p, word, &index, pl->ret_reason);
	if (r == 0)
		e->named[index] = true;
	return r == -ENOENT ? no_such_thing(pl, word) : r;
}

/* All cards in a slot that was named, whatever is between: a switch goes with what is behind it. */
static int take_slot(struct ejection *e, int slot)
{
	const struct slot *s = &e->p->slots[slot];
	bool any = false;
	size_t i;

	for (i = 0; i < e->p->n_memdevs; i++)
		if (picture_below(e->p, i, s->port))
			any = e->cards[i] = true;
	if (any)
		return 0;
	if (s->power != NO)
		return say(e->pl->ret_reason, -ENODEV,
			   "slot %s is not off, but no CXL memory card is known in it: what is there "
			   "is not managed here",
			   s->name);
	e->power[slot] = false;
	return plan_note(e->pl, "slot %s is off already", s->name);
}

/* A card that was named by itself takes its slot with it, and nothing else that is in there. */
static int take_card(struct ejection *e, int card)
{
	const struct picture *p = e->p;
	int slot = p->memdevs[card].slot;
	char text[CARD_TEXT_MAX];
	size_t i;

	for (i = 0; i < p->n_slots; i++)
		if (e->slots[i] && picture_below(p, card, p->slots[i].port))
			return 0;
	if (slot < 0)
		return plan_note(e->pl,
				 "%s has no hot-plug slot: it is disabled and stays in the machine",
				 p->memdevs[card].name);
	for (i = 0; i < p->n_memdevs; i++)
		if (!e->cards[i] && picture_below(p, i, p->slots[slot].port))
			return say(e->pl->ret_reason, -EBUSY,
				   "slot %s, which %s is in, holds %s as well: name that too, or the "
				   "slot (slot:%s)",
				   p->slots[slot].name, p->memdevs[card].name,
				   card_text(p, i, text), p->slots[slot].name);
	e->power[slot] = true;
	return 0;
}

static int resolve_all(struct ejection *e)
{
	const struct request *q = e->pl->request;
	bool any = false;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < q->n_objects; i++)
		r = resolve(e, q->objects[i]);
	for (i = 0; r == 0 && i < e->p->n_slots; i++)
		if (e->slots[i]) {
			any = true;
			r = take_slot(e, i);
		}
	for (i = 0; r == 0 && i < e->p->n_memdevs; i++)
		if (e->cards[i]) {
			any = true;
			r = take_card(e, i);
		}
	if (r == 0 && !any)
		r = say(e->pl->ret_reason, -EINVAL,
			"eject takes a card or a slot, and %s is a region: name its card as well, or "
			"`destroy` it",
			q->objects[0]);
	return r;
}

static bool has_member(const struct ejection *e, const struct region *r)
{
	size_t i;

	for (i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].memdev >= 0 && e->cards[r->mappings[i].memdev])
			return true;
	return false;
}

/* Capacity that was taken for no region would be cut off with the card, so somebody has to say so. */
static int check_decoders(struct ejection *e, int card)
{
	const struct memdev *m = &e->p->memdevs[card];
	const struct port *port = m->endpoint < 0 ? NULL : &e->p->ports[m->endpoint];
	char size[32];
	size_t i;

	for (i = 0; port && i < port->n_decoders; i++) {
		const struct decoder *d = &port->decoders[i];

		if (d->region >= 0) {
			e->regions[d->region] = true;
			continue;
		}
		if (d->dpa_size == UNKNOWN)
			return say(e->pl->ret_reason, -ENODATA,
				   "%s of %s could not be read: try again", d->name, m->name);
		if (d->dpa_size)
			return say(e->pl->ret_reason, -EBUSY,
				   "%s holds %s of %s for no region: free it first, with `cxl "
				   "free-dpa %s`",
				   d->name, format_size(d->dpa_size, size), m->name, m->name);
	}
	return 0;
}

static int note_others(struct ejection *e, const struct region *r)
{
	char text[CARD_TEXT_MAX];
	size_t i;
	int e2 = 0;

	for (i = 0; e2 == 0 && i < r->n_mappings; i++) {
		int card = r->mappings[i].memdev;

		if (card >= 0 && !e->cards[card])
			e2 = plan_note(e->pl, "%s also uses %s, which stays in the machine", r->name,
				       card_text(e->p, card, text));
	}
	return e2;
}

static int find_regions(struct ejection *e)
{
	const struct picture *p = e->p;
	size_t i;
	int r = 0;

	for (i = 0; i < p->n_regions; i++)
		e->regions[i] = has_member(e, &p->regions[i]);
	for (i = 0; r == 0 && i < p->n_memdevs; i++)
		if (e->cards[i])
			r = check_decoders(e, i);
	for (i = 0; r == 0 && i < p->n_regions; i++) {
		const struct region *region = &p->regions[i];

		if (e->named[i] && !e->regions[i])
			return say(e->pl->ret_reason, -EINVAL,
				   "%s is on none of the cards that are to go: leave it out",
				   region->name);
		if (!e->regions[i])
			continue;
		if (!region->origin && !e->named[i] && !e->pl->request->leaving)
			return say(e->pl->ret_reason, -EBUSY,
				   "%s was not made by cxlmem and is not destroyed unasked: name it "
				   "on the same line to have it go, too",
				   region->name);
		r = note_others(e, region);
	}
	return r;
}

static int steps_destroy(struct ejection *e)
{
	_cleanup_free_ int *list = calloc(e->p->n_regions + 1, sizeof(*list));
	size_t i, n = 0;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < e->p->n_regions; i++)
		if (e->regions[i])
			list[n++] = i;
	return n ? plan_destroy_regions(e->pl, list, n) : 0;
}

/* The kernel numbers endpoints anew when a card is enabled, and with them their decoders. */
static struct step enable_step(const struct picture *p, int card)
{
	const struct memdev *m = &p->memdevs[card];
	const struct port *port = m->endpoint < 0 ? NULL : &p->ports[m->endpoint];

	return STEP(ENABLE_MEMDEV, .memdev = m->name,
		    .decoder = port && port->n_decoders ? port->decoders[0].name : NULL);
}

static int steps_disable(struct ejection *e)
{
	const struct picture *p = e->p;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->n_memdevs; i++)
		if (e->cards[i] && p->memdevs[i].enabled != NO)
			r = plan_step(e->pl, STEP(DISABLE_MEMDEV, .memdev = p->memdevs[i].name,
						  UNDO(enable_step(p, i))));
	return r;
}

/*
 * A slot that was powered off stays so: the card may be in somebody's hand. The undo is for a step
 * that failed: a card that can be enabled is still there, and the way back is open.
 */
static int step_power_off(struct ejection *e, int slot)
{
	const struct picture *p = e->p;
	struct step s = STEP(POWER_OFF, .slot = p->slots[slot].name);
	struct plan *plan = e->pl->plan;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->n_memdevs; i++) {
		if (!e->cards[i] || p->memdevs[i].enabled == NO ||
		    !picture_below(p, i, p->slots[slot].port))
			continue;
		r = grow(&s.undo, s.n_undo, sizeof(*s.undo));
		if (r == 0)
			s.undo[s.n_undo++] = enable_step(p, i);
	}
	if (r == 0 && plan->no_return > plan->n_steps)
		plan->no_return = plan->n_steps;
	if (r == 0)
		r = plan_step(e->pl, s);
	free(s.undo);
	return r;
}

/* The powered slot that a card goes with, -1 if none. */
static int slot_of(const struct ejection *e, int card)
{
	size_t i;

	for (i = 0; i < e->p->n_slots; i++)
		if (e->power[i] && picture_below(e->p, card, e->p->slots[i].port))
			return i;
	return -1;
}

static void print_list(FILE *f, size_t *n, const char *separator)
{
	if ((*n)++)
		fputs(separator, f);
}

static int tell(struct ejection *e)
{
	_cleanup_free_ char *summary = NULL, *done = NULL;
	const struct picture *p = e->p;
	size_t size, i, n = 0, k = 0;
	char text[CARD_TEXT_MAX];
	FILE *s, *d;
	bool ok;

	s = open_memstream(&summary, &size);
	if (!s)
		return -ENOMEM;
	d = open_memstream(&done, &size);
	if (!d) {
		fclose(s);
		return -ENOMEM;
	}
	fputs("eject ", s);
	for (i = 0; i < p->n_memdevs; i++) {
		int slot = e->cards[i] ? slot_of(e, i) : -1;

		if (!e->cards[i])
			continue;
		print_list(s, &n, ", ");
		fputs(card_text(p, i, text), s);
		print_list(d, &k, "; ");
		if (slot >= 0)
			fprintf(d, "%s in slot %s may be pulled", text, p->slots[slot].name);
		else
			fprintf(d, "%s is disabled, but has no hot-plug slot: pull it only when the "
				   "machine is off", text);
	}
	for (i = 0; i < p->n_slots; i++)
		if (e->slots[i] && !e->power[i]) {
			print_list(s, &n, ", ");
			fprintf(s, "slot %s", p->slots[i].name);
			print_list(d, &k, "; ");
			fprintf(d, "what is in slot %s may be pulled", p->slots[i].name);
		}
	n = 0;
	for (i = 0; i < p->n_regions; i++)
		if (e->regions[i])
			fprintf(s, "%s%s", n++ ? ", " : "; destroy ", p->regions[i].name);
	ok = !ferror(s) && !ferror(d);
	if (fclose(s) != 0 || fclose(d) != 0 || !ok)
		return -ENOMEM;
	e->pl->plan->done = TAKE_PTR(done);
	return plan_summary(e->pl, "%s", summary);
}

static int plan_ejection(struct ejection *e)
{
	size_t i;
	int r;

	r = resolve_all(e);
	if (r == 0)
		r = find_regions(e);
	if (r == 0)
		r = steps_destroy(e);
	if (r == 0)
		r = steps_disable(e);
	for (i = 0; r == 0 && i < e->p->n_slots; i++)
		if (e->power[i])
			r = step_power_off(e, i);
	return r < 0 ? r : tell(e);
}

int plan_verb_eject(struct planner *pl)
{
	const struct picture *p = pl->p;
	struct ejection e = {
		.pl = pl,
		.p = p,
		.cards = calloc(p->n_memdevs + 1, sizeof(bool)),
		.slots = calloc(p->n_slots + 1, sizeof(bool)),
		.power = calloc(p->n_slots + 1, sizeof(bool)),
		.named = calloc(p->n_regions + 1, sizeof(bool)),
		.regions = calloc(p->n_regions + 1, sizeof(bool)),
	};
	int r = -ENOMEM;

	if (e.cards && e.slots && e.power && e.named && e.regions)
		r = plan_ejection(&e);
	ejection_clear(&e);
	/* Words that were tried as something else left their refusals behind. */
	if (r == 0 && pl->ret_reason) {
		free(*pl->ret_reason);
		*pl->ret_reason = NULL;
	}
	return r;
}
