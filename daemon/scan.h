/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SCAN_H
#define CXLMEM_SCAN_H

#include "door.h"
#include "picture.h"

/* The parts of a picture, each filled by one file of the door. All return 0 or -errno with a reason. */

/**
 * scan_cxl - windows, ports, decoders, memdevs and regions, by way of libcxl
 */
int scan_cxl(struct door *door, struct picture *p, unsigned int flags, char **ret_reason);

/**
 * scan_pci - the places and PCI ids of cards, and the hot-plug slots below CXL host bridges
 *
 * Needs windows, ports and memdevs. Slots of other devices cost one read and one link each.
 */
int scan_pci(struct door *door, struct picture *p, char **ret_reason);

/**
 * scan_iomem - what is spoken for in each window, and memory there that firmware mapped by itself
 *
 * Needs the windows and regions. Reads /proc/iomem, which shows addresses to CAP_SYS_ADMIN only.
 */
int scan_iomem(struct door *door, struct picture *p, char **ret_reason);

/**
 * scan_dax - device-dax instances, their drivers and kmem's state
 *
 * Needs the regions.
 */
int scan_dax(struct door *door, struct picture *p, char **ret_reason);

/**
 * scan_memory - block size, online policy, memory blocks inside windows, NUMA nodes and tiers
 *
 * Needs the windows and regions.
 */
int scan_memory(struct door *door, struct picture *p, char **ret_reason);

/**
 * scan_speed - how fast the links of cards are, and the memory of regions and nodes
 *
 * Needs the places of cards, the regions and the nodes. What the kernel does not tell stays unknown.
 */
void scan_speed(struct door *door, struct picture *p);

#endif
