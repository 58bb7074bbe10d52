/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "step.h"

static uint64_t count_blocks(const struct step *s)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < s->n_blocks; i++)
		n += s->blocks[i].count;
	return n;
}

/* "4 memory blocks (movable)"; the zone only where all spans share one. */
static void describe_blocks(const struct step *s, char *buf, size_t size)
{
	uint64_t n = count_blocks(s);
	const char *zone = s->n_blocks ? zone_name(s->blocks[0].zone) : NULL;
	size_t i;

	for (i = 1; i < s->n_blocks; i++)
		if (s->blocks[i].zone != s->blocks[0].zone)
			zone = NULL;
	snprintf(buf, size, "%" PRIu64 " memory block%s%s%s%s", n, n == 1 ? "" : "s",
		 zone ? " (" : "", zone ?: "", zone ? ")" : "");
}

/* A name that may be missing in a step read from elsewhere. */
static const char *or_some(const char *name, const char *some)
{
	return name ?: some;
}

static int bind_text(const struct step *s, const char *blocks, char **ret)
{
	const char *dax = or_some(s->dax, "its dax device"),
		   *driver = or_some(s->driver, "a driver");

	if (!s->n_blocks)
		return asprintf(ret, "bind %s to %s", dax, driver);
	if (s->blocks[0].zone == ZONE_UNKNOWN)
		return asprintf(ret, "bind %s to %s: %s, left offline", dax, driver, blocks);
	return asprintf(ret, "bind %s to %s: %s come online", dax, driver, blocks);
}

static int text(const struct step *s, char **ret)
{
	const char *region = or_some(s->region, "the region"),
		   *dax = or_some(s->dax, "its dax device");
	const char *memdev = or_some(s->memdev, "a card"),
		   *decoder = or_some(s->decoder, "its decoder");
	const char *policy = or_some(s->policy, "as before");
	char size[32], blocks[96];

	format_size(s->size, size);
	describe_blocks(s, blocks, sizeof(blocks));
	switch (s->kind) {
	case STEP_CREATE_REGION:
		return asprintf(ret, "make %s in window %s", region, or_some(s->window, "unknown"));
	case STEP_SET_INTERLEAVE:
		return asprintf(ret, "set %s to %u way%s, granularity %u", region, s->ways,
				s->ways == 1 ? "" : "s", s->granularity);
	case STEP_ALLOC_HPA:
		if (s->resource != UNKNOWN)
			return asprintf(ret, "reserve %s of address space for %s at 0x%" PRIx64,
					size, region, s->resource);
		return asprintf(ret, "reserve %s of address space for %s", size, region);
	case STEP_ALLOC_DPA:
		return asprintf(ret, "allocate %s of %s to %s", size, memdev, decoder);
	case STEP_ATTACH:
		return asprintf(ret, "attach %s of %s to %s at position %d", decoder, memdev,
				region, s->position);
	case STEP_COMMIT:
		return asprintf(ret, "program the decoders of %s", region);
	case STEP_ENABLE:
		return asprintf(ret, "enable %s and wait for %s", region, dax);
	case STEP_HOLD_AUTOPROBE:
		return asprintf(ret, "keep drivers from taking new dax devices meanwhile");
	case STEP_RELEASE_AUTOPROBE:
		return asprintf(ret, "let drivers take new dax devices again");
	case STEP_HOLD_AUTO_ONLINE:
		return asprintf(ret, "have the kernel add new memory as %s meanwhile", policy);
	case STEP_RELEASE_AUTO_ONLINE:
		return asprintf(ret, "have the kernel add new memory as %s again", policy);
	case STEP_BIND:
		return bind_text(s, blocks, ret);
	case STEP_ONLINE:
		return asprintf(ret, "bring %s of %s online", blocks, dax);
	case STEP_OFFLINE:
		return asprintf(ret, "take %s of %s offline", blocks, dax);
	case STEP_CHECK_UNUSED:
		if (s->policy)
			return asprintf(ret, "see who uses %s, to go on all the same", dax);
		return asprintf(ret, "check that nobody uses %s", dax);
	case STEP_UNBIND:
		return asprintf(ret, "unbind %s from %s", dax, or_some(s->driver, "its driver"));
	case STEP_DISABLE:
		return asprintf(ret, "disable %s", region);
	case STEP_DECOMMIT:
		return asprintf(ret, "release the decoders of %s", region);
	case STEP_DETACH:
		return asprintf(ret, "detach %s%s%s from %s at position %d", decoder,
				s->memdev ? " of " : "", s->memdev ?: "", region, s->position);
	case STEP_FREE_DPA:
		return asprintf(ret, "free what %s holds of %s", decoder, memdev);
	case STEP_FREE_HPA:
		return asprintf(ret, "free the address space of %s", region);
	case STEP_DELETE_REGION:
		return asprintf(ret, "delete %s", region);
	case STEP_SET_ALIGN:
		return asprintf(ret, "map %s in pages of %s", dax, size);
	case STEP_DRAIN:
		return asprintf(ret, "let nobody begin to use %s, and wait until nobody does", dax);
	case STEP_REVOKE:
		return asprintf(ret, "take %s away from who uses it", dax);
	case STEP_CANCEL_DRAIN:
		return asprintf(ret, "let %s be used again", dax);
	case STEP_DISABLE_MEMDEV:
		return asprintf(ret, "disable %s", memdev);
	case STEP_ENABLE_MEMDEV:
		return asprintf(ret, "enable %s", memdev);
	case STEP_POWER_OFF:
		return asprintf(ret, "power slot %s off", or_some(s->slot, "unknown"));
	case STEP_SET_BUTTON_POLICY:
		return asprintf(ret, "button of slot %s: %s", or_some(s->slot, "unknown"),
				or_some(s->policy, "unknown"));
	case STEP_ANSWER_BUTTON:
		return asprintf(ret, "answer the button of slot %s: %s",
				or_some(s->slot, "unknown"), or_some(s->policy, "unknown"));
	case STEP_SET_ATTENTION:
		return asprintf(ret, "attention indicator of slot %s %s",
				or_some(s->slot, "unknown"), or_some(s->policy, "unknown"));
	default:
		return asprintf(ret, "unknown step %d", (int)s->kind);
	}
}

int step_text(const struct step *s, char **ret)
{
	char *line;

	if (text(s, &line) < 0)
		return -ENOMEM;
	*ret = line;
	return 0;
}
