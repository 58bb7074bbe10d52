// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machines.h"
#include "metrics.h"
#include "mock-kernel.h"

/* A machine on which everything is there that is told of, and what was counted on it. */
struct fixture {
	struct mock *m;
	struct metrics metrics;
	struct metrics_counts counts;
	struct card_records records;
	struct rival list[3];
	struct rivals rivals;
};

static void count_operation(struct fixture *f, enum verb verb, enum operation_state state, uint64_t usec)
{
	struct request request = { .verb = verb };
	struct plan plan = {};
	struct operation o = { .request = &request, .plan = usec ? &plan : NULL, .state = state, .total_usec = usec };

	if (state == _OPERATION_STATE_MAX)
		metrics_count_refused(&f->counts, &o);
	else
		metrics_count_finished(&f->counts, &o);
}

static void report(struct fixture *f, const char *memdev, const char *host, uint64_t serial, enum event_kind kind)
{
	struct card_report r = { memdev, host, serial, kind, SEVERITY_WARNING, 1, "something" };
	struct card_record *ret;

	assert_int_equal(card_records_add(&f->records, &r, &ret), 1);
}

static void count_things(struct fixture *f)
{
	struct step offline = { .kind = STEP_OFFLINE }, drain = { .kind = STEP_DRAIN }, bind = { .kind = STEP_BIND };

	f->counts.started_usec = 1795428466000001;
	count_operation(f, VERB_CREATE, OPERATION_DONE, 400000);
	count_operation(f, VERB_CREATE, OPERATION_DONE, 1000000);
	count_operation(f, VERB_CREATE, OPERATION_FAILED, 1000001);
	count_operation(f, VERB_OFFLINE, OPERATION_CANCELLED, UINT64_C(3600) * 1000000);
	count_operation(f, VERB_OFFLINE, OPERATION_CANCELLED, 0);
	count_operation(f, VERB_EJECT, OPERATION_STUCK, 1);
	count_operation(f, VERB_DESTROY, _OPERATION_STATE_MAX, 0);
	metrics_count_step(&f->counts, &offline, 700000);
	metrics_count_step(&f->counts, &drain, 20);
	metrics_count_step(&f->counts, &bind, 20);
	metrics_count_scan(&f->counts, true, 10000);
	metrics_count_scan(&f->counts, true, 10001);
	metrics_count_scan(&f->counts, false, 30000000);
	/* The second one is away; of the third it is not known which card it was. */
	report(f, f->m->picture->memdevs[0].name, f->m->picture->memdevs[0].host, f->m->picture->memdevs[0].serial,
	       EVENT_DRAM);
	report(f, "mem9", "0000:99:00.0", 0x99, EVENT_POISON);
	report(f, NULL, f->m->picture->memdevs[1].host, UNKNOWN, EVENT_PCIE);
}

static void setup(struct fixture *f)
{
	struct picture *p;
	int region;

	*f = (struct fixture){ .m = mock_new() };
	machine_two_ports(f->m);
	mock_add_region(f->m, 0, "movable", GIB / 2, 1, 0);
	region = mock_add_region(f->m, 0, "devdax", GIB, 1, 1);
	p = f->m->picture;
	p->daxes[picture_region_dax(p, region)].active = 12345;
	p->memdevs[0].health = (struct health){ .known = true, .maintenance_needed = true, .life_used = 7,
						.temperature = (uint64_t)-5, .volatile_errors = 3,
						.dirty_shutdowns = UNKNOWN };
	p->memdevs[0].failing = strdup("something");
	count_things(f);
	f->list[0] = (struct rival){ .kind = "udev", .problem = true };
	f->list[1] = (struct rival){ .kind = "udev", .problem = true };
	f->list[2] = (struct rival){ .kind = "kernel" };
	f->rivals = (struct rivals){ f->list, 3 };
	f->metrics = (struct metrics){ .version = "0.1 \"a\\b\nc\"", .picture = p, .counts = &f->counts,
				       .records = &f->records, .rivals = &f->rivals, .profile_errors = 2, .overruled = 4 };
	f->metrics.operations[OPERATION_RUNNING] = 1;
	f->metrics.operations[OPERATION_DONE] = 64;
	f->metrics.wishes[WISH_THERE] = 2;
}

static void teardown(struct fixture *f)
{
	card_records_clear(&f->records);
	mock_free(f->m);
}

static void expect_line(const char *text, const char *line)
{
	const char *at = text;

	while ((at = strstr(at, line))) {
		if ((at == text || at[-1] == '\n') && at[strlen(line)] == '\n')
			return;
		at++;
	}
	fail_msg("there is no line \"%s\" in\n%s", line, text);
}

