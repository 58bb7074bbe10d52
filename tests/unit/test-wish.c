/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "json-util.h"
#include "machines.h"
#include "plan.h"
#include "wish.h"

/* Two cards behind one bridge with serials and places, and a wish for a region across both. */
static struct mock *two_cards(void)
{
	struct mock *m = mock_new();

	machine_two_ports(m);
	for (size_t i = 0; i < m->picture->n_memdevs; i++) {
		struct memdev *card = &m->picture->memdevs[i];

		card->serial = 0x1000 + i;
		free(card->path);
		assert_true(asprintf(&card->path, "pci0000:0c/0000:0c:0%zu.0/%s", i, card->host) > 0);
	}
	return m;
}

static struct wishes *remember(struct mock *m, int region, const char *origin)
{
	struct wishes *w = calloc(1, sizeof(*w));
	_cleanup_free_ char *reason = NULL;
	struct wish *wish;

	assert_non_null(w);
	wish = wishes_add(w, WISH_REGION, origin);
	assert_non_null(wish);
	if (wish_from_region(wish, m->picture, region, &reason) < 0)
		fail_msg("%s", reason);
	return w;
}

static void there_and_back(void **state)
{
	_cleanup_mock_ struct mock *m = two_cards();
	_cleanup_(wishes_freep) struct wishes *w = NULL, *back = NULL;
	_cleanup_json_ struct json_object *json = NULL, *again = NULL;
	_cleanup_free_ char *reason = NULL, *text = NULL;
	struct wish *leave;

	(void)state;
	mock_add_region(m, 0, "kernel", GIB, 2, 0, 1);
	w = remember(m, 0, "profile 50-x2.profile");
	leave = wishes_add(w, WISH_LEAVE, "hand");
	assert_int_equal(wish_add_card(leave, &m->picture->memdevs[1]), 0);
	assert_int_equal(wishes_to_json(w, &json), 0);
	assert_int_equal(wishes_from_json(json, &back, &reason), 0);
	assert_int_equal(wishes_to_json(back, &again), 0);
	assert_string_equal(json_object_to_json_string(json), json_object_to_json_string(again));
	assert_int_equal(back->n, 2);
	assert_int_equal(back->last_id, 2);
	assert_int_equal(back->list[0].zone, ZONE_KERNEL);
	assert_true(back->list[0].online);
	assert_int_equal(wish_text(&back->list[0], &text), 0);
	assert_string_equal(text, "1G, system-ram, kernel, on serial 0x1000, serial 0x1001 "
				  "(profile 50-x2.profile)");
}

