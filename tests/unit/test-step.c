/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "json-util.h"
#include "machines.h"
#include "plan-internal.h"

/* A step with every field set and an undo of three. */
static struct step full_step(void)
{
	struct step s = {}, tmpl = STEP(BIND, .position = 3, .ways = 2, .granularity = 1024,
					.size = GIB, .resource = 0xfedcba9876543210);
	struct step undo[] = { STEP(HOLD_AUTO_ONLINE, .policy = (char *)"offline"),
			       STEP(OFFLINE, .dax = (char *)"dax0.0", .size = 0),
			       STEP(RELEASE_AUTO_ONLINE, .policy = (char *)"online") };
	struct block_span blocks[] = { { 0, 8, ZONE_MOVABLE }, { 8, 1, ZONE_UNKNOWN } };

	tmpl.window = (char *)"decoder0.0";
	tmpl.region = (char *)"region0";
	tmpl.memdev = (char *)"mem0";
	tmpl.decoder = (char *)"decoder2.0";
	tmpl.dax = (char *)"dax0.0";
	tmpl.driver = (char *)"kmem";
	tmpl.policy = (char *)"online_movable";
	tmpl.blocks = blocks;
	tmpl.n_blocks = 2;
	tmpl.undo = undo;
	tmpl.n_undo = 3;
	assert_int_equal(step_copy(&tmpl, &s), 0);
	return s;
}

static char *as_text(const struct step *s)
{
	struct json_object *o;
	char *text;

	assert_int_equal(step_to_json(s, &o), 0);
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	return text;
}

static void round_trip(void **state)
{
	struct step s = full_step(), back;
	_cleanup_free_ char *a = as_text(&s), *b = NULL, *reason = NULL;
	_cleanup_json_ struct json_object *json = json_tokener_parse(a);

	(void)state;
	assert_string_equal(
		a, "{\"step\":\"bind\",\"window\":\"decoder0.0\",\"region\":\"region0\","
		   "\"memdev\":\"mem0\",\"decoder\":\"decoder2.0\",\"dax\":\"dax0.0\","
		   "\"driver\":\"kmem\",\"policy\":\"online_movable\",\"position\":3,\"interleave_ways\":2,"
		   "\"interleave_granularity\":1024,\"size\":1073741824,\"resource\":18364758544493064720,"
		   "\"blocks\":[{\"first\":0,\"count\":8,\"zone\":\"movable\"},"
		   "{\"first\":8,\"count\":1}],\"undo\":[{\"step\":\"hold-auto-online\","
		   "\"policy\":\"offline\"},{\"step\":\"offline\",\"dax\":\"dax0.0\",\"size\":0},"
		   "{\"step\":\"release-auto-online\",\"policy\":\"online\"}]}");
	assert_int_equal(step_from_json(json, &back, &reason), 0);
	b = as_text(&back);
	assert_string_equal(a, b);
	assert_int_equal(back.undo[0].position, -1);
	assert_true(back.undo[0].size == UNKNOWN);
	assert_true(back.undo[1].size == 0);
	step_clear(&s);
	step_clear(&back);
	assert_null(back.undo);
}

