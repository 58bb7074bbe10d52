// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include "engine.h"
#include "harness.h"
#include "json-util.h"
#include "machines.h"
#include "mock-door.h"
#include "steward-internal.h"
#include "store.h"

/* A daemon without a bus: an engine on a mock machine, and a steward with directories of its own. */
struct house {
	char dir[64];
	sd_event *event;
	struct mock_stage *stage;
	struct engine *engine;
	struct steward *steward;
	unsigned int fds;
	bool settled; /* the last look at the machine left nothing to do */
	unsigned int n_finished;
	enum operation_state state; /* of the operation that finished last */
	char *origin;
	char *planned_on; /* whose the first region was in the picture that was planned with */
};

static void on_picture(struct picture *p, void *userdata)
{
	struct house *h = userdata;

	steward_complete(h->steward, p);
}

static void on_looked(const struct picture *p, void *userdata)
{
	struct house *h = userdata;

	steward_looked(h->steward, p);
	h->settled = !engine_busy(h->engine);
}

static void on_planned(struct operation *o, const struct picture *p, void *userdata)
{
	struct house *h = userdata;

	steward_planned(h->steward, o, p);
	free(h->planned_on);
	h->planned_on = p->n_regions && p->regions[0].origin ? strdup(p->regions[0].origin) : NULL;
}

static void on_finished(struct operation *o, void *userdata)
{
	struct house *h = userdata;

	steward_finished(h->steward, o);
	h->n_finished++;
	h->state = o->state;
	free(h->origin);
	h->origin = o->request->origin ? strdup(o->request->origin) : NULL;
}

static void start_daemon(struct house *h)
{
	static const struct engine_hooks hooks = {
		.picture = on_picture,
		.looked = on_looked,
		.planned = on_planned,
		.finished = on_finished,
	};
	char state[96];

	snprintf(state, sizeof(state), "%s/state", h->dir);
	assert_int_equal(sd_event_new(&h->event), 0);
	assert_int_equal(engine_new(h->event, mock_open, &hooks, h, &h->engine), 0);
	assert_int_equal(steward_new(h->event, h->engine, h->dir, state, &h->steward), 0);
}

