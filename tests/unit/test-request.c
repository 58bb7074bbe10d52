/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "json-util.h"

static void refused(void **state)
{
	static const struct {
		enum verb verb;
		const char *name, *value, *reason;
	} cases[] = {
		/* clang-format off */
		{ VERB_CREATE, "mode", "ram", "mode is \"ram\": it takes system-ram or devdax" },
		{ VERB_CREATE, "mode", "", "it takes system-ram or devdax" },
		{ VERB_CREATE, "zone", "normal", "zone is \"normal\": it takes movable or kernel" },
		{ VERB_CREATE, "size", "big", "size is \"big\"" },
		{ VERB_CREATE, "size", "0", "an amount of memory" },
		{ VERB_CREATE, "size", "20E", "no machine has that much" },
		{ VERB_CREATE, "ways", "5", "ways is \"5\": it takes 1, 2, 3, 4, 6, 8, 12 or 16" },
		{ VERB_CREATE, "ways", "0", "it takes 1, 2" },
		{ VERB_CREATE, "ways", "two", "it takes 1, 2" },
		{ VERB_CREATE, "ways", "4294967297", "it takes 1, 2" },
		{ VERB_CREATE, "granularity", "300", "a power of two from 256 to 16384" },
		{ VERB_CREATE, "granularity", "128", "a power of two from 256 to 16384" },
		{ VERB_CREATE, "granularity", "32k", "a power of two from 256 to 16384" },
		{ VERB_CREATE, "window", "", "window is empty" },
		{ VERB_CREATE, "no-online", "maybe", "it takes yes or no" },
		{ VERB_CREATE, "align", "3M", "align is \"3M\": it takes 4K, 2M or 1G" },
		{ VERB_ONLINE, "align", "2M", "online takes no option \"align\"" },
		{ VERB_CREATE, "colour", "red", "there is no option \"colour\"" },
		{ VERB_ONLINE, "mode", "devdax", "online takes no option \"mode\"" },
		{ VERB_ONLINE, "size", "1G", "online takes no option \"size\"" },
		{ VERB_ONLINE, "no-online", "yes", "online takes no option \"no-online\"" },
		{ VERB_OFFLINE, "zone", "movable", "offline takes no option \"zone\"" },
		{ VERB_DESTROY, "zone", "movable", "destroy takes no option \"zone\"" },
		{ VERB_EJECT, "deadline", "soon", "deadline is \"soon\": it takes a time such as 30s" },
		{ VERB_EJECT, "deadline", "0", "it takes a time such as 30s or 2min" },
		{ VERB_EJECT, "on-deadline", "", "on-deadline is \"\": it takes keep or revoke" },
		{ VERB_EJECT, "zone", "movable", "eject takes no option \"zone\"" },
		{ VERB_OFFLINE, "on-deadline", "keep", "offline takes no option \"on-deadline\"" },
		{ VERB_OFFLINE, "force", "yes", "offline takes no option \"force\"" },
		{ VERB_EJECT, "force", "much", "force is \"much\": it takes yes or no" },
		{ VERB_CREATE, "deadline", "3s", "create takes no option \"deadline\"" },
		{ VERB_SET_MODE, "ways", "2", "set-mode takes no option \"ways\"" },
		/* clang-format on */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(request_freep) struct request *q = request_new(cases[i].verb);
		struct request before = *q;
		_cleanup_free_ char *reason = NULL;

		assert_int_equal(request_set(q, cases[i].name, cases[i].value, &reason), -EINVAL);
		if (!strstr(reason, cases[i].reason))
			fail_msg("%s=%s: %s", cases[i].name, cases[i].value, reason);
		assert_memory_equal(q, &before, sizeof(before));
		assert_int_equal(request_set(q, cases[i].name, cases[i].value, NULL), -EINVAL);
	}
}

