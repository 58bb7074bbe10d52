/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "machines.h"
#include "reconcile.h"

#define SECOND UINT64_C(1000000)
#define NOW (1000 * SECOND)

/* A machine, what its owner wants, and what was tried. */
struct world {
	struct mock *m;
	struct profile_set profiles;
	struct wishes wishes;
	struct arrival arrivals[8];
	size_t n_arrivals;
	struct attempt attempts[4];
	size_t n_attempts;
	struct reconcile out;
	char *words; /* of the request */
};

static void put_machine(struct world *w, void (*machine)(struct mock *m))
{
	mock_free(w->m);
	w->m = mock_new();
	machine(w->m);
	for (size_t i = 0; i < w->m->picture->n_memdevs; i++) {
		struct memdev *card = &w->m->picture->memdevs[i];

		free(card->path);
		assert_true(asprintf(&card->path, "pci0000:0c/slot%zu/%s", i, card->host) > 0);
	}
}

static struct world *world_new(void (*machine)(struct mock *m))
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	put_machine(w, machine);
	return w;
}

static void world_free(struct world **at)
{
	struct world *w = *at;

	reconcile_clear(&w->out);
	for (size_t i = 0; i < w->profiles.n; i++)
		profile_free(w->profiles.list[i]);
	free(w->profiles.list);
	while (w->wishes.n > 0)
		wishes_remove(&w->wishes, 0);
	free(w->wishes.list);
	mock_free(w->m);
	free(w->words);
	free(w);
}

#define _cleanup_world_ _cleanup_(world_free)

static void add_profile(struct world *w, const char *name, const char *text)
{
	struct profile_problems problems = { 0 };
	struct profile *profile;

	if (profile_parse_text(name, name, text, strlen(text), &problems, &profile) < 0)
		fail_msg("%s:%u: %s", name, problems.list[0].line, problems.list[0].text);
	assert_int_equal(grow(&w->profiles.list, w->profiles.n, sizeof(*w->profiles.list)), 0);
	w->profiles.list[w->profiles.n++] = profile;
}

static struct wish *add_wish(struct world *w, int region, const char *origin)
{
	struct wish *wish = wishes_add(&w->wishes, WISH_REGION, origin);

	assert_int_equal(wish_from_region(wish, w->m->picture, region, NULL), 0);
	return wish;
}

/* The request in words: "create 0000:20:00.0 x1 movable (profile a)"; "-" when there is none. */
static const char *look(struct world *w)
{
	const struct reconcile_in in = {
		.picture = w->m->picture,
		.profiles = &w->profiles,
		.wishes = &w->wishes,
		.arrivals = w->arrivals,
		.n_arrivals = w->n_arrivals,
		.attempts = w->attempts,
		.n_attempts = w->n_attempts,
		.now = NOW,
	};
	size_t size = 0;
	FILE *f;

	reconcile_clear(&w->out);
	free(w->words);
	assert_int_equal(reconcile(&in, &w->out), 0);
	f = open_memstream(&w->words, &size);
	assert_non_null(f);
	if (!w->out.request) {
		assert_null(w->out.key);
		fputc('-', f);
	} else {
		const struct request *q = w->out.request;

		assert_non_null(w->out.key);
		assert_non_null(w->out.why);
		fprintf(f, "%s", verb_name(q->verb));
		for (size_t i = 0; i < q->n_objects; i++)
			fprintf(f, " %s", q->objects[i]);
		if (q->verb == VERB_CREATE)
			fprintf(f, " x%u %s%s", q->ways,
				q->mode == MODE_DEVDAX ? "devdax" :
				q->no_online	       ? "offline" :
							 zone_name(q->zone),
				q->size ? " sized" : "");
		fprintf(f, " (%s)", q->origin);
	}
	fclose(f);
	return w->words;
}

#define expect(w, text) assert_string_equal(look(w), text)

static void expect_report(struct world *w, const char *text)
{
	assert_int_equal(w->out.n_reports, 1);
	assert_string_equal(w->out.reports[0], text);
}

static void use(struct world *w)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *reason = NULL;

	if (plan_make(w->m->picture, w->out.request, &plan, &reason) < 0)
		fail_msg("%s: %s", w->words, reason);
	carry_out(w->m, plan, w->out.request);
}

