/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_EXPORTER_H
#define CXLMEM_EXPORTER_H

#include "contest.h"
#include "engine.h"
#include "health.h"
#include "metrics.h"
#include "scanner.h"
#include "steward.h"

/* Counts what goes on, and tells it to whoever monitors the machine: over a unix socket, and over the bus. */
struct exporter;

#define EXPORTER_SOCKET "/run/cxlmem/metrics"
/* An operation may hold the locks that a look at the machine needs; who scrapes does not wait for its end. */
#define EXPORTER_WAIT_USEC (5 * UINT64_C(1000000))

/* Whom it asks; all the caller's, who keeps them longer. */
struct exporter_sources {
	struct scanner *scanner;
	struct engine *engine;
	struct steward *steward;
	struct health_watch *health;
	struct contest *contest;
};

/**
 * exporter_new - begin to count
 * @ret: the caller's, exporter_free()
 *
 * Return: 0, or -ENOMEM.
 */
int exporter_new(sd_event *event, const struct exporter_sources *sources, struct exporter **ret);
struct exporter *exporter_free(struct exporter *e);

/**
 * exporter_listen - answer HTTP on a socket
 *
 * Return: 0, or -errno.
 */
int exporter_listen(struct exporter *e, const char *socket_path);

/**
 * exporter_reply_t - the text; NULL = out of memory, or cxlmemd is stopping
 */
typedef void (*exporter_reply_t)(const char *text, void *userdata);

/**
 * exporter_ask - the metrics as they are after this call; without the machine if that cannot be looked at in time
 *
 * Return: 0; -errno (@reply is not called then).
 */
int exporter_ask(struct exporter *e, enum metrics_format format, exporter_reply_t reply, void *userdata);

/* The engine's hooks; e = NULL is fine. */
void exporter_finished(struct exporter *e, const struct operation *o);
void exporter_refused(struct exporter *e, const struct operation *o);
void exporter_stepped(struct exporter *e, const struct step *s, uint64_t usec);

#endif
