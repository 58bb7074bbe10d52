/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_HELP_H
#define CXLMEM_CLI_HELP_H

#include <stdio.h>

#include "term.h"
#include "verbs.h"

/**
 * help_all - what there is: verbs, options that all of them take, exit codes
 */
void help_all(FILE *out, const struct style *style);

/**
 * help_verb - how one verb is used, and its options
 */
void help_verb(FILE *out, const struct style *style, const struct verb_info *verb);

#endif
