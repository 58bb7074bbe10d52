/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <errno.h>
#include <string.h>

#include "describe-blockers.h"
#include "util.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define PATIENCE_USEC (USEC_PER_SEC / 2)
#define REDRAW_USEC (USEC_PER_SEC / 10)
/* Of processes and of memory blocks, each. */
#define BLOCKERS_SHOWN 3
/* Shows the seconds passing even when the kernel tells nothing. */
#define TICK_USEC USEC_PER_SEC

enum { SEEN_WAITING, SEEN_DONE, SEEN_FAILED, SEEN_UNDONE };

void progress_begin(struct progress *p, FILE *out, const struct style *style, uint64_t now)
{
	*p = (struct progress){ .out = out, .style = style, .begun = now, .step_begun = now };
}

static unsigned char to_seen(const char *state)
{
	if (strcmp(state, "done") == 0)
		return SEEN_DONE;
	if (strcmp(state, "failed") == 0)
		return SEEN_FAILED;
	return strcmp(state, "undone") == 0 ? SEEN_UNDONE : SEEN_WAITING;
}

static void tell(struct progress *p, const struct operation *op, size_t i, unsigned char seen)
{
	static const char *const prefix[] = { "", "", "failed: ", "taken back: " };

	p->seen[i] = seen;
	fprintf(p->out, "[%zu/%zu] %s%s\n", i + 1, op->n_steps, prefix[seen], op->steps[i].text);
}

/* Steps end from first to last, and are taken back from last to first. */
static int tell_plain(struct progress *p, const struct operation *op)
{
	if (op->n_steps > p->n_seen) {
		unsigned char *seen = realloc(p->seen, op->n_steps);

		if (!seen)
			return -ENOMEM;
		memset(seen + p->n_seen, SEEN_WAITING, op->n_steps - p->n_seen);
		p->seen = seen;
		p->n_seen = op->n_steps;
	}
	for (size_t i = 0; i < op->n_steps; i++) {
		unsigned char seen = to_seen(op->steps[i].state);

		if (seen > p->seen[i] && seen != SEEN_UNDONE)
			tell(p, op, i, seen);
	}
	for (size_t i = op->n_steps; i-- > 0;)
		if (to_seen(op->steps[i].state) == SEEN_UNDONE && p->seen[i] != SEEN_UNDONE)
			tell(p, op, i, SEEN_UNDONE);
	fflush(p->out);
	return 0;
}

static int draw(struct progress *p, const struct operation *op, uint64_t now)
{
	_cleanup_free_ char *line = NULL;
	int r;

	r = progress_line(op, p->style, now - p->step_begun, now - p->begun, &line);
	if (r < 0)
		return r;
	fprintf(p->out, "\r%s\033[K", line);
	fflush(p->out);
	p->drawn = now;
	p->on_screen = true;
	return 0;
}

/* Told when it changes, above the line that is drawn again and again. */
static int tell_blockers(struct progress *p, const struct operation *op)
{
	char **lines, *text = NULL;
	size_t size;
	FILE *f;
	int r;

	if (!op->blockers || !*op->blockers)
		return 0;
	r = describe_blockers(op->blockers, BLOCKERS_SHOWN, &lines);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	f = open_memstream(&text, &size);
	for (char **line = lines; f && *line; line++)
		fprintf(f, "in the way: %s\n", *line);
	lines_free(lines);
	if (!f || fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	if (*text && !streq_null(text, p->blockers)) {
		progress_hide(p);
		fputs(text, p->out);
		fflush(p->out);
		free(p->blockers);
		p->blockers = TAKE_PTR(text);
	}
	free(text);
	return 0;
}

int progress_update(struct progress *p, const struct operation *op, uint64_t now)
{
	int r = tell_blockers(p, op);
	bool undoing = op->state && strcmp(op->state, "undoing") == 0;

	if (r < 0)
		return r;
	if (!p->style->terminal)
		return tell_plain(p, op);
	if (op->step != p->step || undoing != p->undoing) {
		p->step = op->step;
		p->undoing = undoing;
		p->step_begun = now;
	}
	if (now - p->begun < PATIENCE_USEC || op->n_steps == 0 ||
	    (p->drawn && now - p->drawn < REDRAW_USEC))
		return 0;
	return draw(p, op, now);
}

uint64_t progress_wake(const struct progress *p, uint64_t now)
{
	uint64_t at;

	if (!p->style->terminal)
		return UINT64_MAX;
	at = p->drawn ? p->drawn + TICK_USEC : p->begun + PATIENCE_USEC;
	return at > now ? at : now + REDRAW_USEC;
}

void progress_hide(struct progress *p)
{
	if (!p->on_screen)
		return;
	fputs("\r\033[K", p->out);
	fflush(p->out);
	p->on_screen = false;
	p->drawn = 0;
}

void progress_end(struct progress *p)
{
	progress_hide(p);
	free(p->seen);
	free(p->blockers);
	p->blockers = NULL;
	p->seen = NULL;
	p->n_seen = 0;
}
