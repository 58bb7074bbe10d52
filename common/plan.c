/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

struct plan *plan_free(struct plan *p)
{
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < p->n_notes; i++)
		free(p->notes[i]);
	for (i = 0; i < p->n_regions; i++)
		free(p->regions[i]);
	for (i = 0; i < p->n_steps; i++)
		step_clear(&p->steps[i]);
	free(p->notes);
	free(p->regions);
	free(p->steps);
	free(p->summary);
	free(p);
	return NULL;
}
