/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SCENE_H
#define CXLMEM_SCENE_H

#include "test.h"

#include "engine.h"
#include "mock-door.h"
#include "under-valgrind.h"

/*
 * An engine on a mock machine, and somebody who listens to it. The order of what is told (added,
 * changed ..., finished, and nothing after that) is checked all the time.
 */
struct scene {
	sd_event *event;
	struct mock_stage *stage;
	struct engine *engine;
	unsigned int fds;
	char *before; /* signature of the machine put there last */
	/* of the last request */
	unsigned int answers; /* calls of started() */
	uint64_t id; /* 0 = refused */
	int error;
	char *refusal;
	/* of the operation that finished last */
	uint64_t finished_id;
	enum operation_state state;
	char *reason;
	size_t at;
	/* counts over all */
	unsigned int n_finished, n_changed;
	/* what the listener does; may be NULL */
	void (*on_started)(struct scene *s, struct operation *o);
	void (*on_changed)(struct scene *s, struct operation *o);
	void (*on_finished)(struct scene *s, struct operation *o);
	uint64_t arg; /* theirs */
	char *phases; /* by id: what was told of an operation so far */
	size_t n_phases;
};

/* Where a new worker takes tens of milliseconds, tests that kill many kill fewer. */
static inline bool forks_are_slow(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true;
#else
	return under_valgrind();
#endif
}

/* scene_setup - an engine on a machine; scene_teardown - and that all of it is gone again */
void scene_setup(struct scene *s, void (*machine)(struct mock *m));
void scene_teardown(struct scene *s);

/* scene_set - put another machine there (it stays the caller's) */
void scene_set(struct scene *s, const struct mock *m);

/* scene_ask - start what a line means, without waiting for anything */
void scene_ask(struct scene *s, const char *line);

/* scene_wait - until all is done that was asked for */
void scene_wait(struct scene *s);

/* scene_do - ask, wait; fails the test unless it ends in @state */
void scene_do(struct scene *s, const char *line, enum operation_state state);

/* scene_expect_unchanged - the machine is as it was put there */
void scene_expect_unchanged(struct scene *s);

#endif
