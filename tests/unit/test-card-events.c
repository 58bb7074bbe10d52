/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "card-line.h"
#include "harness.h"
#include "json-util.h"

#define HEAD " memdev=mem0 host=0000:0d:00.0 serial=4097"
#define RECORD " : time=1 uuid=fbcd0a77-c260-417f-85a9-088b1621eba6 len=128 flags='0x1' handle=1 : "

static const struct {
	const char *line;
	enum event_kind kind;
	enum event_severity severity;
	const char *text;
} lines[] = {
	{ "cxl_general_media:" HEAD " log=Fatal" RECORD "dpa=1000 dpa_flags='' descriptor="
	  "'UNCORRECTABLE_EVENT|THRESHOLD_EVENT' type='Invalid Address' channel=3",
	  EVENT_GENERAL_MEDIA, SEVERITY_FATAL,
	  "media error at device address 0x1000, data lost, more often than its threshold" },
	{ "cxl_general_media:" HEAD " log=Informational" RECORD "dpa=40 descriptor='' type='ECC Error'",
	  EVENT_GENERAL_MEDIA, SEVERITY_INFORMATION, "media error at device address 0x40, corrected" },
	/* what is lost is lost, whatever log the card put it into */
	{ "cxl_dram:" HEAD " log=Warning" RECORD "dpa=2000 dpa_flags='' descriptor='UNCORRECTABLE_EVENT'",
	  EVENT_DRAM, SEVERITY_FAILURE, "DRAM error at device address 0x2000, data lost" },
	{ "cxl_memory_module:" HEAD " log=Warning" RECORD "event_type='Temperature Change' health_status="
	  "'MAINTENANCE_NEEDED|PERFORMANCE_DEGRADED' media_status='All Data Loss in Event of Power Loss'",
	  EVENT_MEMORY_MODULE, SEVERITY_WARNING,
	  "memory module: Temperature Change, maintenance is needed, slower than it should be" },
	{ "cxl_memory_module:" HEAD " log=Informational" RECORD "event_type='Health Status Change' "
	  "health_status='REPLACEMENT_NEEDED'",
	  EVENT_MEMORY_MODULE, SEVERITY_FAILURE,
	  "memory module: Health Status Change, it asks to be replaced" },
	{ "cxl_poison:" HEAD " trace_type=List region= region_uuid=0 hpa=0xffffffffffffffff dpa=0x20000 "
	  "dpa_length=0x100 source=Internal flags= overflow_time=0",
	  EVENT_POISON, SEVERITY_FAILURE, "poison at device address 0x20000, data of 256 lost" },
	{ "cxl_aer_correctable_error:" HEAD ": status: 'Cache Data ECC Error | Received Error From Physical Layer'",
	  EVENT_CORRECTABLE, SEVERITY_WARNING,
	  "CXL protocol error, corrected: Cache Data ECC Error | Received Error From Physical Layer" },
	{ "cxl_aer_uncorrectable_error:" HEAD ": status: 'Cache Address Parity Error' first_error: "
	  "'Cache Address Parity Error'",
	  EVENT_UNCORRECTABLE, SEVERITY_FATAL, "CXL protocol error, not corrected: Cache Address Parity Error" },
	{ "cxl_overflow:" HEAD ": log=Failure : 3 records from 1 to 2", EVENT_LOST_RECORDS, SEVERITY_FAILURE,
	  "its log was full, 3 records are lost" },
	{ "cxl_generic_event:" HEAD " log=Informational" RECORD "00", EVENT_OTHER_RECORD, SEVERITY_INFORMATION,
	  "an event of another kind (cxl_generic_event)" },
};

static void read_lines(void **state)
{
	struct card_line l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (card_line_read(lines[i].line, &l) != 0)
			fail_msg("not understood: %s", lines[i].line);
		assert_string_equal(l.report.text, lines[i].text);
		assert_int_equal(l.report.kind, lines[i].kind);
		assert_int_equal(l.report.severity, lines[i].severity);
		assert_string_equal(l.report.memdev, "mem0");
		assert_string_equal(l.report.host, "0000:0d:00.0");
		assert_int_equal(l.report.serial, 4097);
	}
	assert_int_equal(card_line_read("aer_event: 0000:0d:00.0 PCIe Bus Error: severity=Corrected, Corrected "
					"Internal Error, TLP Header=Not available", &l), 0);
	assert_null(l.report.memdev);
	assert_string_equal(l.report.host, "0000:0d:00.0");
	assert_int_equal(l.report.serial, UNKNOWN);
	assert_string_equal(l.report.text, "PCIe error (AER), corrected: Corrected Internal Error");
}

