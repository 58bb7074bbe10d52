// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>

#include "machine.h"
#include "sysfs.h"

#define SLOT "bus/pci/slots/%s"

static int refused(const struct step *s, const char *what, int r, char **ret_reason)
{
	return say(ret_reason, r, "%s of slot %s cannot be set to %s: %s", what, s->slot, s->policy,
		   strerror(-r));
}

int machine_set_button_policy(struct door *door, const struct step *s, struct step_result *ret,
			      char **ret_reason)
{
	_cleanup_free_ char *is = NULL;
	int r;

	(void)ret;
	r = sysfs_read(door, &is, SLOT "/button_policy", s->slot);
	if (r >= 0 && !strcmp(is, s->policy))
		return 0;
	if (r >= 0)
		r = sysfs_write(door, s->policy, SLOT "/button_policy", s->slot);
	return r < 0 ? refused(s, "the button policy", r, ret_reason) : 0;
}

int machine_answer_button(struct door *door, const struct step *s, struct step_result *ret,
			  char **ret_reason)
{
	int r = sysfs_write(door, s->policy, SLOT "/button_request", s->slot);

	(void)ret;
	/* Withdrawn, or the card is gone: then there is nothing to answer. */
	if (r == -ENOENT)
		return 0;
	return r < 0 ? refused(s, "the button request", r, ret_reason) : 0;
}

int machine_set_attention(struct door *door, const struct step *s, struct step_result *ret,
			  char **ret_reason)
{
	int r = sysfs_write(door, strcmp(s->policy, "on") ? "0" : "1", SLOT "/attention", s->slot);

	(void)ret;
	return r < 0 ? refused(s, "the attention indicator", r, ret_reason) : 0;
}
