/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "cases.h"
#include "mock-kernel.h"

static void policy_offline(struct mock *m)
{
	mock_set_string(&m->picture->auto_online, "offline");
}

static void policy_movable(struct mock *m)
{
	mock_set_string(&m->picture->auto_online, "online_movable");
}

static void no_policy(struct mock *m)
{
	mock_set_string(&m->picture->auto_online, NULL);
}

static void card_disabled(struct mock *m)
{
	m->picture->memdevs[0].enabled = NO;
}

static void card_without_port(struct mock *m)
{
	m->picture->memdevs[0].endpoint = -1;
}

static void capacity_unknown(struct mock *m)
{
	m->picture->memdevs[0].ram_size = UNKNOWN;
}

static void decoders_unknown(struct mock *m)
{
	m->picture->ports[1].decoders[1].size = UNKNOWN;
}

static void block_size_unknown(struct mock *m)
{
	m->picture->block_size = UNKNOWN;
}

static void no_ram(struct mock *m)
{
	m->picture->memdevs[0].ram_size = 0;
	m->picture->memdevs[0].pmem_size = GIB;
}

static void used_by_others(struct mock *m)
{
	mock_add_region(m, 0, "kernel", GIB, 1, 0);
}

static void half_used(struct mock *m)
{
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
}

static void half_made(struct mock *m)
{
	mock_add_region(m, 0, "attached", 512 * MIB, 1, 0);
}

static void capacity_of_nobody(struct mock *m)
{
	struct decoder *d = &mock_endpoint(m, 0)->decoders[0];

	d->dpa_resource = 0;
	d->dpa_size = 256 * MIB;
}

static void pmem_above(struct mock *m)
{
	struct decoder *d = &mock_endpoint(m, 0)->decoders[0];

	m->picture->memdevs[0].pmem_size = GIB;
	d->dpa_resource = GIB;
	d->dpa_size = 256 * MIB;
	d->size = 256 * MIB;
	d->resource = BASE + 3 * GIB;
	mock_set_string(&d->mode, "pmem");
}

static void all_card_decoders(struct mock *m)
{
	int i;

	for (i = 0; i < 4; i++)
		mock_add_region(m, 0, "devdax", 256 * MIB, 1, 0);
	m->picture->memdevs[0].ram_size = 2 * GIB;
}

static void all_bridge_decoders(struct mock *m)
{
	int i;

	for (i = 0; i < 4; i++)
		mock_add_region(m, 0, "devdax", 256 * MIB, 1, i / 2);
}

static void fill_window(struct mock *m, int window, uint64_t left)
{
	struct window *w = &m->picture->windows[window];
	struct busy_range *b = window_add_busy(w);

	b->start = w->resource;
	b->size = w->size - left;
	mock_set_string(&b->name, "System RAM");
}

static void window_nearly_full(struct mock *m)
{
	fill_window(m, 0, 256 * MIB);
}

static void window_full(struct mock *m)
{
	fill_window(m, 0, 0);
}

static void single_windows_full(struct mock *m)
{
	fill_window(m, 0, 0);
	fill_window(m, 1, 0);
}

static void hole_below(struct mock *m)
{
	/* region0 low, region1 high on the same bridge, then region0 goes: its place is below */
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 1);
	do_line(m, "destroy region0");
}

static void hpa_order(struct mock *m)
{
	/*
	 * somebody else's range below kept region0 up; now that it is free, the bridge cannot use
	 * it
	 */
	struct window *w = &m->picture->windows[0];
	struct busy_range *b = window_add_busy(w);

	b->start = w->resource;
	b->size = 2 * GIB;
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	memmove(&w->busy[0], &w->busy[1], sizeof(*w->busy));
	w->n_busy--;
}

static void hpa_order_second_window(struct mock *m)
{
	hpa_order(m);
	mock_add_window(m, BASE + 8 * GIB, GIB, 256, 1, 1);
}

static void pmem_only(struct mock *m)
{
	m->picture->windows[0].volatile_capable = NO;
	m->picture->windows[0].pmem_capable = YES;
}

