/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_WORKER_H
#define CXLMEM_WORKER_H

#include <systemd/sd-event.h>

#include "door.h"
#include "entry.h"
#include "picture.h"
#include "step.h"

/*
 * A worker is a child process that stands at the door to the kernel. It does one request at a time, may
 * block in it as long as the kernel likes, and can be killed; the daemon's event loop never waits for it.
 * The steps of an operation go to it together, so that between two of them no process waits for another.
 */
struct worker;

struct worker_reply {
	int error;             /* 0, or -errno; -EPIPE: the worker died (or was killed) over it */
	const char *reason;    /* on error; may be NULL */
	const char *text;      /* of an explanation; of blockers, as JSON */
	bool named; /* no answer yet: CREATE_REGION is about to make result.from as result.to */
	bool last;             /* nothing more comes for this request */
	struct picture *picture; /* of a scan; take it (set it to NULL) to keep it */
	uint64_t changes;        /* of a scan: door_changes() before it */
	struct step_result result; /* of a step */
	uint64_t kernel_usec;  /* time the request spent in calls into the kernel */
};

typedef void (*worker_reply_t)(struct worker *w, struct worker_reply *reply, void *userdata);
typedef void (*worker_progress_t)(struct worker *w, uint64_t done, uint64_t total, void *userdata);
typedef int (*worker_open_t)(struct door **ret);

/**
 * worker_new - start a worker
 * @open: opens the door, in the child
 * @ret: the caller's
 *
 * The child is forked, so call it with no thread running. It dies with the parent.
 *
 * Return: 0, or -errno.
 */
int worker_new(sd_event *event, worker_open_t open, struct worker **ret);

/**
 * worker_new_journaled - the same; @journal may be NULL, and is the caller's, who keeps it longer
 */
int worker_new_journaled(sd_event *event, worker_open_t open, struct journal *journal,
			 struct worker **ret);

/**
 * worker_free - kill it if it lives; its callbacks are not called any more (NULL is fine)
 *
 * The corpse is left to whoever handles SIGCHLD.
 */
struct worker *worker_free(struct worker *w);

/**
 * worker_scan - ask for a picture; @reply is called once, from the event loop
 *
 * Return: 0; -EBUSY while another request runs; -EPIPE if the worker is dead; -errno.
 */
int worker_scan(struct worker *w, unsigned int flags, worker_reply_t reply, void *userdata);

/**
 * worker_run - have steps run in their order until one fails; their undos stay here
 * @reply: called for each step that was run, the failed one included
 * @progress: may be NULL
 *
 * What a step finds out is carried into the following ones by the worker itself (steps_learn()).
 *
 * Return: as worker_scan().
 */
int worker_run(struct worker *w, const struct step *steps, size_t n, worker_reply_t reply,
	       worker_progress_t progress, void *userdata);

/**
 * worker_run_journaled - the same, each step written into the worker's journal before and after it is run
 * @place: of the first one; those that follow are the next of their operation
 *
 * A step that cannot be written down is not run (a step of an undo is: what is to be taken back is in the
 * journal already).
 */
int worker_run_journaled(struct worker *w, const struct step *steps, size_t n,
			 const struct entry_place *place, worker_reply_t reply,
			 worker_progress_t progress, void *userdata);

/**
 * worker_explain - ask what stands in the way of a step that another worker is at
 *
 * Return: as worker_scan().
 */
int worker_explain(struct worker *w, const struct step *step, worker_reply_t reply, void *userdata);

/**
 * worker_blockers - ask who and what is in the way of taking memory away; the answer's text is JSON (blockers.h)
 * @name: of a region, a dax device, or a node
 *
 * Return: as worker_scan().
 */
int worker_blockers(struct worker *w, const char *name, worker_reply_t reply, void *userdata);

/**
 * worker_stop - have it leave out the steps it has not begun; the first of them is answered with -ECANCELED
 *
 * Without effect when all are done already.
 */
void worker_stop(struct worker *w);

/**
 * worker_kill - SIGKILL; the pending reply comes with -EPIPE as soon as the kernel lets the process go
 *
 * Nothing more can be asked of it.
 */
void worker_kill(struct worker *w);

bool worker_is_dead(const struct worker *w);
bool worker_is_busy(const struct worker *w);
pid_t worker_pid(const struct worker *w);

#endif
