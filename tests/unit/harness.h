/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_HARNESS_H
#define CXLMEM_HARNESS_H

#include "mock.h"
#include "plan.h"

/* cmocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The request that a line means: "create --size 2G mem0 mem1". Aborts the test if it is refused. */
struct request *parse_request(const char *line);

/*
 * A plan in short, a word for each step:
 * region0@decoder0.0 2x1024 1G (address space) mem0:512M (capacity) 0=mem0 (attach) commit { }
 * (hold and release autoprobe) enable (online_movable )online (hold and release the policy) kmem:8m
 * (bind; blocks and zone) devdax on:8m off:8k unused? -kmem (unbind) disable decommit 0!mem0
 * (detach) free-mem0 delete-region0 drain !mem0 (disable) slot2-off
 */
char *plan_words(const struct plan *plan);

/*
 * Try a plan on a copy of a machine: forward to each step and back again (as if that step had
 * failed before, or after, it took effect), which must end exactly where it began; and forward to
 * the end. Fails the test if the mock kernel refuses anything.
 */
void try_everywhere(const struct mock *m, const struct plan *plan);

/*
 * Carry a plan out for good; fails the test if the mock kernel refuses, or the promise is not kept.
 */
void carry_out(struct mock *m, const struct plan *plan, const struct request *q);

/* Plan a line, try it everywhere, carry it out. */
void do_line(struct mock *m, const char *line);

/*
 * Steps forward to @upto; then, if @back, their undos from @upto (inclusive, whether it ran or not)
 * back to the first. Return: 0, or what the mock kernel refused, with the step in @reason.
 */
int run_plan(struct mock *m, const struct plan *plan, size_t upto, bool back, char **reason);

#endif
