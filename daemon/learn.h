/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_LEARN_H
#define CXLMEM_LEARN_H

#include "door.h"
#include "step.h"

/**
 * steps_learn - carry what one step found out into all steps and their undos
 * @kind: of the step that found it
 *
 * The kernel chooses the names of regions and dax devices, and a hold finds out what it has to put back.
 * The daemon keeps its plan right with it, the worker the steps it still has to run.
 *
 * Return: 0, or -ENOMEM.
 */
int steps_learn(struct step *steps, size_t n, enum step_kind kind, const struct step_result *result);

#endif
