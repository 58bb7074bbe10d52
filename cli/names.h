/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_NAMES_H
#define CXLMEM_CLI_NAMES_H

#include <stdint.h>

#include "cli.h"

/* Kinds of names that can be typed, as a mask. */
enum {
	NAME_CARD = 1 << 0,
	NAME_SLOT = 1 << 1,
	NAME_REGION = 1 << 2,
	NAME_WINDOW = 1 << 3,
	NAME_NODE = 1 << 4,
	NAME_PORT = 1 << 5,
	NAME_OPERATION = 1 << 6, /* all; with NAME_RUNNING those that are not over */
	NAME_RUNNING = 1 << 7,
	NAME_VERB = 1 << 8,
	NAME_CHANGE = 1 << 9, /* verbs that change the machine */
	NAME_FILE = 1 << 10,
};

/* All that there is in a picture. */
#define NAME_OBJECT (NAME_CARD | NAME_SLOT | NAME_REGION | NAME_WINDOW | NAME_NODE | NAME_PORT)

/* @about: a few words for a person, or NULL */
typedef void (*name_t)(const char *name, const char *about, void *userdata);

/**
 * names_live - call @found for each name of these kinds that begins with @typed
 *
 * Objects have several names: the one that the kernel gave is told always, others (serial, PCI
 * address, dax device, node) when something is typed that they begin with. Nothing is said, started
 * or waited for long: where there is no daemon there are no names.
 */
void names_live(struct cli *cli, uint32_t kinds, const char *typed, name_t found, void *userdata);

#endif
