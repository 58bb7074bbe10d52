// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "metrics.h"
#include "util.h"

enum kind { GAUGE, COUNTER, HISTOGRAM };

/* The exposition as it grows, and the family that is being written. */
struct out {
	FILE *f;
	enum metrics_format format;
	const char *name;
	enum kind kind;
	bool labelled; /* the sample has a label already */
};

/* @unit: NULL = none; else the name ends in it, as OpenMetrics has it. */
static void family(struct out *o, const char *name, enum kind kind, const char *unit, const char *help)
{
	static const char *const kinds[] = { "gauge", "counter", "histogram" };
	/* In the older format a family of counters has the name of its samples. */
	const char *total = kind == COUNTER && o->format == METRICS_PROMETHEUS ? "_total" : "";

	o->name = name;
	o->kind = kind;
	fprintf(o->f, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, total, help, name, total, kinds[kind]);
	if (unit && o->format == METRICS_OPENMETRICS)
		fprintf(o->f, "# UNIT %s %s\n", name, unit);
}

/* Begin a sample, with @suffix behind the name of its family. */
static void sample(struct out *o, const char *suffix)
{
	fprintf(o->f, "%s%s", o->name, o->kind == COUNTER ? "_total" : suffix);
	o->labelled = false;
}

static void label(struct out *o, const char *name, const char *value)
{
	fprintf(o->f, "%c%s=\"", o->labelled ? ',' : '{', name);
	for (; value && *value; value++)
		if (*value == '\n')
			fputs("\\n", o->f);
		else if (*value == '"' || *value == '\\')
			fprintf(o->f, "\\%c", *value);
		else
			fputc(*value, o->f);
	fputc('"', o->f);
	o->labelled = true;
}

/* End a sample with its value: a whole number, one that may be below zero, microseconds as seconds, a ratio. */
static void number(struct out *o, uint64_t value)
{
	fprintf(o->f, "%s %" PRIu64 "\n", o->labelled ? "}" : "", value);
}

static void signed_number(struct out *o, int64_t value)
{
	fprintf(o->f, "%s %" PRId64 "\n", o->labelled ? "}" : "", value);
}

static void seconds(struct out *o, uint64_t usec)
{
	fprintf(o->f, "%s %" PRIu64 ".%06" PRIu64 "\n", o->labelled ? "}" : "", usec / 1000000, usec % 1000000);
}

static void hundredths(struct out *o, uint64_t percent)
{
	fprintf(o->f, "%s %" PRIu64 ".%02" PRIu64 "\n", o->labelled ? "}" : "", percent / 100, percent % 100);
}

static void alone(struct out *o, uint64_t value)
{
	sample(o, "");
	number(o, value);
}

static void with(struct out *o, const char *name, const char *value, uint64_t count)
{
	sample(o, "");
	label(o, name, value);
	number(o, count);
}

/* One set of buckets of the family; @name: the label that tells it from the others, NULL = the only one. */
static void histogram(struct out *o, const char *name, const char *value, const struct histogram *h)
{
	uint64_t sum = 0;

	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		char le[32] = "+Inf";

		/* A whole number of seconds has its ".0" in OpenMetrics: 1.0, not 1. */
		if (i < METRICS_BUCKETS) {
			uint64_t msec = metrics_bucket_usec(i) / 1000;

			snprintf(le, sizeof(le), msec % 100 ? "%" PRIu64 ".%02" PRIu64 : "%" PRIu64 ".%" PRIu64,
				 msec / 1000, msec % 100 ? msec % 1000 / 10 : msec % 1000 / 100);
			sum += h->buckets[i];
		}
		sample(o, "_bucket");
		if (name)
			label(o, name, value);
		label(o, "le", le);
		number(o, i < METRICS_BUCKETS ? sum : h->count);
	}
	sample(o, "_sum");
	if (name)
		label(o, name, value);
	seconds(o, h->sum_usec);
	sample(o, "_count");
	if (name)
		label(o, name, value);
	number(o, h->count);
}

