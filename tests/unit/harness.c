/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mock-kernel.h"
#include "json-util.h"

struct request *parse_request(const char *line)
{
	_cleanup_free_ char *copy = strdup(line), *reason = NULL;
	char *save, *word = strtok_r(copy, " ", &save);
	struct request *q;
	enum verb verb;

	assert_int_equal(verb_from_name(word, &verb), 0);
	q = request_new(verb);
	assert_non_null(q);
	while ((word = strtok_r(NULL, " ", &save))) {
		if (strcmp(word, "--no-online") == 0 || strcmp(word, "--force") == 0)
			assert_int_equal(request_set(q, word + 2, "yes", &reason), 0);
		else if (strncmp(word, "--", 2) == 0)
			assert_int_equal(
				request_set(q, word + 2, strtok_r(NULL, " ", &save), &reason), 0);
		else
			assert_int_equal(request_add_object(q, word), 0);
	}
	return q;
}

static void describe_blocks(const struct step *s, char *buf, size_t size)
{
	size_t i, at = 0;

	buf[0] = '\0';
	for (i = 0; i < s->n_blocks && at < size; i++)
		at += snprintf(buf + at, size - at, "%s%" PRIu64 "%s", i ? "," : "",
			       s->blocks[i].count,
			       s->blocks[i].zone == ZONE_MOVABLE ? "m" :
			       s->blocks[i].zone == ZONE_KERNEL	 ? "k" :
								   "o");
}

static void step_word(const struct step *s, FILE *f)
{
	char size[32], blocks[64];

	format_size(s->size, size);
	describe_blocks(s, blocks, sizeof(blocks));
	switch (s->kind) {
	case STEP_CREATE_REGION:
		fprintf(f, "%s@%s", s->region, s->window);
		break;
	case STEP_SET_INTERLEAVE:
		fprintf(f, "%ux%u", s->ways, s->granularity);
		break;
	case STEP_ALLOC_HPA:
		fprintf(f, "%s", size);
		break;
	case STEP_ALLOC_DPA:
		fprintf(f, "%s:%s", s->memdev, size);
		break;
	case STEP_ATTACH:
		fprintf(f, "%d=%s", s->position, s->memdev);
		break;
	case STEP_HOLD_AUTOPROBE:
		fputs("{", f);
		break;
	case STEP_RELEASE_AUTOPROBE:
		fputs("}", f);
		break;
	case STEP_HOLD_AUTO_ONLINE:
		fprintf(f, "(%s", s->policy);
		break;
	case STEP_RELEASE_AUTO_ONLINE:
		fprintf(f, ")%s", s->policy);
		break;
	case STEP_SET_ALIGN:
		fprintf(f, "align:%s", size);
		break;
	case STEP_BIND:
		if (s->n_blocks)
			fprintf(f, "%s:%s", s->driver, blocks);
		else
			fputs(strcmp(s->driver, "device_dax") == 0 ? "devdax" : s->driver, f);
		break;
	case STEP_ONLINE:
		fprintf(f, "on:%s", blocks);
		break;
	case STEP_OFFLINE:
		fprintf(f, "off:%s", blocks);
		break;
	case STEP_CHECK_UNUSED:
		fputs(s->policy ? "users?" : "unused?", f);
		break;
	case STEP_UNBIND:
		fprintf(f, "-%s", strcmp(s->driver, "device_dax") == 0 ? "devdax" : s->driver);
		break;
	case STEP_DETACH:
		fprintf(f, "%d!%s", s->position, s->memdev);
		break;
	case STEP_FREE_DPA:
		fprintf(f, "free-%s", s->memdev);
		break;
	case STEP_DELETE_REGION:
		fprintf(f, "delete-%s", s->region);
		break;
	case STEP_DISABLE_MEMDEV:
		fprintf(f, "!%s", s->memdev);
		break;
	case STEP_POWER_OFF:
		fprintf(f, "slot%s-off", s->slot);
		break;
	default:
		fputs(step_kind_name(s->kind), f);
	}
}

char *plan_words(const struct plan *plan)
{
	char *text = NULL;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (i = 0; i < plan->n_steps; i++) {
		if (i)
			fputc(' ', f);
		step_word(&plan->steps[i], f);
	}
	fclose(f);
	return text;
}

