/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CARD_LINE_H
#define CXLMEM_CARD_LINE_H

#include "card-events.h"

/* A line of the kernel's trace about a card, and what it says; @report points into it. */
struct card_line {
	char memdev[32], host[32], text[256];
	struct card_report report; /* @usec is not set; @memdev may be NULL (AER names devices only) */
};

/**
 * card_line_read - understand one line of trace_pipe without its context ("options/context-info" is 0)
 * @line: "cxl_dram: memdev=mem0 host=0000:0d:00.0 serial=4097 log=Failure : ...": include/trace/events of the cxl core,
 *	and aer_event of include/ras/ras_event.h; without the newline
 *
 * Fields are found by their names: kernels add some, and change the order.
 *
 * Return: 0; -ENOMSG if it says nothing of a card's health.
 */
int card_line_read(const char *line, struct card_line *ret);

/**
 * card_line_event - the events that can be read, as "cxl/cxl_dram"; NULL past the last
 */
const char *card_line_event(size_t i);

#endif
