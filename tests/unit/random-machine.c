/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "random-machine.h"

#include <stdio.h>
#include <string.h>

#include "mock-kernel.h"

unsigned int dice_roll(struct dice *d, unsigned int n)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (d->state >> 11) % n;
}

static void add_cards(struct dice *d, struct mock *m, int port, unsigned int most)
{
	unsigned int n = 1 + dice_roll(d, most);
	/* mostly alike, as people build machines */
	uint64_t ram = (1 + dice_roll(d, 8)) * 256 * MIB;

	while (n--)
		mock_add_card(m, port, dice_roll(d, 5) ? ram : (1 + dice_roll(d, 8)) * 256 * MIB);
}

static int add_bridge(struct dice *d, struct mock *m, unsigned int number)
{
	char host[16];
	int bridge, i, n;

	snprintf(host, sizeof(host), "pci0000:%02x", 0x10 * (number + 1));
	switch (dice_roll(d, 4)) {
	case 0: /* passes through to the one port below */
		bridge = mock_add_bridge(m, host, 1, 1);
		if (dice_roll(d, 2))
			mock_add_card(m, bridge, (1 + dice_roll(d, 8)) * 256 * MIB);
		else
			add_cards(d, m, mock_add_switch(m, bridge, 1 + dice_roll(d, 4)), 4);
		break;
	case 1:
		bridge = mock_add_bridge(m, host, 1 + dice_roll(d, 4), 8);
		n = 1 + dice_roll(d, 2);
		for (i = 0; i < n; i++)
			add_cards(d, m, mock_add_switch(m, bridge, 1 + dice_roll(d, 4)), 4);
		break;
	default:
		bridge = mock_add_bridge(m, host, 1 + dice_roll(d, 4), 2 << dice_roll(d, 3));
		add_cards(d, m, bridge, 4);
		if (dice_roll(d, 4) == 0)
			add_cards(d, m, mock_add_switch(m, bridge, 2), 2);
	}
	return bridge;
}

static void add_windows(struct dice *d, struct mock *m, const int *bridge, unsigned int n)
{
	uint64_t at = GIB * (1 + dice_roll(d, 4)) + 256 * MIB * dice_roll(d, 4);
	unsigned int i, count = 1 + dice_roll(d, n * 2);

	for (i = 0; i < count; i++) {
		uint64_t size = 256 * MIB * (1 + dice_roll(d, 24));
		unsigned int ways = dice_roll(d, 3) ? 1 : 1 + dice_roll(d, n);
		unsigned int g = 256 << dice_roll(d, 7), first = dice_roll(d, n);
		int window;

		window = mock_add_window(m, at, size, g, ways, bridge[first],
					 bridge[(first + 1) % n], bridge[(first + 2) % n],
					 bridge[(first + 3) % n]);
		if (dice_roll(d, 6) == 0)
			m->picture->windows[window].pmem_capable = YES;
		if (dice_roll(d, 10) == 0) {
			m->picture->windows[window].volatile_capable = NO;
			m->picture->windows[window].pmem_capable = YES;
		}
		if (dice_roll(d, 5) == 0) {
			struct busy_range *b = window_add_busy(&m->picture->windows[window]);

			b->size = 128 * MIB * (1 + dice_roll(d, 6));
			b->start = at + 128 * MIB * dice_roll(d, 6);
			if (b->start + b->size > at + size) {
				b->start = at;
				b->size = 128 * MIB;
			}
			mock_set_string(&b->name, "Soft Reserved");
		}
		at += size + 256 * MIB * dice_roll(d, 3);
	}
}

/* Most cards are in a slot of their own, some share one with all of a switch, the rest is soldered. */
static void add_slots(struct dice *d, struct mock *m)
{
	const struct picture *p = m->picture;
	char name[32];
	size_t i;

	for (i = 0; i < p->n_memdevs; i++) {
		int next = i + 1 < p->n_memdevs &&
					   p->ports[p->memdevs[i].endpoint].parent ==
						   p->ports[p->memdevs[i + 1].endpoint].parent ?
				   (int)i + 1 :
				   -1;

		snprintf(name, sizeof(name), "%zu", i);
		if (dice_roll(d, 5) == 0)
			continue;
		if (next < 0 || dice_roll(d, 3)) {
			mock_add_slot(m, name, (int)i, -1);
			continue;
		}
		mock_add_slot(m, name, (int)i, next, -1);
		i++;
	}
}

