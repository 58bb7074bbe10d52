// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steward-internal.h"

#include <errno.h>
#include <string.h>

#include "json-util.h"
#include "util.h"

const struct profile_set *steward_profiles(const struct steward *s)
{
	return s->profiles;
}

static int describe_wish(const struct wish *w, const struct wish_status *status,
			 const struct picture *p, struct json_object *array)
{
	struct json_object *o = json_object_new_object();
	_cleanup_free_ char *text = NULL;
	int r = json_append(array, o);

	if (r == 0)
		r = wish_text(w, &text);
	if (r == 0)
		r = json_set_u64(o, "id", w->id);
	if (r == 0)
		r = json_set_string(o, "kind", wish_kind_name(w->kind));
	if (r == 0)
		r = json_set_string(o, "text", text);
	if (r == 0)
		r = json_set_string(o, "origin", w->origin);
	if (r == 0)
		r = json_set_string(o, "state", wish_state_name(status->state));
	if (r == 0 && status->region >= 0)
		r = json_set_string(o, "region", p->regions[status->region].name);
	if (r == 0)
		r = json_set_string(o, "reason", status->reason);
	return r;
}

static int append_text(struct json_object *array, const char *text)
{
	return json_append(array, json_object_new_string(text));
}

/* What is being done, or is about to be: who waits for the machine's memory waits for these. */
static int describe_pending(const struct steward *s, const struct picture *p,
			    const struct reconcile *out, struct json_object *array)
{
	int r = 0;

	if (engine_busy(s->engine))
		r = append_text(array, "an operation is under way");
	if (r == 0 && out->request && !s->broken)
		r = append_text(array, out->why);
	for (size_t i = 0; r == 0 && i < p->n_memdevs; i++) {
		const struct memdev *m = &p->memdevs[i];
		_cleanup_free_ char *text = NULL;

		if (m->enabled != YES || (m->endpoint >= 0 && p->ports[m->endpoint].n_decoders > 0))
			continue;
		(void)say(&text, 0, "%s is coming up", m->name);
		r = text ? append_text(array, text) : -ENOMEM;
	}
	return r;
}

static int describe(const struct steward *s, const struct picture *p, const struct reconcile *out,
		    struct json_object *top)
{
	struct json_object *wishes = json_object_new_array(), *reports = json_object_new_array(),
			   *pending = json_object_new_array();
	int r = json_take(top, "wishes", wishes);

	if (json_take(top, "reports", reports) < 0)
		r = -ENOMEM;
	if (json_take(top, "pending", pending) < 0 || r < 0)
		return -ENOMEM;
	r = describe_pending(s, p, out, pending);
	for (size_t i = 0; r == 0 && i < s->wishes->n; i++)
		r = describe_wish(&s->wishes->list[i], &out->status[i], p, wishes);
	for (size_t i = 0; r == 0 && i < out->n_reports; i++)
		r = json_append(reports, json_object_new_string(out->reports[i]));
	if (r == 0)
		r = json_set_string(top, "broken", s->broken);
	return r;
}

int steward_describe(struct steward *s, const struct picture *p, struct json_object **ret)
{
	_cleanup_json_ struct json_object *top = json_object_new_object();
	struct reconcile_in in = steward_input(s, p);
	struct reconcile out;
	int r;

	if (!top)
		return -ENOMEM;
	r = reconcile(&in, &out);
	if (r < 0)
		return r;
	r = describe(s, p, &out, top);
	reconcile_clear(&out);
	if (r == 0)
		*ret = TAKE_PTR(top);
	return r;
}

int steward_count(struct steward *s, const struct picture *p, uint64_t ret[static _WISH_STATE_MAX])
{
	struct reconcile_in in = steward_input(s, p);
	struct reconcile out;
	int r = reconcile(&in, &out);

	if (r < 0)
		return r;
	memset(ret, 0, _WISH_STATE_MAX * sizeof(*ret));
	for (size_t i = 0; i < out.n_status; i++)
		ret[out.status[i].state]++;
	reconcile_clear(&out);
	return 0;
}

bool steward_is_broken(const struct steward *s)
{
	return s->broken != NULL;
}

/* A serial that no card here has may still stand in a wish. */
static bool has_serial(const struct wish *w, uint64_t serial)
{
	for (size_t i = 0; i < w->n_members; i++)
		if (w->members[i].serial == serial)
			return true;
	return false;
}

static bool is_place(const struct wish *w, const char *word)
{
	for (size_t i = 0; i < w->n_members; i++)
		if (streq_null(w->members[i].path, word))
			return true;
	return false;
}

/* Mark the wishes that a word means. Return: whether there is one. */
static bool mark(const struct steward *s, const struct picture *p, const int *regions,
		 const char *word, bool *marks)
{
	int card = -1, region = picture_find_region(p, word);
	bool all = !strcmp(word, "all"), any = all;
	uint64_t number;

	if (region < 0)
		(void)picture_resolve_card(p, word, &card, NULL);
	for (size_t i = 0; i < s->wishes->n; i++) {
		const struct wish *w = &s->wishes->list[i];
		bool meant = all || (region >= 0 && regions[i] == region) || is_place(w, word) ||
			     (card >= 0 && wish_has_card(p, w, card));

		if (word[0] == '#' && parse_u64(word + 1, &number) == 0)
			meant |= w->id == number;
		else if (parse_u64(word, &number) == 0 && number != 0)
			meant |= has_serial(w, number);
		marks[i] |= meant;
		any |= meant;
	}
	return any;
}

