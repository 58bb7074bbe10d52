// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "machines.h"
#include "mock-kernel.h"
#include "situations.h"

/*
 * Each step of each verb's plan goes wrong in each way, one after the other. The cases follow from
 * the plans; their number is printed.
 */

static unsigned int n_failures, n_deaths, n_undos, n_forward;

/* Both kernels, or each by turns. */
static bool left_out(const struct situation *t, int unplugs)
{
	return forks_are_slow() && (t - situations) % 2 != unplugs;
}

static struct plan *plan_of(const struct mock *m, const char *line)
{
	_cleanup_(request_freep) struct request *q = parse_request(line);
	struct plan *plan = NULL;

	assert_int_equal(plan_make(m->picture, q, &plan, NULL), 0);
	return plan;
}

/* The door promises that of these (door.h, failed_means_untouched()). */
static bool fails_untouched(enum step_kind k)
{
	return k == STEP_CREATE_REGION || k == STEP_ALLOC_DPA || k == STEP_DELETE_REGION;
}

static void say_where(const struct situation *t, const struct step *s, size_t i, const char *how)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: step %zu (%s): %s", t->name, i, step_kind_name(s->kind),
		 how);
	/* shown only when something fails after it */
	print_message("%s\n", text);
}

/* Past the point of no return there is only forward: what failed is tried once more. */
static void check_forward_only(struct scene *s, const char *done)
{
	_cleanup_free_ char *now = mock_stage_signature(s->stage);

	n_forward++;
	if (s->state != OPERATION_DONE)
		fail_msg("%s: %s", operation_state_name(s->state), s->reason);
	assert_string_equal(now, done);
}

/* What the machine becomes when nothing goes wrong; the caller's. */
static char *without_fault(struct scene *s, const struct situation *t, const struct mock *m)
{
	scene_set(s, m);
	scene_do(s, t->line, OPERATION_DONE);
	return mock_stage_signature(s->stage);
}

static void one_fault(struct scene *s, const struct situation *t, const struct mock *m,
		      const struct plan *plan, const char *done, size_t i, struct mock_event fault)
{
	const struct step *step = &plan->steps[i];
	bool past = i > plan->no_return || (i == plan->no_return && fault.after);
	char expected[128];

	scene_set(s, m);
	fault.kind = MOCK_ANY;
	fault.nth = (unsigned int)i;
	mock_stage_expect(s->stage, fault);
	scene_ask(s, t->line);
	scene_wait(s);
	assert_int_equal(s->answers, 1);
	assert_true(s->id != 0);
	if (past) {
		check_forward_only(s, done);
		return;
	}
	snprintf(expected, sizeof(expected), "%s is refused with %s", step_kind_name(step->kind),
		 fault.action == MOCK_FAIL ? strerrorname_np(-fault.error) : "");
	if (!s->reason ||
	    !strstr(s->reason, fault.action == MOCK_DIE ? "the worker process died" : expected)) {
		say_where(t, step, i, fault.after ? "after" : "before");
		fail_msg("%s, reason: %s", operation_state_name(s->state), s->reason);
	}
	if (s->state != OPERATION_FAILED) {
		say_where(t, step, i, fault.after ? "after" : "before");
		fail_msg("%s: %s", operation_state_name(s->state), s->reason);
	}
	scene_expect_unchanged(s);
}

static void test_steps_fail(void **state)
{
	static const int errors[] = { -ENOSPC, -EBUSY, -EIO, -ENXIO };
	const struct situation *t = *state;
	size_t n_errors = forks_are_slow() ? 1 : ARRAY_SIZE(errors);

	for (int unplugs = 0; unplugs < 2; unplugs++) {
		if (left_out(t, unplugs))
			continue;

		_cleanup_mock_ struct mock *m = situation_machine(t, unplugs);
		_cleanup_(plan_freep) struct plan *plan = plan_of(m, t->line);
		_cleanup_free_ char *done = NULL;
		struct scene s;

		scene_setup(&s, t->machine);
		done = without_fault(&s, t, m);
		for (size_t i = 0; i < plan->n_steps; i++)
			for (size_t e = 0; e < n_errors; e++)
				for (int after = 0; after < 2; after++) {
					if (after && fails_untouched(plan->steps[i].kind))
						continue;
					n_failures++;
					one_fault(&s, t, m, plan, done, i,
						  (struct mock_event){ MOCK_FAIL, .after = after,
								       .error = errors[e] });
				}
		scene_teardown(&s);
	}
}

