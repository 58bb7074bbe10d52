/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CARD_EVENTS_H
#define CXLMEM_CARD_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "picture.h"

/* What cards have reported since the daemon started, and which of them are therefore not to be trusted. */

enum event_kind {
	EVENT_GENERAL_MEDIA, /* event records of the card: CXL 3.1 8.2.9.2.1 */
	EVENT_DRAM,
	EVENT_MEMORY_MODULE,
	EVENT_OTHER_RECORD,
	EVENT_LOST_RECORDS, /* the card's log was full */
	EVENT_POISON,	    /* an address of which the data is lost */
	EVENT_CORRECTABLE,  /* errors of the CXL protocol: CXL 3.1 8.2.4.17 */
	EVENT_UNCORRECTABLE,
	EVENT_PCIE, /* AER */
	_EVENT_KIND_MAX,
};

enum event_severity {
	SEVERITY_INFORMATION,
	SEVERITY_WARNING,
	SEVERITY_FAILURE,
	SEVERITY_FATAL,
	_SEVERITY_MAX,
};

struct card_event {
	enum event_kind kind;
	enum event_severity severity;
	uint64_t usec; /* CLOCK_REALTIME, when it was heard of */
	char *text;
};

#define CARD_EVENTS_KEPT 32

struct card_record {
	char *memdev, *host;
	uint64_t serial;
	uint64_t counts[_EVENT_KIND_MAX];
	struct card_event events[CARD_EVENTS_KEPT]; /* the last ones, oldest first */
	size_t n_events;
	char *failing; /* the first event that says so; NULL = none did */
};

struct card_records {
	struct card_record *list;
	size_t n;
};

void card_records_clear(struct card_records *records);

/* What an event is about; names are borrowed. */
struct card_report {
	const char *memdev, *host;
	uint64_t serial; /* UNKNOWN where the event does not tell */
	enum event_kind kind;
	enum event_severity severity;
	uint64_t usec;
	const char *text;
};

/**
 * card_records_add - take an event down
 * @ret: the record of its card
 *
 * Poison that is known already is not counted again. The card is found by its PCI address; another card there
 * (another serial) begins anew.
 *
 * Return: 1 if it was new, 0 if it was known, -ENOMEM.
 */
int card_records_add(struct card_records *records, const struct card_report *report,
		     struct card_record **ret);

/**
 * card_records_find - that of the card with this address and serial, NULL if it has reported nothing
 */
const struct card_record *card_records_find(const struct card_records *records, const char *host,
					    uint64_t serial);

/**
 * card_why_failing - why a card is not to be trusted with data: what it says of its own health, or an event that
 * tells of lost data
 *
 * Return: a sentence without its subject, borrowed; NULL = nothing speaks against it.
 */
const char *card_why_failing(const struct health *h, const struct card_record *record);

/**
 * card_records_to_json - docs/dbus.md has the keys
 *
 * Return: 0, or -ENOMEM.
 */
int card_records_to_json(const struct card_records *records, struct json_object **ret);

const char *event_kind_name(enum event_kind kind);
const char *event_severity_name(enum event_severity severity);

#endif
