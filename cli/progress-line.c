/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define BAR_WIDTH 20
/* A rate measured over less is noise. */
#define RATE_USEC (USEC_PER_SEC / 4)

char *format_duration(uint64_t usec, char buf[static DURATION_SIZE])
{
	uint64_t sec = usec / USEC_PER_SEC;

	if (usec < 10 * USEC_PER_SEC)
		snprintf(buf, DURATION_SIZE, "%" PRIu64 ".%us", sec,
			 (unsigned int)(usec % USEC_PER_SEC / (USEC_PER_SEC / 10)));
	else if (sec < 60)
		snprintf(buf, DURATION_SIZE, "%" PRIu64 "s", sec);
	else
		snprintf(buf, DURATION_SIZE, "%" PRIu64 "min %us", sec / 60,
			 (unsigned int)(sec % 60));
	return buf;
}

/* The step that is being done, or taken back. */
static size_t current_step(const struct operation *op, bool undoing)
{
	if (undoing) {
		for (size_t i = op->n_steps; i-- > 0;)
			if (strcmp(op->steps[i].state, "done") == 0 ||
			    strcmp(op->steps[i].state, "running") == 0)
				return i;
		return 0;
	}
	for (size_t i = 0; i < op->n_steps; i++)
		if (strcmp(op->steps[i].state, "running") == 0)
			return i;
	return op->step < op->n_steps ? op->step : op->n_steps - 1;
}

static void print_bar(FILE *out, const struct style *style, uint64_t done, uint64_t total)
{
	unsigned int full = (double)done * BAR_WIDTH / total;

	fputs("  [", out);
	for (unsigned int i = 0; i < BAR_WIDTH; i++)
		if (style->utf8)
			fputs(i < full ? "█" : "░", out);
		else
			fputc(i < full ? '#' : '-', out);
	fputc(']', out);
}

/* Columns the bar takes, for what was written in bytes of which some are parts of a letter. */
#define BAR_COLUMNS (BAR_WIDTH + 4)

static void print_bytes(FILE *out, uint64_t done, uint64_t total, uint64_t usec)
{
	char a[32], b[32], left[DURATION_SIZE];
	uint64_t rate;

	fprintf(out, "  %u%%  %s of %s", (unsigned int)((double)done * 100 / total),
		format_size(done, a), format_size(total, b));
	if (usec < RATE_USEC || done == 0)
		return;
	rate = (double)done * USEC_PER_SEC / usec;
	/* Whole MiB: digits that change with every redraw cannot be read. */
	fprintf(out, "  %s/s", format_size(rate >= 10 * MIB ? align_down(rate, MIB) : rate, a));
	if (done < total && rate > 0)
		fprintf(out, "  %s left",
			format_duration((total - done) / (double)rate * USEC_PER_SEC, left));
}

static int make_tail(const struct operation *op, uint64_t step_usec, uint64_t all_usec, char **ret)
{
	char took[DURATION_SIZE], *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	if (op->bytes_total > 0)
		print_bytes(f, op->bytes_done < op->bytes_total ? op->bytes_done : op->bytes_total,
			    op->bytes_total, step_usec);
	else
		fprintf(f, "  %s", format_duration(align_down(all_usec, USEC_PER_SEC), took));
	if (fclose(f) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}

int progress_line(const struct operation *op, const struct style *style, uint64_t step_usec,
		  uint64_t all_usec, char **ret)
{
	bool undoing = op->state && strcmp(op->state, "undoing") == 0;
	size_t current = current_step(op, undoing);
	_cleanup_free_ char *head = NULL, *tail = NULL;
	size_t room = style->width > 1 ? style->width - 1 : SIZE_MAX, text, rest, size;
	bool bar;
	char *line = NULL;
	FILE *f;

	if (asprintf(&head, "[%zu/%zu] %s%s", current + 1, op->n_steps,
		     undoing ? "taking back: " : "", op->steps[current].text) < 0) {
		head = NULL;
		return -ENOMEM;
	}
	if (make_tail(op, step_usec, all_usec, &tail) < 0)
		return -ENOMEM;

	/* Where it gets narrow the words give way first, then the bar, then the numbers. */
	rest = strlen(tail);
	bar = op->bytes_total > 0 && room >= rest + BAR_COLUMNS + 16;
	if (bar)
		rest += BAR_COLUMNS;
	if (rest + 8 > room) {
		tail[0] = '\0';
		rest = 0;
	}
	text = strlen(head);
	if (text > room - rest)
		text = room - rest;

	f = open_memstream(&line, &size);
	if (!f)
		return -ENOMEM;
	fprintf(f, "%.*s", (int)text, head);
	if (bar)
		print_bar(f, style,
			  op->bytes_done < op->bytes_total ? op->bytes_done : op->bytes_total,
			  op->bytes_total);
	fputs(tail, f);
	if (fclose(f) != 0) {
		free(line);
		return -ENOMEM;
	}
	*ret = line;
	return 0;
}
