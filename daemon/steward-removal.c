// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steward-internal.h"

#include <errno.h>
#include <string.h>

#include "util.h"

void steward_clear_removals(struct steward *s)
{
	for (size_t i = 0; i < s->n_removals; i++) {
		free(s->removals[i].memdev);
		free(s->removals[i].host);
		free(s->removals[i].slot);
	}
	free(s->removals);
	s->removals = NULL;
	s->n_removals = 0;
}

static int note(struct steward *s, const struct picture *p, const struct memdev *card,
		const struct profile *profile)
{
	struct removal *r;

	if (grow(&s->removals, s->n_removals, sizeof(*s->removals)) < 0)
		return -ENOMEM;
	r = &s->removals[s->n_removals++];
	r->serial = card->serial;
	r->deadline_usec = profile->deadline_usec;
	r->revoke = profile->on_deadline == ON_DEADLINE_REVOKE;
	if (strdup_or_null(card->name, &r->memdev) < 0 || strdup_or_null(card->host, &r->host) < 0)
		return -ENOMEM;
	return card->slot < 0 ? 0 : strdup_or_null(p->slots[card->slot].name, &r->slot);
}

int steward_note_removals(struct steward *s, const struct picture *p)
{
	int r = 0;

	steward_clear_removals(s);
	for (size_t i = 0; r == 0 && i < p->n_memdevs; i++) {
		const struct profile *profile = profile_set_match(s->profiles, p, (int)i);

		if (profile && profile->deadline_usec)
			r = note(s, p, &p->memdevs[i], profile);
	}
	return r;
}

static bool means(const struct removal *r, const char *word)
{
	uint64_t serial;

	if (!strncmp(word, "slot:", 5))
		return streq_null(r->slot, word + 5);
	if (parse_u64(word, &serial) == 0 && serial != 0 && serial == r->serial)
		return true;
	/* "0d:00.0" is an address, too: picture_resolve_card() */
	return streq_null(r->memdev, word) || streq_null(r->slot, word) ||
	       streq_null(r->host, word) ||
	       (r->host && strlen(r->host) > 5 && !strcmp(r->host + 5, word));
}

void steward_prepare(struct steward *s, struct request *q)
{
	if (q->verb != VERB_EJECT || q->deadline_given)
		return;
	for (size_t i = 0; i < q->n_objects; i++)
		for (size_t k = 0; k < s->n_removals; k++) {
			const struct removal *r = &s->removals[k];

			if (!means(r, q->objects[i]) || r->deadline_usec <= q->deadline_usec)
				continue;
			q->deadline_usec = r->deadline_usec;
			q->revoke = r->revoke;
		}
}
