/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness.h"
#include "json-util.h"

/* 4,096 cards: 64 bridges with 8 switches with 8 cards each, and a window for each bridge. */
#define BRIDGES 64
#define SWITCHES 8
#define CARDS 8
#define ALL (BRIDGES * SWITCHES * CARDS)

static struct mock *big_machine(void)
{
	struct mock *m = mock_new();
	char host[32];
	int i, j, k;

	for (i = 0; i < BRIDGES; i++) {
		int bridge, sw;

		snprintf(host, sizeof(host), "pci0000:%02x", i);
		bridge = mock_add_bridge(m, host, SWITCHES, 8);
		for (j = 0; j < SWITCHES; j++) {
			sw = mock_add_switch(m, bridge, SWITCHES);
			for (k = 0; k < CARDS; k++)
				mock_add_card(m, sw, 256 * GIB);
		}
		mock_add_window(m, (1 + i) * 32 * TIB, 32 * TIB, 256, 1, bridge);
	}
	m->picture->block_size = 2 * GIB;
	return m;
}

static struct request *all_cards(bool by_serial)
{
	struct request *q = request_new(VERB_CREATE);
	char name[32];
	int i;

	assert_int_equal(request_set(q, "ways", "8", NULL), 0);
	for (i = 0; i < ALL; i++) {
		snprintf(name, sizeof(name), by_serial ? "0x%x" : "mem%d",
			 by_serial ? 0x1000 + i : i);
		assert_int_equal(request_add_object(q, name), 0);
	}
	return q;
}

static double seconds_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - from->tv_sec) + (now.tv_nsec - from->tv_nsec) / 1e9;
}

static void check_plan(const struct mock *m, bool by_serial)
{
	_cleanup_(request_freep) struct request *q = all_cards(by_serial);
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (plan_make(m->picture, q, &plan, &reason) < 0)
		fail_msg("%s", reason);
	print_message("%d cards by %s: planned in %.1f ms\n", ALL, by_serial ? "serial" : "name",
		      seconds_since(&start) * 1000);
	assert_int_equal(plan->n_regions, ALL / 8);
	assert_string_equal(plan->regions[0], "region0");
	/*
	 * create, interleave, address space, 8 times capacity, 8 times attach, commit, 3 to enable,
	 * 3 to bind
	 */
	assert_int_equal(plan->n_steps, ALL / 8 * (3 + 16 + 1 + 3 + 3));
	assert_non_null(strstr(plan->summary, " and 508 more, system-ram, movable"));
}

static void by_name(void **state)
{
	check_plan(*state, false);
}

static void by_serial(void **state)
{
	check_plan(*state, true);
}

static void as_json(void **state)
{
	const struct mock *m = *state;
	_cleanup_json_ struct json_object *a = NULL, *b = NULL;
	_cleanup_(picture_freep) struct picture *back = NULL;
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(picture_to_json(m->picture, &a), 0);
	assert_int_equal(picture_from_json(a, &back, NULL), 0);
	print_message("%d cards to JSON and back in %.1f ms\n", ALL, seconds_since(&start) * 1000);
	assert_int_equal(picture_to_json(back, &b), 0);
	assert_true(json_object_equal(a, b));
	assert_int_equal(back->n_memdevs, ALL);
}

/* Eight regions behind one bridge, and another eight that no longer fit there. */
static void one_bridge(void **state)
{
	_cleanup_mock_ struct mock *m = mock_copy(*state);
	_cleanup_(request_freep) struct request *q = all_cards(false), *again = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;

	while (q->n_objects > 64)
		free(q->objects[--q->n_objects]);
	assert_int_equal(plan_make(m->picture, q, &plan, &reason), 0);
	carry_out(m, plan, q);
	plan = plan_free(plan);
	again = parse_request("create --size 2G --ways 8 mem0 mem1 mem2 mem3 mem4 mem5 mem6 mem7");
	assert_true(plan_make(m->picture, again, &plan, &reason) < 0);
	assert_non_null(strstr(reason, "all 256G of mem0 are in use (region0)"));
}

static int set_up(void **state)
{
	*state = big_machine();
	return 0;
}

static int tear_down(void **state)
{
	mock_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(by_serial),
		cmocka_unit_test(as_json),
		cmocka_unit_test(one_bridge),
	};

	return cmocka_run_group_tests_name("plan, big", tests, set_up, tear_down);
}