static int save_or_reload(struct steward *s, struct wishes *old, char **ret_reason)
{
	int r = steward_save(s, ret_reason);

	/* What could not be written down is not so. */
	if (r < 0) {
		wishes_free(s->wishes);
		s->wishes = old;
	} else {
		wishes_free(old);
	}
	return r;
}

static int copy_wishes(const struct wishes *w, struct wishes **ret)
{
	_cleanup_json_ struct json_object *json = NULL;
	int r = wishes_to_json(w, &json);

	if (r == 0)
		r = wishes_from_json(json, ret, NULL);
	for (size_t i = 0; r == 0 && i < w->n; i++) {
		(*ret)->list[i].seen = w->list[i].seen;
		(*ret)->list[i].lost_since = w->list[i].lost_since;
	}
	return r;
}

int steward_forget(struct steward *s, const struct picture *p, char *const *words, size_t n,
		   size_t *ret, char **ret_reason)
{
	_cleanup_free_ int *regions = calloc(s->wishes->n + 1, sizeof(*regions));
	_cleanup_free_ bool *marks = calloc(s->wishes->n + 1, sizeof(*marks));
	struct wishes *old;
	size_t count = 0;
	int r;

	if (!regions || !marks)
		return -ENOMEM;
	wishes_match(s->wishes, p, regions);
	for (size_t i = 0; i < n; i++)
		if (!mark(s, p, regions, words[i], marks))
			return say(ret_reason, -ENOENT,
				   "nothing is remembered for \"%s\": `cxlmemctl wishes` lists what is",
				   words[i]);
	r = copy_wishes(s->wishes, &old);
	if (r < 0)
		return r;
	for (size_t i = s->wishes->n; i-- > 0;)
		if (marks[i]) {
			wishes_remove(s->wishes, i);
			count++;
		}
	r = save_or_reload(s, old, ret_reason);
	if (r < 0)
		return r;
	steward_retry(s);
	*ret = count;
	return 0;
}

static bool is_there(const struct picture *p, const struct wishes *w, size_t i, int *regions)
{
	wishes_match(w, p, regions);
	return regions[i] >= 0;
}

/* What was wished for its cards and is not there cannot come any more, and they are not left alone. */
static void drop_outdated(struct wishes *w, const struct picture *p, int *regions)
{
	size_t last = w->n - 1;

	for (size_t i = last; i-- > 0;)
		if (wish_shares_card(&w->list[i], &w->list[last]) && !is_there(p, w, i, regions)) {
			wishes_remove(w, i);
			last--;
		}
}

static int adopt_one(struct steward *s, const struct picture *p, int region, size_t *count,
		     char **ret_reason)
{
	_cleanup_free_ int *regions = calloc(s->wishes->n + 1, sizeof(*regions));
	struct wish *w;
	int r;

	if (!regions)
		return -ENOMEM;
	wishes_match(s->wishes, p, regions);
	for (size_t i = 0; i < s->wishes->n; i++)
		if (regions[i] == region)
			return 0; /* remembered already */
	w = wishes_add(s->wishes, WISH_REGION, "adopted");
	if (!w)
		return -ENOMEM;
	r = wish_from_region(w, p, region, ret_reason);
	if (r < 0)
		return r;
	drop_outdated(s->wishes, p, regions);
	++*count;
	return 0;
}

int steward_adopt(struct steward *s, const struct picture *p, char *const *words, size_t n,
		  size_t *ret, char **ret_reason)
{
	struct wishes *old;
	size_t count = 0;
	int r;

	r = copy_wishes(s->wishes, &old);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++) {
		int region;

		r = picture_resolve_region(p, words[i], &region, ret_reason);
		if (r == 0)
			r = adopt_one(s, p, region, &count, ret_reason);
	}
	if (r < 0) {
		wishes_free(s->wishes);
		s->wishes = old;
		return r;
	}
	r = save_or_reload(s, old, ret_reason);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		int region;

		if (picture_resolve_region(p, words[i], &region, NULL) == 0)
			engine_settle(s->engine, p->regions[region].name);
	}
	*ret = count;
	return 0;
}

int steward_export(struct steward *s, struct json_object **ret, char **ret_reason)
{
	/* An empty list in place of what could not be read might overwrite somebody's good copy. */
	if (s->broken)
		return say(ret_reason, -EBADMSG, "%s", s->broken);
	return wishes_to_json(s->wishes, ret);
}

int steward_import(struct steward *s, struct json_object *json, size_t *ret, char **ret_reason)
{
	_cleanup_(wishes_freep) struct wishes *new = NULL;
	struct wishes *old;
	size_t count;
	int r;

	r = wishes_from_json(json, &new, ret_reason);
	if (r == 0)
		r = copy_wishes(s->wishes, &old);
	if (r < 0)
		return r;
	count = new->n;
	/* All that was wished for a card is replaced at once: two half-lists would contradict each other. */
	for (size_t i = s->wishes->n; i-- > 0;)
		for (size_t k = 0; k < new->n; k++)
			if (wish_shares_card(&s->wishes->list[i], &new->list[k])) {
				wishes_remove(s->wishes, i);
				break;
			}
	for (size_t k = 0; k < new->n; k++) {
		struct wish *w = wishes_add(s->wishes, new->list[k].kind, NULL);
		uint64_t id;

		if (!w) {
			wishes_free(s->wishes);
			s->wishes = old;
			return -ENOMEM;
		}
		id = w->id;
		*w = new->list[k];
		w->id = id;
		new->list[k] = (struct wish){ 0 };
	}
	r = save_or_reload(s, old, ret_reason);
	if (r < 0)
		return r;
	steward_retry(s);
	*ret = count;
	return 0;
}
