// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <string.h>

#include "harness.h"

enum phase { UNHEARD, ANSWERED, ADDED, FINISHED };

static char *phase(struct scene *s, uint64_t id)
{
	while (s->n_phases <= id) {
		assert_int_equal(grow(&s->phases, s->n_phases, 1), 0);
		s->n_phases++;
	}
	return &s->phases[id];
}

static void on_added(struct operation *o, void *userdata)
{
	struct scene *s = userdata;

	/* whoever asked knows it by now */
	assert_int_equal(*phase(s, o->id), ANSWERED);
	*phase(s, o->id) = ADDED;
}

/* What holds whenever somebody looks at an operation. */
static void check(const struct operation *o)
{
	assert_int_equal(o->finished_realtime != 0, operation_is_finished(o));
	assert_true(o->progress_done <= o->progress_total);
	if (!o->plan) {
		assert_true(o->state == OPERATION_QUEUED || operation_is_finished(o));
		return;
	}
	assert_true(o->at <= o->plan->n_steps);
	for (size_t i = 0; i < o->plan->n_steps; i++) {
		enum step_state is = o->step_states[i];

		if (o->state == OPERATION_DONE)
			assert_int_equal(is, STEP_DONE);
		if (o->state == OPERATION_RUNNING)
			assert_int_equal(is, i < o->at	 ? STEP_DONE :
					     i == o->at ? STEP_RUNNING :
							  STEP_WAITING);
		if (o->state == OPERATION_FAILED || o->state == OPERATION_CANCELLED)
			assert_true(is != STEP_RUNNING && is != STEP_DONE);
	}
}

static void on_changed(struct operation *o, void *userdata)
{
	struct scene *s = userdata;

	assert_int_equal(*phase(s, o->id), ADDED);
	assert_false(operation_is_finished(o));
	assert_true(engine_busy(s->engine));
	check(o);
	s->n_changed++;
	if (s->on_changed)
		s->on_changed(s, o);
}

static void on_finished(struct operation *o, void *userdata)
{
	struct scene *s = userdata;

	assert_int_equal(*phase(s, o->id), ADDED);
	*phase(s, o->id) = FINISHED;
	assert_true(operation_is_finished(o));
	check(o);
	assert_int_equal(o->state == OPERATION_DONE, o->reason == NULL);
	s->n_finished++;
	s->finished_id = o->id;
	s->state = o->state;
	s->at = o->at;
	free(s->reason);
	s->reason = o->reason ? strdup(o->reason) : NULL;
	if (s->on_finished)
		s->on_finished(s, o);
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	struct scene *s = userdata;

	s->answers++;
	assert_int_equal(o == NULL, error < 0);
	assert_true(o || reason);
	if (o) {
		assert_int_equal(*phase(s, o->id), UNHEARD);
		*phase(s, o->id) = ANSWERED;
	}
	s->id = o ? o->id : 0;
	s->error = error;
	free(s->refusal);
	s->refusal = reason ? strdup(reason) : NULL;
	if (s->on_started && o)
		s->on_started(s, o);
}

void scene_setup(struct scene *s, void (*machine)(struct mock *m))
{
	static const struct engine_hooks hooks = {
		.added = on_added,
		.changed = on_changed,
		.finished = on_finished,
	};
	_cleanup_mock_ struct mock *m = mock_new();

	*s = (struct scene){ .fds = count_fds() };
	machine(m);
	assert_int_equal(sd_event_new(&s->event), 0);
	s->stage = mock_stage_new();
	scene_set(s, m);
	assert_int_equal(engine_new(s->event, mock_open, &hooks, s, &s->engine), 0);
}

void scene_teardown(struct scene *s)
{
	s->engine = engine_free(s->engine);
	sd_event_unref(s->event);
	while (waitpid(-1, NULL, 0) > 0)
		;
	mock_stage_free(s->stage);
	free(s->before);
	free(s->refusal);
	free(s->reason);
	free(s->phases);
	assert_int_equal(count_fds(), s->fds);
}

void scene_set(struct scene *s, const struct mock *m)
{
	mock_stage_set(s->stage, m);
	free(s->before);
	s->before = mock_signature(m);
}

void scene_ask(struct scene *s, const char *line)
{
	struct request *q = parse_request(line);

	s->answers = 0;
	s->id = 0;
	assert_int_equal(engine_start(s->engine, q, on_started, s), 0);
}

void scene_wait(struct scene *s)
{
	run_until(s->event, !engine_busy(s->engine));
	reap();
}

void scene_do(struct scene *s, const char *line, enum operation_state state)
{
	scene_ask(s, line);
	scene_wait(s);
	assert_int_equal(s->answers, 1);
	if (!s->id)
		fail_msg("%s: refused: %s", line, s->refusal);
	assert_int_equal(s->finished_id, s->id);
	if (s->state != state)
		fail_msg("%s: %s (%s)", line, operation_state_name(s->state), s->reason ?: "");
}

void scene_expect_unchanged(struct scene *s)
{
	_cleanup_free_ char *after = mock_stage_signature(s->stage);

	if (strcmp(s->before, after) != 0)
		fail_msg("the machine is\n%sbut was\n%s", after, s->before);
}