static void card_labels(struct out *o, const char *memdev, const char *host, uint64_t serial)
{
	char text[24] = "";

	if (serial != UNKNOWN)
		snprintf(text, sizeof(text), "0x%" PRIx64, serial);
	label(o, "memdev", memdev);
	label(o, "host", host);
	label(o, "serial", text);
}

/* A fact about a card; UNKNOWN is not written. */
struct card_fact {
	const char *name, *unit, *help;
	enum kind kind;
	uint64_t (*get)(const struct picture *p, int card);
};

static uint64_t capacity(const struct picture *p, int card)
{
	return p->memdevs[card].ram_size;
}

static uint64_t enabled(const struct picture *p, int card)
{
	return p->memdevs[card].enabled == YES;
}

static uint64_t failing(const struct picture *p, int card)
{
	return p->memdevs[card].failing != NULL;
}

/* What a card says of its health; nothing of it where it says nothing. */
#define OF_HEALTH(function, member)                                     \
	static uint64_t function(const struct picture *p, int card)     \
	{                                                               \
		const struct health *h = &p->memdevs[card].health;      \
									\
		return h->known ? h->member : UNKNOWN;                  \
	}

OF_HEALTH(temperature, temperature)
OF_HEALTH(life_used, life_used)
OF_HEALTH(maintenance, maintenance_needed)
OF_HEALTH(degraded, performance_degraded)
OF_HEALTH(replacement, replacement_needed)
OF_HEALTH(corrected, volatile_errors)
OF_HEALTH(dirty_shutdowns, dirty_shutdowns)

static const struct card_fact card_facts[] = {
	{ "cxlmem_card_capacity_bytes", "bytes", "Volatile capacity of a card.", GAUGE, capacity },
	{ "cxlmem_card_allocated_bytes", "bytes", "Volatile capacity of a card that is in regions.", GAUGE,
	  memdev_ram_allocated },
	{ "cxlmem_card_enabled", NULL, "1 when a card is ready for use.", GAUGE, enabled },
	{ "cxlmem_card_failing", NULL, "1 when a card is not to be trusted with data: it lost some, or asks to be replaced.",
	  GAUGE, failing },
	{ "cxlmem_card_temperature_celsius", "celsius", "What a card says its temperature is.", GAUGE, temperature },
	{ "cxlmem_card_life_used_ratio", "ratio", "What part of its life a card says is used up.", GAUGE, life_used },
	{ "cxlmem_card_maintenance_needed", NULL, "1 when a card asks for maintenance.", GAUGE, maintenance },
	{ "cxlmem_card_performance_degraded", NULL, "1 when a card says that it is slower than it should be.", GAUGE,
	  degraded },
	{ "cxlmem_card_replacement_needed", NULL, "1 when a card asks to be replaced.", GAUGE, replacement },
	{ "cxlmem_card_corrected_errors", NULL, "Errors in volatile memory that a card has corrected, as it counts them itself.",
	  COUNTER, corrected },
	{ "cxlmem_card_dirty_shutdowns", NULL, "Times that a card lost its power before all was written, as it counts them itself.",
	  COUNTER, dirty_shutdowns },
};

static void write_cards(struct out *o, const struct picture *p)
{
	for (size_t k = 0; k < ARRAY_SIZE(card_facts); k++) {
		const struct card_fact *fact = &card_facts[k];

		family(o, fact->name, fact->kind, fact->unit, fact->help);
		for (size_t i = 0; i < p->n_memdevs; i++) {
			const struct memdev *m = &p->memdevs[i];
			uint64_t value = fact->get(p, (int)i);

			if (value == UNKNOWN)
				continue;
			sample(o, "");
			card_labels(o, m->name, m->host, m->serial);
			if (fact->get == life_used)
				hundredths(o, value);
			else if (fact->get == temperature)
				signed_number(o, (int64_t)value);
			else
				number(o, value);
		}
	}
}

static void write_record(struct out *o, const char *memdev, const char *host, uint64_t serial,
			 const struct card_record *r)
{
	for (unsigned int kind = 0; kind < _EVENT_KIND_MAX; kind++) {
		sample(o, "");
		card_labels(o, memdev, host, serial);
		label(o, "kind", event_kind_name(kind));
		number(o, r ? r->counts[kind] : 0);
	}
}

