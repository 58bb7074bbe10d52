/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "name-list.h"
#include "picture.h"

const char *picture_plain_name(const char *word)
{
	if (strncmp(word, "/dev/", 5) != 0 && strncmp(word, "/sys/", 5) != 0)
		return word;
	return strrchr(word, '/') + 1;
}

static bool same_address(const char *host, const char *word)
{
	return host && (strcasecmp(host, word) == 0 ||
			(strncmp(host, "0000:", 5) == 0 && strcasecmp(host + 5, word) == 0));
}

/* "mem0 and mem1": the cards of a region. */
static int members_of(const struct picture *p, int region, struct name_list *l)
{
	const struct region *g = &p->regions[region];
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->n_mappings; i++)
		if (g->mappings[i].memdev >= 0)
			r = name_list_add(l, p->memdevs[g->mappings[i].memdev].name);
	return r == 0 ? name_list_end(l) : r;
}

static int no_card(const struct picture *p, const char *word, char **ret_reason)
{
	_cleanup_(name_list_clear) struct name_list l = {};
	int region = picture_find_region(p, word);
	size_t i;
	int r = 0;

	if (region >= 0 && (r = members_of(p, region, &l)) == 0)
		return say(ret_reason, -ENOENT, "%s is a region, and a card is needed: it is on %s", word,
			   l.text ?: "cards that are gone");
	for (i = 0; i < p->n_memdevs && r == 0; i++)
		r = name_list_add(&l, p->memdevs[i].name);
	if (r == 0)
		r = name_list_end(&l);
	if (r == 0 && l.text)
		r = say(ret_reason, -ENOENT, "no card is called %s: there is %s", word, l.text);
	else if (r == 0)
		r = say(ret_reason, -ENOENT,
			"no card is called %s: this machine shows no CXL memory card", word);
	return r;
}

static int ambiguous_card(const struct picture *p, const char *word, uint64_t serial,
			  char **ret_reason)
{
	_cleanup_(name_list_clear) struct name_list l = {};
	size_t i;
	int r = 0;

	for (i = 0; i < p->n_memdevs && r == 0; i++)
		if (p->memdevs[i].serial == serial)
			r = name_list_add(&l, p->memdevs[i].host ?: p->memdevs[i].name);
	if (r == 0)
		r = name_list_end(&l);
	if (r == 0)
		r = say(ret_reason, -ENOTUNIQ,
			"several cards have the serial number %s: name one by its PCI address (%s)",
			word, l.text);
	return r;
}

int picture_resolve_card(const struct picture *p, const char *word, int *ret, char **ret_reason)
{
	int found = picture_find_memdev(p, word = picture_plain_name(word));
	uint64_t serial;
	size_t i;

	for (i = 0; found < 0 && strchr(word, ':') && i < p->n_memdevs; i++)
		if (same_address(p->memdevs[i].host, word))
			found = i;

	if (found < 0 && parse_u64(word, &serial) == 0 && serial != UNKNOWN) {
		for (i = 0; i < p->n_memdevs; i++) {
			if (p->memdevs[i].serial != serial)
				continue;
			if (found >= 0)
				return ambiguous_card(p, word, serial, ret_reason);
			found = i;
		}
	}
	if (found < 0)
		return no_card(p, word, ret_reason);
	*ret = found;
	return 0;
}

/* The regions of a card. */
static int regions_of(const struct picture *p, int card, struct name_list *l)
{
	int r = 0;

	for (size_t i = 0; i < p->n_regions; i++)
		for (size_t k = 0; r == 0 && k < p->regions[i].n_mappings; k++)
			if (p->regions[i].mappings[k].memdev == card) {
				r = name_list_add(l, p->regions[i].name);
				break;
			}
	return r == 0 ? name_list_end(l) : r;
}

static int no_region(const struct picture *p, const char *word, char **ret_reason)
{
	_cleanup_(name_list_clear) struct name_list l = {};
	int card = picture_find_memdev(p, word);
	size_t i;
	int r = 0;

	if (card >= 0 && (r = regions_of(p, card, &l)) == 0)
		return l.text ? say(ret_reason, -ENOENT,
				    "%s is a card, and a region is needed: on it is %s", word, l.text) :
				say(ret_reason, -ENOENT,
				    "%s is a card, and a region is needed: on it is none", word);
	for (i = 0; i < p->n_regions && r == 0; i++)
		r = name_list_add(&l, p->regions[i].name);
	if (r == 0)
		r = name_list_end(&l);
	if (r == 0 && l.text)
		r = say(ret_reason, -ENOENT, "no region is called %s: there is %s", word, l.text);
	else if (r == 0)
		r = say(ret_reason, -ENOENT, "no region is called %s: this machine has none", word);
	return r;
}

/* "node2": the one region whose memory is there. */
static int resolve_node(const struct picture *p, const char *word, int *ret, char **ret_reason)
{
	_cleanup_(name_list_clear) struct name_list l = {};
	uint64_t node;
	int found = -1, r = 0;
	size_t i;

	if (strncmp(word, "node", 4) != 0 || parse_u64(word + 4, &node) < 0 || node == UNKNOWN)
		return -ENOENT;
	for (i = 0; i < p->n_daxes && r == 0; i++) {
		if (p->daxes[i].target_node != node || p->daxes[i].region < 0 ||
		    p->daxes[i].region == found)
			continue;
		found = p->daxes[i].region;
		r = name_list_add(&l, p->regions[found].name);
	}
	if (r == 0 && l.n > 1 && (r = name_list_end(&l)) == 0)
		r = say(ret_reason, -ENOTUNIQ, "several regions are on %s: name one of %s", word,
			l.text);
	else if (r == 0 && found < 0)
		r = -ENOENT;
	else if (r == 0)
		*ret = found;
	return r;
}

int picture_resolve_region(const struct picture *p, const char *word, int *ret, char **ret_reason)
{
	int found = picture_find_region(p, word = picture_plain_name(word)), d, r;

	if (found < 0) {
		d = picture_find_dax(p, word);
		if (d >= 0)
			found = p->daxes[d].region;
		if (d >= 0 && found < 0)
			return say(ret_reason, -ENOENT, "%s belongs to no CXL region", word);
	}
	if (found < 0) {
		r = resolve_node(p, word, &found, ret_reason);
		if (r == -ENOENT)
			return no_region(p, word, ret_reason);
		if (r < 0)
			return r;
	}
	*ret = found;
	return 0;
}
