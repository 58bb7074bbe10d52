/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "card-events.h"

#include <errno.h>
#include <string.h>

#include "json-util.h"
#include "util.h"

static const char *const kinds[_EVENT_KIND_MAX] = {
	[EVENT_GENERAL_MEDIA] = "general-media", [EVENT_DRAM] = "dram",
	[EVENT_MEMORY_MODULE] = "memory-module", [EVENT_OTHER_RECORD] = "other-record",
	[EVENT_LOST_RECORDS] = "lost-records",	 [EVENT_POISON] = "poison",
	[EVENT_CORRECTABLE] = "correctable",	 [EVENT_UNCORRECTABLE] = "uncorrectable",
	[EVENT_PCIE] = "pcie",
};

static const char *const severities[_SEVERITY_MAX] = {
	[SEVERITY_INFORMATION] = "information",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_FAILURE] = "failure",
	[SEVERITY_FATAL] = "fatal",
};

const char *event_kind_name(enum event_kind kind)
{
	return kinds[kind];
}

const char *event_severity_name(enum event_severity severity)
{
	return severities[severity];
}

static void record_clear(struct card_record *r)
{
	for (size_t i = 0; i < r->n_events; i++)
		free(r->events[i].text);
	free(r->memdev);
	free(r->host);
	free(r->failing);
	*r = (struct card_record){};
}

void card_records_clear(struct card_records *records)
{
	for (size_t i = 0; i < records->n; i++)
		record_clear(&records->list[i]);
	free(records->list);
	*records = (struct card_records){};
}

static struct card_record *find_host(const struct card_records *records, const char *host)
{
	for (size_t i = 0; i < records->n; i++)
		if (streq_null(records->list[i].host, host))
			return &records->list[i];
	return NULL;
}

const struct card_record *card_records_find(const struct card_records *records, const char *host,
					    uint64_t serial)
{
	const struct card_record *r = find_host(records, host);

	return r && (r->serial == serial || r->serial == UNKNOWN) ? r : NULL;
}

static int name_record(struct card_record *r, const struct card_report *report)
{
	char *memdev = NULL, *host = NULL;

	if (strdup_or_null(report->memdev, &memdev) < 0 || strdup_or_null(report->host, &host) < 0) {
		free(memdev);
		return -ENOMEM;
	}
	free(r->memdev);
	free(r->host);
	r->memdev = memdev;
	r->host = host;
	return 0;
}

static int get_record(struct card_records *records, const struct card_report *report,
		      struct card_record **ret)
{
	struct card_record *r = find_host(records, report->host);
	int e;

	if (r && report->serial != UNKNOWN && r->serial != UNKNOWN && r->serial != report->serial)
		record_clear(r);
	if (!r) {
		e = grow(&records->list, records->n, sizeof(*records->list));
		if (e < 0)
			return e;
		r = &records->list[records->n++];
		r->serial = UNKNOWN;
	}
	if (!r->host || (report->memdev && !streq_null(r->memdev, report->memdev))) {
		e = name_record(r, report);
		if (e < 0)
			return e;
		r->serial = UNKNOWN;
	}
	if (report->serial != UNKNOWN)
		r->serial = report->serial;
	*ret = r;
	return 0;
}

static bool is_known(const struct card_record *r, const struct card_report *report)
{
	for (size_t i = 0; report->kind == EVENT_POISON && i < r->n_events; i++)
		if (r->events[i].kind == EVENT_POISON && streq_null(r->events[i].text, report->text))
			return true;
	return false;
}

/* A link that recovers from an error is not the card's data; what is lost of that is. */
static bool means_failing(const struct card_report *report)
{
	return report->severity >= SEVERITY_FAILURE && report->kind != EVENT_LOST_RECORDS;
}

int card_records_add(struct card_records *records, const struct card_report *report,
		     struct card_record **ret)
{
	struct card_record *r;
	char *text;
	int e;

	e = get_record(records, report, &r);
	if (e < 0)
		return e;
	*ret = r;
	if (is_known(r, report))
		return 0;
	text = strdup(report->text);
	if (!text)
		return -ENOMEM;
	if (means_failing(report) && !r->failing)
		(void)strdup_or_null(report->text, &r->failing);
	if (r->n_events == CARD_EVENTS_KEPT) {
		free(r->events[0].text);
		memmove(r->events, r->events + 1, --r->n_events * sizeof(*r->events));
	}
	r->events[r->n_events++] = (struct card_event){ report->kind, report->severity, report->usec, text };
	r->counts[report->kind]++;
	return 1;
}

const char *card_why_failing(const struct health *h, const struct card_record *record)
{
	static const struct {
		const char *media, *why;
	} media[] = {
		{ "not-ready", "says that its media is not ready" },
		{ "data-lost", "says that it has lost data" },
		{ "persistence-lost", "says that it cannot keep data any more" },
		{ "data-loss-imminent", "says that it is about to lose data" },
	};

	for (size_t i = 0; h->known && h->media && i < ARRAY_SIZE(media); i++)
		if (strcmp(h->media, media[i].media) == 0)
			return media[i].why;
	if (h->known && h->replacement_needed)
		return "asks to be replaced";
	return record ? record->failing : NULL;
}

static int event_to_json(const struct card_event *e, struct json_object *list)
{
	struct json_object *o = json_object_new_object();
	int r = json_append(list, o);

	if (r == 0)
		r = json_set_u64(o, "usec", e->usec);
	if (r == 0)
		r = json_set_string(o, "kind", kinds[e->kind]);
	if (r == 0)
		r = json_set_string(o, "severity", severities[e->severity]);
	return r == 0 ? json_set_string(o, "text", e->text) : r;
}

static int record_to_json(const struct card_record *record, struct json_object *list)
{
	struct json_object *o = json_object_new_object(), *counts, *events;
	int r;

	if ((r = json_append(list, o)) < 0 ||
	    (r = json_set_string(o, "memdev", record->memdev)) < 0 ||
	    (r = json_set_string(o, "host", record->host)) < 0 ||
	    (r = json_set_u64(o, "serial", record->serial)) < 0 ||
	    (r = json_set_string(o, "failing", record->failing)) < 0)
		return r;
	counts = json_object_new_object();
	r = json_take(o, "counts", counts);
	for (int i = 0; r == 0 && i < _EVENT_KIND_MAX; i++)
		if (record->counts[i])
			r = json_set_u64(counts, kinds[i], record->counts[i]);
	if (r < 0)
		return r;
	events = json_object_new_array();
	r = json_take(o, "events", events);
	for (size_t i = 0; r == 0 && i < record->n_events; i++)
		r = event_to_json(&record->events[i], events);
	return r;
}

int card_records_to_json(const struct card_records *records, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int r = o ? json_take(o, "cards", list) : -ENOMEM;

	if (!o)
		json_object_put(list);
	for (size_t i = 0; r == 0 && i < records->n; i++)
		r = record_to_json(&records->list[i], list);
	if (r == 0)
		*ret = TAKE_PTR(o);
	return r;
}
