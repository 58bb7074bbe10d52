/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_TIME_SPAN_H
#define CXLMEM_TIME_SPAN_H

#include "util.h"

/**
 * parse_time_span - read a time as systemd's files have it: "30", "30s", "2min", "1min 30s", "1.5h"
 * @ret: microseconds; UNKNOWN for "infinity"
 *
 * A number without a unit counts seconds. Units are us, ms, s, min (m), h, d and w, and their long
 * forms (systemd.time(7)); months and years, which are not always equally long, are none. Parts
 * are added up, with or without blanks between them.
 *
 * Return: 0; -EINVAL if it is no time; -ERANGE if it is longer than can be counted.
 */
int parse_time_span(const char *s, uint64_t *ret);

/**
 * format_time_span - a time as parse_time_span() reads it: "30s", "1min 30s", "250ms"
 * @usec: microseconds, finite
 * @buf: at least 64 bytes, returned
 *
 * The two largest units that are not zero.
 */
char *format_time_span(uint64_t usec, char buf[static 64]);

#endif
