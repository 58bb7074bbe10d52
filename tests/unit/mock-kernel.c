/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mock-kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UNIT (256 * MIB)

void mock_set_string(char **field, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		abort();
	free(*field);
	*field = copy;
}

static bool number_taken(const struct picture *p, unsigned int n)
{
	char name[32];
	size_t i;

	snprintf(name, sizeof(name), "region%u", n);
	if (picture_find_region(p, name) >= 0)
		return true;
	for (i = 0; i < p->n_windows; i++)
		if (streq_null(p->windows[i].next_region, name))
			return true;
	return false;
}

/* memregion_alloc(): the lowest number that is free. */
static void reserve_next(struct picture *p, struct window *w)
{
	char name[32];
	unsigned int n = 0;

	while (number_taken(p, n))
		n++;
	snprintf(name, sizeof(name), "region%u", n);
	mock_set_string(&w->next_region, name);
}

/* create_region_store(): the window's reserved number, and a new one is reserved. */
static int create_region(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int window = picture_find_window(p, s->window), existing;
	struct region *r;

	if (window < 0)
		return say(reason, -ENOENT, "no window %s", s->window);
	existing = picture_find_region(p, s->region);
	if (existing >= 0)
		return p->regions[existing].window == window ?
			       0 :
			       say(reason, -EEXIST, "%s is elsewhere", s->region);
	r = picture_add_region(p);
	if (!r)
		abort();
	mock_set_string(&r->name, p->windows[window].next_region);
	mock_set_string(&r->type, "ram");
	r->window = window;
	r->size = 0;
	r->committed = r->enabled = r->locked = NO;
	reserve_next(p, &p->windows[window]);
	if (!streq_null(r->name, s->region)) {
		mock_set_string(&m->renamed_from, s->region);
		mock_set_string(&m->renamed_to, r->name);
	}
	return 0;
}

static void shift(int *index, int removed)
{
	if (*index == removed)
		*index = -1;
	else if (*index > removed)
		(*index)--;
}

static void remove_region(struct picture *p, int index)
{
	size_t i, j;

	free(p->regions[index].name);
	free(p->regions[index].type);
	free(p->regions[index].origin);
	free(p->regions[index].mappings);
	memmove(&p->regions[index], &p->regions[index + 1],
		(p->n_regions - index - 1) * sizeof(*p->regions));
	p->n_regions--;
	for (i = 0; i < p->n_ports; i++)
		for (j = 0; j < p->ports[i].n_decoders; j++)
			shift(&p->ports[i].decoders[j].region, index);
	for (i = 0; i < p->n_daxes; i++)
		shift(&p->daxes[i].region, index);
	for (i = 0; i < p->n_memory; i++)
		shift(&p->memory[i].region, index);
}

static void release_hpa(struct picture *p, struct region *r)
{
	struct window *w = &p->windows[r->window];
	size_t i;

	for (i = 0; i < w->n_busy; i++)
		if (w->busy[i].start == r->resource && r->size)
			break;
	if (i < w->n_busy) {
		free(w->busy[i].name);
		memmove(&w->busy[i], &w->busy[i + 1], (w->n_busy - i - 1) * sizeof(*w->busy));
		w->n_busy--;
	}
	r->resource = UNKNOWN;
	r->size = 0;
}

/* unregister_region() and cxl_region_release(). */
static int delete_region(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int index = picture_find_region(p, s->region);
	struct window *w;
	struct region *r;
	unsigned int id, next;

	if (index < 0)
		return 0;
	r = &p->regions[index];
	if (r->enabled == YES || r->committed == YES || r->n_mappings)
		return say(reason, -EBUSY, "%s is still %s", r->name,
			   r->enabled == YES ? "enabled" :
			   r->n_mappings     ? "attached" :
					       "committed");
	release_hpa(p, r);
	w = &p->windows[r->window];
	if (sscanf(r->name, "region%u", &id) == 1 &&
	    sscanf(w->next_region, "region%u", &next) == 1 && id < next)
		mock_set_string(&w->next_region, r->name);
	remove_region(p, index);
	return 0;
}

