/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MACHINES_H
#define CXLMEM_MACHINES_H

#include "mock.h"

/* Where the first window of the machines below begins. */
#define BASE (4 * GIB)

/* One card of 1 GiB behind a bridge without decoders of its own; window of 4 GiB. */
void machine_one(struct mock *m);
/* Two cards of 1 GiB behind one bridge with 4 decoders; window of 4 GiB. */
void machine_two_ports(struct mock *m);
/* Two bridges (0c and de) with a card of 1 GiB each; windows 0, 1 for one, 2 across both, 1024. */
void machine_two_bridges(struct mock *m);
/* Two bridges with two cards each (mem0, mem1 and mem2, mem3); windows as above. */
void machine_two_by_two(struct mock *m);
/* One bridge, a switch with four cards of 1 GiB; window of 8 GiB. */
void machine_switch4(struct mock *m);
/* Two bridges, a switch each, four cards each (mem0-3, mem4-7); windows as for two bridges, 8 GiB.
 */
void machine_big(struct mock *m);
/* Three bridges with a card each, and a window across all three, granularity 4096. */
void machine_three_bridges(struct mock *m);
/* One bridge, two switches with two cards each (mem0, mem1 and mem2, mem3). */
void machine_two_switches(struct mock *m);

/* A region in the first window, of the first card, as its name says; region_empty() has no card. */
void region_movable(struct mock *m);
void region_kernel(struct mock *m);
void region_offline(struct mock *m);
void region_devdax(struct mock *m);
void region_unbound(struct mock *m);
void region_committed(struct mock *m);
void region_attached(struct mock *m);
void region_empty(struct mock *m);

#endif
