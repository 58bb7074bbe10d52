// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memory-block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sysfs.h"

#define BLOCK "devices/system/memory/memory%" PRIu64

int memory_block_size(struct door *door, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long v;
	char *end;
	int r;

	/* Hexadecimal without 0x: block_size_bytes_show(). */
	r = sysfs_read(door, &text, "devices/system/memory/block_size_bytes");
	if (r < 0)
		return r;
	errno = 0;
	v = strtoull(text, &end, 16);
	if (errno || *end || end == text || v == 0)
		return -EINVAL;
	*ret = v;
	return 0;
}

static enum mem_state state_from_sysfs(const char *s)
{
	if (!strcmp(s, "online"))
		return MEM_ONLINE;
	if (!strcmp(s, "offline"))
		return MEM_OFFLINE;
	if (!strcmp(s, "going-offline"))
		return MEM_GOING_OFFLINE;
	return MEM_UNKNOWN;
}

int memory_block_state(struct door *door, uint64_t number, enum mem_state *ret)
{
	_cleanup_free_ char *state = NULL;
	int r;

	r = sysfs_read(door, &state, BLOCK "/state", number);
	if (r < 0)
		return r == -ENODEV ? -ENOENT : r;
	*ret = state_from_sysfs(state);
	return 0;
}

int memory_block_read(struct door *door, uint64_t number, enum mem_state *ret_state,
		      enum zone *ret_zone)
{
	_cleanup_free_ char *zones = NULL;
	enum mem_state s;
	int r;

	r = memory_block_state(door, number, &s);
	if (r < 0)
		return r;
	*ret_zone = ZONE_UNKNOWN;
	/* For an online block valid_zones names the one zone it is in (valid_zones_show()). */
	if (s == MEM_ONLINE && sysfs_read(door, &zones, BLOCK "/valid_zones", number) >= 0) {
		if (!strcmp(zones, "Movable"))
			*ret_zone = ZONE_MOVABLE;
		else if (!strcmp(zones, "Normal") || !strncmp(zones, "DMA", 3))
			*ret_zone = ZONE_KERNEL;
	}
	*ret_state = s;
	return 0;
}

int memory_range_online(struct door *door, uint64_t start, uint64_t size, uint64_t *ret)
{
	uint64_t block, first, last;
	enum mem_state state;
	enum zone zone;
	int r;

	r = memory_block_size(door, &block);
	if (r < 0)
		return r;
	first = align_down(start, block) / block;
	last = align_up(start + size, block) / block;
	for (uint64_t n = first; n < last; n++) {
		r = memory_block_read(door, n, &state, &zone);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (state != MEM_OFFLINE) {
			*ret = n;
			return 1;
		}
	}
	return 0;
}

static const char *say_zone(enum zone z)
{
	return zone_name(z) ?: "unknown";
}

int memory_spans_check(struct door *door, const struct block_span *spans, size_t n,
		       char **ret_reason)
{
	for (size_t i = 0; i < n; i++)
		for (uint64_t b = spans[i].first; b < spans[i].first + spans[i].count; b++) {
			enum mem_state state;
			enum zone zone;
			int r;

			r = memory_block_read(door, b, &state, &zone);
			if (r == -ENOENT && spans[i].zone == ZONE_UNKNOWN)
				continue;
			if (r == -ENOENT) {
				say(ret_reason, 0, "memory%" PRIu64 " is not there", b);
				return 0;
			}
			if (r < 0)
				return say(ret_reason, r, "memory%" PRIu64 " cannot be read: %s", b,
					   strerror(-r));
			if (spans[i].zone == ZONE_UNKNOWN) {
				if (state == MEM_OFFLINE)
					continue;
				say(ret_reason, 0, "memory%" PRIu64 " is online (zone %s)", b,
				    say_zone(zone));
				return 0;
			}
			if (state != MEM_ONLINE) {
				say(ret_reason, 0, "memory%" PRIu64 " is offline", b);
				return 0;
			}
			if (zone != spans[i].zone) {
				say(ret_reason, 0, "memory%" PRIu64 " is online in zone %s, not %s",
				    b, say_zone(zone), say_zone(spans[i].zone));
				return 0;
			}
		}
	return 1;
}

static const char *online_word(enum zone zone)
{
	return zone == ZONE_MOVABLE ? "online_movable" : "online_kernel";
}

