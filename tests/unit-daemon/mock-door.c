// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mock-door.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "json-util.h"
#include "mock-kernel.h"

struct mock_door {
	struct door door;
	struct mock_stage *stage;
	struct mock *machine; /* as read from the text of @generation */
	uint64_t generation;
};

/* A worker_open_t has no userdata. */
static struct mock_stage *the_stage;

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

struct mock_stage *mock_stage_new(void)
{
	struct mock_stage *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED || sem_init(&s->gate, 1, 0) < 0)
		abort();
	the_stage = s;
	return s;
}

void mock_stage_free(struct mock_stage *s)
{
	sem_destroy(&s->gate);
	munmap(s, sizeof(*s));
	the_stage = NULL;
}

/* The other text first, so that one killed meanwhile leaves the old one whole. */
static void store(struct mock_stage *s, const struct mock *m)
{
	_cleanup_json_ struct json_object *all = must(json_object_new_object());
	struct json_object *picture;
	const char *text;
	size_t length;

	if (picture_to_json(m->picture, &picture) < 0)
		abort();
	json_object_object_add(all, "picture", picture);
	json_object_object_add(all, "held", json_object_new_boolean(m->autoprobe_held));
	json_object_object_add(all, "unplugs", json_object_new_boolean(m->unplugs));
	json_object_object_add(all, "drains", json_object_new_boolean(m->drains));
	if (m->used_dax)
		json_object_object_add(all, "used", json_object_new_string(m->used_dax));
	text = must((void *)json_object_to_json_string_length(all, JSON_C_TO_STRING_PLAIN, &length));
	if (length >= MOCK_TEXT_MAX)
		abort();
	memcpy(s->text[!s->current], text, length + 1);
	s->current = !s->current;
	s->generation++;
}

void mock_stage_set(struct mock_stage *s, const struct mock *m)
{
	store(s, m);
	s->changes++;
	s->n_script = 0;
	s->n_trace = 0;
	s->scan_acts = false;
	s->explains = s->explain_blocks = false;
	s->changing = NULL;
}

struct mock *mock_stage_get(const struct mock_stage *s)
{
	_cleanup_json_ struct json_object *all = must(json_tokener_parse(s->text[s->current]));
	struct mock *m = must(calloc(1, sizeof(*m)));
	struct json_object *v;

	if (!json_object_object_get_ex(all, "picture", &v) ||
	    picture_from_json(v, &m->picture, NULL) < 0)
		abort();
	if (json_object_object_get_ex(all, "held", &v))
		m->autoprobe_held = json_object_get_boolean(v);
	if (json_object_object_get_ex(all, "unplugs", &v))
		m->unplugs = json_object_get_boolean(v);
	if (json_object_object_get_ex(all, "drains", &v))
		m->drains = json_object_get_boolean(v);
	if (json_object_object_get_ex(all, "used", &v))
		mock_set_string(&m->used_dax, json_object_get_string(v));
	return m;
}

char *mock_stage_signature(const struct mock_stage *s)
{
	_cleanup_mock_ struct mock *m = mock_stage_get(s);

	return mock_signature(m);
}

void mock_stage_expect(struct mock_stage *s, struct mock_event e)
{
	if (s->n_script == MOCK_EVENTS_MAX)
		abort();
	s->script[s->n_script++] = e;
}

void mock_stage_open_gate(struct mock_stage *s)
{
	sem_post(&s->gate);
}

/* Somebody else may have changed the machine since: the test, or a worker before this one. */
static struct mock *machine(struct mock_door *d)
{
	if (d->machine && d->generation == d->stage->generation)
		return d->machine;
	mock_free(d->machine);
	d->machine = mock_stage_get(d->stage);
	d->generation = d->stage->generation;
	return d->machine;
}

static void keep(struct mock_door *d)
{
	store(d->stage, d->machine);
	d->generation = d->stage->generation;
	d->stage->changes++;
}

