/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_DAEMON_TEST_H
#define CXLMEM_DAEMON_TEST_H

/* cmocka.h must come behind these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

/* Open descriptors of this process, the one for looking not counted. */
static inline unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The corpses of workers; does not wait for those that live. */
static inline void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Run an event loop until something holds; meson ends a test that never gets there. */
#define run_until(event, condition)                                    \
	do {                                                           \
		while (!(condition))                                   \
			assert_true(sd_event_run(event, UINT64_MAX) >= 0); \
	} while (0)

#endif