static void one_card(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_one);
	struct memdev *card = &w->m->picture->memdevs[0];

	(void)state;
	/* Nobody said anything: nothing is touched. */
	expect(w, "-");
	add_profile(w, "90-kernel", "[Match]\nPath=*\n[Memory]\nZone=kernel\n");
	expect(w, "create 0000:20:00.0 x1 kernel (profile 90-kernel)");
	/* One with a smaller name goes first, if it matches. */
	profile_free(w->profiles.list[0]);
	w->profiles.n = 0;
	add_profile(w, "10-big", "[Match]\nMinSize=2G\n[Memory]\nMode=devdax\n");
	add_profile(w, "20-small", "[Match]\nMaxSize=1G\n[Region]\nSize=512M\n");
	add_profile(w, "90-kernel", "[Match]\nPath=*\n[Memory]\nZone=kernel\n");
	expect(w, "create 0000:20:00.0 x1 movable sized (profile 20-small)");
	/* Not ready, not known, too small: left alone. */
	card->enabled = NO;
	expect(w, "-");
	card->enabled = MAYBE;
	expect(w, "-");
	card->enabled = YES;
	card->ram_size = UNKNOWN;
	expect(w, "-");
	card->ram_size = 128 * MIB;
	expect(w, "-");
	card->ram_size = GIB;
	look(w);
	use(w);
	/* Half of it is in use now, the rest is for whoever asks by name. */
	expect(w, "-");
	assert_int_equal(w->out.n_reports, 0);
}

static void foreign_region(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports);

	(void)state;
	mock_add_region(w->m, 0, "devdax", 256 * MIB, 1, 0);
	add_profile(w, "all", "[Match]\nPath=*\n");
	expect(w, "create 0000:21:00.0 x1 movable (profile all)");
	use(w);
	expect(w, "-");
}

static void every_card_in_turn(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_switch4);
	unsigned int n = 0;

	(void)state;
	add_profile(w, "all", "[Match]\nPath=*\n[Memory]\nOnline=no\n");
	while (strcmp(look(w), "-") != 0) {
		use(w);
		assert_true(++n <= 4);
	}
	assert_int_equal(n, 4);
}

static void tried_before(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports);
	_cleanup_free_ char *key = NULL;

	(void)state;
	add_profile(w, "all", "[Match]\nPath=*\n");
	expect(w, "create 0000:20:00.0 x1 movable (profile all)");
	key = strdup(w->out.key);
	w->attempts[0] = (struct attempt){ key, (char *)"no window has room", 1, NOW + SECOND };
	w->n_attempts = 1;
	/* The other one all the same. */
	expect(w, "create 0000:21:00.0 x1 movable (profile all)");
	expect_report(w, "profile all cannot be followed for mem0: no window has room");
	assert_true(w->out.again == NOW + SECOND);
	w->attempts[0].not_before = NOW;
	expect(w, "create 0000:20:00.0 x1 movable (profile all)");
	assert_true(w->out.again == UNKNOWN);
}

static void set_of_two(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports);
	struct memdev *late = &w->m->picture->memdevs[0];

	(void)state;
	add_profile(w, "pair", "[Match]\nPath=*\n[Region]\nWays=2\nWaitSec=30\nFewer=separate\n");
	late->enabled = NO;
	w->arrivals[0] = (struct arrival){ 0x1001, w->m->picture->memdevs[1].path, NOW - 10 * SECOND };
	w->n_arrivals = 1;
	expect(w, "-");
	expect_report(w, "profile pair: mem1 waits for 1 more card to make a set of 2");
	assert_true(w->out.again == NOW + 20 * SECOND);
	/* The second one comes in time ... */
	late->enabled = YES;
	expect(w, "create 0000:20:00.0 0000:21:00.0 x2 movable (profile pair)");
	/* ... or does not. */
	late->enabled = NO;
	w->arrivals[0].since = NOW - 30 * SECOND;
	expect(w, "create 0000:21:00.0 x1 movable (profile pair)");
	use(w);
	/* And when it comes after that, it waits for a second one of its own. */
	late->enabled = YES;
	expect(w, "-");
	assert_true(w->out.again == NOW + 30 * SECOND);
	expect_report(w, "profile pair: mem0 waits for 1 more card to make a set of 2");
}