static bool is_in(const struct picture *p, const struct card_record *r)
{
	for (size_t i = 0; p && i < p->n_memdevs; i++)
		if (streq_null(p->memdevs[i].host, r->host) &&
		    (r->serial == UNKNOWN || r->serial == p->memdevs[i].serial))
			return true;
	return false;
}

/* Those of cards that are there begin at 0: so the first error is an increase. */
static void write_reports(struct out *o, const struct metrics *m)
{
	const struct picture *p = m->picture;

	family(o, "cxlmem_card_reports", COUNTER, NULL,
	       "Errors that a card has reported since cxlmemd was started, by kind: see cxlmemctl health.");
	for (size_t i = 0; p && i < p->n_memdevs; i++) {
		const struct memdev *card = &p->memdevs[i];

		write_record(o, card->name, card->host, card->serial,
			     card->host ? card_records_find(m->records, card->host, card->serial) : NULL);
	}
	for (size_t i = 0; i < m->records->n; i++) {
		const struct card_record *r = &m->records->list[i];

		if (!is_in(p, r))
			write_record(o, r->memdev, r->host, r->serial, r);
	}
}

static uint64_t window_free(const struct window *w)
{
	uint64_t free = w->size;

	if (w->size == UNKNOWN)
		return UNKNOWN;
	for (size_t i = 0; i < w->n_busy; i++)
		free -= w->busy[i].size < free ? w->busy[i].size : free;
	return free;
}

static void write_windows(struct out *o, const struct picture *p)
{
	uint64_t unmanaged = 0;

	family(o, "cxlmem_window_size_bytes", GAUGE, "bytes", "Address range that firmware set aside for CXL memory.");
	for (size_t i = 0; i < p->n_windows; i++)
		if (p->windows[i].size != UNKNOWN)
			with(o, "window", p->windows[i].name, p->windows[i].size);
	family(o, "cxlmem_window_free_bytes", GAUGE, "bytes", "What of a window is in no use; it may be in several pieces.");
	for (size_t i = 0; i < p->n_windows; i++)
		if (window_free(&p->windows[i]) != UNKNOWN)
			with(o, "window", p->windows[i].name, window_free(&p->windows[i]));
	for (size_t i = 0; i < p->n_unmanaged; i++)
		if (p->unmanaged[i].size != UNKNOWN)
			unmanaged += p->unmanaged[i].size;
	family(o, "cxlmem_unmanaged_bytes", GAUGE, "bytes", "Memory in windows that is in use without a region: mapped by firmware, or leaked by a forced tear-down.");
	alone(o, unmanaged);
}

static void write_region_bytes(struct out *o, const struct picture *p, const char *name, const char *help,
			       uint64_t (*get)(const struct region *r, const struct region_memory *memory))
{
	family(o, name, GAUGE, "bytes", help);
	for (size_t i = 0; i < p->n_regions; i++) {
		struct region_memory memory;
		uint64_t value;

		picture_region_memory(p, (int)i, &memory);
		value = get(&p->regions[i], &memory);
		if (value != UNKNOWN)
			with(o, "region", p->regions[i].name, value);
	}
}

static uint64_t region_size(const struct region *r, const struct region_memory *memory)
{
	(void)memory;
	return r->size;
}

static uint64_t region_offline(const struct region *r, const struct region_memory *memory)
{
	(void)r;
	return memory->offline;
}

static uint64_t region_lost(const struct region *r, const struct region_memory *memory)
{
	(void)r;
	return memory->lost;
}

static void write_online(struct out *o, const struct picture *p)
{
	family(o, "cxlmem_region_online_bytes", GAUGE, "bytes", "Memory of a region that is online, by zone.");
	for (size_t i = 0; i < p->n_regions; i++) {
		static const char *const zones[] = { "movable", "kernel", "unknown" };
		struct region_memory memory;

		picture_region_memory(p, (int)i, &memory);
		for (size_t k = 0; k < ARRAY_SIZE(zones); k++) {
			sample(o, "");
			label(o, "region", p->regions[i].name);
			label(o, "zone", zones[k]);
			number(o, k == 0 ? memory.movable :
				  k == 1 ? memory.kernel :
					   memory.online - memory.movable - memory.kernel);
		}
	}
}