static void rename_from(struct plan *plan, const struct mock *m)
{
	if (m->renamed_to)
		assert_int_equal(plan_rename(plan, m->renamed_from, m->renamed_to), 0);
}

/* Names change as the machine chooses them: each run has its own. */
static struct plan *copy_plan(const struct plan *plan)
{
	struct plan *copy = calloc(1, sizeof(*copy));
	size_t i;

	assert_non_null(copy);
	for (i = 0; i < plan->n_steps; i++) {
		assert_int_equal(grow(&copy->steps, i, sizeof(*copy->steps)), 0);
		assert_int_equal(step_copy(&plan->steps[i], &copy->steps[i]), 0);
		copy->n_steps++;
	}
	for (i = 0; i < plan->n_regions; i++) {
		assert_int_equal(grow(&copy->regions, i, sizeof(*copy->regions)), 0);
		mock_set_string(&copy->regions[i], plan->regions[i]);
		copy->n_regions++;
	}
	return copy;
}

static int step_failed(const struct step *s, const char *how, size_t i, int error, char *why,
		       char **reason)
{
	_cleanup_free_ char *text = NULL, *owned = why;

	assert_int_equal(step_text(s, &text), 0);
	return say(reason, error, "%s step %zu (%s): %s", how, i, text, owned);
}

/* As run_plan(), on a plan that is the caller's to rename things in. */
static int run_steps(struct mock *m, struct plan *plan, size_t upto, bool back, char **reason)
{
	size_t i, j, n = plan->n_steps;
	int r = 0;

	for (i = 0; r == 0 && i < upto; i++) {
		char *why = NULL;

		r = mock_run_step(m, &plan->steps[i], &why);
		if (r < 0)
			r = step_failed(&plan->steps[i], "forward", i, r, why, reason);
		else
			rename_from(plan, m);
	}
	for (i = upto < n ? upto + 1 : n; r == 0 && back && i-- > 0;)
		for (j = 0; r == 0 && j < plan->steps[i].n_undo; j++) {
			struct step *undo = &plan->steps[i].undo[j];
			char *why = NULL;

			r = mock_run_step(m, undo, &why);
			if (r < 0)
				r = step_failed(undo, "back", i, r, why, reason);
			else
				rename_from(plan, m);
		}
	return r;
}

int run_plan(struct mock *m, const struct plan *plan, size_t upto, bool back, char **reason)
{
	_cleanup_(plan_freep) struct plan *copy = copy_plan(plan);

	return run_steps(m, copy, upto, back, reason);
}

void try_everywhere(const struct mock *m, const struct plan *plan)
{
	_cleanup_free_ char *before = mock_signature(m);
	_cleanup_mock_ struct mock *copy = mock_copy(m);
	size_t k;

	for (k = 0; k <= plan->no_return; k++) {
		_cleanup_free_ char *reason = NULL, *after = NULL;

		/* what was gone for a moment may have another name */
		if (k > 1 && (plan->steps[k - 2].kind == STEP_DELETE_REGION ||
			      plan->steps[k - 2].kind == STEP_DISABLE_MEMDEV)) {
			mock_free(copy);
			copy = mock_copy(m);
		}
		if (run_plan(copy, plan, k, true, &reason) < 0) {
			_cleanup_free_ char *words = plan_words(plan);

			fail_msg("%s: %s\n%s\n%s", plan->summary, reason, words, before);
		}
		after = mock_signature(copy);
		if (strcmp(before, after) != 0)
			fail_msg("%s: undone after %zu steps, the machine is\n%sbut was\n%s",
				 plan->summary, k, after, before);
	}
}

static void check_memory(const struct mock *m, int region, const struct request *q)
{
	enum zone zone = q->zone == ZONE_UNKNOWN ? ZONE_MOVABLE : q->zone;
	struct region_memory mem;

	picture_region_memory(m->picture, region, &mem);
	if (q->verb == VERB_OFFLINE || q->no_online) {
		/* set-mode --no-online leaves memory that is in use already as it is */
		if (q->verb == VERB_SET_MODE && mem.use == USE_ONLINE)
			return;
		assert_int_equal(mem.use, USE_OFFLINE);
		return;
	}
	if (q->mode == MODE_DEVDAX) {
		assert_int_equal(mem.use, USE_DEVDAX);
		return;
	}
	assert_int_equal(mem.use, USE_ONLINE);
	if (q->zone != ZONE_UNKNOWN || q->verb == VERB_CREATE)
		assert_int_equal(zone == ZONE_MOVABLE ? mem.movable : mem.kernel, mem.online);
}

