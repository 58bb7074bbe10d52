/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "find-object.h"

#include <errno.h>
#include <string.h>

#include "suggest.h"
#include "util.h"

#include "describe.h"

/* The decoders of ports are shown with their ports. */
static int find_port(const struct picture *p, const char *word)
{
	int found = picture_find_port(p, word);

	for (size_t i = 0; found < 0 && i < p->n_ports; i++) {
		/* An endpoint's host is the card. */
		if (p->ports[i].kind != PORT_ENDPOINT && streq_null(p->ports[i].host, word))
			found = i;
		for (size_t k = 0; found < 0 && k < p->ports[i].n_decoders; k++)
			if (streq_null(p->ports[i].decoders[k].name, word))
				found = i;
	}
	return found;
}

static int find_memory(const struct picture *p, const char *word)
{
	uint64_t block;

	if (strncmp(word, "memory", 6) != 0 || parse_u64(word + 6, &block) < 0)
		return -1;
	for (size_t i = 0; i < p->n_memory; i++)
		if (block >= p->memory[i].first && block - p->memory[i].first < p->memory[i].count)
			return i;
	return -1;
}

static int find_node_called(const struct picture *p, const char *word)
{
	uint64_t id;

	return strncmp(word, "node", 4) == 0 && parse_u64(word + 4, &id) == 0 ? find_node(p, id) : -1;
}

/* By the names that the kernel gave: no two kinds have one in common. */
static bool by_name(const struct picture *p, const char *word, struct object *ret)
{
	int (*const find[_OBJECT_KIND_MAX])(const struct picture *p, const char *word) = {
		[OBJECT_WINDOW] = picture_find_window, [OBJECT_PORT] = find_port,
		[OBJECT_CARD] = picture_find_memdev,   [OBJECT_REGION] = picture_find_region,
		[OBJECT_DAX] = picture_find_dax,       [OBJECT_MEMORY] = find_memory,
		[OBJECT_NODE] = find_node_called,
	};

	word = picture_plain_name(word);
	for (enum object_kind kind = 0; kind < _OBJECT_KIND_MAX; kind++) {
		int index = find[kind] ? find[kind](p, word) : -1;

		if (index >= 0) {
			*ret = (struct object){ kind, index };
			return true;
		}
	}
	return false;
}

static const char *next_name(size_t i, const void *userdata)
{
	const struct picture *p = userdata;

	if (i < p->n_memdevs)
		return p->memdevs[i].name;
	i -= p->n_memdevs;
	if (i < p->n_regions)
		return p->regions[i].name;
	i -= p->n_regions;
	if (i < p->n_daxes)
		return p->daxes[i].name;
	i -= p->n_daxes;
	if (i < p->n_windows)
		return p->windows[i].name;
	i -= p->n_windows;
	return i < p->n_ports ? p->ports[i].name : NULL;
}

static int not_found(const struct picture *p, const char *word, char **ret_reason)
{
	const char *near = suggest(word, next_name, p);

	if (near)
		return say(ret_reason, -ENOENT, "nothing here is called %s; did you mean %s?", word, near);
	return say(ret_reason, -ENOENT, "nothing here is called %s: `cxlmemctl list` shows what there is",
		   word);
}

/* Serials, addresses and the names of slots, which may be the same number. */
int find_object(const struct picture *p, const char *word, struct object *ret, char **ret_reason)
{
	bool only_slot = strncmp(word, "slot:", 5) == 0;
	int slot = picture_find_slot(p, only_slot ? word + 5 : word), card, r;

	if (!only_slot && by_name(p, word, ret))
		return 0;
	r = only_slot ? -ENOENT : picture_resolve_card(p, word, &card, NULL);
	if (r == -ENOTUNIQ)
		return picture_resolve_card(p, word, &card, ret_reason);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && slot >= 0)
		return say(ret_reason, -ENOTUNIQ,
			   "%s is the serial number of %s and the name of a slot: say %s or slot:%s", word,
			   p->memdevs[card].name, p->memdevs[card].name, word);
	if (r < 0 && slot < 0)
		return not_found(p, word, ret_reason);
	*ret = r == 0 ? (struct object){ OBJECT_CARD, card } : (struct object){ OBJECT_SLOT, slot };
	return 0;
}
