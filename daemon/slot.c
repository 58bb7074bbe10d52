// SPDX-License-Identifier: LGPL-2.1-or-later
#include "slot.h"

#include <errno.h>
#include <string.h>

#include "sysfs.h"

/*
 * What sits in the slot is on the bus below the slot's port, and that bus is at
 * ".../devices/pci0000:0c/0000:0c:00.0/pci_bus/0000:0d", whether anything sits there or not.
 */
static int find_port(struct door *door, const char *address, char **ret_bridge, char **ret_port)
{
	_cleanup_free_ char *target = NULL, *bridge = NULL, *port = NULL;
	char *save, *word, *place, *last = NULL;
	const char *end = strrchr(address, ':');
	int r;

	if (!end)
		return -ENODEV;
	r = sysfs_link(door, &target, "class/pci_bus/%.*s", (int)(end - address), address);
	if (r < 0)
		return r == -ENOMEM ? r : -ENODEV;
	place = strstr(target, "/devices/");
	word = place ? strtok_r(place + strlen("/devices/"), "/", &save) : NULL;
	if (!word)
		return -ENODEV;
	bridge = strdup(word);
	while ((word = strtok_r(NULL, "/", &save)) && strcmp(word, "pci_bus"))
		last = word;
	if (!last)
		return -ENODEV;
	port = strdup(last);
	if (!bridge || !port)
		return -ENOMEM;
	*ret_bridge = TAKE_PTR(bridge);
	*ret_port = TAKE_PTR(port);
	return 0;
}

int slot_read(struct door *door, const char *name, char **ret_address, char **ret_bridge,
	      char **ret_port)
{
	_cleanup_free_ char *address = NULL;
	int r;

	r = sysfs_read(door, &address, "bus/pci/slots/%s/address", name);
	if (r < 0)
		return r == -ENOMEM ? r : -ENODEV;
	r = find_port(door, address, ret_bridge, ret_port);
	if (r < 0)
		return r;
	*ret_address = TAKE_PTR(address);
	return 0;
}
