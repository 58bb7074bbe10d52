/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "profile.h"

static bool fits(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}

/* One element of a path at a time, from its host bridge to the card. */
static bool fits_element(const char *pattern, const char *path)
{
	char element[64];

	while (*path) {
		size_t n = strcspn(path, "/");

		if (n < sizeof(element)) {
			memcpy(element, path, n);
			element[n] = '\0';
			if (fits(pattern, element))
				return true;
		}
		path += n + (path[n] == '/');
	}
	return false;
}

static bool fits_slot(const char *pattern, const struct picture *p, const struct memdev *m)
{
	char name[64];

	if (m->slot < 0 || !p->slots[m->slot].name)
		return false;
	snprintf(name, sizeof(name), "slot:%.50s", p->slots[m->slot].name);
	return fits(pattern, name);
}

/* Every way to say where a card is. One of which nothing is known is still matched by "*". */
static bool fits_place(const char *pattern, const struct picture *p, const struct memdev *m)
{
	const char *path = m->path ?: m->host ?: "";

	return fits(pattern, path) || fits_element(pattern, path) ||
	       (m->host && fits(pattern, m->host)) || fits_slot(pattern, p, m);
}

/* "pci0000:0c", of the path or, without one, of the port; NULL when neither is known. */
static const char *host_bridge(const struct picture *p, const struct memdev *m, char buf[static 64])
{
	size_t n = m->path ? strcspn(m->path, "/") : 0;
	int port = m->endpoint;

	if (n > 0 && n < 64) {
		memcpy(buf, m->path, n);
		buf[n] = '\0';
		return buf;
	}
	while (port >= 0 && p->ports[port].kind != PORT_HOST_BRIDGE)
		port = p->ports[port].parent;
	return port >= 0 ? p->ports[port].host : NULL;
}

static bool fits_host_bridge(const char *pattern, const struct picture *p, const struct memdev *m)
{
	char buf[64];
	const char *bridge = host_bridge(p, m, buf);

	if (!bridge)
		return false;
	if (fits(pattern, bridge))
		return true;
	/* firmware's name of it is known to the windows only */
	for (size_t i = 0; i < p->n_windows; i++)
		for (size_t k = 0; k < p->windows[i].n_targets; k++) {
			const struct window_target *t = &p->windows[i].targets[k];

			if (t->alias && streq_null(t->dport, bridge) && fits(pattern, t->alias))
				return true;
		}
	return false;
}

/* UNKNOWN is in no list. */
static bool has_number(const struct numbers *numbers, uint64_t number)
{
	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->list[i] == number)
			return true;
	return false;
}

static bool any_fits(const struct patterns *patterns, const struct picture *p,
		     const struct memdev *m,
		     bool (*fit)(const char *pattern, const struct picture *p,
				 const struct memdev *m))
{
	for (size_t i = 0; i < patterns->n; i++)
		if (fit(patterns->list[i], p, m))
			return true;
	return false;
}

/* Capacity of the kind asked for; UNKNOWN if it could not be read. */
static uint64_t capacity_of(const struct memdev *m, enum capacity c)
{
	if (c == CAPACITY_RAM)
		return m->ram_size;
	if (c == CAPACITY_PMEM)
		return m->pmem_size;
	if (m->ram_size == UNKNOWN || m->pmem_size == UNKNOWN)
		return UNKNOWN;
	return m->ram_size + m->pmem_size;
}

static bool fits_size(const struct profile *profile, const struct memdev *m)
{
	uint64_t size = capacity_of(m, profile->capacity);

	if (profile->capacity == CAPACITY_ANY && !profile->min_size && profile->max_size == UNKNOWN)
		return true;
	if (size == UNKNOWN || (profile->capacity != CAPACITY_ANY && size == 0))
		return false;
	return size >= profile->min_size && size <= profile->max_size;
}

int profile_member(const struct profile *profile, const struct picture *p, int memdev)
{
	const struct memdev *m = &p->memdevs[memdev];

	for (size_t i = 0; i < profile->n_members; i++) {
		const struct profile_member *member = &profile->members[i];

		if (member->pattern ? fits_place(member->pattern, p, m) :
				      member->serial == m->serial)
			return (int)i;
	}
	return -1;
}

bool profile_matches(const struct profile *profile, const struct picture *p, int memdev)
{
	const struct memdev *m = &p->memdevs[memdev];

	if (profile->serials.n && !has_number(&profile->serials, m->serial))
		return false;
	if (profile->vendors.n && !has_number(&profile->vendors, m->vendor))
		return false;
	if (profile->paths.n && !any_fits(&profile->paths, p, m, fits_place))
		return false;
	if (profile->host_bridges.n && !any_fits(&profile->host_bridges, p, m, fits_host_bridge))
		return false;
	if (!fits_size(profile, m))
		return false;
	return profile->n_members == 0 || profile_member(profile, p, memdev) >= 0;
}

const struct profile *profile_set_match(const struct profile_set *set, const struct picture *p,
					int memdev)
{
	for (size_t i = 0; i < set->n; i++)
		if (profile_matches(set->list[i], p, memdev))
			return set->list[i];
	return NULL;
}
