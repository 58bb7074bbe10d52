/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_UNDER_VALGRIND_H
#define CXLMEM_UNDER_VALGRIND_H

#include <stdbool.h>

/*
 * under_valgrind - whether each instruction costs fifty; tests that try many cases then try fewer
 *
 * Always false where valgrind's header is not installed.
 */
#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>

static inline bool under_valgrind(void)
{
	return RUNNING_ON_VALGRIND;
}
#else
static inline bool under_valgrind(void)
{
	return false;
}
#endif

#endif