static void tell(struct mock_door *d, uint64_t done, uint64_t total)
{
	if (d->door.progress)
		d->door.progress(d->door.progress_userdata, done, total);
}

__attribute__((noreturn)) static void die(void)
{
	raise(SIGKILL);
	abort();
}

__attribute__((noreturn)) static void block(void)
{
	for (;;)
		pause();
}

static int act(struct mock_door *d, const struct mock_event *e, const struct step *s, char **reason)
{
	switch (e->action) {
	case MOCK_FAIL:
		return say(reason, e->error, "%s is refused with %s", step_kind_name(s->kind),
			   strerrorname_np(-e->error));
	case MOCK_DIE:
		die();
	case MOCK_BLOCK:
		tell(d, 1, 2);
		block();
	case MOCK_GATE:
		tell(d, 1, 2);
		while (sem_wait(&d->stage->gate) < 0)
			;
		return 0;
	case MOCK_OPEN:
		sem_post(&d->stage->gate);
		return 0;
	case MOCK_OTHER:
		e->other(machine(d));
		keep(d);
		return 0;
	case MOCK_TELL:
		for (int i = 1; i <= e->error; i++)
			tell(d, (uint64_t)i, (uint64_t)e->error);
		return 0;
	case MOCK_CHANGE:
		break;
	}
	abort();
}

/* What the script has for this run of a step. */
static int play(struct mock_door *d, const struct step *s, bool after, char **reason)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->stage->n_script; i++) {
		struct mock_event *e = &d->stage->script[i];
		unsigned int nth;

		if (e->after != after || (e->kind != MOCK_ANY && e->kind != (int)s->kind))
			continue;
		nth = e->seen++;
		if (e->nth == MOCK_ALWAYS || e->nth == nth)
			r = act(d, e, s, reason);
	}
	return r;
}

/* As the door to the machine: whatever the name, a new region is made, and it has the next free name. */
static int create_region(struct door *door, struct mock *m, const struct step *s, char **reason)
{
	int window = picture_find_window(m->picture, s->window), r;
	_cleanup_free_ char *name = NULL;
	struct step next = *s;

	if (window < 0)
		return mock_run_step(m, s, reason);
	if (s->policy && picture_find_region(m->picture, s->region) >= 0)
		return 0;
	mock_set_string(&name, m->picture->windows[window].next_region);
	if (door->named) {
		r = door->named(door->named_userdata, s->region, name);
		if (r < 0)
			return r;
		next = *s;
	}
	if (door->ready && (r = door->ready(door->ready_userdata)) < 0)
		return r;
	if (the_stage->changing)
		the_stage->changing(the_stage, s);
	next.region = name;
	r = mock_run_step(m, &next, reason);
	if (r >= 0 && !door->named && strcmp(name, s->region) != 0) {
		mock_set_string(&m->renamed_from, s->region);
		mock_set_string(&m->renamed_to, name);
	}
	return r;
}

/* mock_run_step() knows only held or not; the kernel's attribute can be put back to what it was. */
static int run_step(struct door *door, struct mock *m, const struct step *s, struct step_result *ret, char **reason)
{
	switch (s->kind) {
	case STEP_CREATE_REGION:
		return create_region(door, m, s, reason);
	case STEP_HOLD_AUTOPROBE:
		mock_set_string(&ret->previous, m->autoprobe_held ? "0" : "1");
		m->autoprobe_held = true;
		return 0;
	case STEP_RELEASE_AUTOPROBE:
		m->autoprobe_held = streq_null(s->policy, "0");
		return 0;
	case STEP_HOLD_AUTO_ONLINE:
		mock_set_string(&ret->previous, m->picture->auto_online);
		return mock_run_step(m, s, reason);
	case STEP_CHECK_UNUSED:
		if (s->policy && streq_null(m->used_dax, s->dax))
			mock_set_string(&ret->note, "somebody had it open");
		return mock_run_step(m, s, reason);
	default:
		return mock_run_step(m, s, reason);
	}
}

