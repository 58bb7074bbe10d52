/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MODULE_H
#define CXLMEM_MODULE_H

#include "door.h"

/**
 * module_load - load a kernel module with what it needs; nothing if it is there or built in
 *
 * udev does the same from the device's modalias, only later: waiting for it costs more than asking.
 *
 * Return: 0, or -errno with a reason.
 */
int module_load(struct door *door, const char *name, char **ret_reason);

#endif
