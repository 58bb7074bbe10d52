/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MOCK_H
#define CXLMEM_MOCK_H

#include "picture.h"

/*
 * A machine that exists in a picture only. It is put together with the functions here and changed
 * with mock_run_step() (mock-kernel.h), which refuses what the kernel would refuse. Out of memory
 * aborts.
 */
struct mock {
	struct picture *picture;
	bool autoprobe_held; /* new dax devices stay without a driver */
	bool unplugs;	/* as Linux 7.3: memory taken offline as a whole is gone (daxX.Y/state) */
	bool drains;	/* as with the series in kernel/: a devdax can be drained */
	char *used_dax; /* somebody has this dax device open */
	char *renamed_from; /* the last step: the object expected to be called so ... */
	char *renamed_to;   /* ... is called so; NULL = as expected */
};

/*
 * A machine with a root port, memory blocks of 128 MiB, and a kernel that onlines memory by itself.
 */
struct mock *mock_new(void);
struct mock *mock_free(struct mock *m);

static inline void mock_freep(struct mock **m)
{
	mock_free(*m);
}

#define _cleanup_mock_ _cleanup_(mock_freep)

/* An independent copy, by way of JSON. */
struct mock *mock_copy(const struct mock *m);

/*
 * mock_add_bridge - a host bridge; @decoders = 1 with @targets = 1 is one without decoders of its
 * own
 *
 * Return: its port index.
 */
int mock_add_bridge(struct mock *m, const char *host, int decoders, int targets);

/* mock_add_switch - a switch below a port; returns its port index */
int mock_add_switch(struct mock *m, int parent, int decoders);

/* mock_add_card - a card with volatile memory below a port; returns its memdev index */
int mock_add_card(struct mock *m, int parent, uint64_t ram);

/*
 * mock_add_slot - a hot-plug slot with these cards in it (memdev indexes, -1 ends them); returns its
 * index. A switch with several cards is in the slot with them.
 */
int mock_add_slot(struct mock *m, const char *name, ...);

/* mock_add_window - for volatile memory, over the @ways bridges that follow; returns its index */
int mock_add_window(struct mock *m, uint64_t start, uint64_t size, unsigned int granularity,
		    unsigned int ways, ...);

/*
 * mock_add_region - a region as somebody else would make it, step by step
 * @mode: "movable", "kernel", "offline", "devdax", "unbound", "committed" (not enabled), "attached"
 *(not committed) or "empty" (neither address range nor members)
 * @...: the memdev indexes, by position
 *
 * Return: its index.
 */
int mock_add_region(struct mock *m, int window, const char *mode, uint64_t size, unsigned int ways,
		    ...);

/* mock_find_port_of - the endpoint port of a card */
struct port *mock_endpoint(struct mock *m, int memdev);

/* mock_signature - all that matters of a machine's state in words, without the names the kernel
 * picks */
char *mock_signature(const struct mock *m);

#endif
