/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mock-kernel.h"

static bool alike(const struct memory_run *a, const struct memory_run *b)
{
	return a->first + a->count == b->first && a->state == b->state && a->zone == b->zone &&
	       a->node == b->node && a->region == b->region;
}

static void append(struct memory_run **runs, size_t *n, struct memory_run run)
{
	if (!run.count)
		return;
	if (*n && alike(&(*runs)[*n - 1], &run)) {
		(*runs)[*n - 1].count += run.count;
		return;
	}
	if (grow(runs, *n, sizeof(**runs)) < 0)
		abort();
	(*runs)[(*n)++] = run;
}

/* Replace the blocks of @new's span by @new; count 0 of state MEM_UNKNOWN takes them away. */
static void put_blocks(struct picture *p, struct memory_run new, bool take_away)
{
	struct memory_run *runs = NULL;
	uint64_t end = new.first + new.count;
	bool done = take_away;
	size_t n = 0, i;

	for (i = 0; i < p->n_memory; i++) {
		struct memory_run left = p->memory[i], right = p->memory[i];
		uint64_t stop = left.first + left.count;

		if (left.first >= end && !done) {
			append(&runs, &n, new);
			done = true;
		}
		if (stop <= new.first || left.first >= end) {
			append(&runs, &n, left);
			continue;
		}
		left.count = left.first < new.first ? new.first - left.first : 0;
		append(&runs, &n, left);
		if (stop > end) {
			if (!done)
				append(&runs, &n, new);
			done = true;
			right.first = end;
			right.count = stop - end;
			append(&runs, &n, right);
		}
	}
	if (!done)
		append(&runs, &n, new);
	free(p->memory);
	p->memory = runs;
	p->n_memory = n;
}

/* The run that a block is in, NULL if the block is not there. */
static const struct memory_run *run_of(const struct picture *p, uint64_t block)
{
	size_t i;

	for (i = 0; i < p->n_memory; i++)
		if (block >= p->memory[i].first && block - p->memory[i].first < p->memory[i].count)
			return &p->memory[i];
	return NULL;
}

static void whole_blocks(const struct picture *p, const struct dax *d, uint64_t *first,
			 uint64_t *end)
{
	*first = (d->resource + p->block_size - 1) / p->block_size;
	*end = (d->resource + d->size) / p->block_size;
}

static bool any_online(const struct picture *p, const struct dax *d)
{
	uint64_t first, end, b;
	const struct memory_run *run;

	whole_blocks(p, d, &first, &end);
	for (b = first; b < end; b++) {
		run = run_of(p, b);
		if (run && run->state == MEM_ONLINE)
			return true;
	}
	return false;
}

static void policy(const struct picture *p, enum mem_state *state, enum zone *zone)
{
	const char *s = p->auto_online ?: "offline";

	*state = strcmp(s, "offline") == 0 ? MEM_OFFLINE : MEM_ONLINE;
	*zone = *state == MEM_OFFLINE		 ? ZONE_UNKNOWN :
		strcmp(s, "online_movable") == 0 ? ZONE_MOVABLE :
						   ZONE_KERNEL;
}

/* dev_dax_kmem_probe(). */
static int bind_kmem(struct mock *m, struct dax *d, char **reason)
{
	struct picture *p = m->picture;
	struct memory_run run = { .node = d->target_node, .region = d->region };
	uint64_t end;

	whole_blocks(p, d, &run.first, &end);
	if (end <= run.first)
		return say(reason, -EINVAL, "%s: no memory after alignment", d->name);
	run.count = end - run.first;
	policy(p, &run.state, &run.zone);
	put_blocks(p, run, false);
	mock_set_string(&d->driver, "kmem");
	if (m->unplugs)
		mock_set_string(&d->state, p->auto_online);
	return 0;
}

