/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MODULE_H
#define CXLMEM_MODULE_H

#include "door.h"

/**
 * module_load - have systemd load a kernel module with what it needs (modprobe@.service); nothing if it is there
 *
 * Of one that is built in the caller knows: not every such module has a directory in /sys/module. udev does the same
 * from the device's modalias, only later: waiting for it costs more than asking.
 *
 * Return: 0, or -errno with a reason.
 */
int module_load(struct door *door, const char *name, char **ret_reason);

#endif
