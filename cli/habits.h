/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_HABITS_H
#define CXLMEM_CLI_HABITS_H

/**
 * habit_verb - the verb that does what a word of cxl, daxctl, systemctl or nvme does, or NULL
 */
const char *habit_verb(const char *word);

/**
 * habit_list - the word of `list` for what other tools call so, or NULL
 */
const char *habit_list(const char *word);

#endif
