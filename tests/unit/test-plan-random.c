/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "mock-kernel.h"
#include "random-machine.h"
#include "under-valgrind.h"

/*
 * Random machines and requests, the same in every run, fewer in valgrind; CXLMEM_TEST_SEEDS=5000
 * for more of them.
 * What the planner accepts, the mock kernel must carry out, forward and back; what it refuses to
 * create, the mock kernel must refuse as well, in every window, order and granularity that there
 * is. In the end all is as it was.
 */

static unsigned int accepted, refused, searched, ejected;

static bool step_ok(struct mock *m, struct step s)
{
	return mock_run_step(m, &s, NULL) == 0;
}

#define TRY(m, k, ...) \
	step_ok(m, (struct step){ .kind = STEP_##k, .resource = UNKNOWN, __VA_ARGS__ })

static bool try_members(struct mock *m, char *region, const int *order, unsigned int n,
			uint64_t size)
{
	struct picture *p = m->picture;
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		struct port *port = mock_endpoint(m, order[i]);

		for (j = 0; j < port->n_decoders && port->decoders[j].dpa_size; j++)
			;
		if (j == port->n_decoders ||
		    !TRY(m, ALLOC_DPA, .memdev = p->memdevs[order[i]].name,
			 .decoder = port->decoders[j].name, .size = size / n) ||
		    !TRY(m, ATTACH, .region = region, .position = i,
			 .memdev = p->memdevs[order[i]].name, .decoder = port->decoders[j].name))
			return false;
	}
	return true;
}

/* One way of doing it: this window, order, granularity and size. Taken back unless it works. */
static bool try_region(struct mock *m, size_t window, const int *order, unsigned int n,
		       unsigned int granularity, uint64_t size, bool ram)
{
	struct window *w = &m->picture->windows[window];
	char region[32], dax[48];
	unsigned int i, j;

	snprintf(region, sizeof(region), "%s", w->next_region);
	snprintf(dax, sizeof(dax), "dax%s.0", region + strlen("region"));
	if (!TRY(m, CREATE_REGION, .window = w->name, .region = region))
		return false;
	if (TRY(m, SET_INTERLEAVE, .region = region, .ways = n, .granularity = granularity) &&
	    TRY(m, ALLOC_HPA, .region = region, .size = size) &&
	    try_members(m, region, order, n, size) && TRY(m, COMMIT, .region = region) &&
	    TRY(m, HOLD_AUTOPROBE) && TRY(m, ENABLE, .region = region) &&
	    TRY(m, BIND, .dax = dax, .driver = (char *)(ram ? "kmem" : "device_dax")))
		return true;

	TRY(m, RELEASE_AUTOPROBE);
	TRY(m, DISABLE, .region = region);
	TRY(m, DECOMMIT, .region = region);
	for (i = 0; i < n; i++)
		TRY(m, DETACH, .region = region, .position = i);
	for (i = 0; i < n; i++) {
		struct port *port = mock_endpoint(m, order[i]);

		for (j = port->n_decoders; j > 0 && !port->decoders[j - 1].dpa_size; j--)
			;
		if (j && port->decoders[j - 1].region < 0)
			TRY(m, FREE_DPA, .memdev = m->picture->memdevs[order[i]].name,
			    .decoder = port->decoders[j - 1].name);
	}
	assert_true(TRY(m, DELETE_REGION, .window = w->name, .region = region));
	return false;
}

static bool next_permutation(int *a, unsigned int n)
{
	unsigned int i = n - 1, j = n - 1, k;
	int t;

	while (i && a[i - 1] >= a[i])
		i--;
	if (!i)
		return false;
	while (a[j] <= a[i - 1])
		j--;
	t = a[i - 1];
	a[i - 1] = a[j];
	a[j] = t;
	for (j = i, k = n - 1; j < k; j++, k--) {
		t = a[j];
		a[j] = a[k];
		a[k] = t;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Whether a refused creation of one region could have been done after all. */
static bool search(const struct mock *machine, const struct request *q)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	_cleanup_mock_ struct mock *m = NULL;
	unsigned int n = q->n_objects, g, i, j;
	int order[4], sorted[4];
	uint64_t size;
	size_t w;

	if (n > 4 || (q->ways && q->ways != n))
		return false;
	for (i = 0; i < n; i++) {
		sorted[i] = picture_find_memdev(machine->picture, q->objects[i]);
		for (j = 0; j < i; j++)
			if (sorted[j] == sorted[i])
				return false;
	}
	size = q->size ? align_down(q->size, 256 * MIB * n) : 256 * MIB * n;
	if (!size)
		return false;
	qsort(sorted, n, sizeof(*sorted), compare);
	searched++;
	m = mock_copy(machine);
	before = mock_signature(m);
	for (w = 0; w < m->picture->n_windows; w++) {
		if (m->picture->windows[w].volatile_capable != YES ||
		    (q->window && strcmp(q->window, m->picture->windows[w].name) != 0))
			continue;
		memcpy(order, sorted, sizeof(order));
		do {
			for (g = 256; g <= 16384; g *= 2)
				if ((!q->granularity || g == q->granularity) &&
				    try_region(m, w, order, n, g, size, q->mode != MODE_DEVDAX))
					return true;
		} while (next_permutation(order, n));
	}
	after = mock_signature(m);
	assert_string_equal(before, after);
	return false;
}

/* On a copy: what is ejected does not come back. Nearly all regions are ours. */
static void one_ejection(struct dice *d, const struct mock *m, const char *line, unsigned int seed)
{
	_cleanup_(request_freep) struct request *q = parse_request(line);
	_cleanup_mock_ struct mock *copy = mock_copy(m);
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;
	size_t i;

	for (i = 0; i < copy->picture->n_regions; i++)
		if (dice_roll(d, 8))
			mock_set_string(&copy->picture->regions[i].origin, "hand");
	if (plan_make(copy->picture, q, &plan, &reason) < 0) {
		refused++;
		if (!reason || strlen(reason) < 10 || strstr(reason, "(null)"))
			fail_msg("seed %u: %s: %s", seed, line, reason);
		return;
	}
	ejected++;
	if (dice_roll(d, 3) == 0)
		try_everywhere(copy, plan);
	carry_out(copy, plan, q);
}

static void one_request(struct dice *d, struct mock *m, unsigned int seed)
{
	_cleanup_free_ char *reason = NULL, *before = mock_signature(m), *after = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_(request_freep) struct request *q = NULL;
	char line[256];
	int r;

	random_line(d, m, line, sizeof(line));
	if (strncmp(line, "eject", 5) == 0) {
		one_ejection(d, m, line, seed);
		return;
	}
	q = parse_request(line);
	r = plan_make(m->picture, q, &plan, &reason);
	after = mock_signature(m);
	assert_string_equal(before, after);
	if (r == 0) {
		accepted++;
		if (dice_roll(d, 3) == 0)
			try_everywhere(m, plan);
		carry_out(m, plan, q);
		return;
	}
	refused++;
	if (!reason || strlen(reason) < 10 || strstr(reason, "(null)"))
		fail_msg("seed %u: %s: %s", seed, line, reason);
	if (q->verb == VERB_CREATE && (r == -ENXIO || r == -EBUSY || r == -ENOSPC) && search(m, q))
		fail_msg("seed %u: %s: refused (%s), but it can be done", seed, line, reason);
}

static void destroy_all(struct mock *m)
{
	_cleanup_(request_freep) struct request *q = request_new(VERB_DESTROY);
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;
	size_t i;

	if (!m->picture->n_regions)
		return;
	for (i = 0; i < m->picture->n_regions; i++)
		assert_int_equal(request_add_object(q, m->picture->regions[i].name), 0);
	if (plan_make(m->picture, q, &plan, &reason) < 0)
		fail_msg("destroy all: %s", reason);
	try_everywhere(m, plan);
	carry_out(m, plan, q);
}

static void random_machines(void **state)
{
	const char *more = getenv("CXLMEM_TEST_SEEDS");
	uint64_t seeds = under_valgrind() ? 5 : 100;
	unsigned int seed, i;

	(void)state;
	if (more)
		assert_int_equal(parse_u64(more, &seeds), 0);
	for (seed = 1; seed <= seeds; seed++) {
		struct dice d = { UINT64_C(0x9e3779b97f4a7c15) * seed };
		_cleanup_mock_ struct mock *m = random_machine(&d);
		_cleanup_free_ char *before = mock_signature(m), *after = NULL;

		for (i = 0; i < 25; i++)
			one_request(&d, m, seed);
		destroy_all(m);
		after = mock_signature(m);
		if (strcmp(before, after) != 0)
			fail_msg("seed %u: was\n%s\nis\n%s", seed, before, after);
	}
	/* the test is worth something only while there is enough of each */
	print_message("%u accepted, %u refused, %u of them searched; %u ejected\n", accepted,
		      refused, searched, ejected);
	assert_true(ejected > seeds);
	assert_true(accepted > 5 * seeds);
	assert_true(refused > 5 * seeds);
	assert_true(searched > 5 * seeds);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_machines) };

	return cmocka_run_group_tests_name("plan, random", tests, NULL, NULL);
}
