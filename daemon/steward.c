// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steward-internal.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "entry.h"
#include "messages.h"
#include "store.h"
#include "util.h"

#define SECOND UINT64_C(1000000)
/* After an operation, let its events come in. */
#define SETTLE_USEC (300 * UINT64_C(1000))
/* Wishes that still fit into the journal: some 300 bytes each. */
#define JOURNALED_MAX 256

static uint64_t now(void)
{
	struct timespec ts;

	/* A card that waited while the machine slept has waited. */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec / 1000;
}

static int on_timer(sd_event_source *source, uint64_t when, void *userdata)
{
	struct steward *s = userdata;

	(void)source;
	(void)when;
	engine_look(s->engine);
	return 0;
}

/* Look at the machine at the latest in @usec. */
static void look_in(struct steward *s, uint64_t usec)
{
	(void)sd_event_source_set_time_relative(s->timer, usec);
	(void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void clear_attempts(struct steward *s)
{
	for (size_t i = 0; i < s->n_attempts; i++) {
		free(s->attempts[i].key);
		free(s->attempts[i].reason);
	}
	free(s->attempts);
	s->attempts = NULL;
	s->n_attempts = 0;
}

void steward_retry(struct steward *s)
{
	clear_attempts(s);
	look_in(s, 0);
}

static struct attempt *find_attempt(struct steward *s, const char *key)
{
	struct attempt *a;

	for (size_t i = 0; i < s->n_attempts; i++)
		if (!strcmp(s->attempts[i].key, key))
			return &s->attempts[i];
	if (grow(&s->attempts, s->n_attempts, sizeof(*s->attempts)) < 0)
		return NULL;
	a = &s->attempts[s->n_attempts];
	a->key = strdup(key);
	if (!a->key)
		return NULL;
	s->n_attempts++;
	return a;
}

/*
 * What a person stopped stays so until the machine changes. What the planner refused or what failed
 * half-way may have been a machine that was still coming up, or bad luck: it is tried thrice more.
 */
static void note_failure(struct steward *s, bool for_good, const char *reason)
{
	static const uint64_t waits[] = { 10 * SECOND, 60 * SECOND, 300 * SECOND };
	_cleanup_free_ char *key = TAKE_PTR(s->key);
	struct attempt *a = find_attempt(s, key);

	reason = reason ?: "unknown reason";
	if (!a || !streq_null(a->reason, reason))
		(void)sd_journal_send("MESSAGE=%s did not work: %s", key, reason, "PRIORITY=4",
				      "CXLMEM_REQUEST=%s", key, MESSAGE_NOT_FOLLOWED, NULL);
	if (!a)
		return;
	free(a->reason);
	a->reason = strdup(reason);
	a->not_before = for_good || a->count >= ARRAY_SIZE(waits) ? UNKNOWN : now() + waits[a->count];
	a->count++;
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	struct steward *s = userdata;

	if (!s->key)
		return;
	if (o) {
		s->operation = o->id;
		return;
	}
	note_failure(s, error == -ECANCELED, reason ?: strerror(-error));
	/* There may be other work. */
	if (error != -ECANCELED)
		look_in(s, 0);
}

static const char *place(const struct memdev *card)
{
	return card->path ?: card->host ?: card->name;
}

static const struct memdev *find_card(const struct picture *p, const struct arrival *a)
{
	for (size_t i = 0; i < p->n_memdevs; i++)
		if (p->memdevs[i].serial == a->serial && streq_null(place(&p->memdevs[i]), a->path))
			return &p->memdevs[i];
	return NULL;
}

static bool arrived(const struct steward *s, const struct memdev *card)
{
	for (size_t i = 0; i < s->n_arrivals; i++)
		if (s->arrivals[i].serial == card->serial &&
		    streq_null(s->arrivals[i].path, place(card)))
			return true;
	return false;
}

/* Return: whether other cards are there than before. */
static bool follow_cards(struct steward *s, const struct picture *p)
{
	bool changed = false;

	for (size_t i = s->n_arrivals; i-- > 0;) {
		if (find_card(p, &s->arrivals[i]))
			continue;
		free(s->arrivals[i].path);
		s->arrivals[i] = s->arrivals[--s->n_arrivals];
		changed = true;
	}
	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct memdev *card = &p->memdevs[i];
		char *path;

		/* Its wait begins when it could be used. */
		if (card->enabled != YES || arrived(s, card))
			continue;
		path = strdup(place(card));
		if (!path || grow(&s->arrivals, s->n_arrivals, sizeof(*s->arrivals)) < 0) {
			free(path);
			continue;
		}
		s->arrivals[s->n_arrivals++] = (struct arrival){ card->serial, path, now() };
		changed = true;
	}
	return changed;
}

static int follow_wishes(struct steward *s, const struct picture *p)
{
	_cleanup_free_ int *regions = calloc(s->wishes->n + 1, sizeof(*regions));

	if (!regions)
		return -ENOMEM;
	wishes_match(s->wishes, p, regions);
	for (size_t i = 0; i < s->wishes->n; i++) {
		struct wish *w = &s->wishes->list[i];

		w->seen |= wish_missing(p, w) == 0;
		if (regions[i] < 0 || !region_lost_cards(&p->regions[regions[i]]))
			w->lost_since = 0;
		else if (w->lost_since == 0)
			w->lost_since = now();
	}
	return 0;
}

static void drop_wishes(struct steward *s, const struct reconcile *out)
{
	for (size_t k = 0; k < out->n_drop; k++)
		for (size_t i = s->wishes->n; i-- > 0;) {
			_cleanup_free_ char *text = NULL;

			if (s->wishes->list[i].id != out->drop[k])
				continue;
			if (wish_text(&s->wishes->list[i], &text) >= 0)
				(void)sd_journal_send("MESSAGE=forgotten, because its card left or "
						      "was moved: %s", text, "PRIORITY=6", NULL);
			wishes_remove(s->wishes, i);
		}
	if (out->n_drop)
		(void)steward_save(s, NULL);
}

struct reconcile_in steward_input(const struct steward *s, const struct picture *p)
{
	return (struct reconcile_in){
		.picture = p,
		.profiles = s->profiles,
		.wishes = s->wishes,
		.arrivals = s->arrivals,
		.n_arrivals = s->n_arrivals,
		.attempts = s->attempts,
		.n_attempts = s->n_attempts,
		.now = now(),
	};
}

static void start(struct steward *s, struct reconcile *out)
{
	int r;

	(void)sd_journal_send("MESSAGE=%s", out->why, "PRIORITY=6", "CXLMEM_REQUEST=%s", out->key,
			      NULL);
	free(s->key);
	s->key = TAKE_PTR(out->key);
	s->operation = 0;
	r = engine_start(s->engine, out->request, on_started, s);
	if (r < 0)
		note_failure(s, false, strerror(-r));
	else
		out->request = NULL;
}

void steward_looked(struct steward *s, const struct picture *p)
{
	struct reconcile_in in;
	struct reconcile out;
	int r;

	if (follow_cards(s, p))
		clear_attempts(s);
	r = follow_wishes(s, p);
	if (s->broken || s->key)
		return;
	in = steward_input(s, p);
	if (r < 0 || reconcile(&in, &out) < 0) {
		look_in(s, 10 * SECOND);
		return;
	}
	drop_wishes(s, &out);
	if (out.again != UNKNOWN)
		look_in(s, out.again > in.now ? out.again - in.now : 0);
	if (out.request)
		start(s, &out);
	reconcile_clear(&out);
}

void steward_complete(struct steward *s, struct picture *p)
{
	if (wishes_annotate(s->wishes, p) < 0)
		(void)sd_journal_print(4, "out of memory: regions look as if somebody else had "
					  "made them");
	if (steward_note_removals(s, p) < 0)
		(void)sd_journal_print(4, "out of memory: deadlines of profiles are not known");
}

void steward_planned(struct steward *s, const struct operation *o, const struct picture *p)
{
	s->record = record_free(s->record);
	if (record_new(o, p, s->wishes, s->profiles, &s->record) < 0)
		(void)sd_journal_print(3, "out of memory: what operation %ju does will not be "
					  "remembered", (uintmax_t)o->id);
}

struct json_object *steward_intent(struct steward *s, const struct operation *o)
{
	struct json_object *json;

	return s->record && record_id(s->record) == o->id && record_to_json(s->record, &json) == 0 ?
		       json :
		       NULL;
}

void steward_recovered(struct steward *s, const struct operation *o, struct json_object *intent)
{
	s->record = record_free(s->record);
	if (!intent || record_from_json(o, intent, &s->record) < 0)
		(void)sd_journal_print(4, "what operation %ju means for the wishes is not known any more",
				       (uintmax_t)o->id);
}

/* Return: whether the wishes are others now. */
static bool conclude(struct steward *s, const struct operation *o)
{
	_cleanup_(record_freep) struct record *record = NULL;
	bool changed = false;

	if (!s->record || record_id(s->record) != o->id)
		return false;
	record = TAKE_PTR(s->record);
	if (o->state == OPERATION_DONE && record_apply(record, s->wishes, &changed) < 0)
		(void)sd_journal_print(3, "out of memory: not all that operation %ju did is remembered",
				       (uintmax_t)o->id);
	return changed;
}

static int on_save(sd_event_source *source, void *userdata)
{
	(void)source;
	(void)steward_save(userdata, NULL);
	return 0;
}

struct json_object *steward_ended(struct steward *s, const struct operation *o)
{
	struct json_object *json;

	/* Too many for the journal, or no journal: then the file is written at once. */
	if (!s->journal || s->broken || s->wishes->n > JOURNALED_MAX)
		return NULL;
	if (!conclude(s, o))
		return NULL;
	s->wishes->generation++;
	if (wishes_to_json(s->wishes, &json) < 0)
		return NULL;
	s->unsaved = true;
	(void)sd_event_source_set_enabled(s->save, SD_EVENT_ONESHOT);
	return json;
}

void steward_set_journal(struct steward *s, struct journal *journal, struct json_object *wishes)
{
	struct wishes *new;

	s->journal = journal;
	if (!wishes || s->broken)
		return;
	if (wishes_from_json(wishes, &new, NULL) < 0) {
		(void)sd_journal_print(4, "the wishes in the journal make no sense; those of the file hold");
		return;
	}
	/* The machine lost its power after the file was written, and before the journal had that on the disk. */
	if (new->generation <= s->wishes->generation) {
		wishes_free(new);
		return;
	}
	wishes_free(s->wishes);
	s->wishes = new;
	(void)steward_save(s, NULL);
}

void steward_finished(struct steward *s, const struct operation *o)
{

	if (s->key && s->operation == o->id) {
		if (o->state == OPERATION_DONE)
			s->key = (free(s->key), NULL);
		else
			note_failure(s, o->state != OPERATION_FAILED, o->reason);
	} else if (o->state == OPERATION_DONE) {
		/* What a person did may have made room. */
		clear_attempts(s);
	}
	if (conclude(s, o))
		(void)steward_save(s, NULL);
	look_in(s, SETTLE_USEC);
}

int steward_save(struct steward *s, char **ret_reason)
{
	_cleanup_free_ char *reason = NULL;
	int r;

	if (s->broken)
		return say(ret_reason, -EBADMSG, "%s", s->broken);
	s->wishes->generation++;
	s->unsaved = false;
	(void)sd_event_source_set_enabled(s->save, SD_EVENT_OFF);
	r = store_save(s->dir, s->wishes, &reason);
	if (r == 0 && s->journal)
		(void)entry_saved(s->journal);
	if (r < 0) {
		(void)sd_journal_print(3, "what is wished for will be lost with the next reboot: %s",
				       reason ?: strerror(-r));
		(void)say(ret_reason, r, "%s", reason ?: strerror(-r));
	}
	return r;
}

static void log_problems(const struct profile_set *set)
{
	for (size_t i = 0; i < set->problems.n; i++) {
		const struct profile_problem *problem = &set->problems.list[i];
		_cleanup_free_ char *text = NULL;

		if (profile_problem_text(problem, &text) >= 0)
			(void)sd_journal_send("MESSAGE=%s%s", text,
					      problem->error ? " (this profile is not used)" : "",
					      "PRIORITY=%i", problem->error ? 3 : 4,
					      MESSAGE_PROFILE, NULL);
	}
}

int steward_reload(struct steward *s, char **ret_reason)
{
	_cleanup_(wishes_freep) struct wishes *wishes = NULL;
	_cleanup_free_ char *reason = NULL;
	struct profile_set *profiles;
	int r;

	if (s->unsaved)
		(void)steward_save(s, NULL);
	r = profile_set_load(s->root, &profiles);
	if (r < 0)
		return r;
	profile_set_free(s->profiles);
	s->profiles = profiles;
	log_problems(profiles);
	free(s->broken);
	s->broken = NULL;
	r = store_load(s->dir, &wishes, &reason);
	if (r >= 0) {
		wishes_free(s->wishes);
		s->wishes = TAKE_PTR(wishes);
	} else {
		s->broken = reason ? TAKE_PTR(reason) : strdup(strerror(-r));
		(void)sd_journal_print(3, "%s", s->broken);
		(void)say(ret_reason, r, "%s", s->broken);
	}
	steward_retry(s);
	return r;
}

int steward_new(sd_event *event, struct engine *engine, const char *root, const char *dir,
		struct steward **ret)
{
	struct steward *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->engine = engine;
	s->wishes = calloc(1, sizeof(*s->wishes));
	r = s->wishes && (s->dir = strdup(dir)) ? strdup_or_null(root, &s->root) : -ENOMEM;
	if (r >= 0)
		r = sd_event_add_time_relative(event, &s->timer, CLOCK_BOOTTIME, 0, 0, on_timer, s);
	if (r >= 0)
		r = sd_event_add_defer(event, &s->save, on_save, s);
	if (r >= 0)
		r = sd_event_source_set_enabled(s->save, SD_EVENT_OFF);
	/* Whoever waits for an answer has it first. */
	if (r >= 0)
		r = sd_event_source_set_priority(s->save, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0) {
		r = steward_reload(s, NULL);
		if (s->broken)
			r = 0;
	}
	if (r < 0) {
		steward_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct steward *steward_free(struct steward *s)
{
	if (!s)
		return NULL;
	if (s->unsaved)
		(void)steward_save(s, NULL);
	sd_event_source_disable_unref(s->timer);
	sd_event_source_disable_unref(s->save);
	for (size_t i = 0; i < s->n_arrivals; i++)
		free(s->arrivals[i].path);
	free(s->arrivals);
	clear_attempts(s);
	steward_clear_removals(s);
	record_free(s->record);
	wishes_free(s->wishes);
	profile_set_free(s->profiles);
	free(s->broken);
	free(s->key);
	free(s->root);
	free(s->dir);
	sd_event_unref(s->event);
	free(s);
	return NULL;
}
