/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {
	[STEP_CREATE_REGION] = "create-region",
	[STEP_SET_INTERLEAVE] = "set-interleave",
	[STEP_ALLOC_HPA] = "alloc-hpa",
	[STEP_ALLOC_DPA] = "alloc-dpa",
	[STEP_ATTACH] = "attach",
	[STEP_COMMIT] = "commit",
	[STEP_ENABLE] = "enable",
	[STEP_HOLD_AUTOPROBE] = "hold-autoprobe",
	[STEP_RELEASE_AUTOPROBE] = "release-autoprobe",
	[STEP_HOLD_AUTO_ONLINE] = "hold-auto-online",
	[STEP_RELEASE_AUTO_ONLINE] = "release-auto-online",
	[STEP_SET_ALIGN] = "set-align",
	[STEP_BIND] = "bind",
	[STEP_ONLINE] = "online",
	[STEP_OFFLINE] = "offline",
	[STEP_CHECK_UNUSED] = "check-unused",
	[STEP_UNBIND] = "unbind",
	[STEP_DISABLE] = "disable",
	[STEP_DECOMMIT] = "decommit",
	[STEP_DETACH] = "detach",
	[STEP_FREE_DPA] = "free-dpa",
	[STEP_FREE_HPA] = "free-hpa",
	[STEP_DELETE_REGION] = "delete-region",
	[STEP_DRAIN] = "drain",
	[STEP_REVOKE] = "revoke",
	[STEP_CANCEL_DRAIN] = "cancel-drain",
	[STEP_DISABLE_MEMDEV] = "disable-memdev",
	[STEP_ENABLE_MEMDEV] = "enable-memdev",
	[STEP_POWER_OFF] = "power-off",
	[STEP_SET_BUTTON_POLICY] = "set-button-policy",
	[STEP_ANSWER_BUTTON] = "answer-button",
	[STEP_SET_ATTENTION] = "set-attention",
};

_Static_assert(ARRAY_SIZE(kinds) == _STEP_KIND_MAX, "a step kind has no name");

const char *step_kind_name(enum step_kind k)
{
	return k >= 0 && k < _STEP_KIND_MAX ? kinds[k] : NULL;
}

int step_kind_from_name(const char *s, enum step_kind *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], s) == 0) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

bool step_may_block(enum step_kind k)
{
	switch (k) {
	case STEP_ENABLE:
	case STEP_BIND:
	case STEP_ONLINE:
	case STEP_OFFLINE:
	case STEP_UNBIND:
	case STEP_DISABLE:
	case STEP_DRAIN:
	case STEP_DISABLE_MEMDEV:
	case STEP_ENABLE_MEMDEV:
		return true;
	default:
		return false;
	}
}

/* The names a step may hold, in one place for all who walk over them. */
#define STEP_NAMES(s)                                                                             \
	{                                                                                         \
		&(s)->window, &(s)->region, &(s)->memdev, &(s)->decoder, &(s)->dax, &(s)->driver, \
			&(s)->policy, &(s)->slot,                                                 \
	}

void step_clear(struct step *s)
{
	char **names[] = STEP_NAMES(s);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		free(*names[i]);
	for (i = 0; i < s->n_undo; i++)
		step_clear(&s->undo[i]);
	free(s->undo);
	free(s->blocks);
	memset(s, 0, sizeof(*s));
}

int step_add_block(struct step *s, uint64_t first, uint64_t count, enum zone zone)
{
	struct block_span *last = s->n_blocks ? &s->blocks[s->n_blocks - 1] : NULL;

	if (last && last->zone == zone && last->first + last->count == first) {
		last->count += count;
		return 0;
	}
	if (grow(&s->blocks, s->n_blocks, sizeof(*s->blocks)) < 0)
		return -ENOMEM;
	s->blocks[s->n_blocks++] = (struct block_span){ first, count, zone };
	return 0;
}

static int copy_into(const struct step *s, struct step *ret)
{
	char **from[] = STEP_NAMES((struct step *)s), **to[] = STEP_NAMES(ret);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(from); i++)
		if (strdup_or_null(*from[i], to[i]) < 0)
			return -ENOMEM;
	for (i = 0; i < s->n_blocks; i++)
		if (step_add_block(ret, s->blocks[i].first, s->blocks[i].count, s->blocks[i].zone) <
		    0)
			return -ENOMEM;
	for (i = 0; i < s->n_undo; i++) {
		if (grow(&ret->undo, ret->n_undo, sizeof(*ret->undo)) < 0 ||
		    step_copy(&s->undo[i], &ret->undo[ret->n_undo]) < 0)
			return -ENOMEM;
		ret->n_undo++;
	}
	return 0;
}

int step_copy(const struct step *s, struct step *ret)
{
	struct step copy = {
		.kind = s->kind,
		.position = s->position,
		.ways = s->ways,
		.granularity = s->granularity,
		.size = s->size,
		.resource = s->resource,
	};

	if (copy_into(s, &copy) < 0) {
		step_clear(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

/* What is left of a name behind another: "" of "region0", ".1" of "decoder3.1"; NULL: not that. */
static const char *behind(const char *name, const char *before)
{
	size_t n = strlen(before);

	return strncmp(name, before, n) == 0 && (!name[n] || name[n] == '.') ? name + n : NULL;
}

int step_rename(struct step *s, const char *from, const char *to)
{
	char **names[] = STEP_NAMES(s);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *other, *rest;
		char *copy;

		if (!*names[i])
			continue;
		if ((rest = behind(*names[i], from)))
			other = to;
		else if ((rest = behind(*names[i], to)))
			other = from;
		else
			continue;
		if (asprintf(&copy, "%s%s", other, rest) < 0)
			return -ENOMEM;
		free(*names[i]);
		*names[i] = copy;
	}
	for (i = 0; i < s->n_undo; i++)
		if (step_rename(&s->undo[i], from, to) < 0)
			return -ENOMEM;
	return 0;
}
