/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reconcile-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROFILE "profile "
#define ORPHAN_USEC UINT64_C(1000000)

static const char *const states[] = {
	[WISH_THERE] = "there", [WISH_MISSING] = "missing", [WISH_NOT_READY] = "not-ready",
	[WISH_DUE] = "due",	[WISH_FAILED] = "failed",   [WISH_LEFT] = "left",
};

const char *wish_state_name(enum wish_state s)
{
	return s >= 0 && s < _WISH_STATE_MAX ? states[s] : NULL;
}

void reconcile_clear(struct reconcile *r)
{
	request_free(r->request);
	free(r->key);
	free(r->why);
	for (size_t i = 0; i < r->n_status; i++)
		free(r->status[i].reason);
	free(r->status);
	free(r->drop);
	for (size_t i = 0; i < r->n_reports; i++)
		free(r->reports[i]);
	free(r->reports);
	memset(r, 0, sizeof(*r));
}

static void reconcile_clearp(struct reconcile *r)
{
	reconcile_clear(r);
}

int reconcile_report(struct reconcile *out, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	if (grow(&out->reports, out->n_reports, sizeof(*out->reports)) < 0) {
		free(text);
		return -ENOMEM;
	}
	out->reports[out->n_reports++] = text;
	return 0;
}

const struct attempt *reconcile_tried(const struct reconcile_in *in, struct reconcile *out,
				      const char *key)
{
	for (size_t i = 0; i < in->n_attempts; i++) {
		const struct attempt *a = &in->attempts[i];

		if (strcmp(a->key, key) != 0)
			continue;
		if (a->not_before <= in->now)
			return NULL;
		reconcile_again(out, a->not_before);
		return a;
	}
	return NULL;
}

void reconcile_set_memory(struct request *q, const struct profile *profile)
{
	q->mode = profile->mode;
	q->no_online = profile->mode == MODE_SYSTEM_RAM && !profile->online;
	q->zone = q->no_online ? ZONE_UNKNOWN : profile->zone;
	q->align = profile->align;
}

/* The profile a wish came from, if it is still there and for all of its cards. */
static const struct profile *wish_profile(const struct reconcile_in *in, const struct wish *w)
{
	const struct profile *profile;

	if (!w->origin || strncmp(w->origin, PROFILE, strlen(PROFILE)) != 0)
		return NULL;
	profile = profile_set_find(in->profiles, w->origin + strlen(PROFILE));
	for (size_t i = 0; profile && i < w->n_members; i++) {
		int card = wish_card(in->picture, &w->members[i]);

		if (card < 0 || profile_set_match(in->profiles, in->picture, card) != profile)
			return NULL;
	}
	return profile;
}

/*
 * A card that was carried to another slot: as the profile there says. What a person wished for
 * follows the card where no profile has a word.
 */
static bool moved_away(const struct reconcile_in *in, const struct wish *w)
{
	if (w->kind == WISH_LEAVE || !wish_moved(in->picture, w))
		return false;
	if (w->origin && strncmp(w->origin, PROFILE, strlen(PROFILE)) == 0)
		return true;
	for (size_t i = 0; i < w->n_members; i++) {
		int card = wish_card(in->picture, &w->members[i]);

		if (card >= 0 && profile_set_match(in->profiles, in->picture, card))
			return true;
	}
	return false;
}

static int drop(struct reconcile *out, const struct wish *w)
{
	if (grow(&out->drop, out->n_drop, sizeof(*out->drop)) < 0)
		return -ENOMEM;
	out->drop[out->n_drop++] = w->id;
	return 0;
}

bool reconcile_dropped(const struct reconcile *out, const struct wish *w)
{
	for (size_t i = 0; i < out->n_drop; i++)
		if (out->drop[i] == w->id)
			return true;
	return false;
}

static int missing_text(const struct reconcile_in *in, const struct wish *w, char **ret)
{
	_cleanup_free_ char *list = NULL;
	size_t size = 0, n = 0;
	FILE *f = open_memstream(&list, &size);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_members; i++) {
		const struct wish_member *m = &w->members[i];

		if (wish_card(in->picture, m) >= 0)
			continue;
		if (m->serial != 0 && m->serial != UNKNOWN)
			fprintf(f, "%sserial 0x%" PRIx64 " (last at %s)", n++ ? ", " : "", m->serial,
				m->path ?: "an unknown place");
		else
			fprintf(f, "%sthe card at %s", n++ ? ", " : "", m->path ?: "an unknown place");
	}
	if (fclose(f) != 0)
		return -ENOMEM;
	(void)say(ret, 0, "not there: %s", list);
	return *ret ? 0 : -ENOMEM;
}

bool reconcile_ready(const struct picture *p, int card)
{
	const struct memdev *m = &p->memdevs[card];

	/* The driver is bound before its probe has ended: the endpoint and its decoders come later. */
	return m->enabled == YES && m->endpoint >= 0 && p->ports[m->endpoint].n_decoders > 0;
}