/* set_interleave_ways() and set_interleave_granularity(). */
static int set_interleave(struct picture *p, const struct step *s, char **reason)
{
	int index = picture_find_region(p, s->region);
	struct region *r;
	const struct window *w;
	unsigned int factor;

	if (index < 0)
		return say(reason, -ENOENT, "no %s", s->region);
	r = &p->regions[index];
	w = &p->windows[r->window];
	if (r->ways == s->ways && r->granularity == s->granularity)
		return 0;
	if (r->size)
		return say(reason, -EBUSY, "%s has its address range already", r->name);
	switch (s->ways) {
	case 1:
	case 2:
	case 3:
	case 4:
	case 6:
	case 8:
	case 12:
	case 16:
		break;
	default:
		return say(reason, -EINVAL, "%u ways", s->ways);
	}
	factor = s->ways / w->ways;
	if (s->ways % w->ways || !factor || (factor & (factor - 1)))
		return say(reason, -EINVAL, "%u ways in a window of %u", s->ways, w->ways);
	if (s->granularity < 256 || s->granularity > 16384 ||
	    (s->granularity & (s->granularity - 1)))
		return say(reason, -EINVAL, "granularity %u", s->granularity);
	if (w->ways > 1 && s->granularity != w->granularity)
		return say(reason, -EINVAL, "granularity %u, the window's is %u", s->granularity,
			   w->granularity);
	r->ways = s->ways;
	r->granularity = s->granularity;
	return 0;
}

/* alloc_free_mem_region(): try each 256 MiB from the bottom up. */
static bool find_free(const struct window *w, uint64_t size, uint64_t *ret)
{
	uint64_t at;
	size_t i;

	for (at = (w->resource + UNIT - 1) / UNIT * UNIT; at + size <= w->resource + w->size;
	     at += UNIT) {
		for (i = 0; i < w->n_busy; i++)
			if (at < w->busy[i].start + w->busy[i].size && w->busy[i].start < at + size)
				break;
		if (i == w->n_busy) {
			*ret = at;
			return true;
		}
	}
	return false;
}

static int alloc_hpa(struct picture *p, const struct step *s, char **reason)
{
	int index = picture_find_region(p, s->region);
	struct busy_range *busy, new;
	struct region *r;
	struct window *w;
	uint64_t at;
	size_t i;

	if (index < 0)
		return say(reason, -ENOENT, "no %s", s->region);
	r = &p->regions[index];
	w = &p->windows[r->window];
	if (r->size && r->size == s->size)
		return 0;
	if (r->size)
		return say(reason, -EBUSY, "%s has another size", r->name);
	if (!r->ways || !r->granularity)
		return say(reason, -ENXIO, "%s has no ways yet", r->name);
	if (!s->size || s->size % (UNIT * r->ways))
		return say(reason, -EINVAL, "%s: size is no multiple of 256M times ways", r->name);
	if (!find_free(w, s->size, &at))
		return say(reason, -ENOSPC, "%s has no such hole", w->name);
	if (s->resource != UNKNOWN && s->resource != at)
		return say(reason, -EIO, "%s is at another place than planned", r->name);
	r->size = s->size;
	r->resource = at;
	busy = window_add_busy(w);
	if (!busy)
		abort();
	new = (struct busy_range){ at, s->size, strdup(r->name) };
	for (i = w->n_busy - 1; i && w->busy[i - 1].start > at; i--)
		w->busy[i] = w->busy[i - 1];
	w->busy[i] = new;
	return 0;
}

static int free_hpa(struct picture *p, const struct step *s, char **reason)
{
	int index = picture_find_region(p, s->region);

	if (index < 0 || !p->regions[index].size)
		return 0;
	if (p->regions[index].n_mappings)
		return say(reason, -EBUSY, "%s still has members", s->region);
	release_hpa(p, &p->regions[index]);
	return 0;
}

static int decommit(struct picture *p, const struct step *s, char **reason)
{
	int index = picture_find_region(p, s->region);

	if (index < 0)
		return 0;
	if (p->regions[index].enabled == YES)
		return say(reason, -EBUSY, "%s is still enabled", s->region);
	p->regions[index].committed = NO;
	return 0;
}