static void unbind(struct mock *m, struct dax *d)
{
	struct memory_run run = {};
	uint64_t end;

	if (streq_null(d->driver, "kmem")) {
		whole_blocks(m->picture, d, &run.first, &end);
		run.count = end - run.first;
		put_blocks(m->picture, run, true);
	}
	mock_set_string(&d->driver, NULL);
	mock_set_string(&d->state, NULL);
	mock_set_string(&d->drain, NULL);
}

/* cxl_region_probe() and what follows from it. */
int mock_enable(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int region = picture_find_region(p, s->region);
	char name[48] = "dax";
	struct region *r;
	struct dax *d;

	if (region < 0)
		return say(reason, -ENOENT, "no %s", s->region);
	r = &p->regions[region];
	if (r->enabled == YES)
		return 0;
	if (r->committed != YES)
		return say(reason, -ENXIO, "%s is not committed", r->name);
	r->enabled = YES;
	d = picture_add_dax(p);
	if (!d)
		abort();
	snprintf(name, sizeof(name), "dax%.20s.0", r->name + strlen("region"));
	mock_set_string(&d->name, name);
	d->region = region;
	d->resource = r->resource;
	d->size = r->size;
	d->align = 2 * MIB;
	d->target_node = 1 + r->window;
	if (s->dax && strcmp(s->dax, name) != 0) {
		mock_set_string(&m->renamed_from, s->dax);
		mock_set_string(&m->renamed_to, name);
	}
	return m->autoprobe_held ? 0 : bind_kmem(m, d, reason);
}

int mock_disable(struct mock *m, const struct step *s, char **reason)
{
	struct picture *p = m->picture;
	int region = picture_find_region(p, s->region);
	size_t i;

	if (region < 0 || p->regions[region].enabled != YES)
		return 0;
	for (i = 0; i < p->n_daxes; i++)
		if (p->daxes[i].region == region && p->daxes[i].driver)
			return say(reason, -EBUSY, "%s is still bound to %s", p->daxes[i].name,
				   p->daxes[i].driver);
	for (i = p->n_daxes; i-- > 0;) {
		if (p->daxes[i].region != region)
			continue;
		free(p->daxes[i].name);
		free(p->daxes[i].state);
		free(p->daxes[i].drain);
		memmove(&p->daxes[i], &p->daxes[i + 1], (p->n_daxes - i - 1) * sizeof(*p->daxes));
		p->n_daxes--;
	}
	p->regions[region].enabled = NO;
	return 0;
}

static struct dax *find_dax(struct mock *m, const struct step *s, char **reason)
{
	int dax = picture_find_dax(m->picture, s->dax);

	if (dax < 0) {
		say(reason, -ENOENT, "no %s", s->dax);
		return NULL;
	}
	return &m->picture->daxes[dax];
}

/* Whether the blocks are what the step promised. */
static int check_promise(const struct mock *m, const struct step *s, char **reason)
{
	uint64_t b;
	size_t i;

	for (i = 0; i < s->n_blocks; i++)
		for (b = s->blocks[i].first; b < s->blocks[i].first + s->blocks[i].count; b++) {
			const struct memory_run *run = run_of(m->picture, b);
			enum zone zone = run && run->state == MEM_ONLINE ? run->zone : ZONE_UNKNOWN;

			if (!run || zone != s->blocks[i].zone)
				return say(reason, -EIO, "block %" PRIu64 " is not as promised", b);
		}
	return 0;
}

int mock_set_align(struct mock *m, const struct step *s, char **reason)
{
	struct dax *d = find_dax(m, s, reason);

	if (!d)
		return -ENOENT;
	if (d->driver)
		return say(reason, -EBUSY, "%s is bound to %s", d->name, d->driver);
	if (d->size % s->size)
		return say(reason, -EINVAL, "%s is not aligned", d->name);
	d->align = s->size;
	return 0;
}

