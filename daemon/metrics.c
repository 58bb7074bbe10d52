// SPDX-License-Identifier: LGPL-2.1-or-later
#include "metrics.h"

#include <errno.h>
#include <string.h>

#include "util.h"

/* From a look at a small machine (milliseconds) to memory that takes half an hour to be moved. */
static const uint64_t bucket_msec[METRICS_BUCKETS] = {
	10, 50, 100, 500, 1000, 5000, 10000, 30000, 60000, 300000, 600000, 1800000,
};

uint64_t metrics_bucket_usec(size_t bucket)
{
	return bucket_msec[bucket] * 1000;
}

static void observe(struct histogram *h, uint64_t usec)
{
	h->count++;
	h->sum_usec += usec;
	for (size_t i = 0; i < METRICS_BUCKETS; i++)
		if (usec <= metrics_bucket_usec(i)) {
			h->buckets[i]++;
			return;
		}
}

void metrics_count_finished(struct metrics_counts *c, const struct operation *o)
{
	enum metrics_result result = o->state == OPERATION_DONE	     ? METRICS_DONE :
				     o->state == OPERATION_CANCELLED ? METRICS_CANCELLED :
				     o->state == OPERATION_STUCK     ? METRICS_STUCK :
								       METRICS_FAILED;

	c->operations[o->request->verb][result]++;
	/* One whose turn never came took no time. */
	if (o->plan)
		observe(&c->durations[o->request->verb], o->total_usec);
}

void metrics_count_refused(struct metrics_counts *c, const struct operation *o)
{
	c->operations[o->request->verb][METRICS_REFUSED]++;
}

void metrics_count_step(struct metrics_counts *c, const struct step *s, uint64_t usec)
{
	if (s->kind == STEP_OFFLINE)
		observe(&c->drains[METRICS_DRAIN_MEMORY], usec);
	else if (s->kind == STEP_DRAIN)
		observe(&c->drains[METRICS_DRAIN_DEVDAX], usec);
}

void metrics_count_scan(struct metrics_counts *c, bool good, uint64_t usec)
{
	if (good)
		observe(&c->scans, usec);
	else
		c->scan_failures++;
}

int metrics_format_from_name(const char *name, enum metrics_format *ret)
{
	if (!strcmp(name, "openmetrics"))
		*ret = METRICS_OPENMETRICS;
	else if (!strcmp(name, "prometheus"))
		*ret = METRICS_PROMETHEUS;
	else
		return -EINVAL;
	return 0;
}

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ?
		       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
		       "text/plain; version=0.0.4; charset=utf-8";
}
