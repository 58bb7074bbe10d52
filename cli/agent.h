/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_AGENT_H
#define CXLMEM_CLI_AGENT_H

#include <sys/types.h>

/* A polkit agent on our terminal: where there is no desktop that asks for passwords, somebody has to. */
struct agent {
	pid_t pid; /* 0 = none */
};

/**
 * agent_open - start one for this process and wait until polkit knows it
 *
 * Does nothing for root, without a terminal, and where there is no pkttyagent(1): then polkit's answer says
 * that there was nobody to ask.
 */
void agent_open(struct agent *a);
void agent_close(struct agent *a);

#endif
