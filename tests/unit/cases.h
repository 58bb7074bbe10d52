/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CASES_H
#define CXLMEM_CASES_H

#include "harness.h"
#include "machines.h"

/* One line of a planner's table: on this machine, this line gives these steps or this refusal. */
struct plan_case {
	const char *name;
	void (*machine)(struct mock *m);
	void (*change)(struct mock *m); /* what happened to the machine before; may be NULL */
	const char *line;
	const char *words; /* all of plan_words(), or with a leading "..." a part; NULL = refused */
	const char *note;  /* part of one of the notes; NULL = any */
	int error;	   /* negative errno when refused */
	const char *reason; /* part of the sentence */
};

/* Run each case as a test of its own. Return: number of failures. */
int run_cases(const char *group, const struct plan_case *cases, size_t n);

#endif
