/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MOCK_DOOR_H
#define CXLMEM_MOCK_DOOR_H

#include <semaphore.h>
#include <sys/types.h>

#include "door.h"
#include "mock.h"

/*
 * A door to a mock machine (tests/unit/mock.h). The machine is kept as text in memory that all
 * processes share, so it outlives a worker that is killed; so does the script of what goes wrong.
 */

enum mock_action {
	MOCK_FAIL,  /* the step ends with @error */
	MOCK_DIE,   /* the worker is gone, as by the OOM killer */
	MOCK_BLOCK, /* the step reports progress 1 of 2 and never ends */
	MOCK_GATE,  /* the step reports progress 1 of 2 and waits for mock_stage_open_gate() */
	MOCK_OTHER, /* somebody else changes the machine: @other */
	MOCK_TELL,  /* the step reports progress @error times */
	MOCK_OPEN, /* the gate is opened for another worker */
	MOCK_CHANGE, /* of a scan only: something changes while it looks */
};

#define MOCK_ANY (-1)
#define MOCK_ALWAYS (~0U)

/* Something that happens at the @nth run of a step of @kind (from 0), forward or back. */
struct mock_event {
	enum mock_action action;
	int kind; /* enum step_kind, or MOCK_ANY */
	unsigned int nth; /* or MOCK_ALWAYS */
	bool after; /* once the step took effect */
	int error;
	void (*other)(struct mock *m);
	unsigned int seen; /* runs that matched */
};

#define MOCK_EVENTS_MAX 4
#define MOCK_TRACE_MAX 256
#define MOCK_TEXT_MAX (256 * 1024)

struct mock_stage {
	struct mock_event script[MOCK_EVENTS_MAX];
	size_t n_script;
	uint64_t changes;    /* what door_ops.changes() says: grows with each step done */
	uint64_t generation; /* grows with each new text */
	unsigned int scans;
	unsigned int doors; /* opened so far */
	pid_t pid;	    /* of the last to open one */
	enum mock_action scan_action; /* of the next scan, when @scan_acts */
	bool scan_acts;
	bool explains; /* else nothing is known of what is in the way */
	bool explain_blocks;
	sem_t gate;
	void (*changing)(const struct mock_stage *s, const struct step *step); /* the machine, now; may be NULL */
	enum step_kind trace[MOCK_TRACE_MAX]; /* the steps that were asked for */
	size_t n_trace;
	size_t current; /* which text holds */
	char text[2][MOCK_TEXT_MAX];
};

/**
 * mock_stage_new - memory for one machine at a time; mock_open() leads to the last one made
 */
struct mock_stage *mock_stage_new(void);
void mock_stage_free(struct mock_stage *s);

/* mock_stage_set - put a machine there (it stays the caller's), with an empty script */
void mock_stage_set(struct mock_stage *s, const struct mock *m);

/* mock_stage_get - the machine as it is now; the caller's */
struct mock *mock_stage_get(const struct mock_stage *s);

/* mock_stage_signature - mock_signature() of it */
char *mock_stage_signature(const struct mock_stage *s);

/* mock_stage_expect - append to the script */
void mock_stage_expect(struct mock_stage *s, struct mock_event e);

void mock_stage_open_gate(struct mock_stage *s);

/* mock_open - a worker_open_t */
int mock_open(struct door **ret);

#endif
