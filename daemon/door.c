// SPDX-License-Identifier: LGPL-2.1-or-later
#include "door.h"

#include <stdlib.h>

struct door *door_close(struct door *door)
{
	if (door)
		door->ops->free(door);
	return NULL;
}

void step_result_clear(struct step_result *r)
{
	free(r->from);
	free(r->to);
	free(r->previous);
	free(r->note);
	*r = (struct step_result){};
}