static void without_cross_window(struct mock *m)
{
	m->picture->windows[2].volatile_capable = NO;
	m->picture->windows[2].pmem_capable = YES;
}

static void drop_windows(struct mock *m, size_t keep)
{
	struct picture *p = m->picture;

	while (p->n_windows > keep) {
		struct window *w = &p->windows[--p->n_windows];
		size_t i;

		for (i = 0; i < w->n_targets; i++)
			free(w->targets[i].dport);
		free(w->targets);
		free(w->name);
		free(w->next_region);
	}
}

static void no_windows(struct mock *m)
{
	drop_windows(m, 0);
}

static void first_window_only(struct mock *m)
{
	drop_windows(m, 1);
}

static void two_windows_only(struct mock *m)
{
	drop_windows(m, 2);
}

static void cross_window_16k(struct mock *m)
{
	m->picture->windows[2].granularity = 16384;
}

static void few_targets(struct mock *m)
{
	struct port *sw = &m->picture->ports[2];
	size_t i;

	for (i = 0; i < sw->n_decoders; i++)
		sw->decoders[i].nr_targets = 2;
}

static void big_blocks(struct mock *m)
{
	m->picture->block_size = GIB;
}

static void blocks_of_2g(struct mock *m)
{
	m->picture->block_size = 2 * GIB;
}

static void unaligned(struct mock *m)
{
	/* blocks of 1 GiB, and the first 256 MiB of the window are taken */
	big_blocks(m);
	fill_window(m, 0, 4 * GIB - 256 * MIB);
	m->picture->memdevs[0].ram_size = 3 * GIB;
}

static void tail(struct mock *m)
{
	/* 1.5 GiB on the card, blocks of 1 GiB */
	big_blocks(m);
	m->picture->memdevs[0].ram_size = GIB + 512 * MIB;
}

static void unequal(struct mock *m)
{
	m->picture->memdevs[1].ram_size = 512 * MIB;
}

static void same_serials(struct mock *m)
{
	m->picture->memdevs[1].serial = m->picture->memdevs[0].serial = 7;
}

static void next_name_unknown(struct mock *m)
{
	mock_set_string(&m->picture->windows[0].next_region, NULL);
}

static void second_window_bigger(struct mock *m)
{
	fill_window(m, 0, 512 * MIB);
	mock_add_window(m, BASE + 8 * GIB, 4 * GIB, 256, 1, 1);
}

/* A region in the high x2 window keeps the bridges from using the low windows. */
static void high_window_first(struct mock *m)
{
	mock_add_region(m, 2, "devdax", GIB, 2, 0, 1);
}