static void test_counted(void **state)
{
	static const char *const lines[] = {
		"cxlmem_build_info{version=\"0.1 \\\"a\\\\b\\nc\\\"\"} 1",
		"cxlmem_daemon_start_time_seconds 1795428466.000001",
		"cxlmem_machine_read 1",
		"cxlmem_operations_total{verb=\"create\",result=\"done\"} 2",
		"cxlmem_operations_total{verb=\"create\",result=\"failed\"} 1",
		"cxlmem_operations_total{verb=\"offline\",result=\"cancelled\"} 2",
		"cxlmem_operations_total{verb=\"eject\",result=\"stuck\"} 1",
		"cxlmem_operations_total{verb=\"destroy\",result=\"refused\"} 1",
		"cxlmem_operations_total{verb=\"set-mode\",result=\"done\"} 0",
		"cxlmem_operations_now{state=\"running\"} 1",
		"cxlmem_operations_now{state=\"stuck\"} 0",
		/* Buckets count what is in those before them, too; the end of one is in it. */
		"cxlmem_operation_duration_seconds_bucket{verb=\"create\",le=\"0.1\"} 0",
		"cxlmem_operation_duration_seconds_bucket{verb=\"create\",le=\"0.5\"} 1",
		"cxlmem_operation_duration_seconds_bucket{verb=\"create\",le=\"1.0\"} 2",
		"cxlmem_operation_duration_seconds_bucket{verb=\"create\",le=\"5.0\"} 3",
		"cxlmem_operation_duration_seconds_bucket{verb=\"create\",le=\"+Inf\"} 3",
		"cxlmem_operation_duration_seconds_sum{verb=\"create\"} 2.400001",
		"cxlmem_operation_duration_seconds_count{verb=\"create\"} 3",
		"cxlmem_operation_duration_seconds_bucket{verb=\"offline\",le=\"1800.0\"} 0",
		"cxlmem_operation_duration_seconds_bucket{verb=\"offline\",le=\"+Inf\"} 1",
		"cxlmem_drain_duration_seconds_count{of=\"memory\"} 1",
		"cxlmem_drain_duration_seconds_sum{of=\"devdax\"} 0.000020",
		"cxlmem_scan_duration_seconds_bucket{le=\"0.01\"} 1",
		"cxlmem_scan_duration_seconds_bucket{le=\"0.05\"} 2",
		"cxlmem_scan_failures_total 1",
		"cxlmem_wishes{state=\"there\"} 2",
		"cxlmem_wishes{state=\"failed\"} 0",
		"cxlmem_wishes_unreadable 0",
		"cxlmem_profile_errors 2",
		"cxlmem_overruled_total 4",
		"cxlmem_rivals{kind=\"udev\"} 2",
		"cxlmem_rivals{kind=\"kernel\"} 0",
	};
	_cleanup_free_ char *text = NULL;
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(metrics_text(&f.metrics, METRICS_OPENMETRICS, &text), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		expect_line(text, lines[i]);
	teardown(&f);
}

static void expect_card(const char *text, const char *family, const struct memdev *m, const char *more)
{
	_cleanup_free_ char *line = NULL;

	assert_true(asprintf(&line, "%s{memdev=\"%s\",host=\"%s\",serial=\"0x%jx\"%s", family, m->name, m->host,
			     (uintmax_t)m->serial, more) >= 0);
	expect_line(text, line);
}

static void test_machine(void **state)
{
	_cleanup_free_ char *text = NULL;
	const struct memdev *cards;
	struct fixture f;

	(void)state;
	setup(&f);
	cards = f.m->picture->memdevs;
	assert_int_equal(metrics_text(&f.metrics, METRICS_OPENMETRICS, &text), 0);
	expect_card(text, "cxlmem_card_capacity_bytes", &cards[0], "} 1073741824");
	expect_card(text, "cxlmem_card_allocated_bytes", &cards[0], "} 536870912");
	expect_card(text, "cxlmem_card_temperature_celsius", &cards[0], "} -5");
	expect_card(text, "cxlmem_card_life_used_ratio", &cards[0], "} 0.07");
	expect_card(text, "cxlmem_card_maintenance_needed", &cards[0], "} 1");
	expect_card(text, "cxlmem_card_corrected_errors_total", &cards[0], "} 3");
	expect_card(text, "cxlmem_card_failing", &cards[0], "} 1");
	expect_card(text, "cxlmem_card_failing", &cards[1], "} 0");
	expect_card(text, "cxlmem_card_reports_total", &cards[0], ",kind=\"dram\"} 1");
	expect_card(text, "cxlmem_card_reports_total", &cards[0], ",kind=\"poison\"} 0");
	expect_card(text, "cxlmem_card_reports_total", &cards[1], ",kind=\"pcie\"} 1");
	expect_line(text, "cxlmem_card_reports_total{memdev=\"mem9\",host=\"0000:99:00.0\",serial=\"0x99\",kind=\"poison\"} 1");
	/* What a card does not say is left out, and one that says nothing has none of it. */
	assert_null(strstr(text, "cxlmem_card_dirty_shutdowns_total{"));
	assert_null(strstr(text, "cxlmem_card_maintenance_needed{memdev=\"mem1\""));
	expect_line(text, "cxlmem_window_free_bytes{window=\"decoder0.0\"} 2684354560");
	expect_line(text, "cxlmem_region_size_bytes{region=\"region0\"} 536870912");
	expect_line(text, "cxlmem_region_online_bytes{region=\"region0\",zone=\"movable\"} 536870912");
	expect_line(text, "cxlmem_region_online_bytes{region=\"region0\",zone=\"kernel\"} 0");
	expect_line(text, "cxlmem_region_use{region=\"region0\",use=\"online\"} 1");
	expect_line(text, "cxlmem_region_use{region=\"region1\",use=\"devdax\"} 1");
	expect_line(text, "cxlmem_region_use{region=\"region1\",use=\"online\"} 0");
	expect_line(text, "cxlmem_region_active_bytes{region=\"region1\",chardev=\"dax1.0\"} 12345");
	assert_null(strstr(text, "cxlmem_region_active_bytes{region=\"region0\""));
	teardown(&f);
}

/* Without a picture all that was counted is there, and nothing is said about the machine. */
static void test_blind(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct fixture f;

	(void)state;
	setup(&f);
	f.metrics.picture = NULL;
	f.metrics.rivals = NULL;
	assert_int_equal(metrics_text(&f.metrics, METRICS_OPENMETRICS, &text), 0);
	expect_line(text, "cxlmem_machine_read 0");
	expect_line(text, "cxlmem_operations_total{verb=\"create\",result=\"done\"} 2");
	expect_line(text, "cxlmem_card_reports_total{memdev=\"mem9\",host=\"0000:99:00.0\",serial=\"0x99\",kind=\"poison\"} 1");
	assert_null(strstr(text, "cxlmem_region"));
	assert_null(strstr(text, "cxlmem_wishes{"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	teardown(&f);
}

/* The two formats differ in their comments alone. */
static void test_formats(void **state)
{
	_cleanup_free_ char *open = NULL, *older = NULL;
	char *a, *b, *at_a, *at_b;
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(metrics_text(&f.metrics, METRICS_OPENMETRICS, &open), 0);
	assert_int_equal(metrics_text(&f.metrics, METRICS_PROMETHEUS, &older), 0);
	expect_line(open, "# TYPE cxlmem_operations counter");
	expect_line(open, "# UNIT cxlmem_card_capacity_bytes bytes");
	expect_line(older, "# TYPE cxlmem_operations_total counter");
	expect_line(older, "# TYPE cxlmem_card_capacity_bytes gauge");
	assert_null(strstr(older, "# UNIT"));
	assert_null(strstr(older, "# EOF"));
	a = strtok_r(open, "\n", &at_a);
	b = strtok_r(older, "\n", &at_b);
	while (a || b) {
		if (a && *a == '#')
			a = strtok_r(NULL, "\n", &at_a);
		else if (b && *b == '#')
			b = strtok_r(NULL, "\n", &at_b);
		else {
			assert_non_null(a);
			assert_non_null(b);
			assert_string_equal(a, b);
			a = strtok_r(NULL, "\n", &at_a);
			b = strtok_r(NULL, "\n", &at_b);
		}
	}
	teardown(&f);
}

static void test_names(void **state)
{
	enum metrics_format format = _METRICS_FORMAT_MAX;

	(void)state;
	assert_int_equal(metrics_format_from_name("openmetrics", &format), 0);
	assert_int_equal(format, METRICS_OPENMETRICS);
	assert_int_equal(metrics_format_from_name("prometheus", &format), 0);
	assert_int_equal(format, METRICS_PROMETHEUS);
	assert_int_equal(metrics_format_from_name("json", &format), -EINVAL);
	assert_int_equal(format, METRICS_PROMETHEUS);
	assert_non_null(strstr(metrics_content_type(METRICS_OPENMETRICS), "openmetrics-text"));
	assert_non_null(strstr(metrics_content_type(METRICS_PROMETHEUS), "0.0.4"));
}

/* With the name of a format it prints such a text, for programs that check it (tests/lab/checks.py). */
static int print(const char *name)
{
	_cleanup_free_ char *text = NULL;
	enum metrics_format format;
	struct fixture f;

	setup(&f);
	assert_int_equal(metrics_format_from_name(name, &format), 0);
	assert_int_equal(metrics_text(&f.metrics, format, &text), 0);
	fputs(text, stdout);
	teardown(&f);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted), cmocka_unit_test(test_machine), cmocka_unit_test(test_blind),
		cmocka_unit_test(test_formats), cmocka_unit_test(test_names),
	};

	return argc > 1 ? print(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
