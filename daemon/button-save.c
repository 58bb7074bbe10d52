// SPDX-License-Identifier: LGPL-2.1-or-later
#include "button-internal.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

/* pciehp's five seconds, less what it takes to hear of the press, to give up on a region and to begin the eject. */
#define SAVE_USEC (UINT64_C(4) * 1000000)
/* What somebody else's operation, about other cards, has of that. */
#define OTHERS_USEC (UINT64_C(500) * 1000)
/* After the time to save there may be so much left of the five seconds. */
#define REST_USEC (UINT64_C(500) * 1000)
/* Less is not worth the attempt. */
#define SHARE_USEC_MIN (UINT64_C(300) * 1000)

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int append(struct saving **list, size_t *n, const char *region, enum zone zone)
{
	struct saving s = { .region = strdup(region), .zone = zone };

	if (!s.region || grow(list, *n, sizeof(**list)) < 0) {
		free(s.region);
		return -ENOMEM;
	}
	(*list)[(*n)++] = s;
	return 0;
}

static void clear(struct saving **list, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*list)[i].region);
	free(*list);
	*list = NULL;
	*n = 0;
}

void button_forget_online(struct holder *h)
{
	clear(&h->online, &h->n_online);
}

void button_forget_freed(struct holder *h)
{
	clear(&h->freed, &h->n_freed);
}

int button_note_online(struct holder *h, const struct picture *p, int region)
{
	struct region_memory m;

	picture_region_memory(p, region, &m);
	if (m.online == 0)
		return 0;
	return append(&h->online, &h->n_online, p->regions[region].name,
		      m.kernel ? ZONE_KERNEL : ZONE_MOVABLE);
}

static bool is_freed(const struct holder *h, const char *region)
{
	for (size_t i = 0; i < h->n_freed; i++)
		if (!strcmp(h->freed[i].region, region))
			return true;
	return false;
}

static int note_freed(struct holder *h, const struct saving *s)
{
	return is_freed(h, s->region) ? 0 : append(&h->freed, &h->n_freed, s->region, s->zone);
}

static int make_request(enum verb verb, const struct saving *s, struct request **ret)
{
	_cleanup_(request_freep) struct request *q = request_new(verb);
	int r = q ? request_add_object(q, s->region) : -ENOMEM;

	if (r >= 0)
		r = strdup_or_null("button", &q->origin);
	if (r >= 0)
		*ret = TAKE_PTR(q);
	return r;
}

/* Of the time that is left, for one of so many. */
static uint64_t share_usec(const struct holder *h, size_t of)
{
	uint64_t t = now(), left = h->until_usec > t ? h->until_usec - t : 0;

	return left / of > SHARE_USEC_MIN ? left / of : SHARE_USEC_MIN;
}

/* One after the other, each with its part of the time that is left. */
static void save_next(struct button *b, struct holder *h)
{
	const struct saving *s = &h->online[h->at];
	struct request *q = NULL;
	int r;

	r = make_request(VERB_OFFLINE, s, &q);
	if (r >= 0) {
		q->leaving = true;
		q->deadline_usec = share_usec(h, h->n_online - h->at);
		r = note_freed(h, s);
	}
	if (r >= 0)
		r = button_start(b, h, q);
	else
		request_free(q);
	if (r < 0)
		button_saved(b, h, strerror(-r));
}

/* It may hang over memory that cannot be freed, and with it all that waits for its turn. */
void button_hurry(struct button *b, const struct holder *h)
{
	_cleanup_free_ char *why = NULL;
	struct operation *o = NULL;

	/* One runs at a time. */
	for (size_t i = 0; (o = engine_nth(b->engine, i)); i++)
		if (o->state == OPERATION_RUNNING && button_may_hang(o))
			break;
	if (!o)
		return;
	if (o->id == h->hangs) {
		engine_hurry(b->engine, o, SAVE_USEC / (h->n_online + 1), NULL);
		return;
	}
	/* A slot of a disk or a network card, or of a card that nothing was made of. */
	if (h->n_regions == 0)
		return;
	say(&why, 0, "the card in slot %s goes, and its memory has to be saved first", h->slot);
	engine_hurry(b->engine, o, OTHERS_USEC, why ?: "a card goes");
}

