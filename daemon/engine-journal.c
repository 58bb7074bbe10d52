// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "engine-internal.h"
#include "json-util.h"

void engine_set_journal(struct engine *e, struct journal *journal)
{
	e->journal = journal;
}

void engine_bar(struct engine *e, const char *reason)
{
	free(e->barred);
	e->barred = reason ? strdup(reason) : NULL;
}

int engine_write_begin(struct engine *e, struct operation *o, char **ret_reason)
{
	int r = 0;

	if (e->journal)
		o->journal_usec = journal_usec(e->journal); /* until it is over */
	if (e->journal && o->plan->n_steps > 0)
		r = entry_begin(e->journal, o);
	/* The worker waits for it when it has heard of its steps and looked at what the first one builds on. */
	if (r >= 0 && e->journal && o->plan->n_steps > 0)
		(void)journal_flush(e->journal);

	return r < 0 ? journal_refuse(e->journal, r, ret_reason) : 0;
}

void engine_write_intent(struct engine *e, struct operation *o)
{
	_cleanup_json_ struct json_object *intent =
		e->hooks.intent ? e->hooks.intent(o, e->userdata) : NULL;

	if (intent && e->journal && entry_intent(e->journal, o->id, intent) < 0)
		(void)sd_journal_print(4, "what operation %ju means for the wishes is not in the "
					  "journal", (uintmax_t)o->id);
}

void engine_write_end(struct engine *e, struct operation *o)
{
	_cleanup_json_ struct json_object *wishes =
		e->hooks.ended ? e->hooks.ended(o, e->userdata) : NULL;
	int r;

	/* What was never begun is in no journal. */
	if (!e->journal || !o->plan || (o->plan->n_steps == 0 && !wishes))
		return;
	r = entry_end(e->journal, o, wishes);
	if (r < 0)
		(void)sd_journal_print(3, "the end of operation %ju cannot be written into the journal: "
					  "%s", (uintmax_t)o->id, strerror(-r));
}