static void test_worker_dies(void **state)
{
	const struct situation *t = *state;

	for (int unplugs = 0; unplugs < 2; unplugs++) {
		if (left_out(t, unplugs))
			continue;

		_cleanup_mock_ struct mock *m = situation_machine(t, unplugs);
		_cleanup_(plan_freep) struct plan *plan = plan_of(m, t->line);
		_cleanup_free_ char *done = NULL;
		struct scene s;

		scene_setup(&s, t->machine);
		done = without_fault(&s, t, m);
		for (size_t i = 0; i < plan->n_steps; i++)
			for (int after = 0; after < 2; after++) {
				/* each of them, before or after by turns */
				if (forks_are_slow() && (int)i % 2 != after)
					continue;
				n_deaths++;
				one_fault(&s, t, m, plan, done, i,
					  (struct mock_event){ MOCK_DIE, .after = after });
			}
		scene_teardown(&s);
	}
}

/* A step fails, and while that is taken back something else does. */
static void undo_fault(struct scene *s, const struct situation *t, const struct mock *m, size_t i,
		       size_t j, enum mock_action action, bool after)
{
	enum step_kind failed, undo;

	scene_set(s, m);
	mock_stage_expect(s->stage, (struct mock_event){ MOCK_FAIL, MOCK_ANY, (unsigned int)i,
							 .error = -EIO });
	/* the failed run is not seen by what comes behind it in the script, nor had it an effect */
	mock_stage_expect(s->stage, (struct mock_event){ action, MOCK_ANY,
							 (unsigned int)j - 1,
							 .after = after, .error = -ENOMEM });
	scene_ask(s, t->line);
	scene_wait(s);
	assert_true(s->id != 0);
	n_undos++;
	failed = s->stage->trace[i];
	undo = s->stage->trace[j];
	if (action == MOCK_DIE) {
		/* what was cut off is asked for again */
		if (s->state != OPERATION_FAILED)
			fail_msg("%s, step %zu, run %zu: %s (%s)", t->name, i, j,
				 operation_state_name(s->state), s->reason);
		scene_expect_unchanged(s);
		return;
	}
	if (s->state != OPERATION_STUCK || !strstr(s->reason, "is refused with EIO") ||
	    !strstr(s->reason, "is refused with ENOMEM") ||
	    !strstr(s->reason, step_kind_name(failed)) || !strstr(s->reason, step_kind_name(undo)))
		fail_msg("%s, step %zu, run %zu: %s (%s)", t->name, i, j,
			 operation_state_name(s->state), s->reason);
}

static void test_undo_fails(void **state)
{
	const struct situation *t = *state;
	_cleanup_mock_ struct mock *m = situation_machine(t, false);
	_cleanup_(plan_freep) struct plan *plan = plan_of(m, t->line);
	size_t stride = forks_are_slow() ? 5 : 1;
	struct scene s;

	scene_setup(&s, t->machine);
	/* at the point of no return it is another matter */
	for (size_t i = 0; i < plan->n_steps && i < plan->no_return; i += stride) {
		size_t n;

		scene_set(&s, m);
		mock_stage_expect(s.stage, (struct mock_event){ MOCK_FAIL, MOCK_ANY, (unsigned int)i,
								.error = -EIO });
		scene_ask(&s, t->line);
		scene_wait(&s);
		assert_int_equal(s.state, OPERATION_FAILED);
		n = s.stage->n_trace;
		assert_true(n < MOCK_TRACE_MAX);
		for (size_t j = i + 1; j < n; j += stride) {
			undo_fault(&s, t, m, i, j, MOCK_FAIL, false);
			undo_fault(&s, t, m, i, j, MOCK_DIE, false);
			undo_fault(&s, t, m, i, j, MOCK_DIE, true);
		}
	}
	scene_teardown(&s);
}

static int print_counts(void **state)
{
	(void)state;
	print_message("%d situations, two kernels: %u failures, %u deaths, %u double faults, %u of all "
		      "past the point of no return\n",
		      N_SITUATIONS, n_failures, n_deaths, n_undos, n_forward);
	return n_failures && n_deaths && n_undos ? 0 : -1;
}

int main(void)
{
	static const CMUnitTestFunction functions[] = { test_steps_fail, test_worker_dies,
							test_undo_fails };

	return situations_run("engine, faults", functions, ARRAY_SIZE(functions), print_counts);
}
