/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_EXIT_STATUS_H
#define CXLMEM_CLI_EXIT_STATUS_H

#include <stddef.h>

/* What the shell is told. Part of the interface, as cxlmemctl(1) and the help text have it. */
enum exit_status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,    /* refused, or tried and failed */
	STATUS_USAGE = 2,     /* the command line makes no sense */
	STATUS_NO_DAEMON = 3, /* cxlmemd cannot be reached, or went away */
	STATUS_CANCELLED = 4,
	_STATUS_MAX,
};

/* What each means, for the help text, by its number. */
extern const char *const exit_status_text[_STATUS_MAX];

#endif