struct mock *random_machine(struct dice *d)
{
	static const char *const policies[] = { "online", "offline", "online_movable",
						"online_kernel", NULL };
	struct mock *m = mock_new();
	unsigned int n = 1 + dice_roll(d, 4), i;
	int bridge[4] = {};

	m->picture->block_size = (128 * MIB) << dice_roll(d, 4);
	m->unplugs = dice_roll(d, 2);
	mock_set_string(&m->picture->auto_online, policies[dice_roll(d, ARRAY_SIZE(policies))]);
	for (i = 0; i < n; i++)
		bridge[i] = add_bridge(d, m, i);
	add_windows(d, m, bridge, n);
	add_slots(d, m);
	m->drains = dice_roll(d, 2);
	return m;
}

static void add(char *buf, size_t size, const char *format, ...) _printf_(3, 4);
static void add(char *buf, size_t size, const char *format, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf + used, size - used, format, ap);
	va_end(ap);
}

static void create_line(struct dice *d, const struct picture *p, char *buf, size_t size)
{
	static const unsigned int counts[] = { 1, 1, 1, 2, 2, 2, 3, 4, 4, 6, 8 };
	unsigned int n = counts[dice_roll(d, ARRAY_SIZE(counts))], first, i;

	add(buf, size, "create");
	if (dice_roll(d, 3) == 0)
		add(buf, size, " --size %uM", 128 * (1 + dice_roll(d, 20)));
	if (n > 1 && dice_roll(d, 4) == 0)
		add(buf, size, " --ways %u", 1 << dice_roll(d, 3));
	if (dice_roll(d, 8) == 0)
		add(buf, size, " --granularity %u", 256 << dice_roll(d, 7));
	if (dice_roll(d, 8) == 0)
		add(buf, size, " --window decoder0.%u", dice_roll(d, p->n_windows));
	if (dice_roll(d, 3) == 0)
		add(buf, size, " --mode devdax");
	else if (dice_roll(d, 5) == 0)
		add(buf, size, " --no-online");
	else if (dice_roll(d, 3) == 0)
		add(buf, size, " --zone %s", dice_roll(d, 2) ? "kernel" : "movable");
	if (n > p->n_memdevs)
		n = p->n_memdevs;
	/* neighbours or anybody, each once or not */
	first = dice_roll(d, p->n_memdevs);
	if (dice_roll(d, 2))
		for (i = 0; i < n; i++)
			add(buf, size, " mem%zu", (first + i) % p->n_memdevs);
	else
		for (i = 0; i < n; i++)
			add(buf, size, " mem%u", dice_roll(d, p->n_memdevs));
}

static void eject_line(struct dice *d, const struct picture *p, char *buf, size_t size)
{
	unsigned int n = 1 + dice_roll(d, 3), i;

	add(buf, size, "eject");
	for (i = 0; i < n; i++)
		if (p->n_slots && dice_roll(d, 3) == 0)
			add(buf, size, " slot:%s", p->slots[dice_roll(d, p->n_slots)].name);
		else
			add(buf, size, " mem%u", dice_roll(d, p->n_memdevs));
	/* somebody else's, mostly on other cards */
	if (p->n_regions && dice_roll(d, 4) == 0)
		add(buf, size, " %s", p->regions[dice_roll(d, p->n_regions)].name);
}

void random_line(struct dice *d, const struct mock *m, char *buf, size_t size)
{
	static const char *const verbs[] = {
		"destroy",
		"destroy",
		"online",
		"online --zone kernel",
		"online --zone movable",
		"offline",
		"set-mode --mode devdax",
		"set-mode --mode system-ram",
		"set-mode --mode system-ram --no-online",
		"set-mode --mode system-ram --zone kernel",
	};
	const struct picture *p = m->picture;
	unsigned int n, i;

	buf[0] = '\0';
	if (dice_roll(d, 6) == 0) {
		eject_line(d, p, buf, size);
		return;
	}
	if (!p->n_regions || dice_roll(d, 2)) {
		create_line(d, p, buf, size);
		return;
	}
	add(buf, size, "%s", verbs[dice_roll(d, ARRAY_SIZE(verbs))]);
	n = 1 + dice_roll(d, p->n_regions < 3 ? p->n_regions : 3);
	for (i = 0; i < n; i++)
		add(buf, size, " %s", p->regions[dice_roll(d, p->n_regions)].name);
}
