/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_KMSG_H
#define CXLMEM_KMSG_H

#include <stdbool.h>

#include <systemd/sd-event.h>

/*
 * What pciehp writes into the kernel log about attention buttons. On a kernel that does not ask user
 * space it is the only sign of a press (pciehp_handle_button_press(), drivers/pci/hotplug/pciehp_ctrl.c).
 */
struct kmsg;

/**
 * kmsg_button_t - a button was pressed
 * @slot: the slot's name
 * @cancel: for the second time: the slot stays on
 */
typedef void (*kmsg_button_t)(const char *slot, bool cancel, void *userdata);

/**
 * kmsg_new - listen from now on
 * @path: "/dev/kmsg"
 *
 * Return: 0, or -errno.
 */
int kmsg_new(sd_event *event, const char *path, kmsg_button_t button, void *userdata,
	     struct kmsg **ret);
struct kmsg *kmsg_free(struct kmsg *k);

/**
 * kmsg_parse - whether a record of /dev/kmsg is about a button
 * @record: "6,1234,5678,-;pcieport 0000:0c:00.0: pciehp: Slot(1): Button press: ..."
 * @slot: room for the name
 *
 * Records that a program wrote there, and not the kernel, are about nothing.
 *
 * Return: whether it is.
 */
#define KMSG_SLOT_MAX 64
bool kmsg_parse(const char *record, char slot[static KMSG_SLOT_MAX], bool *ret_cancel);

#endif
