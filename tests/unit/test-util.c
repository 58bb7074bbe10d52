/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "name-index.h"
#include "name-list.h"
#include "time-span.h"

static void sizes_in(void **state)
{
	static const struct {
		const char *text;
		int error;
		uint64_t bytes;
	} cases[] = {
		/* clang-format off */
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "268435456", 0, 256 * MIB },
		{ "0x10000000", 0, 256 * MIB },
		{ "512M", 0, 512 * MIB },
		{ "512m", 0, 512 * MIB },
		{ "512MB", 0, 512 * MIB },
		{ "512MiB", 0, 512 * MIB },
		{ "512mib", 0, 512 * MIB },
		{ "2 GiB", 0, 2 * GIB },
		{ "1.5G", 0, 3 * GIB / 2 },
		{ "1.50G", 0, 3 * GIB / 2 },
		{ "0.25T", 0, 256 * GIB },
		{ "4k", 0, 4096 },
		{ "7b", 0, 7 },
		{ "15E", 0, UINT64_C(15) << 60 },
		{ "1.5P", 0, UINT64_C(1536) << 40 },
		{ "18446744073709551614", 0, UINT64_MAX - 1 },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "16E", -ERANGE, 0 },
		{ "99999999999T", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ ".5G", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1..5G", -EINVAL, 0 },
		{ "1,5G", -EINVAL, 0 },
		{ "1.0000001G", -EINVAL, 0 },
		{ "1X", -EINVAL, 0 },
		{ "1Gi", -EINVAL, 0 },
		{ "1GG", -EINVAL, 0 },
		{ "1iB", -EINVAL, 0 },
		{ "1G 2M", -EINVAL, 0 },
		{ "0xfg", -EINVAL, 0 },
		/* clang-format on */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t bytes = 12345;
		int r = parse_size(cases[i].text, &bytes);

		if (r != cases[i].error || bytes != (r ? 12345 : cases[i].bytes))
			fail_msg("\"%s\": %d, %llu", cases[i].text, r, (unsigned long long)bytes);
	}
}

static void sizes_out(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		/* clang-format off */
		{ 0, "0" },
		{ 1, "1" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1025, "1025" },
		{ 256 * MIB, "256M" },
		{ GIB, "1G" },
		{ GIB + 256 * MIB, "1.25G" },
		{ GIB + 512 * MIB, "1.5G" },
		{ GIB + 128 * MIB, "1152M" },
		{ GIB + 1, "1G" },
		{ 1431655765, "1.33G" },
		{ 3 * TIB, "3T" },
		{ UNKNOWN - 1, "16777216T" },
		{ UNKNOWN, "unknown" },
		/* clang-format on */
	};
	char buf[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(format_size(cases[i].bytes, buf), cases[i].text);
}

/* What is shown without rounding can be typed again. */
static void sizes_round_trip(void **state)
{
	uint64_t step, bytes;
	char buf[32];

	(void)state;
	for (step = KIB; step < TIB; step *= 2) {
		uint64_t i;

		for (i = 1; i < 40; i++) {
			format_size(i * step, buf);
			assert_int_equal(parse_size(buf, &bytes), 0);
			assert_true(bytes == i * step);
		}
	}
}

static void numbers(void **state)
{
	uint64_t v = 5;

	(void)state;
	assert_int_equal(parse_u64("42", &v), 0);
	assert_int_equal(v, 42);
	assert_int_equal(parse_u64("0xfF", &v), 0);
	assert_int_equal(v, 255);
	assert_int_equal(parse_u64("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", &v), -ERANGE);
	assert_int_equal(parse_u64("0x10000000000000000", &v), -ERANGE);
	assert_int_equal(parse_u64("", &v), -EINVAL);
	assert_int_equal(parse_u64("0x", &v), -EINVAL);
	assert_int_equal(parse_u64("1 ", &v), -EINVAL);
	assert_int_equal(parse_u64("-1", &v), -EINVAL);
	assert_true(v == UINT64_MAX);
}

static void time_spans(void **state)
{
	static const struct {
		const char *text;
		int error;
		uint64_t usec;
	} cases[] = {
		/* clang-format off */
		{ "0", 0, 0 },
		{ "30", 0, 30000000 },
		{ "30s", 0, 30000000 },
		{ "30 sec", 0, 30000000 },
		{ "2min", 0, 120000000 },
		{ "1min 30s", 0, 90000000 },
		{ "1min30s", 0, 90000000 },
		{ "1m 30", 0, 90000000 },
		{ " 1h ", 0, UINT64_C(3600000000) },
		{ "1.5h", 0, UINT64_C(5400000000) },
		{ "0.25s", 0, 250000 },
		{ "500ms", 0, 500000 },
		{ "7us", 0, 7 },
		{ "7\302\265s", 0, 7 },
		{ "1d", 0, UINT64_C(86400000000) },
		{ "2 weeks", 0, UINT64_C(1209600000000) },
		{ "infinity", 0, UNKNOWN },
		{ "", -EINVAL, 0 },
		{ " ", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ ".5s", -EINVAL, 0 },
		{ "1.0000001s", -EINVAL, 0 },
		{ "1M", -EINVAL, 0 },
		{ "1year", -EINVAL, 0 },
		{ "30s infinity", -EINVAL, 0 },
		{ "infinity 30s", -EINVAL, 0 },
		{ "30,5s", -EINVAL, 0 },
		{ "30s;", -EINVAL, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "18446744073709s", 0, UINT64_C(18446744073709000000) },
		{ "18446744073710s", -ERANGE, 0 },
		{ "18446744073709s 551615us", -ERANGE, 0 },
		{ "30500569w", -ERANGE, 0 },
		/* clang-format on */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t usec = 12345;
		int r = parse_time_span(cases[i].text, &usec);

		if (r != cases[i].error || usec != (r ? 12345 : cases[i].usec))
			fail_msg("\"%s\": %d, %llu", cases[i].text, r, (unsigned long long)usec);
	}
}

