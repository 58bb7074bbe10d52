// SPDX-License-Identifier: LGPL-2.1-or-later
#include "health.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "messages.h"
#include "util.h"

/* A card that is failing, and what was done about it. */
struct answered {
	char *host;
	uint64_t serial;
	bool evacuated; /* it was asked for */
	bool told;      /* that there is devdax on it */
};

struct health_watch {
	struct engine *engine;
	health_changed_t changed;
	void *userdata;
	struct card_records records;
	char **hosts; /* PCI addresses of the cards in the last picture */
	size_t n_hosts;
	struct answered *answered;
	size_t n_answered;
};

static bool is_card(const struct health_watch *w, const char *host)
{
	for (size_t i = 0; i < w->n_hosts; i++)
		if (!strcmp(w->hosts[i], host))
			return true;
	return false;
}

/* What a link corrects may come by the thousand: then only the 1st, 2nd, 4th, 8th ... is written down. */
static bool worth_logging(const struct card_record *r, const struct card_report *report)
{
	uint64_t n = r->counts[report->kind];

	return report->severity >= SEVERITY_FAILURE || (n & (n - 1)) == 0;
}

static void log_report(const struct card_record *r, const struct card_report *report)
{
	static const int priorities[] = { 6, 4, 3, 2 };

	if (!worth_logging(r, report))
		return;
	(void)sd_journal_send("MESSAGE=%s (%s): %s (%s, %" PRIu64 " of this kind so far)", r->memdev ?: "a card",
			      r->host, report->text, event_severity_name(report->severity),
			      r->counts[report->kind], "PRIORITY=%i", priorities[report->severity],
			      MESSAGE_CARD_EVENT, "CXLMEM_MEMDEV=%s", r->memdev ?: "", "CXLMEM_HOST=%s", r->host,
			      "CXLMEM_SERIAL=0x%" PRIx64, r->serial == UNKNOWN ? 0 : r->serial,
			      "CXLMEM_EVENT=%s", event_kind_name(report->kind), "CXLMEM_SEVERITY=%s",
			      event_severity_name(report->severity), NULL);
}

void health_watch_report(const struct card_report *report, void *userdata)
{
	struct health_watch *w = userdata;
	const struct card_record *before = card_records_find(&w->records, report->host, report->serial);
	bool failing = before && before->failing;
	struct card_record *r;

	/* AER knows of all devices, and their names say nothing of what they are. */
	if (!report->memdev && !is_card(w, report->host))
		return;
	if (card_records_add(&w->records, report, &r) <= 0)
		return;
	log_report(r, report);
	if (r->failing && !failing && w->changed)
		w->changed(w->userdata);
}

static void forget_hosts(struct health_watch *w)
{
	for (size_t i = 0; i < w->n_hosts; i++)
		free(w->hosts[i]);
	free(w->hosts);
	w->hosts = NULL;
	w->n_hosts = 0;
}

static const char *why_failing(const struct health_watch *w, const struct memdev *m)
{
	return card_why_failing(&m->health, m->host ? card_records_find(&w->records, m->host, m->serial) : NULL);
}

void health_watch_complete(struct health_watch *w, struct picture *p)
{
	forget_hosts(w);
	for (size_t i = 0; i < p->n_memdevs; i++) {
		struct memdev *m = &p->memdevs[i];
		const char *why = why_failing(w, m);

		free(m->failing);
		m->failing = why ? strdup(why) : NULL;
		if (m->host && grow(&w->hosts, w->n_hosts, sizeof(*w->hosts)) == 0 &&
		    (w->hosts[w->n_hosts] = strdup(m->host)))
			w->n_hosts++;
	}
}

/* Its place in the list; one is made for it if there is none. Return: 0, or -ENOMEM. */
static int find_answered(struct health_watch *w, const struct memdev *m, size_t *ret)
{
	int r;

	for (size_t i = 0; i < w->n_answered; i++)
		if (streq_null(w->answered[i].host, m->host) && w->answered[i].serial == m->serial) {
			*ret = i;
			return 0;
		}
	r = grow(&w->answered, w->n_answered, sizeof(*w->answered));
	if (r < 0)
		return r;
	w->answered[w->n_answered] = (struct answered){ .serial = m->serial };
	r = strdup_or_null(m->host, &w->answered[w->n_answered].host);
	if (r == 0)
		*ret = w->n_answered++;
	return r;
}

static bool has_online_memory(const struct picture *p, size_t region)
{
	struct region_memory memory;

	picture_region_memory(p, (int)region, &memory);
	return memory.online > 0;
}

static bool uses(const struct region *r, size_t card)
{
	for (size_t i = 0; i < r->n_mappings; i++)
		if (r->mappings[i].memdev == (int)card)
			return true;
	return false;
}

static bool is_devdax(const struct picture *p, size_t region)
{
	for (size_t i = 0; i < p->n_daxes; i++)
		if (p->daxes[i].region == (int)region && streq_null(p->daxes[i].driver, "device_dax"))
			return true;
	return false;
}