static void fewer(void **state)
{
	static const struct {
		const char *fewer, *request, *report;
		unsigned int cards;
	} cases[] = {
		{ "less", "create 0000:20:00.0 0000:21:00.0 0000:22:00.0 x3 movable (profile p)",
		  NULL, 3 },
		{ "less", "create 0000:20:00.0 0000:21:00.0 x2 movable (profile p)", NULL, 2 },
		{ "separate", "create 0000:20:00.0 x1 movable (profile p)", NULL, 2 },
		{ "wait", "-", "profile p: mem0 and mem1 wait for 2 more cards to make a set of 4; "
			       "WaitSec= is over and Fewer=wait", 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_world_ struct world *w = world_new(machine_switch4);
		char text[128];

		snprintf(text, sizeof(text), "[Match]\nPath=*\n[Region]\nWays=4\nWaitSec=5\nFewer=%s\n",
			 cases[i].fewer);
		add_profile(w, "p", text);
		for (size_t k = 0; k < 4; k++) {
			w->arrivals[k] = (struct arrival){ 0x1000 + k, w->m->picture->memdevs[k].path,
							   NOW - 6 * SECOND };
			w->m->picture->memdevs[k].enabled = k < cases[i].cards ? YES : NO;
		}
		w->n_arrivals = 4;
		expect(w, cases[i].request);
		if (cases[i].report)
			expect_report(w, cases[i].report);
		assert_true(w->out.again == UNKNOWN);
	}
}

static void members(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_switch4);

	(void)state;
	add_profile(w, "named", "[Match]\nPath=*\n[Region]\nMembers=0x1003 0x1001\n");
	add_profile(w, "rest", "[Match]\nPath=*\n[Memory]\nMode=devdax\n");
	expect(w, "create 0000:21:00.0 0000:23:00.0 x2 movable (profile named)");
	w->m->picture->memdevs[3].enabled = NO;
	/* Those that are not of the set need not wait for it. */
	expect(w, "create 0000:20:00.0 x1 devdax (profile rest)");
	expect_report(w, "profile named: mem1 waits for 1 more card to make a set of 2");
	assert_true(w->out.again == UNKNOWN);
}

/* Of three cards behind two bridges only two can be neighbours in a window for one bridge. */
static void those_that_fit(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_by_two);

	(void)state;
	add_profile(w, "pair", "[Match]\nPath=*\n[Region]\nWays=2\nGranularity=256\n");
	w->m->picture->memdevs[0].enabled = NO;
	expect(w, "create 0000:22:00.0 0000:23:00.0 x2 movable (profile pair)");
	use(w);
	expect(w, "-");
	expect_report(w, "profile pair: mem1 waits for 1 more card to make a set of 2");
}

static void wish_comes_back(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports), *later = NULL;
	struct memdev *cards;
	size_t n_decoders;

	(void)state;
	mock_add_region(w->m, 0, "kernel", GIB, 2, 0, 1);
	add_wish(w, 0, "hand");
	expect(w, "-");
	assert_int_equal(w->out.status[0].state, WISH_THERE);
	/* After a reboot: one card is late, then not ready, then there; names have changed. */
	later = world_new(machine_two_ports);
	later->wishes = w->wishes;
	w->wishes = (struct wishes){ 0 };
	add_profile(later, "all", "[Match]\nPath=*\n[Memory]\nMode=devdax\n");
	cards = later->m->picture->memdevs;
	cards[1].serial = 0x77;
	expect(later, "create 0000:21:00.0 x1 devdax (profile all)");
	assert_int_equal(later->out.status[0].state, WISH_MISSING);
	assert_string_equal(later->out.status[0].reason,
			    "not there: serial 0x1001 (last at pci0000:0c/slot1/0000:21:00.0)");
	cards[1].serial = 0x1001;
	cards[1].enabled = NO;
	expect(later, "-");
	assert_int_equal(later->out.status[0].state, WISH_NOT_READY);
	assert_string_equal(later->out.status[0].reason, "mem1 is there, but not enabled");
	/* Its driver is bound, and its probe still at work. */
	cards[1].enabled = YES;
	n_decoders = later->m->picture->ports[cards[1].endpoint].n_decoders;
	later->m->picture->ports[cards[1].endpoint].n_decoders = 0;
	expect(later, "-");
	assert_string_equal(later->out.status[0].reason, "mem1 is there, but still coming up");
	later->m->picture->ports[cards[1].endpoint].n_decoders = n_decoders;
	expect(later, "create 0000:20:00.0 0000:21:00.0 x2 kernel sized (hand)");
	assert_int_equal(later->out.status[0].state, WISH_DUE);
	later->attempts[0] =
		(struct attempt){ later->out.key, (char *)"it did not work", 1, UNKNOWN };
	later->n_attempts = 1;
	later->out.key = NULL;
	/* What failed is said, and its cards are no profile's prey. */
	expect(later, "-");
	assert_int_equal(later->out.status[0].state, WISH_FAILED);
	assert_string_equal(later->out.status[0].reason, "it did not work");
	free(later->attempts[0].key);
	later->n_attempts = 0;
	look(later);
	use(later);
	expect(later, "-");
	assert_int_equal(later->out.status[0].state, WISH_THERE);
	world_free(&later);
	later = world_new(machine_one);
}