static void bad_json(void **state)
{
	static const struct {
		const char *json, *reason;
	} cases[] = {
		/* clang-format off */
		{ "[]", "a step is no object" },
		{ "{}", "does not say what it is" },
		{ "{\"step\":7}", "does not say what it is" },
		{ "{\"step\":\"explode\"}", "there is no step \"explode\"" },
		{ "{\"step\":\"commit\",\"region\":3}", "region of a step is no text" },
		{ "{\"step\":\"commit\",\"size\":\"1G\"}", "size of a step is no number" },
		{ "{\"step\":\"commit\",\"size\":-1}", "size of a step is no number" },
		{ "{\"step\":\"commit\",\"size\":1.5}", "size of a step is no number" },
		{ "{\"step\":\"commit\",\"position\":4294967296}",
		  "position of a step is no number" },
		{ "{\"step\":\"commit\",\"interleave_ways\":99999999999}", "ways of a step" },
		{ "{\"step\":\"online\",\"blocks\":{}}", "blocks of a step is no list" },
		{ "{\"step\":\"online\",\"blocks\":[1]}", "blocks[0] of a step is no object" },
		{ "{\"step\":\"online\",\"blocks\":[{\"first\":1}]}", "lacks first or count" },
		{ "{\"step\":\"online\",\"blocks\":[{\"first\":1,\"count\":0}]}",
		  "lacks first or count" },
		{ "{\"step\":\"online\",\"blocks\":[{\"first\":18446744073709551614,\"count\":9}]}",
		  "lacks first or count" },
		{ "{\"step\":\"online\",\"blocks\":[{\"first\":1,\"count\":1,\"zone\":\"dma\"}]}",
		  "blocks[0].zone of a step is no zone" },
		{ "{\"step\":\"online\",\"undo\":{}}", "undo of a step is no list" },
		{ "{\"step\":\"online\",\"undo\":[{\"step\":\"boo\"}]}",
		  "there is no step \"boo\"" },
		{ "{\"step\":\"online\",\"undo\":[{\"step\":\"offline\",\"undo\":[{\"step\":"
		  "\"online\"}]}]}",
		  "has no undo of its own" },
		/* clang-format on */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ struct json_object *json = json_tokener_parse(cases[i].json);
		_cleanup_free_ char *reason = NULL;
		struct step s = { .position = 77 };

		assert_non_null(json);
		assert_int_equal(step_from_json(json, &s, &reason), -EINVAL);
		if (!strstr(reason, cases[i].reason))
			fail_msg("%s: %s", cases[i].json, reason);
		assert_int_equal(s.position, 77);
		assert_int_equal(step_from_json(json, &s, NULL), -EINVAL);
	}
}

static void renamed(void **state)
{
	struct step s = full_step();

	(void)state;
	assert_int_equal(step_rename(&s, "dax0.0", "dax7.0"), 0);
	assert_string_equal(s.dax, "dax7.0");
	assert_string_equal(s.undo[1].dax, "dax7.0");
	assert_string_equal(s.region, "region0");
	assert_int_equal(step_rename(&s, "region0", "region9"), 0);
	assert_string_equal(s.region, "region9");
	/* what else was expected under the new name swaps with it */
	free(s.undo[1].dax);
	s.undo[1].dax = strdup("dax8.0");
	assert_int_equal(step_rename(&s, "dax7.0", "dax8.0"), 0);
	assert_string_equal(s.dax, "dax8.0");
	assert_string_equal(s.undo[1].dax, "dax7.0");
	step_clear(&s);
}

static void blocks(void **state)
{
	struct step s = {};

	(void)state;
	assert_int_equal(step_add_block(&s, 10, 2, ZONE_MOVABLE), 0);
	assert_int_equal(step_add_block(&s, 12, 3, ZONE_MOVABLE), 0);
	assert_int_equal(s.n_blocks, 1);
	assert_int_equal(s.blocks[0].count, 5);
	assert_int_equal(step_add_block(&s, 15, 1, ZONE_KERNEL), 0);
	assert_int_equal(step_add_block(&s, 17, 1, ZONE_KERNEL), 0);
	assert_int_equal(s.n_blocks, 3);
	step_clear(&s);
}

/* Each kind has a name that is found again, and a line that a person can read. */
static void words(void **state)
{
	enum step_kind k, found;

	(void)state;
	for (k = 0; k < _STEP_KIND_MAX; k++) {
		struct step bare = {
			.kind = k, .position = -1, .size = UNKNOWN, .resource = UNKNOWN
		};
		struct step s = full_step();
		_cleanup_free_ char *full = NULL, *poor = NULL;

		assert_int_equal(step_kind_from_name(step_kind_name(k), &found), 0);
		assert_int_equal(found, k);
		s.kind = k;
		assert_int_equal(step_text(&s, &full), 0);
		assert_int_equal(step_text(&bare, &poor), 0);
		assert_true(strlen(full) > 10);
		assert_null(strstr(full, "(null)"));
		assert_null(strstr(poor, "(null)"));
		step_clear(&s);
	}
	assert_null(step_kind_name(_STEP_KIND_MAX));
	assert_int_equal(step_kind_from_name("nothing", &found), -EINVAL);
}