static void stop_daemon(struct house *h)
{
	h->engine = engine_free(h->engine);
	h->steward = steward_free(h->steward);
	h->event = sd_event_unref(h->event);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void put_machine(struct house *h, void (*machine)(struct mock *m))
{
	_cleanup_mock_ struct mock *m = mock_new();

	machine(m);
	mock_stage_set(h->stage, m);
}

static void house_setup(struct house *h, void (*machine)(struct mock *m))
{
	*h = (struct house){ .fds = count_fds() };
	strcpy(h->dir, "/tmp/cxlmem-steward-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	h->stage = mock_stage_new();
	put_machine(h, machine);
	start_daemon(h);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void house_teardown(struct house *h)
{
	stop_daemon(h);
	mock_stage_free(h->stage);
	free(h->origin);
	free(h->planned_on);
	assert_int_equal(nftw(h->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(count_fds(), h->fds);
}

static void settle(struct house *h)
{
	h->settled = false;
	engine_look(h->engine);
	run_until(h->event, h->settled);
}

/* The machine loses its power and comes back as it was without any region. */
static void reboot(struct house *h, void (*machine)(struct mock *m))
{
	stop_daemon(h);
	put_machine(h, machine);
	start_daemon(h);
	settle(h);
}

static void write_file(struct house *h, const char *name, const char *text)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", h->dir, name);
	for (char *s = path + strlen(h->dir) + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*s = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void add_profile(struct house *h, const char *text)
{
	write_file(h, "etc/cxlmem/profiles.d/p.profile", text);
	assert_int_equal(steward_reload(h->steward, NULL), 0);
	settle(h);
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	(void)error, (void)userdata;
	if (!o)
		fail_msg("%s", reason);
}

static void by_hand(struct house *h, const char *line)
{
	unsigned int before = h->n_finished;

	assert_int_equal(engine_start(h->engine, parse_request(line), on_started, h), 0);
	run_until(h->event, h->n_finished > before);
	assert_int_equal(h->state, OPERATION_DONE);
	settle(h);
}

/* The wishes with their states: "512M, ... (hand): there region0; ..." */
static char *described(struct house *h)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_mock_ struct mock *m = mock_stage_get(h->stage);
	struct json_object *wishes, *v;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(steward_describe(h->steward, m->picture, &json), 0);
	if (json_object_object_get_ex(json, "broken", &v))
		fprintf(f, "broken");
	assert_true(json_object_object_get_ex(json, "wishes", &wishes));
	for (size_t i = 0; i < json_object_array_length(wishes); i++) {
		struct json_object *o = json_object_array_get_idx(wishes, i);

		fprintf(f, "%s%s", i ? "; " : "",
			json_object_get_string(json_object_object_get(o, "text")));
		fprintf(f, ": %s", json_object_get_string(json_object_object_get(o, "state")));
		if (json_object_object_get_ex(o, "region", &v))
			fprintf(f, " %s", json_object_get_string(v));
	}
	fclose(f);
	return text;
}

static void expect(struct house *h, const char *text)
{
	_cleanup_free_ char *is = described(h);

	assert_string_equal(is, text);
}

static void a_card_comes(void **state)
{
	struct house h;

	(void)state;
	house_setup(&h, machine_one);
	add_profile(&h, "[Match]\nPath=*\n[Memory]\nZone=kernel\n");
	assert_string_equal(h.origin, "profile p");
	expect(&h, "1G, system-ram, kernel, on serial 0x1000 (profile p): there region0");
	/* Another start of the daemon finds it done. */
	stop_daemon(&h);
	start_daemon(&h);
	settle(&h);
	assert_int_equal(h.n_finished, 1);
	reboot(&h, machine_one);
	assert_int_equal(h.n_finished, 2);
	expect(&h, "1G, system-ram, kernel, on serial 0x1000 (profile p): there region0");
	house_teardown(&h);
}

/* What a person takes away stays away, over a reboot, too; until it is forgotten. */
static void taken_away(void **state)
{
	struct house h;
	char *words[] = { (char *)"mem0" };
	size_t n;

	(void)state;
	house_setup(&h, machine_one);
	add_profile(&h, "[Match]\nPath=*\n");
	by_hand(&h, "destroy region0");
	expect(&h, "serial 0x1000 is left alone: left");
	reboot(&h, machine_one);
	expect(&h, "serial 0x1000 is left alone: left");
	assert_int_equal(h.n_finished, 2);
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_int_equal(steward_forget(h.steward, m->picture, words, 1, &n, NULL), 0);
		assert_int_equal(n, 1);
	}
	settle(&h);
	expect(&h, "1G, system-ram, movable, on serial 0x1000 (profile p): there region0");
	house_teardown(&h);
}

static void only_the_second(struct mock *m)
{
	machine_two_ports(m);
	m->picture->memdevs[0].serial = 0x77;
}

/* A card of a set that was taken away leaves: it is as any other when it comes back, the one that stayed is not. */
static void one_of_a_set(void **state)
{
	struct house h;

	(void)state;
	house_setup(&h, machine_two_ports);
	write_file(&h, "etc/cxlmem/profiles.d/q.profile", "[Match]\nSerial=0x1000 0x1001\n");
	assert_int_equal(steward_reload(h.steward, NULL), 0);
	settle(&h);
	by_hand(&h, "destroy region0 region1");
	by_hand(&h, "create --mode devdax mem0 mem1");
	by_hand(&h, "destroy region0");
	expect(&h, "serial 0x1000 is left alone: left; serial 0x1001 is left alone: left");
	put_machine(&h, only_the_second);
	settle(&h);
	expect(&h, "serial 0x1001 is left alone: left");
	put_machine(&h, machine_two_ports);
	settle(&h);
	expect(&h, "serial 0x1001 is left alone: left; "
		   "1G, system-ram, movable, on serial 0x1000 (profile q): there region0");
	house_teardown(&h);
}

/* Without a profile nobody is after the card, so nothing need be said about it. */
static void taken_away_for_good(void **state)
{
	struct house h;

	(void)state;
	house_setup(&h, machine_one);
	by_hand(&h, "create mem0");
	by_hand(&h, "destroy region0");
	expect(&h, "");
	reboot(&h, machine_one);
	assert_int_equal(h.n_finished, 2);
	house_teardown(&h);
}

static void by_hand_and_back(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct house h;

	(void)state;
	house_setup(&h, machine_two_by_two);
	by_hand(&h, "create --mode devdax --ways 1 mem1 mem3");
	by_hand(&h, "create --ways 2 --size 512M --zone kernel mem0 mem2");
	expect(&h, "1G, devdax, on serial 0x1001 (hand): there region0; "
		   "1G, devdax, on serial 0x1003 (hand): there region1; "
		   "512M, system-ram, kernel, on serial 0x1000, serial 0x1002 (hand): there region2");
	by_hand(&h, "offline region2");
	by_hand(&h, "set-mode --mode system-ram region1");
	before = described(&h);
	assert_non_null(strstr(before, "512M, system-ram, kernel, offline, on"));
	assert_non_null(strstr(before, "1G, system-ram, movable, on serial 0x1003 (hand)"));
	reboot(&h, machine_two_by_two);
	assert_string_equal(h.origin, "hand");
	after = described(&h);
	/* Names may differ; here the mock picks the same ones. */
	assert_string_equal(before, after);
	house_teardown(&h);
}

/* A person's hand on what a profile made: it is the person's from then on. */
static void changed_by_hand(void **state)
{
	struct house h;

	(void)state;
	house_setup(&h, machine_one);
	add_profile(&h, "[Match]\nPath=*\n");
	by_hand(&h, "set-mode --mode devdax region0");
	expect(&h, "1G, devdax, on serial 0x1000 (hand): there region0");
	reboot(&h, machine_one);
	expect(&h, "1G, devdax, on serial 0x1000 (hand): there region0");
	house_teardown(&h);
}

static void it_does_not_work(void **state)
{
	struct house h;

	(void)state;
	house_setup(&h, machine_one);
	mock_stage_expect(h.stage, (struct mock_event){ .action = MOCK_FAIL, .kind = STEP_COMMIT,
							.error = -ENXIO });
	add_profile(&h, "[Match]\nPath=*\n");
	assert_int_equal(h.state, OPERATION_FAILED);
	expect(&h, "");
	/* It is not tried again before its time, unless somebody says so. */
	settle(&h);
	assert_int_equal(h.n_finished, 1);
	assert_int_equal(steward_reload(h.steward, NULL), 0);
	settle(&h);
	assert_int_equal(h.n_finished, 2);
	expect(&h, "1G, system-ram, movable, on serial 0x1000 (profile p): there region0");
	house_teardown(&h);
}

/* What is refused may be possible in a moment: the machine was still coming up. */
static void it_is_refused(void **state)
{
	const struct attempt *a;
	struct house h;

	(void)state;
	house_setup(&h, machine_one);
	add_profile(&h, "[Match]\nPath=*\n[Region]\nSize=64G\n");
	assert_int_equal(h.n_finished, 0);
	assert_int_equal(h.steward->n_attempts, 1);
	a = &h.steward->attempts[0];
	assert_non_null(strstr(a->reason, "64G"));
	assert_int_equal(a->count, 1);
	assert_true(a->not_before != UNKNOWN);
	house_teardown(&h);
}

static void damaged_file(void **state)
{
	_cleanup_free_ char *reason = NULL, *again = NULL;
	_cleanup_json_ struct json_object *json = NULL;
	char *words[] = { (char *)"all" };
	struct house h;
	char path[96];
	size_t n;

	(void)state;
	house_setup(&h, machine_one);
	by_hand(&h, "create mem0");
	write_file(&h, "state/" STORE_FILE, "{\"version\":1,\"wishes\":[{\"kin");
	write_file(&h, "etc/cxlmem/profiles.d/p.profile", "[Match]\nPath=*\n");
	reboot(&h, machine_one);
	assert_int_equal(h.n_finished, 1);
	expect(&h, "broken");
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_int_equal(steward_forget(h.steward, m->picture, words, 1, &n, &reason),
				 -EBADMSG);
		assert_non_null(strstr(reason, STORE_FILE " cannot be used: "));
	}
	assert_int_equal(steward_reload(h.steward, &again), -EBADMSG);
	assert_string_equal(reason, again);
	/* Nor does an empty list go where a good one may be. */
	assert_int_equal(steward_export(h.steward, &json, NULL), -EBADMSG);
	assert_null(json);
	snprintf(path, sizeof(path), "%s/state/" STORE_FILE, h.dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(steward_reload(h.steward, NULL), 0);
	settle(&h);
	expect(&h, "1G, system-ram, movable, on serial 0x1000 (profile p): there region0");
	house_teardown(&h);
}

/* Where nothing can be written, nothing is promised. */
static void no_room(void **state)
{
	_cleanup_free_ char *reason = NULL;
	char *words[] = { (char *)"#1" }, path[96];
	struct house h;
	size_t n;

	(void)state;
	house_setup(&h, machine_one);
	by_hand(&h, "create mem0");
	/* root writes everywhere, but not over a directory */
	snprintf(path, sizeof(path), "%s/state/." STORE_FILE ".new", h.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_true(steward_forget(h.steward, m->picture, words, 1, &n, &reason) < 0);
		assert_non_null(strstr(reason, STORE_FILE " cannot be written: "));
	}
	expect(&h, "1G, system-ram, movable, on serial 0x1000 (hand): there region0");
	house_teardown(&h);
}

static void somebody_else(struct mock *m)
{
	machine_two_ports(m);
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 1);
}

static void adopted(void **state)
{
	_cleanup_free_ char *reason = NULL;
	char *words[] = { (char *)"region0", (char *)"region7" };
	struct house h;
	size_t n;

	(void)state;
	house_setup(&h, somebody_else);
	settle(&h);
	expect(&h, "");
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_int_equal(steward_adopt(h.steward, m->picture, words, 2, &n, &reason), -ENOENT);
		expect(&h, "");
		assert_int_equal(steward_adopt(h.steward, m->picture, words, 1, &n, NULL), 0);
		assert_int_equal(n, 1);
		assert_int_equal(steward_adopt(h.steward, m->picture, words, 1, &n, NULL), 0);
		assert_int_equal(n, 0);
	}
	expect(&h, "512M, devdax, on serial 0x1001 (adopted): there region0");
	/* The picture of before the adoption is as good as new, but for whose the region is. */
	by_hand(&h, "set-mode --mode system-ram --no-online region0");
	assert_string_equal(h.planned_on, "adopted");
	by_hand(&h, "set-mode --mode devdax region0");
	assert_string_equal(h.planned_on, "hand");
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_int_equal(steward_forget(h.steward, m->picture, words, 1, &n, NULL), 0);
	}
	by_hand(&h, "set-mode --mode system-ram --no-online region0");
	assert_null(h.planned_on);
	by_hand(&h, "set-mode --mode devdax region0");
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_int_equal(steward_adopt(h.steward, m->picture, words, 1, &n, NULL), 0);
	}
	reboot(&h, machine_two_ports);
	expect(&h, "512M, devdax, on serial 0x1001 (adopted): there region0");
	house_teardown(&h);
}

