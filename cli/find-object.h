/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_FIND_OBJECT_H
#define CXLMEM_CLI_FIND_OBJECT_H

#include "picture.h"

/* One thing in a picture. */
enum object_kind {
	OBJECT_WINDOW,
	OBJECT_PORT,
	OBJECT_CARD,
	OBJECT_SLOT,
	OBJECT_REGION,
	OBJECT_DAX,
	OBJECT_MEMORY, /* a run of memory blocks */
	OBJECT_NODE,
	_OBJECT_KIND_MAX,
};

struct object {
	enum object_kind kind;
	int index; /* in the picture's array of its kind */
};

/**
 * find_object - what a person means by a word: any name that anything in the picture has
 * @word: decoder0.0, port1, pci0000:0c, mem0, a serial, a PCI address, slot:2 or 2, region0,
 *        dax0.0, /dev/dax0.0, memory32, node1
 *
 * Return: 0; -ENOENT, -ENOTUNIQ with the sentence in @ret_reason (the caller's); -ENOMEM.
 */
int find_object(const struct picture *p, const char *word, struct object *ret, char **ret_reason);

#endif
