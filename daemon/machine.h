/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_MACHINE_H
#define CXLMEM_MACHINE_H

#include "door.h"

/*
 * The steps of the machine's door, one function for each kind (see common/step.h for what they take).
 * Each checks that the machine is as the step expects, does its one thing, and checks what came of it.
 * All return 0 (also when already done) or -errno with a reason.
 */
typedef int (*machine_step_t)(struct door *door, const struct step *s, struct step_result *ret,
			      char **ret_reason);

/* machine-region.c */
int machine_create_region(struct door *, const struct step *, struct step_result *, char **);
int machine_set_interleave(struct door *, const struct step *, struct step_result *, char **);
int machine_alloc_hpa(struct door *, const struct step *, struct step_result *, char **);
int machine_free_hpa(struct door *, const struct step *, struct step_result *, char **);
int machine_alloc_dpa(struct door *, const struct step *, struct step_result *, char **);
int machine_free_dpa(struct door *, const struct step *, struct step_result *, char **);
int machine_attach(struct door *, const struct step *, struct step_result *, char **);
int machine_detach(struct door *, const struct step *, struct step_result *, char **);
int machine_commit(struct door *, const struct step *, struct step_result *, char **);
int machine_decommit(struct door *, const struct step *, struct step_result *, char **);
int machine_enable(struct door *, const struct step *, struct step_result *, char **);
int machine_disable(struct door *, const struct step *, struct step_result *, char **);
int machine_delete_region(struct door *, const struct step *, struct step_result *, char **);

/* machine-dax.c */
int machine_hold_autoprobe(struct door *, const struct step *, struct step_result *, char **);
int machine_release_autoprobe(struct door *, const struct step *, struct step_result *, char **);
int machine_hold_auto_online(struct door *, const struct step *, struct step_result *, char **);
int machine_release_auto_online(struct door *, const struct step *, struct step_result *, char **);
int machine_set_align(struct door *, const struct step *, struct step_result *, char **);
int machine_bind(struct door *, const struct step *, struct step_result *, char **);
int machine_unbind(struct door *, const struct step *, struct step_result *, char **);
int machine_online(struct door *, const struct step *, struct step_result *, char **);
int machine_offline(struct door *, const struct step *, struct step_result *, char **);
int machine_check_unused(struct door *, const struct step *, struct step_result *, char **);

/* machine-drain.c */
int machine_drain(struct door *, const struct step *, struct step_result *, char **);
int machine_revoke(struct door *, const struct step *, struct step_result *, char **);
int machine_cancel_drain(struct door *, const struct step *, struct step_result *, char **);
/* Before device_dax is unbound, which cannot be taken back and waits for users: see that there are none. */
int machine_refuse_active(struct door *, const char *dax, char **ret_reason);

/* machine-blockers.c */
int machine_blockers(struct door *door, const char *name, struct blockers **ret, char **ret_reason);

/* machine-explain.c */
int machine_explain(struct door *door, const struct step *s, char **ret);
/* "node 1 has memory of NAME (pid 77, 64M)", of the node a dax device's memory is on; @ret is the caller's */
int machine_memory_users(struct door *door, const char *dax, char **ret);

/* machine-card.c */
int machine_disable_memdev(struct door *, const struct step *, struct step_result *, char **);
int machine_enable_memdev(struct door *, const struct step *, struct step_result *, char **);
int machine_power_off(struct door *, const struct step *, struct step_result *, char **);

/* machine-button.c */
int machine_set_button_policy(struct door *, const struct step *, struct step_result *, char **);
int machine_answer_button(struct door *, const struct step *, struct step_result *, char **);
int machine_set_attention(struct door *, const struct step *, struct step_result *, char **);

#endif
