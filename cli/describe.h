/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_DESCRIBE_H
#define CXLMEM_CLI_DESCRIBE_H

#include <stdio.h>

#include "picture.h"

#include "term.h"

/* Words and sums about the objects of a picture that more than one view shows. */

/* A sum of numbers some of which may be unknown. */
struct total {
	uint64_t sum;
	size_t unknown; /* how many are not in it */
};

void total_add(struct total *t, uint64_t bytes);

/**
 * total_print - "2G", or "at least 2G" when something is missing
 */
void total_print(const struct total *t, FILE *out);

/**
 * describe_use - how a region is used: "system-ram", "devdax", "not used", "incomplete", "unknown"
 */
const char *describe_use(const struct region_memory *m);

/**
 * describe_state - state of a system-ram region's memory: "online", "offline", "256M of 1G online";
 * else "-"
 */
#define STATE_SIZE 96
char *describe_state(const struct region_memory *m, char buf[static STATE_SIZE]);

/**
 * describe_zone - "movable", "kernel", "mixed", "unknown"; "-" when nothing is online
 */
const char *describe_zone(const struct region_memory *m);

/**
 * use_tint - how much a region's use deserves attention
 */
enum tint use_tint(const struct region_memory *m);

/**
 * print_members - a region's cards in their order, with commas; "unknown" where one cannot be told
 */
void print_members(const struct picture *p, const struct region *r, FILE *out);

/**
 * describe_members - the same as a string; the caller's, NULL when out of memory
 */
char *describe_members(const struct picture *p, const struct region *r);

/**
 * describe_slot - the cards in a slot, or "empty"; the caller's, NULL when out of memory
 */
char *describe_slot(const struct picture *p, int slot);

/**
 * memdev_ram_free - volatile capacity of a card no decoder has claimed; UNKNOWN if that cannot be
 * told
 */
uint64_t memdev_ram_free(const struct picture *p, int memdev);

/**
 * window_free - bytes of a window that nothing is mapped to, all holes together; UNKNOWN if that
 * cannot be told
 */
uint64_t window_free(const struct window *w);

/**
 * find_node - index of the NUMA node with this number, or -1
 */
int find_node(const struct picture *p, uint64_t id);

/**
 * memdev_has_window - whether some window goes to the host bridge a card is under; MAYBE if that
 * cannot be told
 */
enum tristate memdev_has_window(const struct picture *p, int memdev);

/**
 * describe_link - "PCIe 32 GT/s x16", and what both ends could when that is more; "" when it is not known
 */
#define LINK_SIZE 64
char *describe_link(const struct memdev *m, char buf[static LINK_SIZE]);

/**
 * link_is_slow - whether a card's link is slower or narrower than both of its ends could
 */
bool link_is_slow(const struct memdev *m);

/**
 * describe_speed - "reads 64 GB/s, 210 ns"; "" when nothing of it is known
 */
#define SPEED_SIZE 80
char *describe_speed(const struct speed *s, char buf[static SPEED_SIZE]);

/**
 * describe_health - one word for how a card is, and its tint; "unknown" when nobody told
 */
const char *describe_health(const struct memdev *m, enum tint *ret_tint);

#endif
