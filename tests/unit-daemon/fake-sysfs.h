/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_FAKE_SYSFS_H
#define CXLMEM_FAKE_SYSFS_H

#include <stdarg.h>
#include <stdio.h>

/* For tests that stand in for sysfs.c: the path, an array, that a printf-like function was called with. */
#define SAY_PATH(path, format)                             \
	do {                                               \
		va_list ap;                                \
		va_start(ap, format);                      \
		vsnprintf(path, sizeof(path), format, ap); \
		va_end(ap);                                \
	} while (0)

#endif