/* An operation that could not be taken back needs nobody any more when somebody keeps what it left. */
static void adopted_as_it_is(void **state)
{
	char *words[] = { (char *)"region0" };
	struct house h;
	size_t n;

	(void)state;
	house_setup(&h, machine_two_ports);
	by_hand(&h, "create mem0");
	mock_stage_expect(h.stage, (struct mock_event){ .action = MOCK_FAIL, .kind = STEP_BIND,
							.nth = MOCK_ALWAYS, .error = -EIO });
	assert_int_equal(engine_start(h.engine, parse_request("set-mode --mode devdax region0"), on_started, &h), 0);
	run_until(h.event, h.n_finished == 2);
	assert_int_equal(engine_get(h.engine, 2)->state, OPERATION_STUCK);
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_int_equal(steward_adopt(h.steward, m->picture, words, 1, &n, NULL), 0);
	}
	assert_int_equal(engine_get(h.engine, 2)->state, OPERATION_SETTLED);
	assert_int_equal(engine_get(h.engine, 1)->state, OPERATION_DONE);
	house_teardown(&h);
}

/* Whoever adopts a region wants it, and no longer what was wished for its card and cannot be. */
static void adopted_instead(void **state)
{
	char *words[] = { (char *)"region0" };
	struct house h;
	size_t n;

	(void)state;
	house_setup(&h, machine_two_ports);
	by_hand(&h, "create --ways 1 mem0 mem1");
	reboot(&h, somebody_else);
	expect(&h, "1G, system-ram, movable, on serial 0x1000 (hand): there region1; "
		   "1G, system-ram, movable, on serial 0x1001 (hand): failed");
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		assert_int_equal(steward_adopt(h.steward, m->picture, words, 1, &n, NULL), 0);
		assert_int_equal(n, 1);
	}
	expect(&h, "1G, system-ram, movable, on serial 0x1000 (hand): there region1; "
		   "512M, devdax, on serial 0x1001 (adopted): there region0");
	house_teardown(&h);
}

