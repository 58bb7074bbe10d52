/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "blockers.h"
#include "harness.h"
#include "json-util.h"

static struct blocker_process some_processes[] = {
	{ .pid = 9, .name = (char *)"big", .bytes = 64 * MIB },
	{ .pid = 7, .name = (char *)"locks", .bytes = MIB, .locked = 2 * MIB },
	{ .pid = 5, .name = (char *)"huge", .bytes = 4 * MIB, .huge = 2 * MIB },
	{ .pid = 3, .name = (char *)"pins", .bytes = 4096, .pinned = 64 * KIB, .locked = 4096 },
	{ .pid = 2, .name = (char *)"big", .bytes = 64 * MIB },
};

static struct blocker_block some_blocks[] = {
	{ .number = 30, .movable = 64 * MIB },
	{ .number = 31, .kernel = 8 * KIB, .locked = 4096 },
	{ .number = 32, .held = 64 * KIB },
	{ .number = 33, .huge = 2 * MIB, .movable = MIB },
	{ .number = 29, .going = true },
};

/* Borrowed: not to be freed. */
static struct blockers sorted(void)
{
	struct blockers b = {
		.region = (char *)"region0",
		.dax = (char *)"dax0.0",
		.node = 1,
		.active = UNKNOWN,
		.processes = some_processes,
		.n_processes = ARRAY_SIZE(some_processes),
		.blocks = some_blocks,
		.n_blocks = ARRAY_SIZE(some_blocks),
	};

	blockers_sort(&b);
	return b;
}

static void expect_lines(const struct blockers *b, size_t max, const char *const *wanted)
{
	char **lines;
	size_t i;

	assert_int_equal(blockers_lines(b, max, &lines), 0);
	for (i = 0; wanted[i]; i++)
		assert_string_equal(lines[i] ?: "(no more)", wanted[i]);
	assert_null(lines[i]);
	for (i = 0; lines[i]; i++)
		free(lines[i]);
	free(lines);
}

static void hardest_first(void **state)
{
	struct blockers b = sorted();

	(void)state;
	expect_lines(&b, 9, (const char *[]){
		"pins (pid 3): 4K on node 1; in all 64K pinned for I/O, 4K locked",
		"huge (pid 5): 4M on node 1, 2M of it in huge pages",
		"locks (pid 7): 1M on node 1; in all 2M locked",
		"big (pid 2): 64M on node 1",
		"big (pid 9): 64M on node 1",
		"memory block 29, going offline: nothing in it",
		"memory block 33: 2M in huge pages, 1M that can be moved",
		"memory block 32: 64K mapped by no process (in a pipe, or under I/O)",
		"memory block 31: 8K of the kernel's own, 4K locked",
		NULL });
}

static void rest_is_counted(void **state)
{
	struct blockers b = sorted();

	(void)state;
	b.partial = true;
	expect_lines(&b, 1, (const char *[]){
		"pins (pid 3): 4K on node 1; in all 64K pinned for I/O, 4K locked",
		"and 4 more processes",
		"memory block 29, going offline: nothing in it",
		"and 3 more memory blocks",
		"(there was no time to look at everything)",
		NULL });
}

static void nothing(void **state)
{
	const struct blockers none = { .node = 1 };

	(void)state;
	expect_lines(&none, 3, (const char *[]){ NULL });
}

static void devdax(void **state)
{
	struct blocker_process p[] = {
		{ .pid = 4, .name = (char *)"reads", .open = true },
		{ .pid = 5, .name = (char *)"maps", .mapped = true },
		{ .pid = 6, .open = true, .mapped = true },
	};
	struct blockers b = { .dax = (char *)"dax0.0", .devdax = true, .active = UNKNOWN,
			      .processes = p, .n_processes = 3 };

	(void)state;
	expect_lines(&b, 3, (const char *[]){
		"this kernel does not say what of dax0.0 is in use by I/O or pipes: only open files and "
		"mappings are seen",
		"reads (pid 4) has dax0.0 open",
		"maps (pid 5) has dax0.0 mapped",
		"? (pid 6) has dax0.0 open and mapped",
		NULL });
	b.n_processes = 0;
	b.active = 64 * KIB;
	expect_lines(&b, 3, (const char *[]){
		"64K of dax0.0 is in use, although no process has it open or mapped: held by a pipe, "
		"io_uring or a device",
		NULL });
	b.active = 0;
	expect_lines(&b, 3, (const char *[]){ "0 of dax0.0 is in use", NULL });
}

static void there_and_back(void **state)
{
	_cleanup_json_ struct json_object *json = NULL, *again = NULL;
	_cleanup_(blockers_freep) struct blockers *read = NULL;
	_cleanup_free_ char *reason = NULL;
	struct blockers b = sorted();

	(void)state;
	b.partial = true;
	assert_int_equal(blockers_to_json(&b, &json), 0);
	assert_int_equal(blockers_from_json(json, &read, &reason), 0);
	assert_int_equal(blockers_to_json(read, &again), 0);
	assert_string_equal(json_object_to_json_string(again), json_object_to_json_string(json));
	assert_int_equal(read->processes[0].pid, 3);
	assert_true(read->blocks[0].going);
	assert_int_equal(read->active, UNKNOWN);
}

static void nonsense(void **state)
{
	static const struct {
		const char *json, *says;
	} cases[] = {
		{ "[]", "no object" },
		{ "{\"processes\":7}", "\"processes\" is no list" },
		{ "{\"processes\":[{\"pid\":-1}]}", "\"pid\" is no number" },
		{ "{\"processes\":[7]}", "no number" },
		{ "{\"blocks\":[{\"huge\":\"x\"}]}", "\"huge\" is no number" },
		{ "{\"node\":1.5}", "\"node\" is no number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ struct json_object *json = json_tokener_parse(cases[i].json);
		struct blockers *b = NULL;
		_cleanup_free_ char *reason = NULL;
		int r = blockers_from_json(json, &b, &reason);

		if (strcmp(cases[i].json, "{\"processes\":[7]}") == 0) {
			/* json-c finds no keys in a number: a process of which nothing is known */
			assert_int_equal(r, 0);
			blockers_free(b);
			continue;
		}
		assert_int_equal(r, -EINVAL);
		assert_null(b);
		if (!strstr(reason ?: "", cases[i].says))
			fail_msg("%s: %s", cases[i].json, reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hardest_first), cmocka_unit_test(rest_is_counted),
		cmocka_unit_test(nothing),	 cmocka_unit_test(devdax),
		cmocka_unit_test(there_and_back), cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
