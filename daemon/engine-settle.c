// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "engine-internal.h"

/* What was stuck needs nobody any more once somebody has done something about what it left. */

static bool is_about(const struct plan *p, const char *region)
{
	for (size_t i = 0; i < p->n_regions; i++)
		if (!strcmp(p->regions[i], region))
			return true;
	return false;
}

static bool powers_off(const struct plan *p, const char *slot)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].kind == STEP_POWER_OFF && !strcmp(p->steps[i].slot, slot))
			return true;
	return false;
}

void engine_settle(struct engine *e, const char *region)
{
	for (size_t i = 0; i < e->n_operations; i++)
		if (e->operations[i]->state == OPERATION_STUCK && is_about(e->operations[i]->plan, region))
			e->operations[i]->state = OPERATION_SETTLED;
}

void engine_settle_by(struct engine *e, const struct operation *done)
{
	for (size_t i = 0; i < done->plan->n_regions; i++)
		engine_settle(e, done->plan->regions[i]);
	for (size_t i = 0; i < done->plan->n_steps; i++)
		for (size_t k = 0; done->plan->steps[i].kind == STEP_POWER_OFF && k < e->n_operations; k++)
			if (e->operations[k]->state == OPERATION_STUCK &&
			    powers_off(e->operations[k]->plan, done->plan->steps[i].slot))
				e->operations[k]->state = OPERATION_SETTLED;
}
