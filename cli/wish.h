/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_WISH_H
#define CXLMEM_CLI_WISH_H

#include "command.h"

/* What the daemon is asked to do: everything points into the command it was made of. */
struct wish {
	const struct verb_info *verb;
	char **objects;
	size_t n_objects;
	const char *values[_OPTION_MAX]; /* only options that go to the daemon */
};

/**
 * wish_from_command - what a command asks for, checked as far as that is possible without the
 * machine
 *
 * Return: 0; -EINVAL with the sentence; -ENOMEM.
 */
int wish_from_command(const struct command *command, struct wish *ret, char **ret_reason);

#endif
