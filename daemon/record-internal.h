/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_RECORD_INTERNAL_H
#define CXLMEM_RECORD_INTERNAL_H

#include "record.h"

struct record {
	uint64_t id;
	enum verb verb;
	bool by_hand;
	enum memory_mode mode; /* of the request */
	enum zone zone;
	bool online;
	uint64_t align;
	struct wishes *made; /* create: what is new; destroy: what to leave alone */
	/* ids of wishes: create: that have their region already; else: whose regions it is about */
	uint64_t *touched;
	size_t n_touched;
};

/**
 * record_new_empty - with what the operation's request says; nothing made, nothing touched
 *
 * Return: 0, or -ENOMEM.
 */
int record_new_empty(const struct operation *o, struct record **ret);

#endif
