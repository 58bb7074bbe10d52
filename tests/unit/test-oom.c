/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "json-util.h"
#include "machines.h"
#include "profile.h"

/*
 * Memory runs out at each single allocation of ours (those inside json-c excepted): every function
 * says so, leaves its outputs alone and nothing behind. The linker leads the allocations here
 * (--wrap).
 */

static long left = -1; /* allocations until one fails; negative: none does */
static bool failed;

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	failed = true;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
int __real_vasprintf(char **ret, const char *format, va_list ap);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
int __wrap_vasprintf(char **ret, const char *format, va_list ap) _printf_(2, 0);
int __wrap_asprintf(char **ret, const char *format, ...) _printf_(2, 3);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

int __wrap_vasprintf(char **ret, const char *format, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(ret, format, ap);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list ap;
	int n;

	if (fails())
		return -1;
	va_start(ap, format);
	n = __real_vasprintf(ret, format, ap);
	va_end(ap);
	return n;
}

static void fail_at(long n)
{
	left = n;
	failed = false;
}

static void fail_no_more(void)
{
	left = -1;
}

static void plan_line(const struct mock *m, const char *line, int wanted)
{
	_cleanup_(request_freep) struct request *q = parse_request(line);
	long n;

	for (n = 0;; n++) {
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *reason = NULL;
		int r;

		fail_at(n);
		r = plan_make(m->picture, q, &plan, &reason);
		fail_no_more();
		if (!failed) {
			assert_int_equal(r, wanted);
			break;
		}
		if (r != -ENOMEM)
			fail_msg("%s: %d when allocation %ld failed", line, r, n);
		assert_null(plan);
	}
	assert_true(n > 0);
}

static void plans(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();

	(void)state;
	machine_big(m);
	plan_line(m, "create --size 3G mem0 mem1 mem4 mem5 mem0", 0);
	plan_line(m, "create --ways 1 mem0 mem1 mem2 mem3 mem4 mem5", 0);
	plan_line(m, "create --mode devdax mem0", 0);
	plan_line(m, "create mem0 mem1 mem2 mem4", -ENXIO);
	plan_line(m, "create mem99", -ENOENT);
	plan_line(m, "create --window decoder9.9 mem0", -ENOENT);
	mock_add_region(m, 2, "movable", GIB, 2, 0, 4);
	mock_add_region(m, 2, "devdax", 512 * MIB, 2, 1, 5);
	mock_add_region(m, 2, "kernel", 512 * MIB, 2, 1, 5);
	plan_line(m, "destroy region2 region3 region4", 0);
	plan_line(m, "destroy region2", 0);
	plan_line(m, "destroy region3", -EBUSY);
	plan_line(m, "destroy node9", -ENOENT);
	plan_line(m, "online --zone kernel region2 region4", 0);
	plan_line(m, "offline region2 region4", 0);
	plan_line(m, "set-mode --mode devdax region2 region3", 0);
	plan_line(m, "set-mode --mode system-ram region3", 0);
	plan_line(m, "create --size 4G mem0", -ENOSPC);
	mock_add_slot(m, "1", 0, -1);
	mock_add_slot(m, "2", 4, 5, 6, 7, -1);
	mock_add_slot(m, "3", -1);
	plan_line(m, "eject mem0", -EBUSY);
	plan_line(m, "eject mem0 region2", 0);
	plan_line(m, "eject slot:2 mem1 slot:3 region2 region3 region4", 0);
	plan_line(m, "eject mem4", -EBUSY);
	plan_line(m, "eject nothing", -ENOENT);
}

/* Our own allocations only: the text is parsed and freed with nothing failing. */
static void read_back(const char *text, int wanted)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(text);
	long n;

	assert_non_null(json);
	for (n = 0;; n++) {
		_cleanup_(picture_freep) struct picture *p = NULL;
		_cleanup_free_ char *reason = NULL;
		int r;

		fail_at(n);
		r = picture_from_json(json, &p, &reason);
		fail_no_more();
		if (!failed) {
			assert_int_equal(r, wanted);
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(p);
	}
	assert_true(n > 0);
}

static void pictures(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_json_ struct json_object *json = NULL;

	(void)state;
	machine_two_by_two(m);
	mock_add_region(m, 2, "movable", GIB, 2, 0, 2);
	assert_int_equal(picture_to_json(m->picture, &json), 0);
	read_back(json_object_to_json_string(json), 0);
	read_back("{\"windows\":[{\"decoder\":\"a\",\"size\":-1}]}", -EINVAL);
}

