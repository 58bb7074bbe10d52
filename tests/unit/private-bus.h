/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_TEST_PRIVATE_BUS_H
#define CXLMEM_TEST_PRIVATE_BUS_H

#include <sys/types.h>

/* What meson takes for "could not be tested here". */
#define TEST_SKIP 77

/* A dbus-daemon for one test program, with everything allowed. */
struct private_bus {
	pid_t pid;
	char file[32]; /* its configuration */
};

/**
 * private_bus_start - start one and make it the system bus of this process
 * @policy: XML that is added to the end of the policy; may be ""
 *
 * Ends the program with TEST_SKIP where there is no dbus-daemon.
 */
void private_bus_start(struct private_bus *bus, const char *policy);
void private_bus_stop(struct private_bus *bus);

#endif