static int check_unused(struct mock *m, const struct step *s, char **reason)
{
	if (!m->used_dax || !streq_null(m->used_dax, s->dax))
		return 0;
	if (!s->policy)
		return say(reason, -EBUSY, "somebody has %s open", s->dax);
	mock_set_string(&m->used_dax, NULL);
	return 0;
}

/* pciehp with patch 0010: the button of a slot that asks. */
static int set_slot(struct picture *p, const struct step *s, char **reason)
{
	int index = picture_find_slot(p, s->slot);
	struct slot *slot = index < 0 ? NULL : &p->slots[index];

	if (!slot)
		return say(reason, -ENOENT, "there is no slot %s", s->slot);
	switch (s->kind) {
	case STEP_SET_BUTTON_POLICY:
		if (!slot->button_policy)
			return say(reason, -ENOENT, "this kernel does not ask");
		mock_set_string(&slot->button_policy, s->policy);
		return 0;
	case STEP_ANSWER_BUTTON:
		if (!streq_null(slot->button_request, "power-off"))
			return 0;
		if (strcmp(s->policy, "refuse"))
			return say(reason, -EINVAL, "the mock can only be refused");
		mock_set_string(&slot->button_request, "none");
		return 0;
	default:
		slot->attention = strcmp(s->policy, "on") ? NO : YES;
		return 0;
	}
}

int mock_run_step(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;

	mock_set_string(&m->renamed_from, NULL);
	mock_set_string(&m->renamed_to, NULL);
	switch (s->kind) {
	case STEP_CREATE_REGION:
		return create_region(m, s, reason);
	case STEP_SET_INTERLEAVE:
		return set_interleave(p, s, reason);
	case STEP_ALLOC_HPA:
		return alloc_hpa(p, s, reason);
	case STEP_ALLOC_DPA:
		return mock_alloc_dpa(m, s, reason);
	case STEP_ATTACH:
		return mock_attach(m, s, reason);
	case STEP_COMMIT:
		return mock_commit(m, s, reason);
	case STEP_ENABLE:
		return mock_enable(m, s, reason);
	case STEP_HOLD_AUTOPROBE:
	case STEP_RELEASE_AUTOPROBE:
		m->autoprobe_held = s->kind == STEP_HOLD_AUTOPROBE;
		return 0;
	case STEP_HOLD_AUTO_ONLINE:
	case STEP_RELEASE_AUTO_ONLINE:
		if (!p->auto_online || !s->policy)
			return say(reason, -ENOENT, "there is no auto_online_blocks");
		mock_set_string(&p->auto_online, s->policy);
		return 0;
	case STEP_SET_ALIGN:
		return mock_set_align(m, s, reason);
	case STEP_BIND:
		return mock_bind(m, s, reason);
	case STEP_ONLINE:
		return mock_online(m, s, reason);
	case STEP_OFFLINE:
		return mock_offline(m, s, reason);
	case STEP_CHECK_UNUSED:
		return check_unused(m, s, reason);
	case STEP_UNBIND:
		return mock_unbind(m, s, reason);
	case STEP_DISABLE:
		return mock_disable(m, s, reason);
	case STEP_DECOMMIT:
		return decommit(p, s, reason);
	case STEP_DETACH:
		return mock_detach(m, s, reason);
	case STEP_FREE_DPA:
		return mock_free_dpa(m, s, reason);
	case STEP_FREE_HPA:
		return free_hpa(p, s, reason);
	case STEP_DELETE_REGION:
		return delete_region(m, s, reason);
	case STEP_DRAIN:
		return mock_drain(m, s, reason);
	case STEP_REVOKE:
		return mock_revoke(m, s, reason);
	case STEP_CANCEL_DRAIN:
		return mock_cancel_drain(m, s, reason);
	case STEP_DISABLE_MEMDEV:
		return mock_disable_memdev(m, s, reason);
	case STEP_ENABLE_MEMDEV:
		return mock_enable_memdev(m, s, reason);
	case STEP_POWER_OFF:
		return mock_power_off(m, s, reason);
	case STEP_SET_BUTTON_POLICY:
	case STEP_ANSWER_BUTTON:
	case STEP_SET_ATTENTION:
		return set_slot(p, s, reason);
	default:
		return say(reason, -EINVAL, "no such step");
	}
}
