/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CARD_TRACE_H
#define CXLMEM_CARD_TRACE_H

#include "card-events.h"

/*
 * What the kernel tells of cards through its tracepoints: event records, poison, protocol errors, AER. Part of the
 * door, but in the daemon's own process: an instance of the trace buffer of its own is read without waiting.
 */
struct card_trace;

/* @report: of AER alone has no memdev, and its host may be no card at all */
typedef void (*card_trace_t)(const struct card_report *report, void *userdata);

/**
 * card_trace_open - have the events recorded from now on
 * @ret: the caller's
 *
 * Return: 0; -errno with a reason (no tracing in this kernel, or it may not be used).
 */
int card_trace_open(struct card_trace **ret, char **ret_reason);
struct card_trace *card_trace_close(struct card_trace *t);

/**
 * card_trace_fd - becomes readable when something was recorded
 */
int card_trace_fd(const struct card_trace *t);

/**
 * card_trace_read - hand on what was recorded
 */
void card_trace_read(struct card_trace *t, card_trace_t report, void *userdata);

#endif