static int mock_run(struct door *door, const struct step *s, struct step_result *ret, char **reason)
{
	struct mock_door *d = (struct mock_door *)door;
	struct mock *m;
	int r;

	if (d->stage->n_trace < MOCK_TRACE_MAX)
		d->stage->trace[d->stage->n_trace++] = s->kind;
	r = play(d, s, false, reason);
	if (r >= 0 && door->ready && s->kind != STEP_CREATE_REGION)
		r = door->ready(door->ready_userdata);
	if (r < 0)
		return r;
	if (d->stage->changing && s->kind != STEP_CREATE_REGION)
		d->stage->changing(d->stage, s);
	m = machine(d);
	mock_set_string(&m->renamed_to, NULL);
	r = run_step(door, m, s, ret, reason);
	/* What the kernel refuses may have been half done. */
	keep(d);
	if (r >= 0)
		r = play(d, s, true, reason);
	if (r >= 0 && m->renamed_to) {
		mock_set_string(&ret->from, m->renamed_from);
		mock_set_string(&ret->to, m->renamed_to);
	}
	door->kernel_usec++;
	return r;
}

static int mock_scan(struct door *door, unsigned int flags, struct picture **ret, char **reason)
{
	struct mock_door *d = (struct mock_door *)door;
	_cleanup_json_ struct json_object *json = NULL;
	enum mock_action action = d->stage->scan_action;
	bool acts = d->stage->scan_acts;

	(void)flags;
	d->stage->scans++;
	/* Two workers may look at the same time: what is not this one's is the other's. */
	if (acts)
		d->stage->scan_acts = false;
	if (acts && action == MOCK_FAIL)
		return say(reason, -EIO, "nothing can be seen");
	if (acts && action == MOCK_DIE)
		die();
	if (acts && action == MOCK_BLOCK)
		block();
	if (acts && action == MOCK_CHANGE)
		d->stage->changes++;
	if (acts && action == MOCK_GATE)
		while (sem_wait(&d->stage->gate) < 0)
			;
	door->kernel_usec++;
	if (picture_to_json(machine(d)->picture, &json) < 0)
		return -ENOMEM;
	return picture_from_json(json, ret, reason);
}

static int mock_explain(struct door *door, const struct step *s, char **ret)
{
	struct mock_door *d = (struct mock_door *)door;

	if (d->stage->explain_blocks)
		block();
	return d->stage->explains ?
		       say(ret, 0, "memory block 34 of %s is still in use", s->dax ?: "something") :
		       -ENODATA;
}

/* The same process is always there; "die" and "hang" are what happens then. */
static int mock_blockers(struct door *door, const char *name, struct blockers **ret, char **ret_reason)
{
	_cleanup_json_ struct json_object *json = NULL;

	(void)door;
	if (!strcmp(name, "die"))
		_exit(1);
	if (!strcmp(name, "hang"))
		block();
	if (strncmp(name, "region", 6) && strncmp(name, "dax", 3))
		return say(ret_reason, -ENOENT, "nothing is called %s", name);
	json = must(json_tokener_parse("{\"region\":\"region0\",\"node\":1,\"processes\":[{\"pid\":77,"
				       "\"bytes\":4096,\"name\":\"holder\"}]}"));
	return blockers_from_json(json, ret, ret_reason);
}

static int mock_changes(struct door *door, uint64_t *ret)
{
	*ret = ((struct mock_door *)door)->stage->changes;
	return 0;
}

static void mock_close(struct door *door)
{
	mock_free(((struct mock_door *)door)->machine);
	free(door);
}

int mock_open(struct door **ret)
{
	static const struct door_ops ops = {
		.scan = mock_scan,
		.run = mock_run,
		.explain = mock_explain,
		.blockers = mock_blockers,
		.changes = mock_changes,
		.free = mock_close,
	};
	struct mock_door *d = must(calloc(1, sizeof(*d)));

	d->door.ops = &ops;
	d->stage = the_stage;
	d->stage->doors++;
	d->stage->pid = getpid();
	*ret = &d->door;
	return 0;
}