/* No kernel can move it elsewhere, and its users are not asked to die for it. */
static void tell_devdax(const struct picture *p, size_t card, const char *profile, bool *told)
{
	const struct memdev *m = &p->memdevs[card];

	if (*told)
		return;
	for (size_t i = 0; i < p->n_regions; i++) {
		const char *name = p->regions[i].name;

		if (!uses(&p->regions[i], card) || !is_devdax(p, i))
			continue;
		*told = true;
		(void)sd_journal_send("MESSAGE=%s (%s) is failing (%s), and profile %s asks for it to be evacuated, "
				      "but %s on it is devdax, which only its users can save: `cxlmemctl blockers "
				      "%s` shows them; when they are done, `cxlmemctl destroy %s`",
				      m->name, m->host ?: "?", m->failing, profile, name, name, name,
				      "PRIORITY=%i", 3, MESSAGE_CARD_FAILING, "CXLMEM_MEMDEV=%s", m->name,
				      "CXLMEM_HOST=%s", m->host ?: "", "CXLMEM_PROFILE=%s", profile, NULL);
	}
}

/* All of a card's memory that is online; what is in devdax is its user's to save. */
static int make_request(const struct picture *p, size_t card, const struct profile *profile, struct request **ret)
{
	struct request *q = request_new(VERB_OFFLINE);
	int r = q ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < p->n_regions; i++)
		if (uses(&p->regions[i], card) && has_online_memory(p, i))
			r = request_add_object(q, p->regions[i].name);
	if (r == 0 && q->n_objects == 0)
		r = -ENODATA;
	if (r < 0) {
		request_free(q);
		return r;
	}
	q->deadline_usec = profile->deadline_usec;
	*ret = q;
	return 0;
}

static void log_evacuation(const struct memdev *m, const char *profile, const char *reason)
{
	(void)sd_journal_send("MESSAGE=%s (%s) is failing (%s), and profile %s asks for its memory to be taken "
			      "offline%s%s", m->name, m->host ?: "?", m->failing, profile, reason ? ": that could not be begun: " : "", reason ?: "",
			      "PRIORITY=%i", reason ? 3 : 4, MESSAGE_CARD_FAILING, "CXLMEM_MEMDEV=%s", m->name,
			      "CXLMEM_HOST=%s", m->host ?: "", "CXLMEM_PROFILE=%s", profile, NULL);
}

/* What the log has to say of it, kept until the engine has answered. */
struct evacuation {
	char *memdev;
};

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	struct evacuation *e = userdata;

	(void)o;
	if (error < 0 && error != -ECANCELED)
		(void)sd_journal_send("MESSAGE=The memory of %s, which is failing, cannot be taken offline: %s",
				      e->memdev, reason ?: strerror(-error), "PRIORITY=%i", 3,
				      MESSAGE_CARD_FAILING, "CXLMEM_MEMDEV=%s", e->memdev, NULL);
	free(e->memdev);
	free(e);
}

/* @q is the engine's afterwards, or gone. */
static int evacuate(struct health_watch *w, const struct memdev *m, struct request *q)
{
	struct evacuation *e = calloc(1, sizeof(*e));
	int r = e ? strdup_or_null(m->name, &e->memdev) : -ENOMEM;

	if (r == 0)
		r = engine_start(w->engine, q, on_started, e);
	if (r == 0)
		return 0;
	request_free(q);
	if (e)
		free(e->memdev);
	free(e);
	return r;
}

void health_watch_looked(struct health_watch *w, const struct picture *p, const struct profile_set *profiles)
{
	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct memdev *m = &p->memdevs[i];
		const struct profile *profile;
		struct request *q = NULL;
		size_t at = 0;
		int r;

		if (!m->failing)
			continue;
		profile = profile_set_match(profiles, p, (int)i);
		if (!profile || profile->on_failure != ON_FAILURE_EVACUATE || find_answered(w, m, &at) < 0)
			continue;
		tell_devdax(p, i, profile->name, &w->answered[at].told);
		if (w->answered[at].evacuated)
			continue;
		r = make_request(p, i, profile, &q);
		/* There may be memory of it later. */
		if (r == -ENODATA)
			continue;
		log_evacuation(m, profile->name, r < 0 ? strerror(-r) : NULL);
		if (r < 0)
			continue;
		w->answered[at].evacuated = true;
		/* What it begins may bring another picture: @p and @m are gone then. */
		r = evacuate(w, m, q);
		if (r == 0)
			return;
		/* Not even begun: again when the machine is looked at next. */
		w->answered[at].evacuated = false;
		log_evacuation(m, profile->name, strerror(-r));
	}
}

const struct card_records *health_watch_records(const struct health_watch *w)
{
	return &w->records;
}

int health_watch_to_json(const struct health_watch *w, struct json_object **ret)
{
	return card_records_to_json(&w->records, ret);
}

int health_watch_new(struct engine *engine, health_changed_t changed, void *userdata,
		     struct health_watch **ret)
{
	struct health_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->engine = engine;
	w->changed = changed;
	w->userdata = userdata;
	*ret = w;
	return 0;
}

struct health_watch *health_watch_free(struct health_watch *w)
{
	if (!w)
		return NULL;
	card_records_clear(&w->records);
	forget_hosts(w);
	for (size_t i = 0; i < w->n_answered; i++)
		free(w->answered[i].host);
	free(w->answered);
	free(w);
	return NULL;
}