/* A profile that was edited is followed when its region is made again; the set stays the same. */
static void wish_of_a_profile(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports);
	struct wish *wish;

	(void)state;
	mock_add_region(w->m, 0, "movable", 512 * MIB, 1, 0);
	wish = add_wish(w, 0, "profile p");
	put_machine(w, machine_two_ports);
	expect(w, "create 0000:20:00.0 x1 movable sized (profile p)");
	add_profile(w, "p", "[Match]\nSerial=0x1000\n[Memory]\nZone=kernel\n");
	expect(w, "create 0000:20:00.0 x1 kernel sized (profile p)");
	/* Carried to another slot, the card is as any other to its profile. */
	free(wish->members[0].path);
	wish->members[0].path = strdup("elsewhere");
	expect(w, "create 0000:20:00.0 x1 kernel (profile p)");
	assert_int_equal(w->out.n_drop, 1);
	assert_true(w->out.drop[0] == wish->id);
}

/* What a person wished for follows the card, unless a profile knows better. */
static void card_moved(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports);
	struct wish *wish;

	(void)state;
	mock_add_region(w->m, 0, "devdax", 512 * MIB, 1, 0);
	wish = add_wish(w, 0, "hand");
	free(wish->members[0].path);
	wish->members[0].path = strdup("elsewhere");
	put_machine(w, machine_two_ports);
	expect(w, "create 0000:20:00.0 x1 devdax sized (hand)");
	assert_int_equal(w->out.n_drop, 0);
	add_profile(w, "p", "[Match]\nSerial=0x1000\n");
	expect(w, "create 0000:20:00.0 x1 movable (profile p)");
	assert_int_equal(w->out.n_drop, 1);
}

static void left_alone(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports);
	struct wish *leave = wishes_add(&w->wishes, WISH_LEAVE, "hand");

	(void)state;
	assert_int_equal(wish_add_card(leave, &w->m->picture->memdevs[0]), 0);
	add_profile(w, "all", "[Match]\nPath=*\n");
	expect(w, "create 0000:21:00.0 x1 movable (profile all)");
	assert_int_equal(w->out.status[0].state, WISH_LEFT);
	/* Not seen yet since the start: it may still come. */
	w->m->picture->memdevs[0].serial = 0x55;
	look(w);
	assert_int_equal(w->out.n_drop, 0);
	leave->seen = true;
	look(w);
	assert_int_equal(w->out.n_drop, 1);
}

static void card_gone(void **state)
{
	_cleanup_world_ struct world *w = world_new(machine_two_ports);
	char key[] = "orphan region0", why[] = "memory is stuck until reboot";

	(void)state;
	mock_add_region(w->m, 0, "movable", 512 * MIB, 1, 0);
	mock_add_region(w->m, 0, "movable", 256 * MIB, 1, 1);
	add_wish(w, 0, "hand");
	/* Only ours: what somebody else's region lost is theirs. */
	w->m->picture->regions[1].mappings[0].memdev = -1;
	expect(w, "-");
	w->m->picture->regions[0].mappings[0].memdev = -1;
	/* It may be one that somebody is just making there. */
	expect(w, "-");
	assert_true(w->out.again == NOW + SECOND);
	w->wishes.list[0].lost_since = NOW - SECOND / 2;
	expect(w, "-");
	assert_true(w->out.again == NOW + SECOND / 2);
	w->wishes.list[0].lost_since = NOW - SECOND;
	expect(w, "destroy region0 (lost card)");
	w->attempts[0] = (struct attempt){ key, why, 1, UNKNOWN };
	w->n_attempts = 1;
	expect(w, "-");
	expect_report(w, "region0 has lost a card and is still there: memory is stuck until reboot");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_card),	     cmocka_unit_test(foreign_region),
		cmocka_unit_test(every_card_in_turn), cmocka_unit_test(tried_before),
		cmocka_unit_test(set_of_two),	     cmocka_unit_test(fewer),
		cmocka_unit_test(members),	     cmocka_unit_test(those_that_fit),
		cmocka_unit_test(wish_comes_back),   cmocka_unit_test(wish_of_a_profile),
		cmocka_unit_test(card_moved),	     cmocka_unit_test(left_alone),
		cmocka_unit_test(card_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
