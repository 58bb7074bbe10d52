/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_PROGRESS_H
#define CXLMEM_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "operation.h"
#include "term.h"

/*
 * How a running operation is shown: on a terminal one line that is drawn again and again, but only
 * for operations that take longer than half a second; elsewhere one plain line for every step that
 * ends. Times are microseconds of CLOCK_MONOTONIC.
 */
struct progress {
	FILE *out;
	const struct style *style;
	uint64_t begun, step_begun, drawn; /* 0 = not yet */
	unsigned int step;
	bool undoing;
	bool on_screen;
	unsigned char *seen; /* state of each step that was already told */
	size_t n_seen;
	char *blockers; /* what was told of what is in the way */
};

/**
 * progress_begin - the operation begins now
 */
void progress_begin(struct progress *p, FILE *out, const struct style *style, uint64_t now);

/**
 * progress_update - the operation or the time has changed: show it
 *
 * Return: 0, or -ENOMEM.
 */
int progress_update(struct progress *p, const struct operation *op, uint64_t now);

/**
 * progress_wake - when progress_update() wants to be called even if nothing has changed; UINT64_MAX
 * = never
 */
uint64_t progress_wake(const struct progress *p, uint64_t now);

/**
 * progress_hide - take the line from the screen so that something else can be printed
 */
void progress_hide(struct progress *p);

/**
 * progress_end - hide, and free what @p owns
 */
void progress_end(struct progress *p);

/**
 * progress_line - the line for a terminal: step, bar, bytes, rate, time left
 * @step_usec: time since the running step was first seen
 * @all_usec: time since the operation began
 * @ret: the caller's
 *
 * Never longer than the style's width less one column (the last one makes some terminals wrap).
 *
 * Return: 0, or -ENOMEM.
 */
int progress_line(const struct operation *op, const struct style *style, uint64_t step_usec,
		  uint64_t all_usec, char **ret);

/**
 * format_duration - "0.4s", "12s", "3min 5s"; @buf is returned
 */
#define DURATION_SIZE 32
char *format_duration(uint64_t usec, char buf[static DURATION_SIZE]);

#endif