static void lines(void **state)
{
	struct block_span mixed[] = { { 0, 3, ZONE_KERNEL }, { 5, 1, ZONE_MOVABLE } };
	struct block_span one = { 4, 1, ZONE_UNKNOWN };
	const struct {
		struct step step;
		const char *text;
	} cases[] = {
		/* clang-format off */
		{ STEP(ALLOC_DPA, .memdev = (char *)"mem0", .decoder = (char *)"decoder2.0",
		       .size = 512 * MIB),
		  "allocate 512M of mem0 to decoder2.0" },
		{ STEP(SET_INTERLEAVE, .region = (char *)"region0", .ways = 1, .granularity = 256),
		  "set region0 to 1 way, granularity 256" },
		{ STEP(ALLOC_HPA, .region = (char *)"region0", .size = GIB,
		       .resource = 0x100000000),
		  "reserve 1G of address space for region0 at 0x100000000" },
		{ STEP(OFFLINE, .dax = (char *)"dax0.0", .blocks = mixed, .n_blocks = 2),
		  "take 4 memory blocks of dax0.0 offline" },
		{ STEP(BIND, .dax = (char *)"dax0.0", .driver = (char *)"kmem", .blocks = &one,
		       .n_blocks = 1),
		  "bind dax0.0 to kmem: 1 memory block, left offline" },
		{ STEP(DETACH, .region = (char *)"region0", .decoder = (char *)"decoder2.0",
		       .position = 1),
		  "detach decoder2.0 from region0 at position 1" },
		/* clang-format on */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;

		assert_int_equal(step_text(&cases[i].step, &text), 0);
		assert_string_equal(text, cases[i].text);
	}
}

/* A whole plan as JSON: every step reads back as it was, and has its line. */
static void plans(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *q = parse_request("create --size 600M mem0");
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_json_ struct json_object *json = NULL;
	struct json_object *steps, *v;
	size_t i;

	(void)state;
	machine_one(m);
	assert_int_equal(plan_make(m->picture, q, &plan, NULL), 0);
	assert_int_equal(plan_to_json(plan, &json), 0);
	assert_true(json_object_object_get_ex(json, "verb", &v));
	assert_string_equal(json_object_get_string(v), "create");
	assert_true(json_object_object_get_ex(json, "summary", &v));
	assert_string_equal(json_object_get_string(v),
			    "create region0: 512M on mem0 through decoder0.0, system-ram, movable");
	assert_true(json_object_object_get_ex(json, "notes", &v));
	assert_int_equal(json_object_array_length(v), 1);
	assert_true(json_object_object_get_ex(json, "regions", &v));
	assert_int_equal(json_object_array_length(v), 1);
	assert_true(json_object_object_get_ex(json, "steps", &steps));
	assert_int_equal(json_object_array_length(steps), plan->n_steps);
	for (i = 0; i < plan->n_steps; i++) {
		_cleanup_free_ char *a = as_text(&plan->steps[i]), *b = NULL, *line = NULL;
		struct step back;

		assert_int_equal(step_from_json(json_object_array_get_idx(steps, i), &back, NULL),
				 0);
		b = as_text(&back);
		assert_string_equal(a, b);
		step_clear(&back);
		assert_true(
			json_object_object_get_ex(json_object_array_get_idx(steps, i), "text", &v));
		assert_int_equal(step_text(&plan->steps[i], &line), 0);
		assert_string_equal(json_object_get_string(v), line);
	}
}

static void slow_ones(void **state)
{
	(void)state;
	assert_true(step_may_block(STEP_OFFLINE));
	assert_true(step_may_block(STEP_UNBIND));
	assert_false(step_may_block(STEP_SET_INTERLEAVE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(bad_json),
		cmocka_unit_test(renamed),    cmocka_unit_test(blocks),
		cmocka_unit_test(words),      cmocka_unit_test(lines),
		cmocka_unit_test(plans),      cmocka_unit_test(slow_ones),
	};

	return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
