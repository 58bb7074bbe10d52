/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SITUATIONS_H
#define CXLMEM_SITUATIONS_H

#include "test.h"

#include "mock.h"

/* A machine and a request: what can go wrong is tried at each step of each of them. */
struct situation {
	const char *name;
	void (*machine)(struct mock *m);
	void (*change)(struct mock *m);
	const char *line;
};

#define N_SITUATIONS 26

extern const struct situation situations[N_SITUATIONS];

/* situation_machine - its machine, on a kernel that unplugs memory by itself or not; the caller's */
struct mock *situation_machine(const struct situation *t, bool unplugs);

/*
 * situations_run - each function on each situation, a test of its own; in valgrind each situation has one of the
 * functions
 * @done: the group's teardown
 *
 * Return: number of failures.
 */
int situations_run(const char *group, const CMUnitTestFunction *functions, size_t n,
		   CMFixtureFunction done);

#endif
