/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_OPERATION_H
#define CXLMEM_CLI_OPERATION_H

#include <stdint.h>

#include <json-c/json_object.h>
#include <systemd/sd-bus.h>

/* What the client knows of an operation of the daemon (data/org.cxlmem1.xml). */
struct operation_step {
	char *kind, *text, *state;
};

struct operation {
	uint64_t id;
	char *verb, *summary, *state, *reason; /* NULL = not told yet */
	char *result; /* what may be counted on, once it is done: a card may be pulled */
	char **notes, **regions;	       /* end with NULL; NULL = not told yet */
	struct operation_step *steps;
	size_t n_steps;
	uint32_t step; /* how many are done */
	char *blockers; /* JSON (common/blockers.h): what the running step waits for; NULL or "" = nothing */
	uint64_t bytes_done, bytes_total;
	uint64_t started_usec, finished_usec; /* CLOCK_REALTIME, 0 = not yet */
	uint64_t kernel_usec, total_usec;
};

/**
 * operation_clear - free what an operation owns and zero it; the operation itself is the caller's
 */
void operation_clear(struct operation *op);

/**
 * operation_read - take over the properties found in a message positioned at an a{sv}
 *
 * Properties that are not there keep their values; unknown ones, and those of another type than
 * ours, are skipped so that a newer daemon can be talked to.
 *
 * Return: 0, or a negative errno.
 */
int operation_read(struct operation *op, sd_bus_message *m);

/**
 * operation_to_json - everything that was told; @ret is the caller's (json_object_put)
 *
 * Return: 0, or -ENOMEM.
 */
int operation_to_json(const struct operation *op, struct json_object **ret);

#endif