/* What was named is not there any more, or at least disabled, and nothing is left of it. */
static void check_gone(const struct mock *m, const struct plan *plan)
{
	size_t i, j;

	for (i = 0; i < plan->n_steps; i++) {
		const struct step *s = &plan->steps[i];
		int slot = picture_find_slot(m->picture, s->slot);
		int card = picture_find_memdev(m->picture, s->memdev);

		if (s->kind == STEP_DISABLE_MEMDEV && card >= 0)
			assert_int_equal(m->picture->memdevs[card].enabled, NO);
		if (s->kind != STEP_POWER_OFF)
			continue;
		assert_int_equal(m->picture->slots[slot].power, NO);
		for (j = 0; j < m->picture->n_memdevs; j++)
			assert_false(picture_below(m->picture, j, m->picture->slots[slot].port));
	}
	assert_non_null(plan->done);
}

void carry_out(struct mock *m, const struct plan *plan, const struct request *q)
{
	_cleanup_(plan_freep) struct plan *real = copy_plan(plan);
	_cleanup_free_ char *reason = NULL, *policy = NULL;
	size_t i;

	mock_set_string(&policy, m->picture->auto_online);
	if (run_steps(m, real, real->n_steps, false, &reason) < 0)
		fail_msg("%s: %s", plan->summary, reason);
	/* nothing is held any longer */
	assert_true(streq_null(policy, m->picture->auto_online));
	assert_false(m->autoprobe_held);
	if (q->verb == VERB_EJECT)
		check_gone(m, plan);
	for (i = 0; i < real->n_regions; i++) {
		int index = picture_find_region(m->picture, real->regions[i]);
		const struct region *r = index < 0 ? NULL : &m->picture->regions[index];

		if (q->verb == VERB_DESTROY || q->verb == VERB_EJECT) {
			assert_null(r);
			continue;
		}
		assert_non_null(r);
		if (q->size)
			assert_true(r->size == align_down(q->size, 256 * MIB * r->ways));
		check_memory(m, index, q);
	}
}

static void check_same(struct json_object *a, struct json_object *b)
{
	_cleanup_free_ char *text = strdup(json_object_to_json_string(a));

	assert_string_equal(text, json_object_to_json_string(b));
}

/* What the journal holds of a request and its plan is all there is of them. */
static void check_records(const struct request *q, const struct plan *plan)
{
	_cleanup_json_ struct json_object *q1 = NULL, *q2 = NULL, *p1 = NULL, *p2 = NULL;
	_cleanup_(request_freep) struct request *request = NULL;
	_cleanup_(plan_freep) struct plan *copy = NULL;
	_cleanup_free_ char *reason = NULL;

	assert_int_equal(request_to_json(q, &q1), 0);
	assert_int_equal(plan_to_record(plan, &p1), 0);
	if (request_from_json(q1, &request, &reason) < 0 || plan_from_json(p1, &copy, &reason) < 0)
		fail_msg("%s", reason);
	assert_int_equal(request_to_json(request, &q2), 0);
	assert_int_equal(plan_to_record(copy, &p2), 0);
	check_same(q1, q2);
	check_same(p1, p2);
	assert_int_equal(copy->no_return, plan->no_return);
	assert_int_equal(request->ways, q->ways);
	assert_int_equal(request->deadline_usec, q->deadline_usec);
	assert_int_equal(request->no_online, q->no_online);
	assert_int_equal(request->leaving, q->leaving);
}

void do_line(struct mock *m, const char *line)
{
	_cleanup_(request_freep) struct request *q = parse_request(line);
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;

	if (plan_make(m->picture, q, &plan, &reason) < 0)
		fail_msg("%s: %s", line, reason);
	check_records(q, plan);
	try_everywhere(m, plan);
	carry_out(m, plan, q);
}