/* A card of the wish that cannot be used yet, or -1. */
static int not_ready(const struct reconcile_in *in, const struct wish *w)
{
	for (size_t i = 0; i < w->n_members; i++) {
		int card = wish_card(in->picture, &w->members[i]);

		if (card >= 0 && !reconcile_ready(in->picture, card))
			return card;
	}
	return -1;
}

static int want(const struct reconcile_in *in, struct reconcile *out, const struct wish *w,
		struct wish_status *status)
{
	const struct profile *profile = wish_profile(in, w);
	_cleanup_free_ char *key = NULL, *text = NULL;
	const struct attempt *tried;
	int r;

	if (asprintf(&key, "wish %" PRIu64, w->id) < 0) {
		key = NULL;
		return -ENOMEM;
	}
	tried = reconcile_tried(in, out, key);
	if (tried) {
		status->state = WISH_FAILED;
		return strdup_or_null(tried->reason, &status->reason);
	}
	status->state = WISH_DUE;
	if (out->request)
		return 0;
	r = wish_text(w, &text);
	if (r == 0)
		r = wish_request(w, in->picture, &out->request);
	if (r < 0)
		return r;
	if (profile)
		reconcile_set_memory(out->request, profile);
	(void)say(&out->why, 0, "the cards of a wish are there: %s", text);
	out->key = TAKE_PTR(key);
	return out->why ? 0 : -ENOMEM;
}

static int look_at_wish(const struct reconcile_in *in, struct reconcile *out, const struct wish *w,
			struct wish_status *status)
{
	int card;

	if (w->kind == WISH_LEAVE) {
		status->state = WISH_LEFT;
		/* The card was here and has gone: when it comes back it is as any other. */
		return w->seen && wish_missing(in->picture, w) == w->n_members ? drop(out, w) : 0;
	}
	if (status->region >= 0) {
		status->state = WISH_THERE;
		return 0;
	}
	if (moved_away(in, w))
		return drop(out, w);
	if (wish_missing(in->picture, w) > 0) {
		status->state = WISH_MISSING;
		return missing_text(in, w, &status->reason);
	}
	card = not_ready(in, w);
	if (card >= 0) {
		status->state = WISH_NOT_READY;
		(void)say(&status->reason, 0, "%s is there, but %s", in->picture->memdevs[card].name,
			  in->picture->memdevs[card].enabled == YES ? "still coming up" : "not enabled");
		return status->reason ? 0 : -ENOMEM;
	}
	return want(in, out, w, status);
}

/* A region whose card is gone holds its address range until it is cleared away. */
static int clear_orphan(const struct reconcile_in *in, struct reconcile *out, const struct wish *w,
			int region)
{
	const struct region *r = &in->picture->regions[region];
	_cleanup_(request_freep) struct request *q = NULL;
	_cleanup_free_ char *key = NULL;
	const struct attempt *tried;

	if (!region_lost_cards(r))
		return 0;
	/* One that somebody is making in its place looks the same for a moment. */
	if (w->lost_since == 0 || in->now - w->lost_since < ORPHAN_USEC) {
		reconcile_again(out, (w->lost_since ?: in->now) + ORPHAN_USEC);
		return 0;
	}
	if (asprintf(&key, "orphan %s", r->name) < 0) {
		key = NULL;
		return -ENOMEM;
	}
	tried = reconcile_tried(in, out, key);
	if (tried)
		return reconcile_report(out, "%s has lost a card and is still there: %s", r->name,
					tried->reason);
	if (out->request)
		return 0;
	q = request_new(VERB_DESTROY);
	if (!q || request_add_object(q, r->name) < 0 || strdup_or_null("lost card", &q->origin) < 0)
		return -ENOMEM;
	(void)say(&out->why, 0, "%s has lost a card: what is left of it is cleared away", r->name);
	out->request = TAKE_PTR(q);
	out->key = TAKE_PTR(key);
	return out->why ? 0 : -ENOMEM;
}

int reconcile(const struct reconcile_in *in, struct reconcile *ret)
{
	_cleanup_(reconcile_clearp) struct reconcile out = { .again = UNKNOWN };
	_cleanup_free_ int *regions = calloc(in->wishes->n + 1, sizeof(*regions));
	int r = 0;

	out.status = calloc(in->wishes->n + 1, sizeof(*out.status));
	if (!regions || !out.status)
		return -ENOMEM;
	out.n_status = in->wishes->n;
	wishes_match(in->wishes, in->picture, regions);
	for (size_t i = 0; i < in->wishes->n; i++)
		out.status[i].region = regions[i];
	for (size_t i = 0; r == 0 && i < in->wishes->n; i++)
		if (regions[i] >= 0)
			r = clear_orphan(in, &out, &in->wishes->list[i], regions[i]);
	for (size_t i = 0; r == 0 && i < in->wishes->n; i++)
		r = look_at_wish(in, &out, &in->wishes->list[i], &out.status[i]);
	if (r == 0)
		r = reconcile_profiles(in, &out);
	if (r < 0)
		return r;
	*ret = out;
	memset(&out, 0, sizeof(out));
	return 0;
}
