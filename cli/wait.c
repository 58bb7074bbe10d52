/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "agent.h"
#include "bus.h"
#include "interrupt.h"
#include "progress.h"

/* The end of some operation, heard of before it was known which one is ours. */
struct ending {
	char *path, *state, *reason;
};

struct waiting {
	struct cli *cli;
	const char *verb;
	enum patience patience;
	char *path;   /* NULL until the daemon has answered */
	char *sender; /* the daemon's unique name; NULL on a direct connection */
	struct ending *early;
	size_t n_early;
	struct operation op; /* what was told on the way, for the progress */
	struct progress progress;
	unsigned int presses; /* of Ctrl-C */
	bool cancel_asked;
	/* Nothing of the bus may reach a struct waiting that is gone. */
	sd_bus_slot *finished_slot, *daemon_slot, *changed_slot, *start_slot, *cancel_slot;
	bool over;
	int error; /* with reason: no outcome */
	char *reason;
	struct outcome outcome;
};

void outcome_clear(struct outcome *o)
{
	free(o->state);
	free(o->reason);
	operation_clear(&o->details);
	*o = (struct outcome){ 0 };
}

static void waiting_clear(struct waiting *w)
{
	sd_bus_slot_unref(w->finished_slot);
	sd_bus_slot_unref(w->daemon_slot);
	sd_bus_slot_unref(w->changed_slot);
	sd_bus_slot_unref(w->start_slot);
	sd_bus_slot_unref(w->cancel_slot);
	for (size_t i = 0; i < w->n_early; i++) {
		free(w->early[i].path);
		free(w->early[i].state);
		free(w->early[i].reason);
	}
	free(w->early);
	free(w->path);
	free(w->sender);
	free(w->reason);
	operation_clear(&w->op);
	outcome_clear(&w->outcome);
	progress_end(&w->progress);
}

static uint64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000) + t.tv_nsec / 1000;
}

static void give_up(struct waiting *w, int error)
{
	w->error = error;
	w->over = true;
}

static void finish(struct waiting *w, const char *state, const char *reason)
{
	w->outcome.state = strdup(state);
	w->outcome.reason = strdup(reason);
	if (!w->outcome.state || !w->outcome.reason)
		give_up(w, -ENOMEM);
	w->over = true;
}

static int on_cancel_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;
	_cleanup_free_ char *reason = NULL;

	(void)ret_error;
	if (!sd_bus_message_is_method_error(m, NULL) || w->over)
		return 0;
	/* It may have finished meanwhile; then its end is on the way and says more than this
	 * refusal. */
	(void)bus_explain(sd_bus_message_get_error(m), -sd_bus_message_get_errno(m), "cancel",
			  &reason);
	progress_hide(&w->progress);
	complain(w->cli, "%s", reason ?: "cancelling was refused");
	return 0;
}

static void ask_to_cancel(struct waiting *w)
{
	if (w->cancel_asked || !w->path || w->over)
		return;
	w->cancel_asked = true;
	if (bus_cancel_async(w->cli->bus, &w->cancel_slot, w->outcome.id, on_cancel_answer, w,
			     &w->reason) < 0)
		give_up(w, -ENOTCONN);
}

static int keep_early(struct waiting *w, const char *path, const char *state, const char *reason)
{
	struct ending *e;

	if (grow(&w->early, w->n_early, sizeof(*w->early)) < 0)
		return -ENOMEM;
	e = &w->early[w->n_early++];
	e->path = strdup(path);
	e->state = strdup(state);
	e->reason = strdup(reason);
	return e->path && e->state && e->reason ? 0 : -ENOMEM;
}

static int on_finished(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;
	const char *path, *state, *reason;

	(void)ret_error;
	if (w->over || sd_bus_message_read(m, "oss", &path, &state, &reason) < 0)
		return 0;
	if (!w->path) {
		if (keep_early(w, path, state, reason) < 0)
			give_up(w, -ENOMEM);
		return 0;
	}
	if (strcmp(path, w->path) == 0 && streq_null(sd_bus_message_get_sender(m), w->sender))
		finish(w, state, reason);
	return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;

	(void)ret_error;
	if (w->over || !streq_null(sd_bus_message_get_path(m), w->path) ||
	    !streq_null(sd_bus_message_get_sender(m), w->sender))
		return 0;
	/* What cannot be read is not shown: no reason to stop waiting. */
	if (sd_bus_message_skip(m, "s") < 0 || operation_read(&w->op, m) < 0)
		return 0;
	if (progress_update(&w->progress, &w->op, now_usec()) < 0)
		give_up(w, -ENOMEM);
	return 0;
}

