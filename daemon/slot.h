/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SLOT_H
#define CXLMEM_SLOT_H

#include "door.h"

/* PCI hot-plug slots, /sys/bus/pci/slots (drivers/pci/slot.c). Part of the door. */

/**
 * slot_read - where a slot is
 * @name: "2"
 * @ret_address: what sits in it, without the function: "0000:0d:00"
 * @ret_bridge: the host bridge above, "pci0000:0c"
 * @ret_port: its port, "0000:0c:00.0"; all three are the caller's
 *
 * Return: 0; -ENODEV when it has no place that can be found, or is gone; -ENOMEM.
 */
int slot_read(struct door *door, const char *name, char **ret_address, char **ret_bridge,
	      char **ret_port);

#endif
