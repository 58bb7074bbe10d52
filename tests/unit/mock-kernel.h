/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MOCK_KERNEL_H
#define CXLMEM_MOCK_KERNEL_H

#include "mock.h"
#include "step.h"

/**
 * mock_run_step - do one step to a mock machine, by the kernel's rules
 * @reason: what the kernel (or the promise in the step) has against it; the caller's
 *
 * A model of its own of drivers/cxl/core/region.c, hdm.c, drivers/dax and memory hotplug, written
 * without a look at the planner, so that one can find the other's mistakes. What the kernel lets
 * through with a mumble and the planner must never do (memory online when its driver goes, a
 * committed region taken apart) is refused. Where the kernel picks another name than the step
 * expects, m->renamed_from and m->renamed_to say so until the next step.
 *
 * Return: 0, also when it was done already; a negative errno with a reason.
 */
int mock_run_step(struct mock *m, const struct step *s, char **reason);

/* Parts of it: decoders (mock-decode.c), memory (mock-memory.c), cards and slots (mock-card.c). */
int mock_alloc_dpa(struct mock *m, const struct step *s, char **reason);
int mock_free_dpa(struct mock *m, const struct step *s, char **reason);
int mock_attach(struct mock *m, const struct step *s, char **reason);
int mock_detach(struct mock *m, const struct step *s, char **reason);
int mock_commit(struct mock *m, const struct step *s, char **reason);
int mock_enable(struct mock *m, const struct step *s, char **reason);
int mock_disable(struct mock *m, const struct step *s, char **reason);
int mock_set_align(struct mock *m, const struct step *s, char **reason);
int mock_bind(struct mock *m, const struct step *s, char **reason);
int mock_unbind(struct mock *m, const struct step *s, char **reason);
int mock_online(struct mock *m, const struct step *s, char **reason);
int mock_offline(struct mock *m, const struct step *s, char **reason);
int mock_disable_memdev(struct mock *m, const struct step *s, char **reason);
int mock_enable_memdev(struct mock *m, const struct step *s, char **reason);
int mock_power_off(struct mock *m, const struct step *s, char **reason);
int mock_drain(struct mock *m, const struct step *s, char **reason);
int mock_revoke(struct mock *m, const struct step *s, char **reason);
int mock_cancel_drain(struct mock *m, const struct step *s, char **reason);
void mock_set_string(char **field, const char *value);

#endif