static void write_use(struct out *o, const struct picture *p)
{
	family(o, "cxlmem_region_use", GAUGE, NULL, "1 for what a region is used as now, 0 for everything else.");
	for (size_t i = 0; i < p->n_regions; i++) {
		struct region_memory memory;

		picture_region_memory(p, (int)i, &memory);
		for (enum region_use use = USE_UNKNOWN; use <= USE_ONLINE; use++) {
			sample(o, "");
			label(o, "region", p->regions[i].name);
			label(o, "use", region_use_name(use));
			number(o, memory.use == use);
		}
	}
}

static void write_regions(struct out *o, const struct picture *p)
{
	write_region_bytes(o, p, "cxlmem_region_size_bytes", "Size of a region.", region_size);
	write_use(o, p);
	write_online(o, p);
	write_region_bytes(o, p, "cxlmem_region_offline_bytes", "Memory of a region that is offline.", region_offline);
	write_region_bytes(o, p, "cxlmem_region_lost_bytes",
			   "What of a region is outside of whole memory blocks, and cannot be used.", region_lost);
	family(o, "cxlmem_region_active_bytes", GAUGE, "bytes",
	       "Devdax memory that somebody uses, where the kernel counts it.");
	for (size_t i = 0; i < p->n_daxes; i++)
		if (p->daxes[i].region >= 0 && p->daxes[i].active != UNKNOWN) {
			sample(o, "");
			label(o, "region", p->regions[p->daxes[i].region].name);
			label(o, "chardev", p->daxes[i].name);
			number(o, p->daxes[i].active);
		}
}

static bool has_region_memory(const struct picture *p, const struct node *n)
{
	for (size_t i = 0; i < p->n_memory; i++)
		if (p->memory[i].node == n->id && p->memory[i].region >= 0)
			return true;
	return false;
}

static void write_nodes(struct out *o, const struct picture *p)
{
	for (int k = 0; k < 2; k++) {
		family(o, k ? "cxlmem_node_free_bytes" : "cxlmem_node_size_bytes", GAUGE, "bytes",
		       k ? "What of it is free." : "Memory of a NUMA node that has memory of regions.");
		for (size_t i = 0; i < p->n_nodes; i++) {
			const struct node *n = &p->nodes[i];
			uint64_t value = k ? n->free : n->total;
			char id[24];

			if (value == UNKNOWN || !has_region_memory(p, n))
				continue;
			snprintf(id, sizeof(id), "%" PRIu64, n->id);
			with(o, "node", id, value);
		}
	}
}

static void write_operations(struct out *o, const struct metrics *m)
{
	static const char *const results[_METRICS_RESULT_MAX] = {
		[METRICS_DONE] = "done",	   [METRICS_FAILED] = "failed",
		[METRICS_CANCELLED] = "cancelled", [METRICS_STUCK] = "stuck",
		[METRICS_REFUSED] = "refused",
	};
	static const char *const drains[_METRICS_DRAIN_MAX] = {
		[METRICS_DRAIN_MEMORY] = "memory", [METRICS_DRAIN_DEVDAX] = "devdax",
	};
	static const enum operation_state now[] = { OPERATION_QUEUED, OPERATION_RUNNING, OPERATION_UNDOING,
						    OPERATION_STUCK };
	const struct metrics_counts *c = m->counts;

	family(o, "cxlmem_operations", COUNTER, NULL, "Operations by verb and what became of them; refused ones were never begun.");
	for (unsigned int verb = 0; verb < _VERB_MAX; verb++)
		for (unsigned int result = 0; result < _METRICS_RESULT_MAX; result++) {
			sample(o, "");
			label(o, "verb", verb_name(verb));
			label(o, "result", results[result]);
			number(o, c->operations[verb][result]);
		}
	family(o, "cxlmem_operations_now", GAUGE, NULL,
	       "Operations that wait, run or walk back, and those that are stuck until somebody does something about it.");
	for (size_t i = 0; i < ARRAY_SIZE(now); i++)
		with(o, "state", operation_state_name(now[i]), m->operations[now[i]]);
	family(o, "cxlmem_operation_duration_seconds", HISTOGRAM, "seconds", "From the request to the end of an operation.");
	for (unsigned int verb = 0; verb < _VERB_MAX; verb++)
		histogram(o, "verb", verb_name(verb), &c->durations[verb]);
	family(o, "cxlmem_drain_duration_seconds", HISTOGRAM, "seconds",
	       "How long it took until the memory of a region was free, where it became so: offlining, or a drain of devdax.");
	for (unsigned int of = 0; of < _METRICS_DRAIN_MAX; of++)
		histogram(o, "of", drains[of], &c->drains[of]);
}

