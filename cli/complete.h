/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_COMPLETE_H
#define CXLMEM_CLI_COMPLETE_H

#include "cli.h"

/*
 * What may stand in the place of the word that is being typed, for shells. The scripts in
 * data/completion only ask and show: all they know is here, and comes from the table of verbs.
 */

/* What the shell's scripts call: the words up to the cursor follow, the last one may be empty. */
#define COMPLETE_OPTION "--complete"

/**
 * complete_words - print what the last of @words may become, one on a line, with a blank that is a
 * tab and what it is behind it; a line ":files" when names of files may stand there
 *
 * Return: an exit status, always STATUS_DONE: nobody wants a complaint in the line he types.
 */
int complete_words(struct cli *cli, int n, char **words);

#endif
