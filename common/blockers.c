// SPDX-License-Identifier: LGPL-2.1-or-later
#include "blockers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

void blockers_free(struct blockers *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n_processes; i++)
		free(b->processes[i].name);
	free(b->processes);
	free(b->blocks);
	free(b->region);
	free(b->dax);
	free(b);
}

static int more_first(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static int compare_processes(const void *va, const void *vb)
{
	const struct blocker_process *a = va, *b = vb;
	int r;

	if ((r = more_first(!!a->pinned, !!b->pinned)) != 0 ||
	    (r = more_first(!!a->huge, !!b->huge)) != 0 ||
	    (r = more_first(!!a->locked, !!b->locked)) != 0 ||
	    (r = more_first(a->bytes, b->bytes)) != 0)
		return r;
	return -more_first(a->pid, b->pid);
}

static uint64_t stubborn(const struct blocker_block *b)
{
	return b->kernel + b->huge + b->held;
}

static int compare_blocks(const void *va, const void *vb)
{
	const struct blocker_block *a = va, *b = vb;
	int r;

	if ((r = more_first(a->going, b->going)) != 0 ||
	    (r = more_first(stubborn(a), stubborn(b))) != 0 ||
	    (r = more_first(a->locked, b->locked)) != 0 ||
	    (r = more_first(a->movable, b->movable)) != 0)
		return r;
	return -more_first(a->number, b->number);
}

void blockers_sort(struct blockers *b)
{
	if (b->n_processes)
		qsort(b->processes, b->n_processes, sizeof(*b->processes), compare_processes);
	if (b->n_blocks)
		qsort(b->blocks, b->n_blocks, sizeof(*b->blocks), compare_blocks);
}

/* "a, b and c": a part of the sentence that is only there when it says something. */
static void part(FILE *f, unsigned int *n, uint64_t bytes, const char *what)
{
	char size[32];

	if (bytes)
		fprintf(f, "%s%s%s", (*n)++ ? ", " : "", format_size(bytes, size), what);
}

static void write_process(FILE *f, const struct blockers *b, const struct blocker_process *p)
{
	unsigned int n = 0;
	char size[32];

	fprintf(f, "%s (pid %" PRIu64 ")", p->name ?: "?", p->pid);
	if (b->devdax) {
		fprintf(f, " has %s %s", b->dax ?: "it",
			p->mapped ? (p->open ? "open and mapped" : "mapped") : "open");
		return;
	}
	fprintf(f, ": %s on node %" PRIu64, format_size(p->bytes, size), b->node);
	if (p->huge)
		fprintf(f, ", %s of it in huge pages", format_size(p->huge, size));
	if (!p->pinned && !p->locked)
		return;
	fputs("; in all ", f);
	part(f, &n, p->pinned, " pinned for I/O");
	part(f, &n, p->locked, " locked");
}

static void write_block(FILE *f, const struct blocker_block *b)
{
	unsigned int n = 0;

	fprintf(f, "memory block %" PRIu64 "%s: ", b->number, b->going ? ", going offline" : "");
	part(f, &n, b->kernel, " of the kernel's own");
	part(f, &n, b->huge, " in huge pages");
	part(f, &n, b->held, " mapped by no process (in a pipe, or under I/O)");
	part(f, &n, b->locked, " locked");
	part(f, &n, b->movable, " that can be moved");
	if (!n)
		fputs("nothing in it", f);
}

/* A stream for each line. */
struct lines {
	char **list;
	size_t n;
};

static int add_line(struct lines *l, FILE **stream, char **text, size_t *size)
{
	int r;

	if (*stream) {
		r = fclose(*stream) == 0 ? grow(&l->list, l->n, sizeof(*l->list)) : -ENOMEM;
		*stream = NULL;
		if (r < 0) {
			free(TAKE_PTR(*text));
			return r;
		}
		l->list[l->n++] = TAKE_PTR(*text);
	}
	*stream = open_memstream(text, size);
	return *stream ? 0 : -ENOMEM;
}

static bool worth_telling(const struct blocker_block *b)
{
	return b->going || stubborn(b) || b->locked;
}

/* The device's own count says more than a list of who has it open. */
static void write_device(FILE *f, const struct blockers *b)
{
	char size[32];

	if (b->active == UNKNOWN)
		fprintf(f, "this kernel does not say what of %s is in use by I/O or pipes: only "
			   "open files and mappings are seen", b->dax ?: "it");
	else
		fprintf(f, "%s of %s is in use%s", format_size(b->active, size), b->dax ?: "it",
			b->active && !b->n_processes ?
				", although no process has it open or mapped: held by a pipe, "
				"io_uring or a device" : "");
}

static int write_all(const struct blockers *b, size_t max, struct lines *l, FILE **f, char **text,
		     size_t *size)
{
	size_t left = 0, shown = 0, i;
	int r = add_line(l, f, text, size);

	if (r == 0 && b->devdax) {
		write_device(*f, b);
		r = add_line(l, f, text, size);
	}
	for (i = 0; r == 0 && i < b->n_processes && i < max; i++) {
		write_process(*f, b, &b->processes[i]);
		r = add_line(l, f, text, size);
	}
	if (r == 0 && b->n_processes > max) {
		fprintf(*f, "and %zu more processes", b->n_processes - max);
		r = add_line(l, f, text, size);
	}
	for (i = 0; r == 0 && i < b->n_blocks; i++) {
		if (!worth_telling(&b->blocks[i]))
			continue;
		if (shown == max) {
			left++;
			continue;
		}
		shown++;
		write_block(*f, &b->blocks[i]);
		r = add_line(l, f, text, size);
	}
	if (r == 0 && left) {
		fprintf(*f, "and %zu more memory blocks", left);
		r = add_line(l, f, text, size);
	}
	if (r == 0 && b->partial) {
		fputs("(there was no time to look at everything)", *f);
		r = add_line(l, f, text, size);
	}
	return r;
}

int blockers_lines(const struct blockers *b, size_t max, char ***ret)
{
	struct lines l = {};
	char *text = NULL;
	FILE *f = NULL;
	size_t size;
	int r;

	r = write_all(b, max, &l, &f, &text, &size);
	if (f)
		fclose(f);
	free(text);
	/* Of the array's zeroed rest one element ends it. */
	if (r == 0)
		r = grow(&l.list, l.n, sizeof(*l.list));
	if (r < 0) {
		for (size_t i = 0; i < l.n; i++)
			free(l.list[i]);
		free(l.list);
		return r;
	}
	*ret = l.list;
	return 0;
}