int mock_bind(struct mock *m, const struct step *s, char **reason)
{
	struct dax *d = find_dax(m, s, reason);
	int r;

	if (!d)
		return -ENOENT;
	if (streq_null(d->driver, s->driver))
		return 0;
	if (d->driver)
		return say(reason, -EBUSY, "%s is bound to %s", d->name, d->driver);
	if (strcmp(s->driver, "kmem") != 0) {
		mock_set_string(&d->driver, s->driver);
		mock_set_string(&d->drain, m->drains ? "live" : NULL);
		return 0;
	}
	r = bind_kmem(m, d, reason);
	return r < 0 ? r : check_promise(m, s, reason);
}

int mock_unbind(struct mock *m, const struct step *s, char **reason)
{
	int dax = picture_find_dax(m->picture, s->dax);
	struct dax *d = dax < 0 ? NULL : &m->picture->daxes[dax];

	if (!d || !d->driver)
		return 0;
	if (!streq_null(d->driver, s->driver))
		return say(reason, -EBUSY, "%s is bound to %s", d->name, d->driver);
	if (strcmp(d->driver, "kmem") == 0 && any_online(m->picture, d))
		return say(reason, -EBUSY, "memory of %s would be stuck online", d->name);
	if (m->used_dax && strcmp(m->used_dax, d->name) == 0)
		return say(reason, -EBUSY, "%s is in use", d->name);
	unbind(m, d);
	return 0;
}

static void replug(struct mock *m, struct dax *d)
{
	struct memory_run run = { .node = d->target_node,
				  .region = d->region,
				  .state = MEM_OFFLINE };
	uint64_t end;

	whole_blocks(m->picture, d, &run.first, &end);
	run.count = end - run.first;
	put_blocks(m->picture, run, false);
	mock_set_string(&d->state, "online");
}

int mock_online(struct mock *m, const struct step *s, char **reason)
{
	struct dax *d = find_dax(m, s, reason);
	size_t i;
	uint64_t b;

	if (!d || !streq_null(d->driver, "kmem"))
		return say(reason, -ENODEV, "%s is not bound to kmem", s->dax);
	if (streq_null(d->state, "unplugged"))
		replug(m, d);
	for (i = 0; i < s->n_blocks; i++) {
		const struct block_span *span = &s->blocks[i];

		if (span->zone == ZONE_UNKNOWN)
			return say(reason, -EINVAL, "no zone to bring blocks online in");
		for (b = span->first; b < span->first + span->count; b++) {
			const struct memory_run *run = run_of(m->picture, b);

			if (!run || run->region != d->region)
				return say(reason, -ENOENT, "block %" PRIu64 " is not of %s", b,
					   d->name);
			if (run->state == MEM_ONLINE && run->zone != span->zone)
				return say(reason, -EBUSY, "block %" PRIu64 " is online elsewhere",
					   b);
		}
		put_blocks(m->picture,
			   (struct memory_run){ span->first, span->count, MEM_ONLINE, span->zone,
						d->target_node, d->region },
			   false);
	}
	return 0;
}

int mock_offline(struct mock *m, const struct step *s, char **reason)
{
	struct dax *d = find_dax(m, s, reason);
	struct memory_run all = {};
	uint64_t b, end;
	size_t i;

	if (!d || !streq_null(d->driver, "kmem"))
		return 0;
	if (streq_null(d->state, "unplugged"))
		return 0;
	for (i = 0; i < s->n_blocks; i++) {
		const struct block_span *span = &s->blocks[i];

		for (b = span->first; b < span->first + span->count; b++) {
			const struct memory_run *run = run_of(m->picture, b);

			if (!run || run->region != d->region)
				return say(reason, -ENOENT, "block %" PRIu64 " is not of %s", b,
					   d->name);
		}
		put_blocks(m->picture,
			   (struct memory_run){ span->first, span->count, MEM_OFFLINE, ZONE_UNKNOWN,
						d->target_node, d->region },
			   false);
	}
	if (m->unplugs && !any_online(m->picture, d)) {
		whole_blocks(m->picture, d, &all.first, &end);
		all.count = end - all.first;
		put_blocks(m->picture, all, true);
		mock_set_string(&d->state, "unplugged");
	}
	return 0;
}