static int online_one(struct door *door, uint64_t number, enum zone zone, bool *ret_done,
		      char **ret_reason)
{
	enum mem_state state;
	enum zone now;
	int r;

	r = memory_block_read(door, number, &state, &now);
	if (r < 0)
		return say(ret_reason, r, "memory%" PRIu64 " is not there", number);
	if (state != MEM_ONLINE) {
		r = sysfs_write(door, online_word(zone), BLOCK "/state", number);
		if (r >= 0) {
			*ret_done = true;
			return 0;
		}
		/* So the kernel answers, too, when somebody else brought it online a moment ago. */
		if (r != -EINVAL || memory_block_read(door, number, &state, &now) < 0 || state != MEM_ONLINE)
			return say(ret_reason, r, "memory%" PRIu64 " cannot be brought online in zone %s: %s",
				   number, say_zone(zone), strerror(-r));
	}
	if (now == zone)
		return 0;
	return say(ret_reason, -EBUSY,
		   "memory%" PRIu64 " is online in zone %s already: somebody else brought it "
		   "online; take it offline first", number, say_zone(now));
}

static int offline_one(struct door *door, uint64_t number, bool *ret_done, char **ret_reason)
{
	enum mem_state state;
	enum zone zone;
	int r;

	r = memory_block_read(door, number, &state, &zone);
	if (r == -ENOENT || (r >= 0 && state == MEM_OFFLINE))
		return 0;
	if (r < 0)
		return say(ret_reason, r, "memory%" PRIu64 " cannot be read: %s", number,
			   strerror(-r));
	r = sysfs_write(door, "offline", BLOCK "/state", number);
	/* Somebody else did that a moment ago. */
	if (r == -EINVAL && memory_block_state(door, number, &state) >= 0 && state == MEM_OFFLINE)
		return 0;
	if (r == -EBUSY || r == -EAGAIN)
		return say(ret_reason, -EBUSY,
			   "memory%" PRIu64 " cannot be taken offline: pages in it are in use and cannot be "
			   "moved (zone %s)", number, say_zone(zone));
	if (r == -ENOMEM)
		return say(ret_reason, -ENOMEM,
			   "memory%" PRIu64 " cannot be taken offline: the rest of the machine has no room "
			   "for what is in it", number);
	if (r < 0)
		return say(ret_reason, r, "memory%" PRIu64 " cannot be taken offline: %s", number,
			   strerror(-r));
	*ret_done = true;
	return 0;
}

/* One block's place among all blocks of some spans. */
struct cursor {
	uint64_t number;
	enum zone zone;
};

static bool spans_at(const struct block_span *spans, size_t n, uint64_t index, struct cursor *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (index < spans[i].count) {
			ret->number = spans[i].first + index;
			ret->zone = spans[i].zone;
			return true;
		}
		index -= spans[i].count;
	}
	return false;
}

static uint64_t spans_total(const struct block_span *spans, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += spans[i].count;
	return total;
}

static int spans_move(struct door *door, const struct block_span *spans, size_t n, bool online,
		      char **ret_reason)
{
	_cleanup_free_ bool *done = NULL;
	uint64_t total = spans_total(spans, n), block = 0, i;
	struct cursor c;
	int r = 0;

	(void)memory_block_size(door, &block);
	done = calloc(total ?: 1, sizeof(*done));
	if (!done)
		return -ENOMEM;
	/* The first block may be the one that takes its time. */
	if (door->progress)
		door->progress(door->progress_userdata, 0, total * block);
	for (i = 0; i < total; i++) {
		/* Offline from the end: a zone shrinks from its edges. */
		uint64_t at = online ? i : total - 1 - i;

		if (!spans_at(spans, n, at, &c))
			break;
		/* "Leave it offline" is a wish too: the door's caller checks it, nothing is done for it. */
		if (c.zone == ZONE_UNKNOWN)
			continue;
		r = online ? online_one(door, c.number, c.zone, &done[at], ret_reason) :
			     offline_one(door, c.number, &done[at], ret_reason);
		if (r < 0)
			break;
		if (door->progress)
			door->progress(door->progress_userdata, (i + 1) * block, total * block);
	}
	if (r >= 0)
		return 0;
	/* Take back what this call did, newest first. The reason is that of the first failure. */
	while (i-- > 0) {
		uint64_t at = online ? i : total - 1 - i;
		bool again;

		if (!done[at] || !spans_at(spans, n, at, &c))
			continue;
		if (online)
			(void)offline_one(door, c.number, &again, NULL);
		else
			(void)online_one(door, c.number, c.zone, &again, NULL);
	}
	return r;
}

int memory_spans_online(struct door *door, const struct block_span *spans, size_t n,
			char **ret_reason)
{
	return spans_move(door, spans, n, true, ret_reason);
}

int memory_spans_offline(struct door *door, const struct block_span *spans, size_t n,
			 char **ret_reason)
{
	return spans_move(door, spans, n, false, ret_reason);
}