/* Cut off anywhere, or something else: understood or not, but nothing is read that is not there. */
static void read_rubbish(void **state)
{
	static const char *const others[] = {
		"", ":", "cxl_dram", "cxl_dram:", "cxl_dramatic:" HEAD, "sched_switch: prev_comm=cxl_dram: x",
		"cxl_poison:" HEAD " trace_type=Clear dpa=0x0", "aer_event:", "aer_event: x",
		"cxl_dram: memdev=mem0 serial=1 log=Fatal", "cxl_dram: memdev=" HEAD "'", "CPU:0 [LOST 3 EVENTS]",
	};
	struct card_line l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i], "cxl_dram: memdev=" HEAD "'") != 0)
			assert_int_equal(card_line_read(others[i], &l), -ENOMSG);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		for (size_t n = 0; n < strlen(lines[i].line); n++) {
			_cleanup_free_ char *cut = strndup(lines[i].line, n);

			assert_non_null(cut);
			(void)card_line_read(cut, &l);
		}
}

static struct card_report report(enum event_kind kind, enum event_severity severity, const char *text)
{
	return (struct card_report){ "mem0", "0000:0d:00.0", 7, kind, severity, 5, text };
}

static void records(void **state)
{
	struct card_report warning = report(EVENT_DRAM, SEVERITY_WARNING, "warns"),
			   bad = report(EVENT_DRAM, SEVERITY_FAILURE, "lost data"),
			   worse = report(EVENT_DRAM, SEVERITY_FATAL, "lost more"),
			   poison = report(EVENT_POISON, SEVERITY_FAILURE, "poison at 0x40"),
			   full = report(EVENT_LOST_RECORDS, SEVERITY_FATAL, "log full"),
			   aer = { NULL, "0000:0d:00.0", UNKNOWN, EVENT_PCIE, SEVERITY_WARNING, 6, "link" };
	_cleanup_json_ struct json_object *json = NULL;
	struct card_records all = {};
	struct card_record *r;
	struct health none = {};

	(void)state;
	assert_int_equal(card_records_add(&all, &warning, &r), 1);
	assert_int_equal(card_records_add(&all, &full, &r), 1);
	assert_null(card_why_failing(&none, r));
	assert_int_equal(card_records_add(&all, &bad, &r), 1);
	assert_int_equal(card_records_add(&all, &worse, &r), 1);
	assert_string_equal(card_why_failing(&none, r), "lost data");
	/* the list of poison is read again and again */
	assert_int_equal(card_records_add(&all, &poison, &r), 1);
	assert_int_equal(card_records_add(&all, &poison, &r), 0);
	assert_int_equal(r->counts[EVENT_POISON], 1);
	/* PCIe knows the address only */
	assert_int_equal(card_records_add(&all, &aer, &r), 1);
	assert_int_equal(all.n, 1);
	assert_string_equal(r->memdev, "mem0");
	assert_ptr_equal(card_records_find(&all, "0000:0d:00.0", 7), r);
	assert_null(card_records_find(&all, "0000:0d:00.0", 8));
	assert_null(card_records_find(&all, "0000:0e:00.0", 7));
	assert_int_equal(card_records_to_json(&all, &json), 0);
	assert_non_null(strstr(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
			       "\"serial\":7,\"failing\":\"lost data\",\"counts\":{\"dram\":3,\"lost-records\":1,"
			       "\"poison\":1,\"pcie\":1},\"events\":[{\"usec\":5,\"kind\":\"dram\",\"severity\":"
			       "\"warning\",\"text\":\"warns\"}"));
	/* another card in the same slot */
	warning.serial = 8;
	assert_int_equal(card_records_add(&all, &warning, &r), 1);
	assert_int_equal(all.n, 1);
	assert_int_equal(r->counts[EVENT_DRAM], 1);
	assert_null(r->failing);
	card_records_clear(&all);
}

static void only_the_last_are_kept(void **state)
{
	struct card_records all = {};
	struct card_record *r = NULL;
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < CARD_EVENTS_KEPT + 5; i++) {
		struct card_report one = report(EVENT_CORRECTABLE, SEVERITY_WARNING, text);

		snprintf(text, sizeof(text), "number %u", i);
		assert_int_equal(card_records_add(&all, &one, &r), 1);
	}
	assert_int_equal(r->n_events, CARD_EVENTS_KEPT);
	assert_int_equal(r->counts[EVENT_CORRECTABLE], CARD_EVENTS_KEPT + 5);
	assert_string_equal(r->events[0].text, "number 5");
	card_records_clear(&all);
}

static void what_a_card_says_itself(void **state)
{
	static const struct {
		const char *media;
		bool replace;
		const char *why;
	} cases[] = {
		{ "normal", false, NULL }, { NULL, false, NULL }, { "normal", true, "asks to be replaced" },
		{ "data-lost", false, "says that it has lost data" },
		{ "data-loss-imminent", false, "says that it is about to lose data" },
		{ "not-ready", true, "says that its media is not ready" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct health h = { .known = true, .media = (char *)cases[i].media,
				    .replacement_needed = cases[i].replace, .maintenance_needed = true };
		const char *why = card_why_failing(&h, NULL);

		assert_int_equal(why == NULL, cases[i].why == NULL);
		if (why)
			assert_string_equal(why, cases[i].why);
		h.known = false;
		assert_null(card_why_failing(&h, NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_lines), cmocka_unit_test(read_rubbish), cmocka_unit_test(records),
		cmocka_unit_test(only_the_last_are_kept), cmocka_unit_test(what_a_card_says_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
