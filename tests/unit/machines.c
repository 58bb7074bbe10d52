/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machines.h"

#include <stdio.h>

void machine_one(struct mock *m)
{
	int bridge = mock_add_bridge(m, "pci0000:0c", 1, 1);

	mock_add_card(m, bridge, GIB);
	mock_add_window(m, BASE, 4 * GIB, 256, 1, bridge);
}

void machine_two_ports(struct mock *m)
{
	int bridge = mock_add_bridge(m, "pci0000:0c", 4, 8);

	mock_add_card(m, bridge, GIB);
	mock_add_card(m, bridge, GIB);
	mock_add_window(m, BASE, 4 * GIB, 256, 1, bridge);
}

static void two_bridges(struct mock *m, int *a, int *b, uint64_t size)
{
	*a = mock_add_bridge(m, "pci0000:0c", 4, 8);
	*b = mock_add_bridge(m, "pci0000:de", 4, 8);
	mock_add_window(m, BASE, size, 256, 1, *a);
	mock_add_window(m, BASE + size, size, 256, 1, *b);
	mock_add_window(m, BASE + 2 * size, size, 1024, 2, *a, *b);
}

void machine_two_bridges(struct mock *m)
{
	int a, b;

	two_bridges(m, &a, &b, 4 * GIB);
	mock_add_card(m, a, GIB);
	mock_add_card(m, b, GIB);
}

void machine_two_by_two(struct mock *m)
{
	int a, b, i;

	two_bridges(m, &a, &b, 4 * GIB);
	for (i = 0; i < 4; i++)
		mock_add_card(m, i < 2 ? a : b, GIB);
}

void machine_switch4(struct mock *m)
{
	int bridge = mock_add_bridge(m, "pci0000:0c", 4, 8), sw = mock_add_switch(m, bridge, 4), i;

	for (i = 0; i < 4; i++)
		mock_add_card(m, sw, GIB);
	mock_add_window(m, BASE, 8 * GIB, 256, 1, bridge);
}

void machine_big(struct mock *m)
{
	int a, b, sw[2], i;

	two_bridges(m, &a, &b, 8 * GIB);
	sw[0] = mock_add_switch(m, a, 4);
	sw[1] = mock_add_switch(m, b, 4);
	for (i = 0; i < 8; i++)
		mock_add_card(m, sw[i / 4], GIB);
}

void machine_three_bridges(struct mock *m)
{
	int bridge[3], i;
	char host[16];

	for (i = 0; i < 3; i++) {
		snprintf(host, sizeof(host), "pci0000:%02x", 0x10 * (i + 1));
		bridge[i] = mock_add_bridge(m, host, 2, 8);
		mock_add_card(m, bridge[i], GIB);
		mock_add_card(m, bridge[i], GIB);
	}
	mock_add_window(m, BASE, 12 * GIB, 4096, 3, bridge[0], bridge[1], bridge[2]);
}

void machine_two_switches(struct mock *m)
{
	int bridge = mock_add_bridge(m, "pci0000:0c", 4, 8), sw[2], i;

	sw[0] = mock_add_switch(m, bridge, 4);
	sw[1] = mock_add_switch(m, bridge, 4);
	for (i = 0; i < 4; i++)
		mock_add_card(m, sw[i / 2], GIB);
	mock_add_window(m, BASE, 8 * GIB, 256, 1, bridge);
}

void region_movable(struct mock *m)
{
	mock_add_region(m, 0, "movable", GIB, 1, 0);
}

void region_kernel(struct mock *m)
{
	mock_add_region(m, 0, "kernel", GIB, 1, 0);
}

void region_offline(struct mock *m)
{
	mock_add_region(m, 0, "offline", GIB, 1, 0);
}

void region_devdax(struct mock *m)
{
	mock_add_region(m, 0, "devdax", GIB, 1, 0);
}

void region_unbound(struct mock *m)
{
	mock_add_region(m, 0, "unbound", GIB, 1, 0);
}

void region_committed(struct mock *m)
{
	mock_add_region(m, 0, "committed", GIB, 1, 0);
}

void region_attached(struct mock *m)
{
	mock_add_region(m, 0, "attached", GIB, 1, 0);
}

void region_empty(struct mock *m)
{
	mock_add_region(m, 0, "empty", 0, 0);
}
