/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "picture.h"

static const char *const port_kinds[] = {
	[PORT_ROOT] = "root",
	[PORT_HOST_BRIDGE] = "host-bridge",
	[PORT_SWITCH] = "switch",
	[PORT_ENDPOINT] = "endpoint",
};

static const char *const decode_states[] = { [NO] = "reset", [YES] = "commit" };

static const char *const zones[] = {
	[ZONE_KERNEL] = "kernel",
	[ZONE_MOVABLE] = "movable",
};

static const char *const mem_states[] = {
	[MEM_OFFLINE] = "offline",
	[MEM_ONLINE] = "online",
	[MEM_GOING_OFFLINE] = "going-offline",
};

static const char *const region_uses[] = {
	[USE_UNKNOWN] = "unknown", [USE_INCOMPLETE] = "incomplete", [USE_NONE] = "unused",
	[USE_DEVDAX] = "devdax",   [USE_OFFLINE] = "offline",	    [USE_PARTIAL] = "partly online",
	[USE_ONLINE] = "online",
};

static const char *name_of(const char *const *names, size_t n, int value)
{
	return value >= 0 && (size_t)value < n ? names[value] : NULL;
}

static int value_of(const char *const *names, size_t n, const char *s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (names[i] && strcmp(names[i], s) == 0)
			return i;
	return -EINVAL;
}

const char *port_kind_name(enum port_kind k)
{
	return name_of(port_kinds, ARRAY_SIZE(port_kinds), k);
}

const char *zone_name(enum zone z)
{
	return name_of(zones, ARRAY_SIZE(zones), z);
}

const char *mem_state_name(enum mem_state s)
{
	return name_of(mem_states, ARRAY_SIZE(mem_states), s);
}

const char *region_use_name(enum region_use u)
{
	return name_of(region_uses, ARRAY_SIZE(region_uses), u);
}

const char *decode_state_name(enum tristate committed)
{
	return name_of(decode_states, ARRAY_SIZE(decode_states), committed);
}

int decode_state_from_name(const char *s, enum tristate *ret)
{
	int v = value_of(decode_states, ARRAY_SIZE(decode_states), s);

	if (v < 0)
		return v;
	*ret = v;
	return 0;
}

int zone_from_name(const char *s, enum zone *ret)
{
	int v = value_of(zones, ARRAY_SIZE(zones), s);

	if (v < 0)
		return v;
	*ret = v;
	return 0;
}

int port_kind_from_name(const char *s, enum port_kind *ret)
{
	int v = value_of(port_kinds, ARRAY_SIZE(port_kinds), s);

	if (v < 0)
		return v;
	*ret = v;
	return 0;
}

int mem_state_from_name(const char *s, enum mem_state *ret)
{
	int v = value_of(mem_states, ARRAY_SIZE(mem_states), s);

	if (v < 0)
		return v;
	*ret = v;
	return 0;
}