static int daemon_is_gone(struct waiting *w)
{
	return say(&w->reason, -ENOTCONN,
		   "cxlmemd stopped before %s was finished; the next one walks it back when it starts: "
		   "`cxlmemctl operations` tells",
		   w->verb);
}

static int on_daemon(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;
	const char *name, *before, *after;

	(void)ret_error;
	if (w->over || sd_bus_message_read(m, "sss", &name, &before, &after) < 0 || !w->path ||
	    !streq_null(before, w->sender))
		return 0;
	give_up(w, daemon_is_gone(w));
	return 0;
}

/* A person is asked once more: much may have been done already. A program means it. */
static unsigned int presses_to_cancel(const struct waiting *w)
{
	return w->cli->err_style.terminal ? 2 : 1;
}

/* From here on the operation has a name. */
static int begin(struct waiting *w, const char *path, const char *sender)
{
	if (operation_id(path, &w->outcome.id) < 0)
		return bus_explain(NULL, -EBADMSG, w->verb, &w->reason);
	w->path = strdup(path);
	if (!w->path || strdup_or_null(sender, &w->sender) < 0)
		return -ENOMEM;
	if (w->patience == PATIENCE_NONE)
		w->over = true;
	for (size_t i = 0; i < w->n_early && !w->over; i++)
		if (strcmp(w->early[i].path, path) == 0)
			finish(w, w->early[i].state, w->early[i].reason);
	if (w->presses >= presses_to_cancel(w))
		ask_to_cancel(w);
	return 0;
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;
	const char *path;
	int r;

	(void)ret_error;
	if (w->over)
		return 0;
	if (sd_bus_message_is_method_error(m, NULL)) {
		give_up(w, bus_explain(sd_bus_message_get_error(m), -sd_bus_message_get_errno(m),
				       w->verb, &w->reason));
		return 0;
	}
	r = sd_bus_message_read_basic(m, 'o', &path);
	if (r < 0)
		r = bus_explain(NULL, r, w->verb, &w->reason);
	else
		r = begin(w, path, sd_bus_message_get_sender(m));
	if (r < 0)
		give_up(w, r);
	return 0;
}

static int on_walking_back(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;
	char path[OPERATION_PATH_SIZE];
	int r;

	(void)ret_error;
	if (w->over)
		return 0;
	if (sd_bus_message_is_method_error(m, NULL))
		r = bus_explain(sd_bus_message_get_error(m), -sd_bus_message_get_errno(m), w->verb,
				&w->reason);
	else
		r = begin(w, operation_path(w->outcome.id, path), sd_bus_message_get_sender(m));
	if (r < 0)
		give_up(w, r);
	return 0;
}

static void on_interrupt(struct waiting *w)
{
	w->presses++;
	progress_hide(&w->progress);
	if (w->presses < presses_to_cancel(w) && !w->cancel_asked) {
		fprintf(w->cli->err,
			"%s goes on; Ctrl-C once more cancels it, and what was done is taken back\n",
			w->verb);
		return;
	}
	if (w->presses > presses_to_cancel(w) || w->cancel_asked) {
		w->outcome.left = true;
		w->over = true;
		return;
	}
	fprintf(w->cli->err,
		"cancelling: cxlmemd takes back what was done; Ctrl-C again leaves it to itself\n");
	ask_to_cancel(w);
}

static int timeout_until(uint64_t at, uint64_t now)
{
	if (at == UINT64_MAX)
		return -1;
	if (at <= now)
		return 0;
	/* Rounded up: a round too early is a round for nothing. */
	at = (at - now + 999) / 1000;
	return at > 60000 ? 60000 : (int)at;
}

