// SPDX-License-Identifier: LGPL-2.1-or-later
#include "learn.h"

#include <errno.h>
#include <string.h>

/* A hold's release puts back what the hold found, not what the picture said a moment earlier. */
static int set_release(struct step *steps, size_t n, enum step_kind release, const char *previous)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		if (steps[i].kind == release) {
			char *copy = strdup(previous);

			if (!copy)
				return -ENOMEM;
			free(steps[i].policy);
			steps[i].policy = copy;
		}
		r = set_release(steps[i].undo, steps[i].n_undo, release, previous);
		if (r < 0)
			return r;
	}
	return 0;
}

int steps_learn(struct step *steps, size_t n, enum step_kind kind, const struct step_result *result)
{
	int r;

	for (size_t i = 0; result->from && result->to && i < n; i++) {
		r = step_rename(&steps[i], result->from, result->to);
		if (r < 0)
			return r;
	}
	if (result->previous && kind == STEP_HOLD_AUTOPROBE)
		return set_release(steps, n, STEP_RELEASE_AUTOPROBE, result->previous);
	if (result->previous && kind == STEP_HOLD_AUTO_ONLINE)
		return set_release(steps, n, STEP_RELEASE_AUTO_ONLINE, result->previous);
	return 0;
}
