/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MANAGER_H
#define CXLMEM_MANAGER_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "authorize.h"
#include "blockers-watch.h"
#include "contest.h"
#include "direct.h"
#include "button.h"
#include "card-trace.h"
#include "engine.h"
#include "expedite.h"
#include "exporter.h"
#include "health.h"
#include "monitor.h"
#include "scanner.h"
#include "steward.h"
#include "succession.h"

/* All there is of the daemon. */
struct manager {
	sd_event *event;
	sd_bus *bus;
	struct direct *direct; /* NULL where nobody could listen */
	struct authority *authority; /* who may do what */
	struct contest *contest; /* with others who bring memory online */
	struct blockers_watch *blockers; /* who is in the way of memory that is to go */
	struct engine *engine;
	struct expedite *expedite; /* grace periods of RCU, while memory comes or goes */
	struct health_watch *health;
	struct card_trace *trace; /* NULL where the kernel does not tell of errors */
	sd_event_source *trace_source;
	struct scanner *scanner;
	struct steward *steward;
	struct button *button;
	struct exporter *exporter; /* of metrics */
	struct succession *succession; /* of the daemon before this one, and the journal */
	struct monitor *monitor;
	sd_event_source *reaper; /* SIGCHLD: corpses of workers */
	sd_event_source *announce; /* PropertiesChanged, gathered */
	uint64_t announced; /* id of the operation that changed; 0 = none */
};

/**
 * manager_new - bring the daemon up to the point where its loop can run
 * @open: opens the door to the kernel, in each worker
 * @ret: the caller's, manager_free()
 *
 * Return: 0, or -errno after logging what failed.
 */
int manager_new(worker_open_t open, struct manager **ret);
struct manager *manager_free(struct manager *m);

static inline void manager_freep(struct manager **m)
{
	manager_free(*m);
}

/**
 * manager_run - serve until SIGTERM or SIGINT
 *
 * Return: 0, or -errno.
 */
int manager_run(struct manager *m);

#endif
