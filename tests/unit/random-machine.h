/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_RANDOM_MACHINE_H
#define CXLMEM_RANDOM_MACHINE_H

#include "mock.h"

/* xorshift64: the same numbers from the same seed everywhere */
struct dice {
	uint64_t state;
};

/* dice_roll - a number from 0 to @n - 1 */
unsigned int dice_roll(struct dice *d, unsigned int n);

/* random_machine - one to four bridges, switches, cards and windows of all sorts */
struct mock *random_machine(struct dice *d);

/* random_line - a request for it, often a sensible one */
void random_line(struct dice *d, const struct mock *m, char *buf, size_t size);

#endif
