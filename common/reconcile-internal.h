/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_RECONCILE_INTERNAL_H
#define CXLMEM_RECONCILE_INTERNAL_H

#include "reconcile.h"

/* What reconcile.c and reconcile-profile.c share. */

/**
 * reconcile_tried - the attempt that forbids a request for now
 *
 * Notes in @out when its time comes.
 *
 * Return: it, or NULL: it may be made.
 */
const struct attempt *reconcile_tried(const struct reconcile_in *in, struct reconcile *out,
				      const char *key);

/**
 * reconcile_again - look again at a time, or earlier
 */
static inline void reconcile_again(struct reconcile *out, uint64_t when)
{
	if (when < out->again)
		out->again = when;
}

/**
 * reconcile_report - append a sentence
 *
 * Return: 0, or -ENOMEM.
 */
int reconcile_report(struct reconcile *out, const char *format, ...) _printf_(2, 3);

/**
 * reconcile_dropped - whether a wish is to be forgotten, and so has no claim on its cards
 */
bool reconcile_dropped(const struct reconcile *out, const struct wish *w);

/**
 * reconcile_ready - whether a card has come up wholly: its driver, its endpoint and that one's decoders
 */
bool reconcile_ready(const struct picture *p, int card);

/**
 * reconcile_profiles - find work for cards that nobody wished anything for
 *
 * Return: 0, or -ENOMEM.
 */
int reconcile_profiles(const struct reconcile_in *in, struct reconcile *out);

/**
 * reconcile_set_memory - how a profile wants memory to be used
 */
void reconcile_set_memory(struct request *q, const struct profile *profile);

#endif
