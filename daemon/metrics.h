/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_METRICS_H
#define CXLMEM_METRICS_H

#include "card-events.h"
#include "operation.h"
#include "picture.h"
#include "reconcile.h"
#include "rivals.h"

/*
 * What a monitoring system wants to know, as text: a pure function of a picture and of what was counted since
 * the daemon started. Labels are names of what is in the machine, or words from the tables in our headers,
 * so that there are never more series than hardware.
 */

enum metrics_format {
	/*
	 * OpenMetrics 1.0, for whoever asks for it by name and for people. Its rules are those of
	 * https://prometheus.io/docs/specs/om/open_metrics_spec/
	 */
	METRICS_OPENMETRICS,
	/* The older text format (0.0.4), the only one that node_exporter's textfile collector reads. */
	METRICS_PROMETHEUS,
	_METRICS_FORMAT_MAX,
};

#define METRICS_BUCKETS 12

/* How long something took; a bucket counts what is not in the one before it. */
struct histogram {
	uint64_t buckets[METRICS_BUCKETS]; /* what is longer than the last one is in @count only */
	uint64_t count, sum_usec;
};

enum metrics_result {
	METRICS_DONE,
	METRICS_FAILED,
	METRICS_CANCELLED,
	METRICS_STUCK,
	METRICS_REFUSED, /* it was never begun */
	_METRICS_RESULT_MAX,
};

enum metrics_drain { METRICS_DRAIN_MEMORY, METRICS_DRAIN_DEVDAX, _METRICS_DRAIN_MAX };

/* What only grows while the daemon runs. */
struct metrics_counts {
	uint64_t started_usec; /* CLOCK_REALTIME */
	uint64_t operations[_VERB_MAX][_METRICS_RESULT_MAX];
	struct histogram durations[_VERB_MAX];
	struct histogram drains[_METRICS_DRAIN_MAX];
	struct histogram scans;
	uint64_t scan_failures;
};

/* All that the text is made of; nothing in it is taken over. */
struct metrics {
	const char *version;
	const struct picture *picture; /* NULL = the machine could not be looked at */
	const struct metrics_counts *counts;
	const struct card_records *records;
	const struct rivals *rivals; /* NULL = not known */
	uint64_t operations[_OPERATION_STATE_MAX]; /* that are there now */
	uint64_t wishes[_WISH_STATE_MAX]; /* only with a picture */
	bool broken; /* the file of wishes cannot be read: nothing is done by itself */
	uint64_t profile_errors, overruled;
};

/**
 * metrics_text - the exposition
 * @ret: the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int metrics_text(const struct metrics *m, enum metrics_format format, char **ret);

/**
 * metrics_format_from_name - "openmetrics" or "prometheus"
 *
 * Return: 0, or -EINVAL.
 */
int metrics_format_from_name(const char *name, enum metrics_format *ret);

/**
 * metrics_content_type - what HTTP calls the format
 */
const char *metrics_content_type(enum metrics_format format);

/* Counting: an operation that ended or was refused, a step that ended well, a look at the machine. */
void metrics_count_finished(struct metrics_counts *c, const struct operation *o);
void metrics_count_refused(struct metrics_counts *c, const struct operation *o);
void metrics_count_step(struct metrics_counts *c, const struct step *s, uint64_t usec);
void metrics_count_scan(struct metrics_counts *c, bool good, uint64_t usec);

/**
 * metrics_bucket_usec - the upper end of a bucket
 */
uint64_t metrics_bucket_usec(size_t bucket);

#endif
