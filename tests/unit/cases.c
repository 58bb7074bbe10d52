/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cases.h"

#include <stdio.h>
#include <string.h>

static bool has_note(const struct plan *plan, const char *part)
{
	size_t i;

	for (i = 0; i < plan->n_notes; i++)
		if (strstr(plan->notes[i], part))
			return true;
	return false;
}

/* A refusal is one sentence that a person can use. */
static void check_sentence(const char *reason)
{
	size_t n = strlen(reason);

	assert_true(n > 10);
	assert_null(strchr(reason, '\n'));
	assert_int_not_equal(reason[n - 1], '.');
	assert_null(strstr(reason, "(null)"));
	assert_null(strstr(reason, "errno"));
}

static void run_case(void **state)
{
	const struct plan_case *c = *state;
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(request_freep) struct request *q = parse_request(c->line);
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL, *words = NULL, *before = NULL, *after = NULL;
	int r;

	c->machine(m);
	if (c->change)
		c->change(m);
	before = mock_signature(m);
	r = plan_make(m->picture, q, &plan, &reason);
	after = mock_signature(m);
	assert_string_equal(before, after);
	if (!c->words) {
		if (r == 0) {
			words = plan_words(plan);
			fail_msg("accepted: %s", words);
		}
		check_sentence(reason);
		if (r != c->error || !strstr(reason, c->reason))
			fail_msg("error %d (wanted %d), reason: %s", r, c->error, reason);
		assert_null(plan);
		return;
	}
	if (r < 0)
		fail_msg("refused with %d: %s", r, reason);
	words = plan_words(plan);
	if (strncmp(c->words, "...", 3) == 0 ? !strstr(words, c->words + 3) :
					       strcmp(words, c->words) != 0)
		fail_msg("steps are\n%s\nwanted\n%s", words, c->words);
	if (c->note && !has_note(plan, c->note))
		fail_msg("no note with \"%s\", but: %s", c->note,
			 plan->n_notes ? plan->notes[0] : "none at all");
	assert_non_null(plan->summary);
	assert_true(plan->n_regions > 0 || q->verb == VERB_EJECT);
	try_everywhere(m, plan);
	carry_out(m, plan, q);
}

int run_cases(const char *group, const struct plan_case *cases, size_t n)
{
	struct CMUnitTest *tests = calloc(n, sizeof(*tests));
	int failed;
	size_t i;

	for (i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){
			.name = cases[i].name,
			.test_func = run_case,
			.initial_state = (void *)&cases[i],
		};
	failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
	free(tests);
	return failed;
}
