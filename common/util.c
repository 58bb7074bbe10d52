/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool streq_null(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

int strdup_or_null(const char *s, char **ret)
{
	char *copy = NULL;

	if (s) {
		copy = strdup(s);
		if (!copy)
			return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

int grow(void *array, size_t n, size_t size)
{
	char **data = array, *bigger;
	size_t bytes;

	/* full exactly at 0 and at the powers of two */
	if ((n & (n - 1)) == 0 || n == 0) {
		if (__builtin_mul_overflow(n ? n : 1, size, &bytes) ||
		    (n && __builtin_mul_overflow(bytes, (size_t)2, &bytes)))
			return -ENOMEM;
		bigger = realloc(*data, bytes);
		if (!bigger)
			return -ENOMEM;
		*data = bigger;
	}
	memset(*data + n * size, 0, size);
	return 0;
}

int say(char **reason, int error, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	if (!reason)
		return error;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;

	free(*reason);
	*reason = text;
	return error;
}

char *format_size(uint64_t bytes, char buf[static 32])
{
	static const struct {
		uint64_t unit;
		char letter;
	} units[] = { { TIB, 'T' }, { GIB, 'G' }, { MIB, 'M' }, { KIB, 'K' } };
	size_t i;

	if (bytes == UNKNOWN) {
		snprintf(buf, 32, "unknown");
		return buf;
	}
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		uint64_t unit = units[i].unit, sub = unit / KIB, rest = bytes % unit;
		uint64_t hundredths;

		if (bytes < unit)
			continue;
		/* one unit smaller where that is exact and two digits are not: 1152M, not 1.13G */
		if (rest * 100 % unit != 0 && bytes % sub == 0 && bytes / sub < 10000) {
			snprintf(buf, 32, "%" PRIu64 "%s", bytes / sub,
				 i + 1 < ARRAY_SIZE(units) ? (char[]){ units[i + 1].letter, 0 } :
							     "");
			return buf;
		}
		hundredths = bytes / unit * 100 + (rest * 100 + unit / 2) / unit;
		if (hundredths % 100 == 0)
			snprintf(buf, 32, "%" PRIu64 "%c", hundredths / 100, units[i].letter);
		else if (hundredths % 10 == 0)
			snprintf(buf, 32, "%" PRIu64 ".%u%c", hundredths / 100,
				 (unsigned int)(hundredths % 100 / 10), units[i].letter);
		else
			snprintf(buf, 32, "%" PRIu64 ".%02u%c", hundredths / 100,
				 (unsigned int)(hundredths % 100), units[i].letter);
		return buf;
	}
	snprintf(buf, 32, "%" PRIu64, bytes);
	return buf;
}

/* The multiplier a unit stands for; 0 if it is none. */
static uint64_t size_unit(const char *s)
{
	static const char letters[] = "KMGTPE";
	const char *at;

	if (strcasecmp(s, "") == 0 || strcasecmp(s, "B") == 0)
		return 1;
	at = strchr(letters, *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
	if (!at || (s[1] && strcasecmp(s + 1, "B") != 0 && strcasecmp(s + 1, "iB") != 0))
		return 0;
	return UINT64_C(1) << (10 * (at - letters + 1));
}

int parse_size(const char *s, uint64_t *ret)
{
	uint64_t whole = 0, unit, value;
	uint64_t fraction = 0, scale = 1;
	const char *p = s;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		return parse_u64(s, ret);

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole))
			return -ERANGE;
	if (*p == '.') {
		if (p[1] < '0' || p[1] > '9')
			return -EINVAL;
		for (p++; *p >= '0' && *p <= '9'; p++) {
			if (scale >= UINT64_C(1000000)) {
				if (*p != '0')
					return -EINVAL;
				continue;
			}
			fraction = fraction * 10 + (uint64_t)(*p - '0');
			scale *= 10;
		}
	}
	while (*p == ' ')
		p++;
	unit = size_unit(p);
	if (!unit)
		return -EINVAL;
	if (fraction && unit == 1)
		return -EINVAL; /* there is no half byte */

	/* 10^6 * 2^50 would overflow: take the fraction of a big unit in two factors */
	if (unit > TIB)
		fraction = fraction * TIB / scale * (unit / TIB);
	else
		fraction = fraction * unit / scale;
	if (__builtin_mul_overflow(whole, unit, &value) ||
	    __builtin_add_overflow(value, fraction, &value) || value == UNKNOWN)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_u64(const char *s, uint64_t *ret)
{
	unsigned int base = 10;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned int digit;

		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			digit = *s - 'a' + 10;
		else if (base == 16 && *s >= 'A' && *s <= 'F')
			digit = *s - 'A' + 10;
		else
			return -EINVAL;
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit, &v))
			return -ERANGE;
	}
	*ret = v;
	return 0;
}
