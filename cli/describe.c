/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "describe.h"

#include <inttypes.h>
#include <string.h>

#include "util.h"

void total_add(struct total *t, uint64_t bytes)
{
	if (bytes == UNKNOWN)
		t->unknown++;
	else
		t->sum += bytes;
}

void total_print(const struct total *t, FILE *out)
{
	char buf[32];

	if (t->unknown && t->sum == 0)
		fputs("unknown", out);
	else
		fprintf(out, "%s%s", t->unknown ? "at least " : "", format_size(t->sum, buf));
}

const char *describe_use(const struct region_memory *m)
{
	switch (m->use) {
	case USE_OFFLINE:
	case USE_PARTIAL:
	case USE_ONLINE:
		return "system-ram";
	case USE_DEVDAX:
		return "devdax";
	case USE_NONE:
		return "not used";
	case USE_INCOMPLETE:
		return "incomplete";
	default:
		return "unknown";
	}
}

char *describe_state(const struct region_memory *m, char buf[static STATE_SIZE])
{
	char online[32], all[32];

	switch (m->use) {
	case USE_ONLINE:
		strcpy(buf, "online");
		break;
	case USE_OFFLINE:
		strcpy(buf, "offline");
		break;
	case USE_PARTIAL:
		snprintf(buf, STATE_SIZE, "%s of %s online", format_size(m->online, online),
			 format_size(m->online + m->offline, all));
		break;
	default:
		strcpy(buf, "-");
	}
	return buf;
}

const char *describe_zone(const struct region_memory *m)
{
	if (m->online == 0)
		return "-";
	if (m->movable + m->kernel < m->online)
		return "unknown";
	if (m->kernel == 0)
		return "movable";
	return m->movable == 0 ? "kernel" : "mixed";
}

enum tint use_tint(const struct region_memory *m)
{
	switch (m->use) {
	case USE_ONLINE:
	case USE_DEVDAX:
		return TINT_GOOD;
	case USE_OFFLINE:
	case USE_NONE:
		return TINT_NONE;
	case USE_INCOMPLETE:
		return TINT_BAD;
	default:
		return TINT_WARN;
	}
}

void print_members(const struct picture *p, const struct region *r, FILE *out)
{
	if (r->n_mappings == 0)
		fputs("none", out);
	for (size_t i = 0; i < r->n_mappings; i++) {
		int memdev = r->mappings[i].memdev;

		fprintf(out, "%s%s", i ? "," : "",
			memdev < 0 ? "unknown" : p->memdevs[memdev].name);
	}
}

char *describe_members(const struct picture *p, const struct region *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	print_members(p, r, f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

char *describe_slot(const struct picture *p, int slot)
{
	char *text = NULL;
	size_t size, n = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < p->n_memdevs; i++)
		if (picture_below(p, i, p->slots[slot].port))
			fprintf(f, "%s%s", n++ ? "," : "", p->memdevs[i].name);
	if (!n)
		fputs(p->slots[slot].power == YES ? "none" : "empty", f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

uint64_t memdev_ram_free(const struct picture *p, int memdev)
{
	uint64_t size = p->memdevs[memdev].ram_size, taken = memdev_ram_allocated(p, memdev);

	if (size == UNKNOWN || taken == UNKNOWN || taken > size)
		return UNKNOWN;
	return size - taken;
}

uint64_t window_free(const struct window *w)
{
	uint64_t free_bytes = w->size;

	if (w->size == UNKNOWN)
		return UNKNOWN;
	for (size_t i = 0; i < w->n_busy; i++) {
		if (w->busy[i].size > free_bytes)
			return UNKNOWN;
		free_bytes -= w->busy[i].size;
	}
	return free_bytes;
}

int find_node(const struct picture *p, uint64_t id)
{
	if (id == UNKNOWN)
		return -1;
	for (size_t i = 0; i < p->n_nodes; i++)
		if (p->nodes[i].id == id)
			return i;
	return -1;
}

static int host_bridge_of(const struct picture *p, int port)
{
	/* Parents stand before their children, so this ends even if the picture came from a broken
	 * file. */
	while (port >= 0 && p->ports[port].kind != PORT_HOST_BRIDGE) {
		int parent = p->ports[port].parent;

		if (parent >= port)
			return -1;
		port = parent;
	}
	return port;
}

enum tristate memdev_has_window(const struct picture *p, int memdev)
{
	int bridge = host_bridge_of(p, p->memdevs[memdev].endpoint);

	if (bridge < 0)
		return MAYBE;
	for (size_t i = 0; i < p->n_windows; i++)
		for (size_t k = 0; k < p->windows[i].n_targets; k++)
			if (p->windows[i].targets[k].port == bridge)
				return YES;
	return NO;
}

/* MT/s are 2500 or multiples of 1000. */
static void print_link(FILE *f, uint64_t speed, uint64_t width)
{
	if (speed != UNKNOWN)
		fprintf(f, " %g GT/s", (double)speed / 1000);
	if (width != UNKNOWN)
		fprintf(f, " x%" PRIu64, width);
}

static bool is_less(uint64_t is, uint64_t could)
{
	return is != UNKNOWN && could != UNKNOWN && is < could;
}

bool link_is_slow(const struct memdev *m)
{
	return is_less(m->link_speed, m->max_link_speed) || is_less(m->link_width, m->max_link_width);
}

char *describe_link(const struct memdev *m, char buf[static LINK_SIZE])
{
	FILE *f = fmemopen(buf, LINK_SIZE, "w");

	buf[0] = '\0';
	if (!f)
		return buf;
	if (m->link_speed != UNKNOWN || m->link_width != UNKNOWN) {
		fputs("PCIe", f);
		print_link(f, m->link_speed, m->link_width);
		if (link_is_slow(m)) {
			fputs(" of", f);
			print_link(f, m->max_link_speed, m->max_link_width);
		}
	}
	fclose(f);
	return buf;
}

char *describe_speed(const struct speed *s, char buf[static SPEED_SIZE])
{
	char bandwidth[32] = "", latency[32] = "";

	if (s->read_bandwidth != UNKNOWN)
		snprintf(bandwidth, sizeof(bandwidth), " %.1f GB/s", (double)s->read_bandwidth / 1000);
	if (s->read_latency != UNKNOWN)
		snprintf(latency, sizeof(latency), " %" PRIu64 " ns", s->read_latency);
	if (*bandwidth || *latency)
		snprintf(buf, SPEED_SIZE, "reads%s%s%s", bandwidth, *bandwidth && *latency ? "," : "", latency);
	else
		buf[0] = '\0';
	return buf;
}

static const char *tell(const char *word, enum tint tint, enum tint *ret_tint)
{
	*ret_tint = tint;
	return word;
}

const char *describe_health(const struct memdev *m, enum tint *ret_tint)
{
	const struct health *h = &m->health;

	if (m->failing)
		return tell("failing", TINT_BAD, ret_tint);
	if (!h->known)
		return tell("unknown", TINT_NONE, ret_tint);
	if (h->replacement_needed)
		return tell("replace", TINT_BAD, ret_tint);
	if (h->performance_degraded)
		return tell("degraded", TINT_WARN, ret_tint);
	if (h->maintenance_needed)
		return tell("maintenance", TINT_WARN, ret_tint);
	if (h->media && strcmp(h->media, "normal") != 0)
		return tell(h->media, TINT_BAD, ret_tint);
	return tell("ok", TINT_GOOD, ret_tint);
}