static void write_steward(struct out *o, const struct metrics *m)
{
	family(o, "cxlmem_wishes_unreadable", GAUGE, NULL, "1 when the file of wishes cannot be read: nothing is done by itself then.");
	alone(o, m->broken);
	family(o, "cxlmem_profile_errors", GAUGE, NULL, "Errors in profiles: see cxlmemctl profiles check.");
	alone(o, m->profile_errors);
	if (!m->picture)
		return;
	family(o, "cxlmem_wishes", GAUGE, NULL, "What is remembered, by what became of it.");
	for (unsigned int state = 0; state < _WISH_STATE_MAX; state++)
		with(o, "state", wish_state_name(state), m->wishes[state]);
}

static void write_rivals(struct out *o, const struct metrics *m)
{
	static const char *const kinds[] = { "kernel", "udev", "daxctl" };

	family(o, "cxlmem_overruled", COUNTER, NULL, "Times that somebody else changed memory within the minute behind an operation.");
	alone(o, m->overruled);
	if (!m->rivals)
		return;
	family(o, "cxlmem_rivals", GAUGE, NULL, "Others on this machine that bring memory online against what was asked for, by kind.");
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		uint64_t n = 0;

		for (size_t i = 0; i < m->rivals->n; i++)
			n += m->rivals->list[i].problem && !strcmp(m->rivals->list[i].kind, kinds[k]);
		with(o, "kind", kinds[k], n);
	}
}

static void write_daemon(struct out *o, const struct metrics *m)
{
	family(o, "cxlmem_build_info", GAUGE, NULL, "Always 1; the version of cxlmemd.");
	with(o, "version", m->version, 1);
	family(o, "cxlmem_daemon_start_time_seconds", GAUGE, "seconds", "When cxlmemd was started, seconds since 1970.");
	sample(o, "");
	seconds(o, m->counts->started_usec);
	family(o, "cxlmem_machine_read", GAUGE, NULL,
	       "1 when the machine could be looked at for this answer; else what is known of it is left out.");
	alone(o, m->picture != NULL);
	family(o, "cxlmem_scan_duration_seconds", HISTOGRAM, "seconds", "How long it took to look at the machine for somebody who asked.");
	histogram(o, NULL, NULL, &m->counts->scans);
	family(o, "cxlmem_scan_failures", COUNTER, NULL, "Times that the machine could not be looked at.");
	alone(o, m->counts->scan_failures);
}

int metrics_text(const struct metrics *m, enum metrics_format format, char **ret)
{
	struct out o = { .format = format };
	char *text = NULL;
	size_t size;
	bool bad;

	o.f = open_memstream(&text, &size);
	if (!o.f)
		return -ENOMEM;
	write_daemon(&o, m);
	write_operations(&o, m);
	if (m->picture) {
		write_windows(&o, m->picture);
		write_cards(&o, m->picture);
		write_regions(&o, m->picture);
		write_nodes(&o, m->picture);
	}
	write_reports(&o, m);
	write_steward(&o, m);
	write_rivals(&o, m);
	if (format == METRICS_OPENMETRICS)
		fputs("# EOF\n", o.f);
	bad = ferror(o.f);
	if (fclose(o.f) != 0 || bad) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}