static void to_another_machine(void **state)
{
	_cleanup_json_ struct json_object *json = NULL, *bad = json_object_new_object();
	_cleanup_free_ char *reason = NULL;
	struct house h, other;
	size_t n;

	(void)state;
	house_setup(&h, machine_two_ports);
	by_hand(&h, "create --ways 1 mem0 mem1");
	assert_int_equal(steward_export(h.steward, &json, NULL), 0);
	house_teardown(&h);
	house_setup(&other, machine_two_ports);
	by_hand(&other, "create --mode devdax mem1");
	assert_int_equal(steward_import(other.steward, bad, &n, &reason), -EINVAL);
	expect(&other, "1G, devdax, on serial 0x1001 (hand): there region0");
	assert_int_equal(steward_import(other.steward, json, &n, NULL), 0);
	assert_int_equal(n, 2);
	settle(&other);
	/* A region that is there is never changed by an import, only whose it is. */
	expect(&other, "1G, system-ram, movable, on serial 0x1000 (hand): there region1; "
		       "1G, system-ram, movable, on serial 0x1001 (hand): there region0");
	house_teardown(&other);
}

/* What a person stops is not begun again at once. */
static void stopped(struct house *h)
{
	struct operation *o = engine_nth(h->engine, 0);

	if (o && !operation_is_finished(o))
		assert_int_equal(engine_cancel(h->engine, o->id), 0);
}

