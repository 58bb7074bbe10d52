/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "time-span.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define USEC_PER_SEC UINT64_C(1000000)
#define LONGEST_FRACTION 6 /* digits: with them a week is still exact in 64 bits */

/* The unit that @s begins with, in microseconds, and where the text goes on; 0 if it is none. */
static uint64_t unit_at(const char *s, const char **ret_end)
{
	static const struct {
		const char *name;
		uint64_t usec;
	} units[] = {
		/* clang-format off */
		{ "us", 1 }, { "usec", 1 }, { "\302\265s", 1 }, { "\316\274s", 1 },
		{ "ms", 1000 }, { "msec", 1000 },
		{ "", USEC_PER_SEC }, { "s", USEC_PER_SEC }, { "sec", USEC_PER_SEC },
		{ "second", USEC_PER_SEC }, { "seconds", USEC_PER_SEC },
		{ "m", 60 * USEC_PER_SEC }, { "min", 60 * USEC_PER_SEC },
		{ "minute", 60 * USEC_PER_SEC }, { "minutes", 60 * USEC_PER_SEC },
		{ "h", 3600 * USEC_PER_SEC }, { "hr", 3600 * USEC_PER_SEC },
		{ "hour", 3600 * USEC_PER_SEC }, { "hours", 3600 * USEC_PER_SEC },
		{ "d", 86400 * USEC_PER_SEC }, { "day", 86400 * USEC_PER_SEC },
		{ "days", 86400 * USEC_PER_SEC },
		{ "w", 604800 * USEC_PER_SEC }, { "week", 604800 * USEC_PER_SEC },
		{ "weeks", 604800 * USEC_PER_SEC },
		/* clang-format on */
	};
	size_t n = strcspn(s, " \t0123456789."), i;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].name) == n && strncmp(units[i].name, s, n) == 0) {
			*ret_end = s + n;
			return units[i].usec;
		}
	return 0;
}

static int parse_part(const char **s, uint64_t *ret)
{
	uint64_t whole = 0, fraction = 0, scale = 1, unit, value;
	const char *p = *s;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
			return -ERANGE;
	if (*p == '.') {
		const char *first = ++p;

		for (; *p >= '0' && *p <= '9'; p++) {
			fraction = fraction * 10 + (uint64_t)(*p - '0');
			scale *= 10;
			if (p - first >= LONGEST_FRACTION)
				return -EINVAL;
		}
		if (p == first)
			return -EINVAL;
	}
	p += strspn(p, " \t");
	unit = unit_at(p, &p);
	if (!unit)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &value) ||
	    __builtin_add_overflow(value, fraction * unit / scale, &value))
		return -ERANGE;
	*ret = value;
	*s = p + strspn(p, " \t");
	return 0;
}

int parse_time_span(const char *s, uint64_t *ret)
{
	uint64_t sum = 0, part;

	s += strspn(s, " \t");
	if (strcmp(s, "infinity") == 0) {
		*ret = UNKNOWN;
		return 0;
	}
	do {
		int r = parse_part(&s, &part);

		if (r < 0)
			return r;
		if (__builtin_add_overflow(sum, part, &sum) || sum == UNKNOWN)
			return -ERANGE;
	} while (*s);
	*ret = sum;
	return 0;
}

char *format_time_span(uint64_t usec, char buf[static 64])
{
	static const struct {
		const char *name;
		uint64_t usec;
	} parts[] = {
		{ "d", UINT64_C(86400000000) }, { "h", UINT64_C(3600000000) },
		{ "min", 60000000 },		{ "s", 1000000 },
		{ "ms", 1000 },			{ "us", 1 },
	};
	size_t used = 0, i;
	int shown = 0;

	for (i = 0; i < ARRAY_SIZE(parts) && shown < 2; i++) {
		if (usec < parts[i].usec)
			continue;
		used += snprintf(buf + used, 64 - used, "%s%" PRIu64 "%s", shown++ ? " " : "",
				 usec / parts[i].usec, parts[i].name);
		usec %= parts[i].usec;
	}
	if (!shown)
		strcpy(buf, "0s");
	return buf;
}