static void steps(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *q = parse_request("create mem0");
	_cleanup_(plan_freep) struct plan *plan = NULL;
	size_t i;
	long n;

	(void)state;
	machine_one(m);
	assert_int_equal(plan_make(m->picture, q, &plan, NULL), 0);
	for (i = 0; i < plan->n_steps; i++) {
		_cleanup_json_ struct json_object *json = NULL;

		assert_int_equal(step_to_json(&plan->steps[i], &json), 0);
		for (n = 0;; n++) {
			struct step copy = { .position = 77 }, read = { .position = 77 };
			int a, b;

			fail_at(n);
			a = step_copy(&plan->steps[i], &copy);
			fail_no_more();
			assert_int_equal(a, failed ? -ENOMEM : 0);
			assert_true((copy.position == 77) == (a < 0));
			if (a == 0)
				step_clear(&copy);
			fail_at(n);
			b = step_from_json(json, &read, NULL);
			fail_no_more();
			assert_int_equal(b, failed ? -ENOMEM : 0);
			assert_true((read.position == 77) == (b < 0));
			if (b == 0)
				step_clear(&read);
			if (a == 0 && b == 0)
				break;
		}
	}
}

static void requests(void **state)
{
	long n;

	(void)state;
	for (n = 0;; n++) {
		_cleanup_(request_freep) struct request *q = request_new(VERB_CREATE);
		int a, b, c;

		fail_at(n);
		a = request_add_object(q, "mem0");
		b = request_set(q, "window", "decoder0.0", NULL);
		c = request_add_object(q, "mem1");
		fail_no_more();
		assert_true(a == 0 || a == -ENOMEM);
		assert_int_equal(q->n_objects, (a == 0) + (c == 0));
		assert_true((q->window == NULL) == (b < 0));
		if (!failed)
			break;
		assert_true(a < 0 || b < 0 || c < 0);
	}
	fail_at(0);
	assert_null(request_new(VERB_CREATE));
	fail_no_more();
}

static void profile_text(const char *text, int wanted)
{
	long n;

	for (n = 0;; n++) {
		_cleanup_(profile_freep) struct profile *p = NULL;
		struct profile_problems problems = { 0 };
		int r;

		fail_at(n);
		r = profile_parse_text("p", "p", text, strlen(text), &problems, &p);
		fail_no_more();
		profile_problems_clear(&problems);
		if (!failed) {
			assert_int_equal(r, wanted);
			break;
		}
		if (r != -ENOMEM)
			fail_msg("%s: %d when allocation %ld failed", text, r, n);
		assert_null(p);
	}
	assert_true(n > 0);
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void profiles(void **state)
{
	char root[] = "/tmp/profiles-XXXXXX", directory[64], command[128];
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f;
	long n;

	(void)state;
	profile_text("[Match]\nSerial=1 2\nPath=a b\nHostBridge=c \\\n d\nVendor=8086\n"
		     "[Region]\nMembers=1 slot:2 slot:3\nWays=3\nWays=\n",
		     0);
	profile_text("[Match]\nPath=x[\nWays=2\n[Mtach]\nWays\n", -EINVAL);
	f = open_memstream(&text, &size);
	fputs("[Match]\nPath=", f);
	for (int i = 0; i < 100; i++)
		fputs(" 0000:0c:00.0", f);
	fclose(f);
	profile_text(text, 0);

	assert_non_null(mkdtemp(root));
	snprintf(directory, sizeof(directory), "%s/usr/lib/cxlmem/profiles.d", root);
	snprintf(command, sizeof(command), "mkdir -p %s/a.profile.d", directory);
	assert_int_equal(system(command), 0);
	write_text(directory, "a.profile", "[Match]\nPath=*\n");
	write_text(directory, "a.profile.d/1.conf", "[Memory]\nZone=kernel\n");
	write_text(directory, "b.profile", "");
	write_text(directory, "c.profile", "nonsense");
	for (n = 0;; n++) {
		_cleanup_(profile_set_freep) struct profile_set *set = NULL;
		int r;

		fail_at(n);
		r = profile_set_load(root, &set);
		fail_no_more();
		if (!failed) {
			_cleanup_free_ char *match = (char *)"untouched";

			assert_int_equal(r, 0);
			assert_int_equal(set->n, 1);
			assert_int_equal(set->problems.n, 2);
			fail_at(0);
			r = profile_match_text(set->list[0], &match);
			fail_no_more();
			assert_int_equal(r, -ENOMEM);
			assert_string_equal(match, "untouched");
			match = NULL;
			break;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(set);
	}
	assert_true(n > 20);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),    cmocka_unit_test(pictures), cmocka_unit_test(steps),
		cmocka_unit_test(requests), cmocka_unit_test(profiles),
	};

	return cmocka_run_group_tests_name("out of memory", tests, NULL, NULL);
}
