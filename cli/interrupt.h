/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_INTERRUPT_H
#define CXLMEM_CLI_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* Ctrl-C as something that can be polled for, while one of these is open. */
struct interrupt {
	int fd;
	sigset_t before;
};

/**
 * interrupt_open - from now on SIGINT does not kill but makes the descriptor readable
 *
 * Where SIGINT is ignored (nohup, background jobs of a script) it stays so, and @fd is -1.
 *
 * Return: 0, or a negative errno.
 */
int interrupt_open(struct interrupt *i);

/**
 * interrupt_take - whether it was pressed since last asked
 */
bool interrupt_take(struct interrupt *i);

/**
 * interrupt_close - as before; nothing if @i was never opened (fd is -1)
 */
void interrupt_close(struct interrupt *i);

#endif
