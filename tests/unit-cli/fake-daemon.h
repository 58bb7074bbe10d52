/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_TEST_FAKE_DAEMON_H
#define CXLMEM_TEST_FAKE_DAEMON_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

/* A cxlmemd that answers as a test wants it, in a process of its own. All zero: every operation is
 * done. */
struct fake {
	const char *error, *message; /* the answer to every call but Ping */
	const char *state, *reason;  /* how operations end; default "done" */
	const char *result;	     /* what operations say of themselves when they are done */
	const char *picture;	     /* answer to GetPicture; default "{}" */
	const char *wishes;	     /* answer to GetWishes; default: none */
	/* answers to GetHealth, GetBlockers, GetRivals and Export */
	const char *health, *blockers, *rivals, *export;
	bool no_steps;		     /* there was nothing to do */
	bool no_operations;	     /* none were there before */
	bool early;		     /* the end is told before the answer to Start */
	bool forged;	      /* somebody else on the bus tells a false end first */
	bool dies;	      /* behind the answer to Start */
	bool finished_before; /* Cancel is refused */
	bool person;		 /* presses once more, a moment later */
	unsigned int interrupts; /* times that Ctrl-C is pressed: after Start, and after Cancel */
	bool stubborn;		 /* does not end after Cancel */
};

struct fake_daemon {
	pid_t pid;
	FILE *log; /* one line for every call it got */
};

/**
 * fake_daemon_peer - start one at the other end of a direct connection
 *
 * Return: the client's end, started; the caller's.
 */
sd_bus *fake_daemon_peer(struct fake_daemon *d, const struct fake *fake);

/**
 * fake_daemon_bus - start one on the system bus and wait until it has its name
 */
void fake_daemon_bus(struct fake_daemon *d, const struct fake *fake);

/**
 * fake_daemon_calls - the calls it got so far, one a line; the caller's
 */
char *fake_daemon_calls(struct fake_daemon *d);

/**
 * fake_daemon_stop - end it
 */
void fake_daemon_stop(struct fake_daemon *d);

#endif