static int sleep_until_news(struct waiting *w, struct interrupt *interrupt)
{
	sd_bus *bus = w->cli->bus;
	struct pollfd fds[] = {
		{ .fd = sd_bus_get_fd(bus) },
		{ .fd = interrupt->fd, .events = POLLIN },
	};
	uint64_t at = UINT64_MAX, wake = UINT64_MAX, now = now_usec();
	int r;

	r = sd_bus_get_events(bus);
	if (r < 0)
		return r;
	fds[0].events = r;
	r = sd_bus_get_timeout(bus, &at);
	if (r < 0)
		return r;
	if (w->path && w->patience == PATIENCE_SHOW)
		wake = progress_wake(&w->progress, now);
	if (poll(fds, ARRAY_SIZE(fds), timeout_until(at < wake ? at : wake, now)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents && interrupt_take(interrupt))
		on_interrupt(w);
	if (wake != UINT64_MAX && now_usec() >= wake && !w->over)
		return progress_update(&w->progress, &w->op, now_usec());
	return 0;
}

static int wait_to_the_end(struct waiting *w, struct interrupt *interrupt)
{
	int r = 0;

	while (!w->over) {
		r = sd_bus_process(w->cli->bus, NULL);
		if (r < 0)
			break;
		if (r > 0)
			continue;
		r = sleep_until_news(w, interrupt);
		if (r < 0)
			break;
	}
	if (w->over)
		return w->error;
	if (w->path && sd_bus_is_bus_client(w->cli->bus) <= 0)
		return daemon_is_gone(w);
	return bus_explain(NULL, r, w->verb, &w->reason);
}

static int watch(struct waiting *w)
{
	sd_bus *bus = w->cli->bus;
	int r;

	if (w->patience == PATIENCE_NONE)
		return 0;
	r = bus_watch(bus, &w->finished_slot, BUS_PATH, BUS_MANAGER, "OperationFinished",
		      on_finished, w, &w->reason);
	if (r < 0)
		return r;
	r = bus_watch_daemon(bus, &w->daemon_slot, on_daemon, w, &w->reason);
	if (r < 0 || w->patience != PATIENCE_SHOW)
		return r;
	return bus_watch(bus, &w->changed_slot, NULL, "org.freedesktop.DBus.Properties",
			 "PropertiesChanged", on_changed, w, &w->reason);
}

static int wait_for(struct waiting *w, const struct wish *wish)
{
	_cleanup_(interrupt_close) struct interrupt interrupt = { .fd = -1 };
	_cleanup_(agent_close) struct agent agent = { 0 };
	int r;

	/* polkit of this machine is not asked for another one. */
	if (!w->cli->host && !w->cli->machine)
		agent_open(&agent);
	progress_begin(&w->progress, w->cli->err, &w->cli->err_style, now_usec());
	r = watch(w);
	if (r < 0)
		return r;
	/* Who does not wait for the end is let go by Ctrl-C at once. */
	if (w->patience != PATIENCE_NONE) {
		r = interrupt_open(&interrupt);
		if (r < 0)
			return say(&w->reason, r, "Ctrl-C could not be taken over: %s",
				   strerror(-r));
	}
	if (wish)
		r = bus_start(w->cli->bus, &w->start_slot, wish, on_started, w, &w->reason);
	else
		r = bus_cancel_async(w->cli->bus, &w->cancel_slot, w->outcome.id, on_walking_back,
				     w, &w->reason);
	return r < 0 ? r : wait_to_the_end(w, &interrupt);
}

/* The news of the last steps comes behind the end, or not at all: the whole operation has them. */
static int get_details(struct waiting *w)
{
	struct operation *op = &w->outcome.details;
	int r;

	if (!w->outcome.state)
		return 0;
	r = bus_get_operation(w->cli->bus, w->path, op, &w->reason);
	if (r < 0 || w->patience != PATIENCE_SHOW)
		return r;
	progress_hide(&w->progress);
	return w->cli->err_style.terminal ? 0 : progress_update(&w->progress, op, now_usec());
}

static int wait_and_tell(struct waiting *w, const struct wish *wish, bool details,
			 struct outcome *ret, char **ret_reason)
{
	int r;

	r = wait_for(w, wish);
	if (r == 0 && details)
		r = get_details(w);
	if (r < 0) {
		if (w->reason) {
			free(*ret_reason);
			*ret_reason = TAKE_PTR(w->reason);
		}
		return r;
	}
	*ret = w->outcome;
	w->outcome = (struct outcome){ 0 };
	return 0;
}

int operation_run(struct cli *cli, const struct wish *wish, enum patience patience, bool details,
		  struct outcome *ret, char **ret_reason)
{
	_cleanup_(waiting_clear) struct waiting w = {
		.cli = cli,
		.verb = wish->verb->name,
		.patience = patience,
	};

	return wait_and_tell(&w, wish, details, ret, ret_reason);
}

int operation_walk_back(struct cli *cli, uint64_t id, enum patience patience, bool details,
			struct outcome *ret, char **ret_reason)
{
	_cleanup_(waiting_clear) struct waiting w = {
		.cli = cli,
		.verb = "cancel",
		.patience = patience,
		.cancel_asked = true,
		.outcome.id = id,
	};

	return wait_and_tell(&w, NULL, details, ret, ret_reason);
}
