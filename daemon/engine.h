/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_ENGINE_H
#define CXLMEM_ENGINE_H

#include <systemd/sd-event.h>

#include "journal.h"
#include "operation.h"
#include "worker.h"

/*
 * The engine runs operations, one at a time and in the order they came: plan on a fresh picture, run each
 * step in the worker, and on any failure or on request walk the undos back. It knows no bus and no policy.
 */
struct engine;

/* What the engine tells; any may be NULL. The operation stays the engine's. */
struct engine_hooks {
	/* Each time before a picture is used, also the same one again: to be completed (region.origin). */
	void (*picture)(struct picture *p, void *userdata);
	/*
	 * engine_look() brought it, and nothing is at work. It is the engine's, and gone with the next
	 * engine_start().
	 */
	void (*looked)(const struct picture *p, void *userdata);
	/* Its plan is made, on @p; its steps may run, but nothing is known of them yet. */
	void (*planned)(struct operation *o, const struct picture *p, void *userdata);
	/*
	 * The same: what it will have changed about the wishes when it succeeds, for the journal; the
	 * engine's. NULL = nothing.
	 */
	struct json_object *(*intent)(struct operation *o, void *userdata);
	/*
	 * It is over; nobody has heard of it. All wishes as they are from now on, the engine's; NULL = as
	 * before. They are on the disk, in the journal, before the hook finished is called.
	 */
	struct json_object *(*ended)(struct operation *o, void *userdata);
	void (*added)(struct operation *o, void *userdata);
	/* It was refused before anything was begun, and is gone after this. */
	void (*refused)(struct operation *o, void *userdata);
	/* A step of it was done, forward, in this time. */
	void (*stepped)(struct operation *o, const struct step *s, uint64_t usec, void *userdata);
	void (*changed)(struct operation *o, void *userdata);
	void (*finished)(struct operation *o, void *userdata);
};

/**
 * engine_started_t - the answer to engine_start(), called once
 * @o: the operation; NULL when @error is set
 * @error, @reason: why it was refused; nothing was changed then
 */
typedef void (*engine_started_t)(struct operation *o, int error, const char *reason, void *userdata);

/**
 * engine_new - an engine whose workers open their door with @open
 * @ret: the caller's, engine_free()
 *
 * Return: 0, or -errno.
 */
int engine_new(sd_event *event, worker_open_t open, const struct engine_hooks *hooks,
	       void *userdata, struct engine **ret);

/**
 * engine_set_journal - write down what is done from now on
 * @journal: the caller's, who keeps it longer
 */
void engine_set_journal(struct engine *e, struct journal *journal);

/**
 * engine_bar - do nothing more, and answer every request with @reason (a copy is made); NULL = as usual
 */
void engine_bar(struct engine *e, const char *reason);

/**
 * engine_hold - let everything wait, until it is let go
 *
 * While a worker of the daemon before this one may still be at work.
 */
void engine_hold(struct engine *e, bool hold);
bool engine_is_held(const struct engine *e);

/**
 * engine_resume - end what the daemon before this one had begun: walk it back, or on past the point of no return
 * @o: as the journal has it (recovery_read()), taken over; nothing else may have been started
 * @error: of the step it had come to; -EPIPE: that was under way; 0: it was between two
 */
void engine_resume(struct engine *e, struct operation *o, int error);

/**
 * engine_free - stop at once: a running step is killed, nothing is undone
 *
 * Who still waits for the answer to engine_start() gets -ECANCELED.
 */
struct engine *engine_free(struct engine *e);

static inline void engine_freep(struct engine **e)
{
	engine_free(*e);
}

/**
 * engine_start - take a request over and start it, or queue it behind those that run; its deadline counts from now
 * @started: answered when it is planned (or refused), or at once when it has to queue
 *
 * Return: 0; -errno when it could not even be queued (@started is not called, @request is the caller's).
 */
int engine_start(struct engine *e, struct request *request, engine_started_t started,
		 void *userdata);

/**
 * engine_look - have a fresh picture ready for the next operation, unless one is at work
 *
 * The hook `looked` is told of it, also when it had one already. Asked while it looks already, it looks
 * once more afterwards: the change may have come too late for the picture. While an operation is being
 * planned it looks if that is refused; one that ran is looked after by whoever hears of its end.
 *
 * It is used only while the kernel's count of changes (door_ops.changes) is what it was before the picture
 * was made; and every step checks what it builds on. So a picture is never trusted over the machine.
 */
void engine_look(struct engine *e);

/**
 * engine_door - the daemon's own door to the kernel, for what completes a picture; the engine's
 *
 * What that takes of the kernel's time counts as such.
 */
struct door *engine_door(struct engine *e);

/**
 * engine_cancel - stop an operation and walk back
 *
 * A step the kernel may take long over is interrupted by killing its worker; any other is let finish.
 *
 * Return: 0, also when it is being cancelled already, and when the plan's point of no return comes before the
 * worker hears of it (then it goes on to the end); -ENOENT; -EALREADY when it has finished; -EBUSY past the
 * point of no return.
 */
int engine_cancel(struct engine *e, uint64_t id);

/**
 * engine_hurry - a card goes, whatever comes of it, and a running operation is in the way of what can be saved
 * @usec: after which it is given up, if it is not done
 * @why: it is about another card, and is walked back then; what its end will say; a copy is made. NULL: its own card
 * goes, and what is offline then stays so
 *
 * One that walks back, or is past the point of no return, is left to that.
 */
void engine_hurry(struct engine *e, struct operation *o, uint64_t usec, const char *why);

/**
 * engine_busy - whether an operation is queued or running
 */
bool engine_busy(const struct engine *e);

/**
 * engine_settle - somebody has decided about a region: what was stuck over it needs nobody any more
 *
 * An operation on it that is done does so, too.
 */
void engine_settle(struct engine *e, const char *region);

/**
 * engine_get, engine_nth - an operation by id, or by place (oldest first); NULL if there is none
 *
 * The last ENGINE_HISTORY finished ones are kept.
 */
struct operation *engine_get(struct engine *e, uint64_t id);
struct operation *engine_nth(struct engine *e, size_t n);

#define ENGINE_HISTORY 64

#endif
