/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_BLOCKERS_WATCH_H
#define CXLMEM_BLOCKERS_WATCH_H

#include <systemd/sd-event.h>

#include "operation.h"
#include "worker.h"

/*
 * Who and what is in the way of memory that is to go: for those who ask, and by itself for an operation that
 * makes no progress. Looked at by a worker of its own, which a stuck operation does not hold up.
 */
struct blockers_watch;

/**
 * blockers_reply_t - @text is JSON (common/blockers.h), NULL on error
 */
typedef void (*blockers_reply_t)(const char *text, int error, const char *reason, void *userdata);
/* There is something new to tell of an operation. */
typedef void (*blockers_told_t)(uint64_t operation, void *userdata);

/**
 * blockers_watch_new, blockers_watch_free - those who still wait are answered with -ECANCELED by the latter
 * @told: may be NULL
 *
 * Return: 0, or -ENOMEM.
 */
int blockers_watch_new(sd_event *event, worker_open_t open, blockers_told_t told, void *userdata,
		       struct blockers_watch **ret);
struct blockers_watch *blockers_watch_free(struct blockers_watch *w);

/**
 * blockers_watch_ask - ask for a region, a dax device or a node by its name; @reply is called once
 *
 * Return: 0; -errno (@reply is not called then).
 */
int blockers_watch_ask(struct blockers_watch *w, const char *name, blockers_reply_t reply, void *userdata);

/**
 * blockers_watch_changed, blockers_watch_finished - something of an operation changed, or it is over
 */
void blockers_watch_changed(struct blockers_watch *w, const struct operation *o);
void blockers_watch_finished(struct blockers_watch *w, const struct operation *o);

/**
 * blockers_watch_text - what is in the way of an operation's running step; NULL = it goes on, or nobody looked yet
 */
const char *blockers_watch_text(const struct blockers_watch *w, uint64_t operation);

#endif
