/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "machines.h"
#include "mock-kernel.h"

/* Regions of 1 GiB on two nodes of their own, and node 0 with what a test says. */
struct numbers {
	uint64_t free, reclaimable, swap; /* of node 0 */
	uint64_t used; /* of each region */
};

static void add_node(struct mock *m, uint64_t id, uint64_t free, uint64_t reclaimable)
{
	struct node *n = picture_add_node(m->picture);

	assert_non_null(n);
	n->id = id;
	n->total = 4 * GIB;
	n->free = free;
	n->reclaimable = reclaimable;
	n->huge = n->huge_free = 0;
}

static struct mock *machine(const struct numbers *n, size_t regions)
{
	struct mock *m = mock_new();

	machine_two_ports(m);
	for (size_t i = 0; i < regions; i++)
		mock_add_region(m, 0, "movable", GIB, 1, (int)i);
	while (m->picture->n_nodes)
		free(m->picture->nodes[--m->picture->n_nodes].tier);
	m->picture->swap_free = n->swap;
	add_node(m, 0, n->free, n->reclaimable);
	for (size_t i = 0; i < regions; i++) {
		m->picture->daxes[i].target_node = i + 1;
		add_node(m, i + 1, GIB - n->used, 0);
	}
	return m;
}

static int plan(const struct mock *m, const char *line, struct plan **ret, char **reason)
{
	struct request *q = parse_request(line);
	int r = plan_make(m->picture, q, ret, reason);

	request_free(q);
	return r;
}

static bool noted(const struct plan *p, const char *part)
{
	for (size_t i = 0; i < p->n_notes; i++)
		if (strstr(p->notes[i], part))
			return true;
	return false;
}

static void expect(const struct numbers *n, size_t regions, const char *line, int error, const char *says)
{
	_cleanup_mock_ struct mock *m = machine(n, regions);
	_cleanup_(plan_freep) struct plan *p = NULL;
	_cleanup_free_ char *reason = NULL;
	int r = plan(m, line, &p, &reason);

	if (r != error)
		fail_msg("%s: %d, %s", line, r, reason ?: "no reason");
	if (error && !strstr(reason, says))
		fail_msg("%s: %s", line, reason);
	if (!error && !says && noted(p, "caches and swap"))
		fail_msg("%s: a note that is not needed", line);
	if (!error && says && !noted(p, says))
		fail_msg("%s: no note that says %s", line, says);
}

static void fits(void **state)
{
	const struct numbers empty = { .used = 0 }, exactly = { .free = GIB, .used = GIB },
			     most = { .free = 100 * MIB, .used = 100 * MIB };

	(void)state;
	/* what is not used need not go anywhere */
	expect(&empty, 1, "offline region0", 0, NULL);
	expect(&exactly, 1, "offline region0", 0, NULL);
	expect(&most, 1, "destroy region0", 0, NULL);
	/* two that fit one by one, and together */
	expect(&exactly, 2, "offline region0", 0, NULL);
	expect(&empty, 2, "offline region0 region1", 0, NULL);
}

static void does_not_fit(void **state)
{
	const struct numbers full = { .free = 300 * MIB, .reclaimable = 100 * MIB, .swap = 100 * MIB, .used = GIB };
	const struct numbers half = { .free = GIB, .used = GIB };
	static const char *const lines[] = {
		"offline region0", "destroy region0", "set-mode --mode devdax region0",
		"online --zone kernel region0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		expect(&full, 1, lines[i], -ENOSPC,
		       "what is in the 1G that would go does not fit into the rest of the machine's memory: "
		       "300M are free in all, 200M more could come from caches and swap, 524M are missing");
	/* each of them alone would */
	expect(&half, 2, "offline region0 region1", -ENOSPC, "2G that would go");
	expect(&half, 2, "destroy region0 region1", -ENOSPC, "1G are missing");
	/* one after the other, each back in its zone before the next goes */
	expect(&half, 2, "online --zone kernel region0 region1", 0, NULL);
}

static void caches_and_swap(void **state)
{
	const struct numbers caches = { .free = 600 * MIB, .reclaimable = 424 * MIB, .used = GIB };
	const struct numbers swap = { .free = 600 * MIB, .swap = 500 * MIB, .used = GIB };

	(void)state;
	expect(&caches, 1, "offline region0", 0, "424M have to come from caches and swap (424M)");
	expect(&swap, 1, "offline region0", 0, "424M have to come from caches and swap (500M)");
}

/* What could not be read refuses nothing. */
static void not_known(void **state)
{
	const struct numbers free_unknown = { .free = UNKNOWN, .used = GIB },
			     caches_unknown = { .reclaimable = UNKNOWN, .used = GIB },
			     swap_unknown = { .swap = UNKNOWN, .used = GIB };

	(void)state;
	expect(&free_unknown, 1, "offline region0", 0, NULL);
	expect(&caches_unknown, 1, "offline region0", 0, NULL);
	expect(&swap_unknown, 1, "offline region0", 0, NULL);
}

/* A node that cxlmemd may not use is none that the kernel takes before it has filled the others. */
static void cpuset(void **state)
{
	const struct numbers half = { .free = 500 * MIB, .reclaimable = 100 * MIB, .used = GIB };

	(void)state;
	for (int barred = 0; barred < 2; barred++)
		for (int swap = 0; swap < 2; swap++) {
			_cleanup_mock_ struct mock *m = machine(&half, 2);
			_cleanup_(plan_freep) struct plan *p = NULL;
			_cleanup_free_ char *reason = NULL;
			int r;

			/* the memory that goes is on a barred one, too */
			m->picture->nodes[1].barred = barred;
			m->picture->nodes[2].barred = barred;
			m->picture->nodes[2].free = GIB;
			m->picture->swap_free = swap ? GIB : 0;
			r = plan(m, "offline region0", &p, &reason);
			if (barred && !swap) {
				assert_int_equal(r, -ENOSPC);
				assert_non_null(strstr(reason, "has room only on nodes that cxlmemd may not use"));
				assert_non_null(strstr(reason, "AllowedMemoryNodes=0,1,2`"));
				continue;
			}
			assert_int_equal(r, 0);
			assert_int_equal(noted(p, "524M have to come from caches and swap"), barred);
		}
}

static void huge_pages(void **state)
{
	const struct numbers much = { .free = 2 * GIB, .used = GIB };
	_cleanup_mock_ struct mock *m = machine(&much, 1);
	struct node *nodes = m->picture->nodes;

	(void)state;
	nodes[1].huge = 64 * MIB;
	nodes[1].huge_free = 4 * MIB;
	for (int enough = 0; enough < 2; enough++) {
		_cleanup_(plan_freep) struct plan *p = NULL;
		_cleanup_free_ char *reason = NULL;

		nodes[0].huge = 80 * MIB;
		nodes[0].huge_free = enough ? 60 * MIB : 58 * MIB;
		assert_int_equal(plan(m, "offline region0", &p, &reason), 0);
		assert_int_equal(noted(p, "60M in huge pages are in use on node 1 and only 58M of such pages "
					  "are free on others"), !enough);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits),		   cmocka_unit_test(does_not_fit),
		cmocka_unit_test(caches_and_swap), cmocka_unit_test(not_known),
		cmocka_unit_test(huge_pages),	   cmocka_unit_test(cpuset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