static void taken(void **state)
{
	_cleanup_(request_freep) struct request *q = request_new(VERB_CREATE);

	(void)state;
	assert_int_equal(request_set(q, "mode", "devdax", NULL), 0);
	assert_int_equal(q->mode, MODE_DEVDAX);
	assert_int_equal(request_set(q, "mode", "system-ram", NULL), 0);
	assert_int_equal(q->mode, MODE_SYSTEM_RAM);
	assert_int_equal(request_set(q, "zone", "kernel", NULL), 0);
	assert_int_equal(q->zone, ZONE_KERNEL);
	assert_int_equal(request_set(q, "size", "1.5G", NULL), 0);
	assert_true(q->size == 1536 * MIB);
	assert_int_equal(request_set(q, "ways", "12", NULL), 0);
	assert_int_equal(q->ways, 12);
	assert_int_equal(request_set(q, "granularity", "4k", NULL), 0);
	assert_int_equal(q->granularity, 4096);
	assert_int_equal(request_set(q, "window", "decoder0.1", NULL), 0);
	assert_int_equal(request_set(q, "window", "decoder0.2", NULL), 0);
	assert_string_equal(q->window, "decoder0.2");
	assert_int_equal(request_set(q, "no-online", "", NULL), 0);
	assert_true(q->no_online);
	assert_int_equal(request_set(q, "no-online", "No", NULL), 0);
	assert_false(q->no_online);
	request_free(q);
	q = request_new(VERB_EJECT);
	assert_int_equal(request_set(q, "deadline", "1min 30s", NULL), 0);
	assert_true(q->deadline_usec == 90000000);
	assert_int_equal(request_set(q, "deadline", "infinity", NULL), 0);
	assert_true(q->deadline_usec == 0);
	assert_int_equal(request_set(q, "on-deadline", "revoke", NULL), 0);
	assert_true(q->revoke);
	assert_int_equal(request_set(q, "on-deadline", "keep", NULL), 0);
	assert_false(q->revoke);
	assert_int_equal(request_set(q, "force", "", NULL), 0);
	assert_true(q->force);
	assert_int_equal(request_set(q, "force", "no", NULL), 0);
	assert_false(q->force);
	assert_int_equal(request_add_object(q, "mem0"), 0);
	assert_int_equal(request_add_object(q, "mem1"), 0);
	assert_int_equal(q->n_objects, 2);
	assert_string_equal(q->objects[1], "mem1");
}

static void names(void **state)
{
	enum memory_mode mode = MODE_DEFAULT;
	enum verb v, found;

	(void)state;
	for (v = 0; v < _VERB_MAX; v++) {
		assert_int_equal(verb_from_name(verb_name(v), &found), 0);
		assert_int_equal(found, v);
	}
	assert_int_equal(verb_from_name("make", &found), -EINVAL);
	assert_null(verb_name(_VERB_MAX));
	assert_null(memory_mode_name(MODE_DEFAULT));
	assert_int_equal(memory_mode_from_name("devdax", &mode), 0);
	assert_int_equal(mode, MODE_DEVDAX);
	assert_int_equal(memory_mode_from_name("default", &mode), -EINVAL);
}

static int read_request(struct json_object *json, char **reason)
{
	_cleanup_(request_freep) struct request *q = NULL;
	int r = request_from_json(json, &q, reason);

	assert_true(r == 0 || !q);
	return r;
}

static int read_plan(struct json_object *json, char **reason)
{
	_cleanup_(plan_freep) struct plan *p = NULL;
	int r = plan_from_json(json, &p, reason);

	assert_true(r == 0 || !p);
	return r;
}

/* Records that make no sense, as those of another version may not. */
static void records_refused(void **state)
{
	static const struct {
		int (*read)(struct json_object *json, char **reason);
		const char *text, *word;
	} cases[] = {
		{ read_request, "{}", "no verb" },
		{ read_request, "{\"verb\":\"make\",\"objects\":[]}", "\"make\" is no verb" },
		{ read_request, "{\"verb\":\"create\"}", "\"objects\"" },
		{ read_request, "{\"verb\":\"create\",\"objects\":[1]}", "objects[0]" },
		{ read_request, "{\"verb\":\"create\",\"objects\":[],\"mode\":\"x\"}", "\"x\" is no mode" },
		{ read_request, "{\"verb\":\"create\",\"objects\":[],\"zone\":\"x\"}", "\"x\" is no zone" },
		{ read_request, "{\"verb\":\"create\",\"objects\":[],\"size\":-1}", "size of a request" },
		{ read_request, "{\"verb\":\"create\",\"objects\":[],\"ways\":4294967296}", "ways of a request" },
		{ read_plan, "{}", "no verb of a plan" },
		{ read_plan, "{\"verb\":\"create\"}", "\"summary\"" },
		{ read_plan, "{\"verb\":\"create\",\"summary\":\"x\"}", "\"notes\"" },
		{ read_plan, "{\"verb\":\"create\",\"summary\":\"x\",\"notes\":[],\"regions\":[2]}", "regions[0]" },
		{ read_plan, "{\"verb\":\"create\",\"summary\":\"x\",\"notes\":[],\"regions\":[]}", "\"steps\"" },
		{ read_plan, "{\"verb\":\"create\",\"summary\":\"x\",\"notes\":[],\"regions\":[],"
		  "\"steps\":[{\"step\":\"jump\"}]}", "\"jump\"" },
		{ read_plan, "{\"verb\":\"create\",\"summary\":\"x\",\"notes\":[],\"regions\":[],"
		  "\"steps\":[{\"step\":\"commit\"}],\"no_return\":1}", "\"no_return\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ struct json_object *json = json_tokener_parse(cases[i].text);
		_cleanup_free_ char *reason = NULL;

		assert_int_equal(cases[i].read(json, &reason), -EINVAL);
		if (!strstr(reason, cases[i].word))
			fail_msg("%s: %s", cases[i].text, reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_refused),
		cmocka_unit_test(refused),
		cmocka_unit_test(taken),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
