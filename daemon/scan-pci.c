// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scan.h"
#include "slot.h"
#include "sysfs.h"

/* What is behind ".../devices/" in a link of sysfs: a device's place. NULL: there is none. */
static const char *place_in(const char *target)
{
	const char *s = strstr(target, "/devices/");

	return s ? s + strlen("/devices/") : NULL;
}

/* One read for both numbers: "PCI_ID=8086:0D93" (pci_uevent() in drivers/pci/pci-driver.c). */
static void read_ids(struct door *door, struct memdev *m)
{
	_cleanup_free_ char *text = NULL;
	unsigned int vendor, device;
	const char *id;

	if (sysfs_read(door, &text, "bus/pci/devices/%s/uevent", m->host) < 0)
		return;
	id = strstr(text, "PCI_ID=");
	if (id && sscanf(id, "PCI_ID=%x:%x", &vendor, &device) == 2) {
		m->vendor = vendor;
		m->device = device;
	}
}

static int read_place(struct door *door, struct memdev *m)
{
	_cleanup_free_ char *target = NULL;
	const char *place;
	int r;

	if (!m->host)
		return 0;
	r = sysfs_link(door, &target, "bus/pci/devices/%s", m->host);
	/* Gone meanwhile, or no PCI device at all (cxl_test's cards). */
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	place = place_in(target);
	if (!place)
		return 0;
	read_ids(door, m);
	return strdup_or_null(place, &m->path);
}

static bool is_cxl_bridge(const struct picture *p, const char *host)
{
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].kind == PORT_HOST_BRIDGE && streq_null(p->ports[i].host, host))
			return true;
	for (size_t i = 0; i < p->n_windows; i++)
		for (size_t k = 0; k < p->windows[i].n_targets; k++)
			if (streq_null(p->windows[i].targets[k].dport, host))
				return true;
	return false;
}

static enum tristate read_indicator(struct door *door, const char *slot, const char *attribute)
{
	uint64_t v;

	if (sysfs_read_u64(door, &v, "bus/pci/slots/%s/%s", slot, attribute) < 0)
		return MAYBE;
	return v ? YES : NO;
}

struct slots {
	struct door *door;
	struct picture *p;
};

static int add_slot(const char *name, void *userdata)
{
	_cleanup_free_ char *address = NULL, *bridge = NULL, *port = NULL;
	struct slots *s = userdata;
	struct slot *slot;
	int r;

	r = slot_read(s->door, name, &address, &bridge, &port);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	/* A network card's or a disk's: nobody's business here. */
	if (!is_cxl_bridge(s->p, bridge))
		return 0;
	slot = picture_add_slot(s->p);
	if (!slot)
		return -ENOMEM;
	slot->address = TAKE_PTR(address);
	slot->port = TAKE_PTR(port);
	slot->power = read_indicator(s->door, name, "power");
	slot->attention = read_indicator(s->door, name, "attention");
	if (sysfs_read(s->door, &slot->button_policy, "bus/pci/slots/%s/button_policy", name) >= 0)
		(void)sysfs_read(s->door, &slot->button_request, "bus/pci/slots/%s/button_request",
				 name);
	return strdup_or_null(name, &slot->name);
}

static int compare_slots(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

int scan_pci(struct door *door, struct picture *p, char **ret_reason)
{
	struct slots slots = { door, p };
	int r;

	for (size_t i = 0; i < p->n_memdevs; i++) {
		r = read_place(door, &p->memdevs[i]);
		if (r < 0)
			return r;
	}
	if (!p->n_windows && !p->n_memdevs)
		return 0;
	r = sysfs_each(door, add_slot, &slots, "bus/pci/slots");
	if (r < 0 && r != -ENOENT)
		return say(ret_reason, r, "/sys/bus/pci/slots cannot be read: %s", strerror(-r));
	if (p->n_slots > 1)
		qsort(p->slots, p->n_slots, sizeof(*p->slots), compare_slots);
	for (size_t i = 0; i < p->n_memdevs; i++)
		p->memdevs[i].slot = picture_slot_of(p, i);
	return 0;
}
