// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <string.h>

#include "blockers-watch.h"
#include "machines.h"
#include "mock-kernel.h"

/* A watch beside an engine whose steps get stuck. */
struct fixture {
	struct scene scene;
	struct blockers_watch *watch;
	uint64_t told;
	unsigned int tells;
};

/* The scene is the first member, so that its listener finds the rest. */
static struct fixture *fixture_of(struct scene *s)
{
	return (struct fixture *)s;
}

static void on_told(uint64_t id, void *userdata)
{
	struct fixture *f = userdata;

	f->told = id;
	f->tells++;
}

static void one_movable(struct mock *m)
{
	machine_one(m);
	mock_add_region(m, 0, "movable", GIB, 1, 0);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){};
	scene_setup(&f->scene, one_movable);
	assert_int_equal(blockers_watch_new(f->scene.event, mock_open, on_told, f, &f->watch), 0);
}

static void teardown(struct fixture *f)
{
	f->watch = blockers_watch_free(f->watch);
	scene_teardown(&f->scene);
}

struct asker {
	unsigned int answers;
	int error;
	char *text, *reason;
};

static void on_answer(const char *text, int error, const char *reason, void *userdata)
{
	struct asker *a = userdata;

	a->answers++;
	a->error = error;
	free(a->text);
	free(a->reason);
	a->text = text ? strdup(text) : NULL;
	a->reason = reason ? strdup(reason) : NULL;
}

static void ask(struct fixture *f, const char *name, struct asker *a)
{
	assert_int_equal(blockers_watch_ask(f->watch, name, on_answer, a), 0);
}

static void asker_clear(struct asker *a)
{
	free(a->text);
	free(a->reason);
}

static void test_asked(void **state)
{
	struct asker a = {}, b = {};
	struct fixture f;

	(void)state;
	setup(&f);
	ask(&f, "region0", &a);
	ask(&f, "nobody", &b);
	assert_int_equal(a.answers, 0);
	run_until(f.scene.event, a.answers && b.answers);
	assert_int_equal(a.error, 0);
	assert_non_null(strstr(a.text, "\"region\":\"region0\""));
	assert_int_equal(b.error, -ENOENT);
	assert_null(b.text);
	assert_non_null(strstr(b.reason, "nobody"));
	teardown(&f);
	asker_clear(&a);
	asker_clear(&b);
}

/* The worker dies over one question: that one gets no answer, the next one a new worker. */
static void test_worker_dies(void **state)
{
	struct asker a = {}, b = {};
	struct fixture f;

	(void)state;
	setup(&f);
	ask(&f, "die", &a);
	ask(&f, "region0", &b);
	run_until(f.scene.event, a.answers && b.answers);
	assert_int_equal(a.error, -EPIPE);
	assert_non_null(a.reason);
	assert_int_equal(b.error, 0);
	teardown(&f);
	asker_clear(&a);
	asker_clear(&b);
}

static void test_stopping(void **state)
{
	struct asker a = {};
	struct fixture f;

	(void)state;
	setup(&f);
	ask(&f, "hang", &a);
	teardown(&f);
	assert_int_equal(a.answers, 1);
	assert_int_equal(a.error, -ECANCELED);
	asker_clear(&a);
}

static void test_many(void **state)
{
	struct asker a = {};
	unsigned int asked = 0;
	struct fixture f;
	int r;

	(void)state;
	setup(&f);
	while ((r = blockers_watch_ask(f.watch, "region0", on_answer, &a)) == 0)
		asked++;
	assert_int_equal(r, -EBUSY);
	run_until(f.scene.event, a.answers == asked);
	ask(&f, "region0", &a);
	run_until(f.scene.event, a.answers == asked + 1);
	teardown(&f);
	asker_clear(&a);
}

static void watch_it(struct scene *s, struct operation *o)
{
	struct fixture *f = fixture_of(s);

	blockers_watch_changed(f->watch, o);
}

static void forget_it(struct scene *s, struct operation *o)
{
	blockers_watch_finished(fixture_of(s)->watch, o);
}

/* An operation that does not get on is looked at by itself, until it is over. */
static void test_watched(void **state)
{
	struct fixture f;
	uint64_t id;

	(void)state;
	setup(&f);
	f.scene.on_changed = watch_it;
	f.scene.on_finished = forget_it;
	mock_stage_expect(f.scene.stage, (struct mock_event){ MOCK_BLOCK, STEP_OFFLINE });
	scene_ask(&f.scene, "offline region0");
	run_until(f.scene.event, f.tells);
	id = f.told;
	assert_int_equal(id, f.scene.id);
	assert_non_null(strstr(blockers_watch_text(f.watch, id), "\"pid\":77"));
	assert_null(blockers_watch_text(f.watch, id + 1));
	assert_int_equal(engine_cancel(f.scene.engine, id), 0);
	scene_wait(&f.scene);
	assert_null(blockers_watch_text(f.watch, id));
	/* nothing new was found, so nothing was told again */
	assert_int_equal(f.tells, 1);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),	 cmocka_unit_test(test_worker_dies),
		cmocka_unit_test(test_stopping), cmocka_unit_test(test_many),
		cmocka_unit_test(test_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