static void cancelled(void **state)
{
	struct house h;

	(void)state;
	house_setup(&h, machine_one);
	mock_stage_expect(h.stage, (struct mock_event){ .action = MOCK_BLOCK, .kind = STEP_BIND });
	write_file(&h, "etc/cxlmem/profiles.d/p.profile", "[Match]\nPath=*\n");
	assert_int_equal(steward_reload(h.steward, NULL), 0);
	run_until(h.event, engine_nth(h.engine, 0));
	stopped(&h);
	run_until(h.event, h.n_finished == 1);
	assert_int_equal(h.state, OPERATION_CANCELLED);
	settle(&h);
	settle(&h);
	assert_int_equal(h.n_finished, 1);
	expect(&h, "");
	house_teardown(&h);
}

/* A profile's [Remove] holds for an eject that says nothing about it. */
static void deadline_of_a_profile(void **state)
{
	static const struct {
		const char *line;
		uint64_t seconds;
	} cases[] = {
		{ "eject mem0", 7 },		{ "eject slot:9", 7 },
		{ "eject 0x1000", 7 },		{ "eject 0000:20:00.0", 7 },
		{ "eject 20:00.0", 7 },		{ "eject mem1", 0 },
		{ "eject mem1 mem0", 7 },	{ "eject --deadline 3s mem0", 3 },
		{ "eject --deadline infinity mem0", 0 }, { "destroy mem0", 0 },
	};
	struct house h;

	(void)state;
	house_setup(&h, machine_two_ports);
	{
		_cleanup_mock_ struct mock *m = mock_stage_get(h.stage);

		mock_add_slot(m, "9", 0, -1);
		mock_stage_set(h.stage, m);
	}
	add_profile(&h, "[Match]\nSerial=0x1000\n[Remove]\nDeadlineSec=7\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request *q = parse_request(cases[i].line);

		steward_prepare(h.steward, q);
		if (q->deadline_usec != cases[i].seconds * 1000000)
			fail_msg("%s", cases[i].line);
		request_free(q);
	}
	house_teardown(&h);
}

/* Of the journal and the file the newer wishes hold, also when the journal lost what it was told last. */
static void journaled_wishes(void **state)
{
	_cleanup_json_ struct json_object *older = NULL, *newer = NULL;
	_cleanup_free_ char *before = NULL, *after = NULL;
	_cleanup_mock_ struct mock *m = NULL;
	struct house h;
	size_t n = 0;

	(void)state;
	house_setup(&h, machine_one);
	by_hand(&h, "create mem0");
	assert_int_equal(steward_export(h.steward, &older, NULL), 0);
	m = mock_stage_get(h.stage);
	assert_int_equal(steward_forget(h.steward, m->picture, (char *[]){ (char *)"all" }, 1, &n, NULL), 0);
	assert_int_equal(n, 1);
	before = described(&h);
	steward_set_journal(h.steward, NULL, older);
	after = described(&h);
	assert_string_equal(after, before);
	json_object_deep_copy(older, &newer, NULL);
	json_object_object_add(newer, "generation", json_object_new_uint64(1000));
	steward_set_journal(h.steward, NULL, newer);
	free(after);
	after = described(&h);
	assert_non_null(strstr(after, "region0"));
	house_teardown(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(journaled_wishes),
		cmocka_unit_test(one_of_a_set),	    cmocka_unit_test(it_is_refused),
		cmocka_unit_test(adopted_instead),
		cmocka_unit_test(a_card_comes),	    cmocka_unit_test(taken_away),
		cmocka_unit_test(taken_away_for_good), cmocka_unit_test(by_hand_and_back),
		cmocka_unit_test(changed_by_hand),  cmocka_unit_test(it_does_not_work),
		cmocka_unit_test(damaged_file),	    cmocka_unit_test(no_room),
		cmocka_unit_test(adopted_as_it_is),
		cmocka_unit_test(adopted),	    cmocka_unit_test(to_another_machine),
		cmocka_unit_test(cancelled),	    cmocka_unit_test(deadline_of_a_profile),
	};

	/* The journal's socket stays open once it was used. */
	(void)sd_journal_print(7, "tests of the steward begin");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