static void strings(void **state)
{
	char *copy = (char *)"untouched";

	(void)state;
	assert_true(streq_null(NULL, NULL));
	assert_false(streq_null("a", NULL));
	assert_false(streq_null(NULL, "a"));
	assert_true(streq_null("a", "a"));
	assert_false(streq_null("a", "b"));
	assert_int_equal(strdup_or_null(NULL, &copy), 0);
	assert_null(copy);
	assert_int_equal(strdup_or_null("x", &copy), 0);
	assert_string_equal(copy, "x");
	free(copy);
}

static void arrays(void **state)
{
	uint32_t *array = NULL;
	size_t n;

	(void)state;
	for (n = 0; n < 1000; n++) {
		assert_int_equal(grow(&array, n, sizeof(*array)), 0);
		assert_int_equal(array[n], 0);
		array[n] = n + 1;
	}
	for (n = 0; n < 1000; n++)
		assert_int_equal(array[n], n + 1);
	assert_int_equal(grow(&array, SIZE_MAX / 2 + 1, 8), -ENOMEM);
	assert_int_equal(array[999], 1000);
	free(array);
}

static void reasons(void **state)
{
	char *reason = NULL;

	(void)state;
	assert_int_equal(say(NULL, -EBUSY, "nobody listens"), -EBUSY);
	assert_int_equal(say(&reason, -EBUSY, "first %d", 1), -EBUSY);
	assert_string_equal(reason, "first 1");
	assert_int_equal(say(&reason, -EIO, "second"), -EIO);
	assert_string_equal(reason, "second");
	free(reason);
}

static void alignment(void **state)
{
	(void)state;
	assert_int_equal(align_down(1000, 256), 768);
	assert_int_equal(align_up(1000, 256), 1024);
	assert_int_equal(align_up(1024, 256), 1024);
	assert_int_equal(align_up(0, 256), 0);
}

static void indexes(void **state)
{
	static const char *const names[] = { "mem10", "mem2", "mem1", "x", "a" };
	struct name_index ix = {};
	size_t i;

	(void)state;
	assert_int_equal(name_index_find(&ix, "a"), -1);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(name_index_add(&ix, names[i], i), 0);
	assert_int_equal(name_index_add(&ix, NULL, 99), 0);
	assert_null(name_index_sort(&ix));
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(name_index_find(&ix, names[i]), i);
	assert_int_equal(name_index_find(&ix, "mem"), -1);
	assert_int_equal(name_index_find(&ix, NULL), -1);
	assert_int_equal(name_index_add(&ix, "mem2", 7), 0);
	assert_string_equal(name_index_sort(&ix), "mem2");
	name_index_clear(&ix);
}

static void lists(void **state)
{
	struct name_list l = {};
	int i;

	(void)state;
	assert_int_equal(name_list_add(&l, NULL), 0);
	assert_int_equal(name_list_end(&l), 0);
	assert_null(l.text);
	assert_int_equal(name_list_add(&l, "a"), 0);
	assert_int_equal(name_list_add(&l, "b"), 0);
	assert_string_equal(l.text, "a, b");
	for (i = 0; i < 20; i++)
		assert_int_equal(name_list_add(&l, "c"), 0);
	assert_int_equal(name_list_end(&l), 0);
	assert_non_null(strstr(l.text, " and 6 more"));
	name_list_clear(&l);
}

static void test_format_time_span(void **state)
{
	static const struct {
		uint64_t usec;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 1, "1us" },
		{ 20000, "20ms" },
		{ 30000000, "30s" },
		{ 1500000, "1s 500ms" },
		{ 90000000, "1min 30s" },
		{ 3600000000, "1h" },
		{ 90061000000, "1d 1h" },
		{ 60000001, "1min 1us" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[64];
		uint64_t back;

		assert_string_equal(format_time_span(cases[i].usec, buf), cases[i].text);
		assert_int_equal(parse_time_span(buf, &back), 0);
		assert_true(back <= cases[i].usec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_in),	    cmocka_unit_test(sizes_out),
		cmocka_unit_test(sizes_round_trip), cmocka_unit_test(numbers),
		cmocka_unit_test(strings),	    cmocka_unit_test(arrays),
		cmocka_unit_test(reasons),	    cmocka_unit_test(alignment),
		cmocka_unit_test(indexes),	    cmocka_unit_test(lists),
		cmocka_unit_test(time_spans),	    cmocka_unit_test(test_format_time_span),
	};

	return cmocka_run_group_tests_name("util", tests, NULL, NULL);
}