/* What a wish asks for is what was there. */
static void made_again(void **state)
{
	static const struct {
		const char *mode;
		uint64_t size;
		unsigned int ways;
	} cases[] = {
		{ "movable", GIB, 2 },	   { "kernel", 512 * MIB, 1 }, { "offline", 512 * MIB, 2 },
		{ "devdax", 256 * MIB, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_mock_ struct mock *m = two_cards(), *empty = two_cards();
		_cleanup_(wishes_freep) struct wishes *w = NULL;
		_cleanup_(request_freep) struct request *q = NULL;
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *reason = NULL, *a = NULL, *b = NULL;

		mock_add_region(m, 0, cases[i].mode, cases[i].size, cases[i].ways, 0, 1);
		w = remember(m, 0, "hand");
		assert_int_equal(wish_request(&w->list[0], empty->picture, &q), 0);
		assert_string_equal(q->origin, "hand");
		if (plan_make(empty->picture, q, &plan, &reason) < 0)
			fail_msg("%s: %s", cases[i].mode, reason);
		carry_out(empty, plan, q);
		a = mock_signature(m);
		b = mock_signature(empty);
		assert_string_equal(a, b);
	}
}

static void whose_region(void **state)
{
	_cleanup_mock_ struct mock *m = two_cards();
	_cleanup_(wishes_freep) struct wishes *w = NULL;
	_cleanup_free_ char *reason = NULL;
	int regions[3];

	(void)state;
	/* Three of one size on one card, the third somebody else's. */
	mock_add_region(m, 0, "movable", 256 * MIB, 1, 0);
	mock_add_region(m, 0, "devdax", 256 * MIB, 1, 0);
	mock_add_region(m, 0, "movable", 256 * MIB, 1, 0);
	w = remember(m, 1, "hand");
	assert_int_equal(wish_from_region(wishes_add(w, WISH_REGION, "adopted"), m->picture, 0,
					  &reason), 0);
	wishes_match(w, m->picture, regions);
	assert_int_equal(regions[0], 1);
	assert_int_equal(regions[1], 0);
	assert_int_equal(wishes_annotate(w, m->picture), 0);
	assert_string_equal(m->picture->regions[0].origin, "adopted");
	assert_string_equal(m->picture->regions[1].origin, "hand");
	assert_null(m->picture->regions[2].origin);
	/* Made again elsewhere in the address space, it is still known by its cards. */
	w->list[0].resource = UNKNOWN;
	w->list[1].resource = UNKNOWN;
	wishes_match(w, m->picture, regions);
	assert_int_equal(regions[0], 0);
	assert_int_equal(regions[1], 1);
	/* The card is gone: only the place tells. */
	for (size_t i = 0; i < 3; i++)
		m->picture->regions[i].mappings[0].memdev = -1;
	wishes_match(w, m->picture, regions);
	assert_int_equal(regions[0], -1);
	w->list[0].resource = m->picture->regions[2].resource;
	wishes_match(w, m->picture, regions);
	assert_int_equal(regions[0], 2);
	assert_int_equal(regions[1], -1);
}

static void whose_card(void **state)
{
	_cleanup_mock_ struct mock *m = two_cards();
	struct memdev *cards = m->picture->memdevs;
	_cleanup_(wishes_freep) struct wishes *w = calloc(1, sizeof(*w));
	struct wish *wish = wishes_add(w, WISH_LEAVE, "hand");

	(void)state;
	assert_int_equal(wish_add_card(wish, &cards[0]), 0);
	assert_int_equal(wish_card(m->picture, &wish->members[0]), 0);
	assert_false(wish_moved(m->picture, wish));
	/* The cards changed places: the serial counts. */
	{
		char *path = cards[0].path;

		cards[0].path = cards[1].path;
		cards[1].path = path;
	}
	assert_int_equal(wish_card(m->picture, &wish->members[0]), 0);
	assert_true(wish_moved(m->picture, wish));
	/* One serial on both: the place decides, and a third place is nobody's. */
	cards[1].serial = 0x1000;
	assert_int_equal(wish_card(m->picture, &wish->members[0]), 1);
	free(cards[1].path);
	cards[1].path = strdup("pci0000:0c/elsewhere");
	assert_int_equal(wish_card(m->picture, &wish->members[0]), -1);
	assert_int_equal(wish_missing(m->picture, wish), 1);
	/* No serial at all: the place, but never of a card that has one. */
	wish->members[0].serial = 0;
	free(wish->members[0].path);
	wish->members[0].path = strdup(cards[1].path);
	assert_int_equal(wish_card(m->picture, &wish->members[0]), -1);
	cards[1].serial = UNKNOWN;
	assert_int_equal(wish_card(m->picture, &wish->members[0]), 1);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "[]", "it has no version: this is no file of wishes" },
		{ "{\"version\":2,\"wishes\":[]}", "it is of version 2, this cxlmem reads version 1" },
		{ "{\"version\":1}", "it has no list of wishes" },
		{ "{\"version\":1,\"wishes\":[7]}", "wishes[0] is no object" },
		{ "{\"version\":1,\"wishes\":[{}]}", "wishes[0].kind is neither region nor leave" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":3}]}", "wishes[0].kind is no text" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"leave\"}]}", "wishes[0].members names no card" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"leave\",\"members\":[]}]}",
		  "wishes[0].members names no card" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"leave\",\"members\":[1]}]}",
		  "wishes[0].members has something that is no card" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"leave\",\"members\":[{\"serial\":0}]}]}",
		  "wishes[0].members has a card with neither serial nor path" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"leave\",\"members\":[{\"serial\":-4}]}]}",
		  "wishes[0].serial is no number" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"leave\",\"id\":1,\"members\":[{\"serial\":4}]},"
		  "{\"kind\":\"leave\",\"id\":1,\"members\":[{\"serial\":5}]}]}",
		  "wishes[1].id is that of wishes[0], too" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"region\",\"members\":[{\"serial\":4}]}]}",
		  "wishes[0].size is missing" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"region\",\"members\":[{\"serial\":4}],\"size\":1,"
		  "\"interleave_granularity\":300}]}",
		  "wishes[0].interleave_granularity is no power of two up to 16384" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"region\",\"members\":[{\"serial\":4}],\"size\":1}]}",
		  "wishes[0].mode is neither system-ram nor devdax" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"region\",\"members\":[{\"serial\":4}],\"size\":1,"
		  "\"mode\":\"devdax\",\"align\":77}]}",
		  "wishes[0].align is not 4096, 2097152 or 1073741824, or it is not for devdax" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"region\",\"members\":[{\"serial\":4}],\"size\":1,"
		  "\"mode\":\"devdax\",\"zone\":\"dma\"}]}",
		  "wishes[0].zone is neither movable nor kernel" },
		{ "{\"version\":1,\"wishes\":[{\"kind\":\"region\",\"members\":[{\"serial\":4}],\"size\":1,"
		  "\"mode\":\"system-ram\",\"online\":1}]}",
		  "wishes[0].online is neither true nor false" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ struct json_object *json = json_tokener_parse(cases[i].text);
		_cleanup_free_ char *reason = NULL;
		struct wishes *w = NULL;

		assert_non_null(json);
		assert_int_equal(wishes_from_json(json, &w, &reason), -EINVAL);
		assert_null(w);
		assert_string_equal(reason, cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(made_again),
		cmocka_unit_test(whose_region),	  cmocka_unit_test(whose_card),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
