// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fake-sysfs.h"
#include "memory-block.h"
#include "sysfs.h"
#include "util.h"

#define N 4

/* Memory blocks as the kernel has them; NULL: offline. */
static struct {
	const char *zone[N];
	uint64_t meddled; /* this block is written to by somebody else just before we are */
	const char *meddled_zone;
	uint64_t refused; /* and the kernel does not let this one go */
} machine;

/* The block that a path of sysfs is of, N for none; its attribute. */
static uint64_t which(const char *path, const char **attribute)
{
	uint64_t n;

	if (sscanf(path, "devices/system/memory/memory%" SCNu64, &n) != 1 || n >= N)
		return N;
	*attribute = strrchr(path, '/') + 1;
	return n;
}

int sysfs_read(struct door *door, char **ret, const char *format, ...)
{
	const char *attribute;
	char path[128];
	uint64_t n;

	(void)door;
	SAY_PATH(path, format);
	n = which(path, &attribute);
	if (n == N)
		return -ENOENT;
	if (strcmp(attribute, "state") == 0)
		*ret = strdup(machine.zone[n] ? "online" : "offline");
	else
		*ret = strdup(machine.zone[n] ?: "Movable Normal");
	return *ret ? 0 : -ENOMEM;
}

int sysfs_write(struct door *door, const char *value, const char *format, ...)
{
	const char *attribute, *zone;
	char path[128];
	uint64_t n;

	SAY_PATH(path, format);
	(void)door;
	n = which(path, &attribute);
	assert_true(n < N);
	zone = strcmp(value, "offline") == 0	    ? NULL :
	       strcmp(value, "online_movable") == 0 ? "Movable" :
						      "Normal";
	if (n == machine.meddled)
		machine.zone[n] = machine.meddled_zone;
	/* state_store() of drivers/base/memory.c */
	if (!machine.zone[n] == !zone)
		return -EINVAL;
	if (n == machine.refused)
		return -EBUSY;
	machine.zone[n] = zone;
	return 0;
}

static void all(const char *zone)
{
	for (size_t i = 0; i < N; i++)
		machine.zone[i] = zone;
	machine.meddled = machine.refused = N;
	machine.meddled_zone = NULL;
}

static void expect(const char *const zones[N])
{
	for (size_t i = 0; i < N; i++)
		assert_string_equal(machine.zone[i] ?: "offline", zones[i]);
}

static const struct block_span spans = { 0, N, ZONE_MOVABLE };
static struct door door;

/* That somebody else did the same a moment before is no failure. */
static void test_offline_meanwhile(void **state)
{
	(void)state;
	all("Movable");
	machine.meddled = 2;
	assert_int_equal(memory_spans_offline(&door, &spans, 1, NULL), 0);
	expect((const char *const[]){ "offline", "offline", "offline", "offline" });
}

static void test_online_meanwhile(void **state)
{
	(void)state;
	all(NULL);
	machine.meddled = 1;
	machine.meddled_zone = "Movable";
	assert_int_equal(memory_spans_online(&door, &spans, 1, NULL), 0);
	expect((const char *const[]){ "Movable", "Movable", "Movable", "Movable" });
}

/* In another zone it is not the same. What this call did is taken back, what they did is left. */
static void test_online_elsewhere_meanwhile(void **state)
{
	_cleanup_free_ char *reason = NULL;

	(void)state;
	all(NULL);
	machine.meddled = 1;
	machine.meddled_zone = "Normal";
	assert_int_equal(memory_spans_online(&door, &spans, 1, &reason), -EBUSY);
	assert_non_null(strstr(reason, "memory1 is online in zone kernel already: somebody else"));
	expect((const char *const[]){ "offline", "Normal", "offline", "offline" });
}

/* A failure further on does not bring online what somebody else took offline. */
static void test_not_ours_to_take_back(void **state)
{
	_cleanup_free_ char *reason = NULL;

	(void)state;
	all("Movable");
	machine.meddled = 2;
	machine.refused = 0;
	assert_int_equal(memory_spans_offline(&door, &spans, 1, &reason), -EBUSY);
	assert_non_null(strstr(reason, "memory0"));
	expect((const char *const[]){ "Movable", "Movable", "offline", "Movable" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offline_meanwhile),
		cmocka_unit_test(test_online_meanwhile),
		cmocka_unit_test(test_online_elsewhere_meanwhile),
		cmocka_unit_test(test_not_ours_to_take_back),
	};

	return cmocka_run_group_tests_name("memory blocks", tests, NULL, NULL);
}
