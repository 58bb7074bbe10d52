/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MONITOR_H
#define CXLMEM_MONITOR_H

#include <systemd/sd-event.h>

/* Tells that something about CXL memory changed; what it was is for a fresh picture to say. */
struct monitor;

/**
 * monitor_new - watch udev's events of the cxl, dax, memory and pci subsystems
 * @changed: called when a card has become usable, and once for a burst of events, a moment after its first
 * @ret: the caller's, monitor_free()
 *
 * Return: 0, or -errno.
 */
int monitor_new(sd_event *event, void (*changed)(void *userdata), void *userdata,
		struct monitor **ret);
struct monitor *monitor_free(struct monitor *m);

#endif
