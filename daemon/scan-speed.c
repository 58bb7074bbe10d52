// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scan.h"
#include "sysfs.h"

/*
 * "32.0 GT/s PCIe", in MT/s: pci_speed_string() in drivers/pci/probe.c. A link that is down, or a speed that
 * the kernel does not know, is "Unknown".
 */
static uint64_t read_link_speed(struct door *door, const char *device, const char *attribute)
{
	_cleanup_free_ char *text = NULL;
	unsigned int whole, tenths;

	if (sysfs_read(door, &text, "bus/pci/devices/%s/%s", device, attribute) < 0 ||
	    sscanf(text, "%u.%u GT/s", &whole, &tenths) != 2 || tenths > 9)
		return UNKNOWN;
	return whole * UINT64_C(1000) + tenths * UINT64_C(100);
}

/* Lanes; 0 and 255 are PCIE_LNK_WIDTH_RESRV and PCIE_LNK_WIDTH_UNKNOWN (include/linux/pci.h). */
static uint64_t read_link_width(struct door *door, const char *device, const char *attribute)
{
	uint64_t width;

	if (sysfs_read_u64(door, &width, "bus/pci/devices/%s/%s", device, attribute) < 0 || width == 0 ||
	    width == 255)
		return UNKNOWN;
	return width;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
	/* UNKNOWN is the highest there is. */
	return a < b ? a : b;
}

/* The device above a card is the last but one in its place, "pci0000:0c/0000:0c:00.0/0000:0d:00.0". */
static bool port_above(const struct memdev *m, char *buf, size_t size)
{
	const char *end = m->path ? strrchr(m->path, '/') : NULL, *begin = end;

	while (begin && begin > m->path && begin[-1] != '/')
		begin--;
	return begin && begin > m->path && snprintf(buf, size, "%.*s", (int)(end - begin), begin) < (int)size;
}

static void read_link(struct door *door, struct memdev *m)
{
	char port[32];

	if (!m->host)
		return;
	m->link_speed = read_link_speed(door, m->host, "current_link_speed");
	m->link_width = read_link_width(door, m->host, "current_link_width");
	m->max_link_speed = read_link_speed(door, m->host, "max_link_speed");
	m->max_link_width = read_link_width(door, m->host, "max_link_width");
	if (!port_above(m, port, sizeof(port)))
		return;
	m->max_link_speed = lower(m->max_link_speed, read_link_speed(door, port, "max_link_speed"));
	m->max_link_width = lower(m->max_link_width, read_link_width(door, port, "max_link_width"));
}

static uint64_t read_number(struct door *door, const char *directory, const char *attribute)
{
	uint64_t n;

	/* The kernel shows 0 for what firmware did not tell. */
	return sysfs_read_u64(door, &n, "%s/%s", directory, attribute) < 0 || n == 0 ? UNKNOWN : n;
}

static void read_speed(struct door *door, struct speed *s, const char *directory)
{
	s->read_bandwidth = read_number(door, directory, "read_bandwidth");
	/* Not there: nor are the others. */
	if (s->read_bandwidth == UNKNOWN && !sysfs_exists(door, "%s", directory))
		return;
	s->write_bandwidth = read_number(door, directory, "write_bandwidth");
	s->read_latency = read_number(door, directory, "read_latency");
	s->write_latency = read_number(door, directory, "write_latency");
}

/* access1 is as the nearest processor sees it: Documentation/admin-guide/mm/numaperf.rst. */
void scan_speed(struct door *door, struct picture *p)
{
	char directory[64];

	for (size_t i = 0; i < p->n_memdevs; i++)
		read_link(door, &p->memdevs[i]);
	for (size_t i = 0; i < p->n_regions; i++) {
		snprintf(directory, sizeof(directory), "bus/cxl/devices/%.24s/access1", p->regions[i].name);
		read_speed(door, &p->regions[i].speed, directory);
	}
	for (size_t i = 0; i < p->n_nodes; i++) {
		snprintf(directory, sizeof(directory), "devices/system/node/node%" PRIu64 "/access1/initiators",
			 p->nodes[i].id);
		read_speed(door, &p->nodes[i].speed, directory);
	}
}
