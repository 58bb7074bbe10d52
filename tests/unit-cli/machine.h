/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_TEST_MACHINE_H
#define CXLMEM_TEST_MACHINE_H

#include "picture.h"

/* Pictures of machines for the views, put together by what stands in them. All indexes are the
 * picture's. */

struct picture *machine_new(void);
int machine_bridge(struct picture *p, const char *host, unsigned int n_decoders);
int machine_switch(struct picture *p, int parent, const char *host, unsigned int n_decoders);
int machine_card(struct picture *p, int parent, uint64_t serial, const char *host, uint64_t size);

void machine_slot(struct picture *p, const char *called, const char *address, const char *port,
		  enum tristate power);

/**
 * machine_window - a window of @size bytes over host bridges; -1 ends the list
 */
int machine_window(struct picture *p, uint64_t resource, uint64_t size, ...);

/**
 * machine_region - a region that takes all of @members in order (-1 ends the list), with a dax
 * device
 * @driver: of the dax device; NULL = unbound
 */
int machine_region(struct picture *p, int window, uint64_t resource, uint64_t size,
		   const char *driver, ...);

/**
 * machine_memory - @count blocks of a region
 */
void machine_memory(struct picture *p, int region, uint64_t first, uint64_t count,
		    enum mem_state state, enum zone zone, uint64_t node);

void machine_node(struct picture *p, uint64_t id, uint64_t total, uint64_t free_bytes,
		  enum tristate has_cpu, const char *tier);

/**
 * machine_two_bridges - the lab's topology of that name: two cards of 512M on a bridge each, a
 * window for each and one across; with region0 of mem0, half of it online and movable
 */
struct picture *machine_two_bridges(void);

#endif