/* clang-format off: a table */
static const struct plan_case cases[] = {
	{ "one card, as it comes", machine_one, NULL, "create mem0",
	  "region0@decoder0.0 1x256 1G mem0:1G 0=mem0 commit { enable } (online_movable kmem:8m "
	  ")online" },
	{ "a size", machine_one, NULL, "create --size 512M mem0",
	  "... 1x256 512M mem0:512M 0=mem0 " },
	{ "zone kernel", machine_one, NULL, "create --zone kernel mem0",
	  "...(online_kernel kmem:8k )online" },
	{ "left offline", machine_one, NULL, "create --no-online mem0",
	  "...(offline kmem:8o )online" },
	{ "left offline, the policy is so already", machine_one, policy_offline,
	  "create --no-online mem0", "... enable } kmem:8o" },
	{ "movable, the policy is so already", machine_one, policy_movable, "create mem0",
	  "... enable } kmem:8m" },
	{ "a kernel without the policy", machine_one, no_policy, "create mem0",
	  "... enable } kmem:8o on:8m" },
	{ "left offline on a kernel without the policy", machine_one, no_policy,
	  "create --no-online mem0", "... enable } kmem:8o" },
	{ "devdax", machine_one, NULL, "create --mode devdax mem0", "... enable } devdax" },
	{ "devdax, aligned", machine_one, NULL, "create --mode devdax --align 4K mem0",
	  "... enable } align:4K devdax" },
	{ "devdax, too large an alignment", machine_one, NULL,
	  "create --mode devdax --size 512M --align 1G mem0", NULL, NULL, -EINVAL,
	  "align is 1G, and dax0.0 has 512M, which is no multiple of that" },
	{ "alignment of system-ram", machine_one, NULL, "create --align 4K mem0", NULL, NULL, -EINVAL,
	  "only devdax has an alignment" },
	{ "a size that is no multiple", machine_one, NULL, "create --size 700M mem0",
	  "... 512M mem0:512M ", "700M asked, region0 has 512M" },
	{ "by serial number", machine_two_ports, NULL, "create 0x1001", "... mem1:1G 0=mem1 " },
	{ "by PCI address", machine_two_ports, NULL, "create 0000:21:00.0", "... 0=mem1 " },
	{ "by short PCI address", machine_two_ports, NULL, "create 21:00.0", "... 0=mem1 " },
	{ "a card named twice", machine_one, NULL, "create mem0 4096", "... 0=mem0 commit",
	  "mem0 is named more than once" },
	{ "two root ports, interleaved", machine_two_ports, NULL, "create mem0 mem1",
	  "region0@decoder0.0 2x256 2G mem0:1G mem1:1G 0=mem0 1=mem1 commit { enable } "
	  "(online_movable kmem:16m )online" },
	{ "either order will do below one bridge", machine_two_ports, NULL, "create mem1 mem0",
	  "... 0=mem1 1=mem0 " },
	{ "two regions of one card each", machine_two_ports, NULL,
	  "create --ways 1 --mode devdax mem0 mem1",
	  "region0@decoder0.0 1x256 1G mem0:1G 0=mem0 commit { enable } devdax region1@decoder0.0 "
	  "1x256 1G mem1:1G 0=mem1 commit { enable } devdax" },
	{ "a granularity", machine_two_ports, NULL, "create --granularity 4096 mem0 mem1",
	  "... 2x4096 " },
	{ "the smaller card decides", machine_two_ports, unequal, "create mem0 mem1",
	  "... 2x256 1G mem0:512M mem1:512M " },
	{ "beside a region of somebody else", machine_one, NULL, "create --size 256M mem0",
	  "... 256M mem0:256M " },
	{ "what is left of a card", machine_two_ports, half_used, "create mem0",
	  "...region1@decoder0.0 1x256 512M mem0:512M " },
	{ "across bridges: the x2 window", machine_two_bridges, NULL, "create mem0 mem1",
	  "...region2@decoder0.2 2x1024 2G mem0:1G mem1:1G 0=mem0 1=mem1 " },
	{ "across bridges: the order typed is wrong", machine_two_bridges, NULL, "create mem1 mem0",
	  "... 0=mem0 1=mem1 commit" },
	{ "one card prefers the 1-way window", machine_two_bridges, NULL, "create mem1",
	  "...region1@decoder0.1 1x256 1G mem1:1G " },
	{ "the window's granularity asked for", machine_two_bridges, NULL,
	  "create --granularity 1024 mem0 mem1", "... 2x1024 " },
	{ "three names, three windows", machine_two_bridges, NULL, "create --ways 1 mem1 mem0",
	  "...region1@decoder0.1 1x256 1G mem1:1G 0=mem1 commit { enable } (online_movable kmem:8m "
	  ")online region0@decoder0.0 " },
	{ "x4 over two bridges", machine_two_by_two, NULL, "create mem0 mem1 mem2 mem3",
	  "... 4x1024 4G mem0:1G mem2:1G mem1:1G mem3:1G 0=mem0 1=mem2 2=mem1 3=mem3 " },
	{ "x4 over two bridges, a right order is kept", machine_two_by_two, NULL,
	  "create mem1 mem3 mem0 mem2", "... 0=mem1 1=mem3 2=mem0 3=mem2 " },
	{ "x4 over two bridges, wrong order typed", machine_two_by_two, NULL,
	  "create mem0 mem1 mem3 mem2", "... 0=mem0 1=mem2 2=mem1 3=mem3 " },
	{ "pairs as typed", machine_two_by_two, NULL,
	  "create --ways 2 --mode devdax mem0 mem1 mem2 mem3",
	  "...0=mem0 1=mem1 commit { enable } devdax region1@decoder0.1 2x256 2G mem2:1G" },
	{ "x4 behind a switch", machine_switch4, NULL, "create mem3 mem1 mem0 mem2",
	  "... 4x256 4G mem3:1G mem1:1G mem0:1G mem2:1G 0=mem3 1=mem1 2=mem0 3=mem2 " },
	{ "x2 behind a switch", machine_switch4, NULL, "create mem2 mem3", "... 2x256 2G " },
	{ "x4 over two switches, wrong order typed", machine_two_switches, NULL,
	  "create mem0 mem1 mem2 mem3", "... 0=mem0 1=mem2 2=mem1 3=mem3 " },
	{ "x8 over bridges and switches", machine_big, NULL,
	  "create mem0 mem1 mem2 mem3 mem4 mem5 mem6 mem7",
	  "... 8x1024 8G mem0:1G mem4:1G mem1:1G mem5:1G mem2:1G mem6:1G mem3:1G mem7:1G 0=mem0 "
	  "1=mem4 2=mem1 3=mem5 4=mem2 5=mem6 6=mem3 7=mem7 " },
	{ "x4 over bridges and switches", machine_big, NULL, "create mem0 mem1 mem6 mem7",
	  "... 4x1024 4G mem0:1G mem6:1G mem1:1G mem7:1G 0=mem0 1=mem6 2=mem1 3=mem7 " },
	{ "x3 over three bridges", machine_three_bridges, NULL, "create mem4 mem2 mem0",
	  "...region0@decoder0.0 3x4096 3G mem0:1G mem2:1G mem4:1G 0=mem0 1=mem2 2=mem4 " },
	{ "x6 over three bridges", machine_three_bridges, NULL,
	  "create mem0 mem1 mem2 mem3 mem4 mem5",
	  "... 6x4096 6G mem0:1G mem2:1G mem4:1G mem1:1G mem3:1G mem5:1G 0=mem0 " },
	{ "a window with more room is better", machine_two_ports, second_window_bigger,
	  "create mem0", "...@decoder0.1 1x256 1G " },
	{ "a size that fits in the first window", machine_two_ports, second_window_bigger,
	  "create --size 512M mem0", "...@decoder0.0 1x256 512M " },
	{ "a window by name", machine_two_ports, second_window_bigger,
	  "create --window decoder0.1 --size 256M mem0", "...@decoder0.1 " },
	{ "another window where addresses go up", machine_two_ports, hpa_order_second_window,
	  "create mem1", "...@decoder0.1 " },
	{ "blocks larger than needed are spared", machine_two_ports, tail, "create mem0",
	  "... 1x256 1G mem0:1G ", "region0 could be 512M larger" },
	{ "a size with a tail is kept, and told", machine_two_ports, tail,
	  "create --size 1.5G mem0", "... 1.5G mem0:1.5G ", "512M of region0 are lost" },
	{ "devdax needs no whole blocks", machine_two_ports, tail, "create --mode devdax mem0",
	  "... 1.5G mem0:1.5G ", NULL },
	{ "a window that begins within a block", machine_two_ports, unaligned, "create mem0",
	  "... 2.75G mem0:2.75G ", "768M of region0 are lost" },

	/* refused: the request */
	{ "no such card", machine_one, NULL, "create mem7", NULL, NULL, -ENOENT,
	  "no card is called mem7: there is mem0" },
	{ "serial of two cards", machine_two_ports, same_serials, "create 7", NULL, NULL, -ENOTUNIQ,
	  "0000:20:00.0, 0000:21:00.0" },
	{ "nothing named", machine_one, NULL, "create", NULL, NULL, -EINVAL, "at least one card" },
	{ "ways that do not divide", machine_switch4, NULL, "create --ways 2 mem0 mem1 mem2", NULL,
	  NULL, -EINVAL, "cannot be divided" },
	{ "five cards", machine_big, NULL, "create mem0 mem1 mem2 mem3 mem4", NULL, NULL, -EINVAL,
	  "5 cards cannot be one region" },
	{ "zone for devdax", machine_one, NULL, "create --mode devdax --zone movable mem0", NULL,
	  NULL, -EINVAL, "zone movable is for system-ram" },
	{ "no-online for devdax", machine_one, NULL, "create --mode devdax --no-online mem0", NULL,
	  NULL, -EINVAL, "no-online is for system-ram" },
	{ "a zone for memory left offline", machine_one, NULL,
	  "create --zone movable --no-online mem0", NULL, NULL, -EINVAL, "contradict" },
	{ "too small a size", machine_two_ports, NULL, "create --size 300M mem0 mem1", NULL, NULL,
	  -EINVAL, "at least 512M" },
	{ "no such window", machine_one, NULL, "create --window decoder0.9 mem0", NULL, NULL,
	  -ENOENT, "there is decoder0.0" },

	/* refused: the cards */
	{ "card not enabled", machine_one, card_disabled, "create mem0", NULL, NULL, -ENODEV,
	  "mem0 is not enabled" },
	{ "card without a port", machine_one, card_without_port, "create mem0", NULL, NULL, -ENODEV,
	  "mem0 is not enabled" },
	{ "capacity not known", machine_one, capacity_unknown, "create mem0", NULL, NULL, -ENODATA,
	  "capacity of mem0 could not be read" },
	{ "no volatile memory", machine_one, no_ram, "create mem0", NULL, NULL, -ENXIO,
	  "mem0 has no volatile memory" },
	{ "card already in use", machine_two_ports, used_by_others, "create mem0", NULL, NULL,
	  -ENOSPC, "all 1G of mem0 are in use (region0)" },
	{ "more than a card has left", machine_two_ports, half_used, "create --size 1G mem0", NULL,
	  NULL, -ENOSPC, "mem0 has 512M left, 1G asked" },
	{ "more than two cards have", machine_two_ports, unequal, "create --size 2G mem0 mem1",
	  NULL, NULL, -ENOSPC, "mem1 has 512M left, 2G asked is 1G of each of 2 cards" },
	{ "capacity that nobody uses in the way", machine_two_ports, capacity_of_nobody,
	  "create mem0", NULL, NULL, -EBUSY, "holds 256M of mem0 for no region" },
	{ "persistent capacity in the way", machine_two_ports, pmem_above, "create mem0", NULL,
	  NULL, -ENOSPC, "holds persistent capacity" },
	{ "all decoders of a card", machine_one, NULL, "create --window decoder0.0 --size 2G mem0",
	  NULL, NULL, -ENOSPC, "mem0 has 1G left, 2G asked" },
	{ "a half-made region in the way", machine_two_ports, half_made, "create mem0", NULL, NULL,
	  -EBUSY, "region0 is only half made" },

	/* refused: the way to the cards */
	{ "pass-through bridge has one region", machine_one, half_used, "create mem0", NULL, NULL,
	  -ENOSPC, "host bridge pci0000:0c has a single decoder and region0 uses it" },
	{ "all decoders of a bridge", machine_two_ports, all_bridge_decoders, "create mem0", NULL,
	  NULL, -ENOSPC, "all 4 decoders of host bridge pci0000:0c are in use" },
	{ "decoders of a bridge not known", machine_two_ports, decoders_unknown, "create mem0",
	  NULL, NULL, -ENODATA, "decoder1 of host bridge pci0000:0c could not be read" },
	{ "a gap below a region", machine_two_ports, hole_below, "create mem0", NULL, NULL, -EBUSY,
	  "until region1, which uses decoder1.1, is destroyed" },
	{ "half made on the same bridge", machine_two_ports, half_made, "create mem1", NULL, NULL,
	  -EBUSY, "region0 is only half made and holds decoder1.0 of host bridge" },
	{ "room only below another region", machine_two_ports, hpa_order, "create mem1", NULL, NULL,
	  -EBUSY, "only in the order of their addresses: destroy region0 first" },
	{ "room only below a region in another window", machine_two_bridges, high_window_first,
	  "create mem0", NULL, NULL, -EBUSY, "room left in window decoder0.0 is below region2" },
	{ "too many ports of a switch", machine_switch4, few_targets, "create mem0 mem1 mem2 mem3",
	  NULL, NULL, -ENXIO, "can spread over 2 at most" },
	{ "three ports of a switch", machine_switch4, NULL, "create mem0 mem1 mem2", NULL, NULL,
	  -ENXIO, "3 ways are no power of two times the 1" },
	{ "unbalanced over two switches", machine_big, NULL, "create mem0 mem1 mem2 mem4", NULL,
	  NULL, -ENXIO,
	  "3 of the cards are behind host bridge pci0000:0c and 1 behind host bridge" },
	{ "region of nobody on all decoders", machine_two_ports, all_card_decoders, "create mem0",
	  NULL, NULL, -ENOSPC, "all 4 decoders of mem0 are in use" },

	/* refused: the windows */
	{ "no window spans both bridges", machine_two_bridges, two_windows_only, "create mem0 mem1",
	  NULL, NULL, -ENXIO, "no window spans both host bridges pci0000:0c and pci0000:de" },
	{ "no window reaches a bridge", machine_two_bridges, first_window_only, "create mem1", NULL,
	  NULL, -ENXIO, "no window reaches host bridge pci0000:de" },
	{ "no window at all", machine_one, no_windows, "create mem0", NULL, NULL, -ENXIO,
	  "this machine has no CXL window" },
	{ "window for persistent memory", machine_one, pmem_only, "create mem0", NULL, NULL, -ENXIO,
	  "window decoder0.0 is for persistent memory only" },
	{ "x2 window for persistent memory", machine_two_bridges, without_cross_window,
	  "create mem0 mem1", NULL, NULL, -ENXIO, "window decoder0.2 is for persistent" },
	{ "x2 window for one card", machine_two_bridges, NULL, "create --window decoder0.2 mem0",
	  NULL, NULL, -ENXIO, "none of the cards is behind pci0000:de" },
	{ "window of another bridge", machine_two_bridges, NULL, "create --window decoder0.1 mem0",
	  NULL, NULL, -ENXIO, "does not reach host bridge pci0000:0c, where mem0 is" },
	{ "window nearly full", machine_one, window_nearly_full, "create --size 512M mem0", NULL,
	  NULL, -ENOSPC, "window decoder0.0 has 256M left, 512M asked" },
	{ "window full", machine_one, window_full, "create mem0", NULL, NULL, -ENOSPC,
	  "window decoder0.0 is full (System RAM)" },
	{ "single windows full, x2 is no way out", machine_two_bridges, single_windows_full,
	  "create mem0", NULL, NULL, -ENOSPC, "window decoder0.0 is full" },
	{ "granularity mismatch", machine_two_bridges, NULL, "create --granularity 256 mem0 mem1",
	  NULL, NULL, -ENXIO, "granularity 256 is not possible in window decoder0.2" },
	{ "granularity too large below", machine_two_switches, NULL,
	  "create --granularity 16384 mem0 mem1 mem2 mem3", NULL, NULL, -ENXIO,
	  "would need 32768 at switch" },
	{ "a window whose granularity is no use", machine_two_bridges, cross_window_16k,
	  "create mem0 mem1", NULL, NULL, -ENXIO, "would need 32768 at host bridge" },
	{ "no whole memory block", machine_one, blocks_of_2g, "create mem0", NULL, NULL, -ENXIO,
	  "no whole memory block (2G) fits" },
	{ "block size not known", machine_one, block_size_unknown, "create mem0", NULL, NULL,
	  -ENODATA, "memory blocks could not be read" },
	{ "name of the next region not known", machine_one, next_name_unknown, "create mem0", NULL,
	  NULL, -ENODATA, "name of the next region" },
};
/* clang-format on */

int main(void)
{
	return run_cases("plan create", cases, ARRAY_SIZE(cases));
}
