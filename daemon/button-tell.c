// SPDX-License-Identifier: LGPL-2.1-or-later
#include "button-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

static void run_first(struct button *b);

static void drop_first(struct button *b)
{
	step_clear(&b->steps[0]);
	memmove(b->steps, b->steps + 1, --b->n_steps * sizeof(*b->steps));
}

static void on_step(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct button *b = userdata;

	(void)w;
	if (reply->error < 0)
		(void)sd_journal_print(4, "%s", reply->reason ?: "the worker process for slots died");
	drop_first(b);
	run_first(b);
	if (b->n_steps == 0 && b->look_again) {
		b->look_again = false;
		engine_look(b->engine);
	}
}

static void run_first(struct button *b)
{
	int r;

	while (b->n_steps > 0) {
		r = b->worker ? 0 : worker_new(b->event, b->open, &b->worker);
		if (r >= 0)
			r = worker_run(b->worker, b->steps, 1, on_step, NULL, b);
		if (r == -EPIPE) {
			b->worker = worker_free(b->worker);
			r = worker_new(b->event, b->open, &b->worker);
			if (r >= 0)
				r = worker_run(b->worker, b->steps, 1, on_step, NULL, b);
		}
		if (r >= 0)
			return;
		(void)sd_journal_print(3, "slot %s cannot be told anything: %s", b->steps[0].slot,
				       strerror(-r));
		drop_first(b);
	}
}

void button_tell(struct button *b, const struct holder *h, enum step_kind kind, const char *what)
{
	struct step step = { .kind = kind, .position = -1, .size = UNKNOWN, .resource = UNKNOWN };

	step.slot = strdup(h->slot);
	step.policy = strdup(what);
	if (!step.slot || !step.policy || grow(&b->steps, b->n_steps, sizeof(*b->steps)) < 0) {
		step_clear(&step);
		return;
	}
	b->steps[b->n_steps++] = step;
	if (b->n_steps == 1)
		run_first(b);
}

void button_drop_steps(struct button *b)
{
	while (b->n_steps > 0)
		drop_first(b);
	free(b->steps);
	b->steps = NULL;
}

/* An empty file for each slot whose kernel was told to ask: what a daemon that crashes cannot hand back. */
static char *mark_path(const struct button *b, const struct holder *h)
{
	char *path;

	return b->marks && asprintf(&path, "%s/%s", b->marks, h->slot) >= 0 ? path : NULL;
}

static void mark(const struct button *b, const struct holder *h)
{
	_cleanup_free_ char *path = mark_path(b, h);
	int fd;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		button_say(h, 5, "%s cannot be made (%s): if this daemon crashes, its button stays as it is",
			   path, strerror(errno));
	else
		close(fd);
}

static void unmark(const struct button *b, const struct holder *h)
{
	_cleanup_free_ char *path = mark_path(b, h);

	if (path)
		(void)unlink(path);
}

bool button_took(const struct button *b, const struct holder *h)
{
	_cleanup_free_ char *path = mark_path(b, h);

	return path && access(path, F_OK) == 0;
}

void button_take(struct button *b, struct holder *h)
{
	mark(b, h);
	button_tell(b, h, STEP_SET_BUTTON_POLICY, "ask");
	h->told_to = true;
}

void button_give(struct button *b, struct holder *h)
{
	if (!h->told_to)
		return;
	button_tell(b, h, STEP_SET_BUTTON_POLICY, "power-off");
	unmark(b, h);
}

void button_hand_back(struct button *b)
{
	struct door *door = NULL;

	for (size_t i = 0; i < b->n; i++) {
		struct step step = { .kind = STEP_SET_BUTTON_POLICY, .slot = b->list[i].slot,
				     .policy = (char *)"power-off" };
		struct step_result result = { 0 };
		_cleanup_free_ char *reason = NULL;

		if (!b->list[i].told_to || (!door && b->open(&door) < 0))
			continue;
		if (door->ops->run(door, &step, &result, &reason) < 0)
			button_say(&b->list[i], 4, "%s", reason ?: "its policy could not be put back");
		else
			unmark(b, &b->list[i]);
		step_result_clear(&result);
	}
	door_close(door);
}