void button_save(struct button *b, struct holder *h)
{
	button_forget_freed(h);
	h->at = 0;
	h->early = h->late = false;
	h->until_usec = now() + SAVE_USEC;
	button_hurry(b, h);
	/* What goes with the eject is noted when that is planned. */
	if (h->n_regions < 2)
		h->at = h->n_online;
	button_save_on(b, h);
}

void button_save_on(struct button *b, struct holder *h)
{
	if (h->at < h->n_online)
		save_next(b, h);
	else
		button_eject(b, h);
}

void button_reconsider(struct button *b, struct holder *h, struct operation *o, const struct picture *p, int slot)
{
	struct holder there = { 0 };
	bool all_tried = true;

	if (o->request->verb != VERB_EJECT || (h->request != o->request && h->operation != o->id) ||
	    h->at < h->n_online)
		return;
	for (size_t i = 0; i < p->n_regions; i++)
		if (button_uses_card(p, (int)i, slot) && button_note_online(&there, p, (int)i) < 0)
			break; /* what is known of is better than nothing */
	button_forget_online(h);
	h->online = there.online;
	h->n_online = h->at = there.n_online;
	/* All that is online goes with the eject: it has to be known in case the press is taken back. */
	for (size_t i = 0; i < h->n_online; i++) {
		all_tried &= is_freed(h, h->online[i].region);
		if (note_freed(h, &h->online[i]) < 0)
			button_say(h, 4, "out of memory: %s will not be brought online again if the press is "
				   "taken back", h->online[i].region);
	}
	/* Later there is nothing to be won: the kernel does not take the card while it is at its memory. */
	if (h->n_online < 2 || all_tried || now() >= h->until_usec)
		return;
	h->at = 0;
	h->early = true;
	engine_hurry(b->engine, o, share_usec(h, h->n_online + 1), NULL);
}

void button_stepped(struct button *b, const struct operation *o, const struct step *s)
{
	for (size_t i = 0; i < b->n; i++) {
		struct holder *h = &b->list[i];

		if (h->pressed && !h->asks && (h->operation == o->id || h->hangs == o->id) &&
		    button_waits_for_users(s) && now() > h->until_usec + REST_USEC)
			h->late = true;
	}
}

void button_saved(struct button *b, struct holder *h, const char *reason)
{
	const char *region = h->online[h->at].region;

	if (reason)
		button_say(h, 4, "the memory of %s is not free yet: %s", region, reason);
	else if (h->late)
		button_say(h, 4, "the memory of %s is free, but the five seconds were over: what was on its way may "
			   "be lost", region);
	else
		button_say(h, 5, "the memory of %s is saved", region);
	h->at++;
	h->due = true;
	(void)sd_event_source_set_enabled(b->next, SD_EVENT_ONESHOT);
}

static void on_put_back(struct operation *o, int error, const char *reason, void *userdata)
{
	_cleanup_free_ char *region = userdata;

	if (!o && error != -ECANCELED)
		(void)sd_journal_print(4, "%s was taken offline for a press that was taken back, and stays so: "
				       "%s", region, reason ?: strerror(-error));
}

void button_put_back(struct button *b, struct holder *h)
{
	for (size_t i = 0; i < h->n_freed; i++) {
		const struct saving *s = &h->freed[i];
		char *region = strdup(s->region);
		struct request *q = NULL;
		int r = region ? make_request(VERB_ONLINE, s, &q) : -ENOMEM;

		if (r >= 0) {
			q->zone = s->zone;
			r = engine_start(b->engine, q, on_put_back, region);
		}
		if (r >= 0)
			continue;
		button_say(h, 4, "%s stays offline: %s", s->region, strerror(-r));
		request_free(q);
		free(region);
	}
	button_forget_freed(h);
}
