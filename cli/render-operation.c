/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "util.h"

#include "progress.h"
#include "table.h"

static enum tint state_tint(const char *state)
{
	if (strcmp(state, "done") == 0)
		return TINT_GOOD;
	if (strcmp(state, "failed") == 0 || strcmp(state, "stuck") == 0)
		return TINT_BAD;
	return strcmp(state, "cancelled") == 0 || strcmp(state, "undoing") == 0 ||
			       strcmp(state, "undone") == 0 ?
		       TINT_WARN :
		       TINT_NONE;
}

static const struct table_column columns[] = {
	{ .title = "ID", .right = true },
	{ .title = "VERB" },
	{ .title = "STATE" },
	{ .title = "DONE", .right = true },
	{ .title = "WHAT", .flex = true },
};

int render_operations(FILE *out, const struct style *style, const struct operation_line *lines,
		      size_t n_lines)
{
	_cleanup_(table_freep) struct table *t = table_new(columns, ARRAY_SIZE(columns));

	if (!t)
		return -ENOMEM;
	if (n_lines == 0) {
		fputs("no operations since cxlmemd was started\n", out);
		return 0;
	}
	for (size_t i = 0; i < n_lines; i++) {
		const struct operation_line *l = &lines[i];
		uint64_t id;

		if (operation_id(l->path, &id) < 0)
			table_add(t, TINT_WARN, "unknown");
		else
			table_add(t, TINT_NONE, "%" PRIu64, id);
		table_add(t, TINT_NONE, "%s", l->verb);
		table_add(t, state_tint(l->state), "%s", l->state);
		/* An operation that was taken back is through, but nothing was done. */
		if (state_tint(l->state) == TINT_GOOD || state_tint(l->state) == TINT_NONE)
			table_add(t, TINT_NONE, "%.0f%%", l->fraction * 100);
		else
			table_add(t, TINT_NONE, "-");
		table_add(t, TINT_NONE, "%s", l->summary);
	}
	return table_print(t, out, style, 0);
}

static void print_when(FILE *out, const struct operation *op)
{
	char when[64], took[DURATION_SIZE];
	time_t started = op->started_usec / 1000000;
	struct tm tm;

	if (op->started_usec == 0 || !localtime_r(&started, &tm) ||
	    strftime(when, sizeof(when), "%F %T", &tm) == 0)
		return;
	fprintf(out, "started %s", when);
	if (op->finished_usec >= op->started_usec)
		fprintf(out, ", took %s",
			format_duration(op->finished_usec - op->started_usec, took));
	fputc('\n', out);
}

int render_operation(FILE *out, const struct style *style, const struct operation *op)
{
	const char *state = op->state ?: "unknown", *verb = op->verb ?: "";
	int column;

	column = fprintf(out, "%soperation %" PRIu64 "%s  %s%s%s  ", tint_on(style, TINT_BOLD), op->id,
			 tint_off(style, TINT_BOLD), tint_on(style, state_tint(state)), state,
			 tint_off(style, state_tint(state)));
	/* Tints take bytes and no columns. */
	column -= strlen(tint_on(style, TINT_BOLD)) + strlen(tint_off(style, TINT_BOLD)) +
		  strlen(tint_on(style, state_tint(state))) + strlen(tint_off(style, state_tint(state)));
	put_sentence(out, style, column, 2, "%s", op->summary ?: verb);
	print_when(out, op);
	for (size_t i = 0; i < op->n_steps; i++) {
		const struct operation_step *s = &op->steps[i];

		fprintf(out, "%3zu  %s%-7s%s  ", i + 1, tint_on(style, state_tint(s->state)), s->state,
			tint_off(style, state_tint(s->state)));
		put_sentence(out, style, 14, 14, "%s", s->text);
	}
	if (op->reason && *op->reason)
		put_sentence(out, style, 0, 2, "reason: %s", op->reason);
	if (op->result && *op->result)
		put_sentence(out, style, 0, 2, "result: %s", op->result);
	for (char **note = op->notes; note && *note; note++)
		put_note(out, style, *note);
	return 0;
}
