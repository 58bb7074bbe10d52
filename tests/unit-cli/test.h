/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_TEST_H
#define CXLMEM_TEST_H

/* cmocka.h must come behind these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util.h"

#endif
