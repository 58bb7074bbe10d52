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

/* One after the other, each with its part of the time that is left. */
static void save_next(struct button *b, struct holder *h)
{
	const struct saving *s = &h->online[h->at];
	uint64_t left, t = now();
	struct request *q = NULL;
	int r;

	left = h->until_usec > t ? h->until_usec - t : 0;
	r = make_request(VERB_OFFLINE, s, &q);
	if (r >= 0) {
		q->leaving = true;
		q->deadline_usec = left / (h->n_online - h->at);
		if (q->deadline_usec < SHARE_USEC_MIN)
			q->deadline_usec = SHARE_USEC_MIN;
		r = append(&h->freed, &h->n_freed, s->region, s->zone);
	}
	if (r >= 0)
		r = button_start(b, h, q);
	else
		request_free(q);
	if (r < 0)
		button_saved(b, h, strerror(-r));
}

/* All that is online goes with the eject itself: it has to be known in case the press is taken back. */
static void note_freed(struct holder *h)
{
	for (; h->at < h->n_online; h->at++)
		if (append(&h->freed, &h->n_freed, h->online[h->at].region,
			   h->online[h->at].zone) < 0)
			button_say(h, 4, "out of memory: %s will not be brought online again if the press is "
				   "taken back", h->online[h->at].region);
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
	h->until_usec = now() + SAVE_USEC;
	button_hurry(b, h);
	if (h->n_regions < 2)
		note_freed(h);
	button_save_on(b, h);
}

void button_save_on(struct button *b, struct holder *h)
{
	if (h->at < h->n_online)
		save_next(b, h);
	else
		button_eject(b, h);
}

void button_saved(struct button *b, struct holder *h, const char *reason)
{
	const char *region = h->online[h->at].region;

	if (reason)
		button_say(h, 4, "the memory of %s is not free yet: %s", region, reason);
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
