// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "json-util.h"
#include "worker-child.h"

struct worker {
	pid_t pid;
	int pidfd; /* the number alone may belong to somebody else once the corpse is reaped */
	struct channel channel;
	sd_event_source *io;
	bool dead, killed;
	bool stopping; /* told to leave out what it has not begun */
	worker_reply_t reply; /* set while a request runs */
	worker_progress_t progress;
	void *userdata;
};

__attribute__((noreturn)) static void run_child(int fd, worker_open_t open_door,
						struct journal *journal, pid_t parent)
{
	struct channel c = { .fd = 3 };
	struct door *door = NULL;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	prctl(PR_SET_NAME, "cxlmemd-worker");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	/* The bus, the event loop and the journal belong to the parent. */
	fd = journal && fd == 4 ? dup(fd) : fd;
	if (fd < 0 || (journal && journal_child(journal, 4) < 0) || (fd != 3 && dup2(fd, 3) < 0))
		_exit(1);
	close_range(journal ? 5 : 4, ~0U, 0);
	if (open_door(&door) < 0)
		_exit(1);
	(void)worker_child_serve(&c, door, journal);
	door_close(door);
	_exit(0);
}

/* Hand on a reply; it may free the worker when it is the last. */
static void hand_on(struct worker *w, struct worker_reply *reply)
{
	worker_reply_t f = w->reply;

	if (reply->last) {
		w->reply = NULL;
		w->progress = NULL;
	}
	if (f)
		f(w, reply, w->userdata);
}

static void handle_reply(struct worker *w, struct json_object *m)
{
	_cleanup_(picture_freep) struct picture *picture = NULL;
	_cleanup_free_ char *reason = NULL;
	struct worker_reply reply = {};
	struct json_object *v;

	if (json_object_object_get_ex(m, "error", &v))
		reply.error = json_object_get_int(v);
	reply.last = json_flag(m, "last");
	if (json_object_object_get_ex(m, "changes", &v))
		reply.changes = json_object_get_uint64(v);
	if (json_object_object_get_ex(m, "kernel_usec", &v))
		reply.kernel_usec = json_object_get_uint64(v);
	reply.reason = json_text(m, "reason");
	reply.text = json_text(m, "text");
	if (strdup_or_null(json_text(m, "from"), &reply.result.from) < 0 ||
	    strdup_or_null(json_text(m, "to"), &reply.result.to) < 0 ||
	    strdup_or_null(json_text(m, "previous"), &reply.result.previous) < 0 ||
	    strdup_or_null(json_text(m, "note"), &reply.result.note) < 0) {
		/* It goes on meanwhile, so an error here would not be the last reply: its death is. */
		step_result_clear(&reply.result);
		worker_kill(w);
		return;
	}
	if (reply.error == 0 && json_object_object_get_ex(m, "picture", &v)) {
		reply.error = picture_from_json(v, &picture, &reason);
		reply.picture = picture;
		reply.reason = reason;
	}
	picture = NULL;
	hand_on(w, &reply);
	step_result_clear(&reply.result);
	picture_free(reply.picture);
}

static void handle_named(struct worker *w, struct json_object *m)
{
	struct worker_reply reply = { .named = true };

	if (strdup_or_null(json_text(m, "from"), &reply.result.from) < 0 ||
	    strdup_or_null(json_text(m, "to"), &reply.result.to) < 0)
		worker_kill(w);
	else
		hand_on(w, &reply);
	step_result_clear(&reply.result);
}

static void handle_progress(struct worker *w, struct json_object *m)
{
	struct json_object *done, *total;

	if (w->progress && json_object_object_get_ex(m, "done", &done) &&
	    json_object_object_get_ex(m, "total", &total))
		w->progress(w, json_object_get_uint64(done), json_object_get_uint64(total),
			    w->userdata);
}

static void handle_death(struct worker *w)
{
	struct worker_reply reply = { .error = -EPIPE, .last = true };

	/* One that still lives is of no use either. */
	worker_kill(w);
	w->dead = true;
	w->io = sd_event_source_disable_unref(w->io);
	hand_on(w, &reply);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct worker *w = userdata;
	struct json_object *m, *v;
	int r;

	(void)s;
	(void)fd;
	(void)revents;
	r = channel_fill(&w->channel);
	if (r == -EAGAIN || r == -EINTR)
		return 0;
	if (r <= 0) {
		handle_death(w);
		return 0;
	}
	/* After the last reply of a request nothing can be left to take, and the worker may be gone. */
	while ((r = channel_take(&w->channel, &m)) > 0) {
		bool reply = json_object_object_get_ex(m, "error", &v);
		bool last = json_flag(m, "last");

		if (reply)
			handle_reply(w, m);
		else if (json_object_object_get_ex(m, "named", &v))
			handle_named(w, m);
		else
			handle_progress(w, m);
		json_object_put(m);
		if (last)
			return 0;
	}
	/* What cannot be read now will not be later, and somebody waits for an answer. */
	if (r < 0)
		handle_death(w);
	return 0;
}

int worker_new(sd_event *event, worker_open_t open_door, struct worker **ret)
{
	return worker_new_journaled(event, open_door, NULL, ret);
}

int worker_new_journaled(sd_event *event, worker_open_t open_door, struct journal *journal,
			 struct worker **ret)
{
	pid_t parent = getpid();
	struct worker *w;
	int fds[2], r;

	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		r = -errno;
		free(w);
		return r;
	}
	w->pid = fork();
	if (w->pid == 0) {
		free(w);
		run_child(fds[1], open_door, journal, parent);
	}
	r = w->pid < 0 ? -errno : 0;
	close(fds[1]);
	w->channel.fd = fds[0];
	w->pidfd = r >= 0 ? pidfd_open(w->pid, 0) : -1;
	if (r >= 0 && w->pidfd < 0)
		r = -errno;
	if (r >= 0)
		r = fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	if (r >= 0)
		r = sd_event_add_io(event, &w->io, fds[0], EPOLLIN, on_io, w);
	if (r < 0) {
		worker_free(w);
		return r;
	}
	(void)sd_event_source_set_description(w->io, "worker");
	*ret = w;
	return 0;
}

struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	w->io = sd_event_source_disable_unref(w->io);
	worker_kill(w);
	w->pidfd = closep_fd(w->pidfd);
	channel_clear(&w->channel);
	free(w);
	return NULL;
}

static int request(struct worker *w, const char *key, struct json_object *value,
		   const struct entry_place *place, worker_reply_t reply, worker_progress_t progress,
		   void *userdata)
{
	struct json_object *m;
	int r;

	m = json_object_new_object();
	if (!m) {
		json_object_put(value);
		return -ENOMEM;
	}
	json_object_object_add(m, key, value);
	if (place) {
		json_object_object_add(m, "operation", json_object_new_uint64(place->operation));
		json_object_object_add(m, "at", json_object_new_uint64(place->at));
		json_object_object_add(m, "undo", json_object_new_int(place->undo));
		json_object_object_add(m, "again", json_object_new_boolean(place->again));
	}
	r = channel_send(&w->channel, m);
	json_object_put(m);
	if (r < 0)
		return r;
	w->stopping = false;
	w->reply = reply;
	w->progress = progress;
	w->userdata = userdata;
	return 0;
}

static int ready(const struct worker *w)
{
	/* What is asked of one that is being killed may be begun or not. */
	return w->dead || w->killed ? -EPIPE : w->reply ? -EBUSY : 0;
}

int worker_scan(struct worker *w, unsigned int flags, worker_reply_t reply, void *userdata)
{
	int r = ready(w);

	return r < 0 ? r :
		       request(w, "scan", json_object_new_int((int)flags), NULL, reply, NULL, userdata);
}

int worker_explain(struct worker *w, const struct step *step, worker_reply_t reply, void *userdata)
{
	struct step bare = *step;
	struct json_object *json;
	int r = ready(w);

	bare.undo = NULL;
	bare.n_undo = 0;
	if (r >= 0)
		r = step_to_json(&bare, &json);
	return r < 0 ? r : request(w, "explain", json, NULL, reply, NULL, userdata);
}

int worker_blockers(struct worker *w, const char *name, worker_reply_t reply, void *userdata)
{
	struct json_object *json;
	int r = ready(w);

	if (r < 0)
		return r;
	json = json_object_new_string(name);
	return json ? request(w, "blockers", json, NULL, reply, NULL, userdata) : -ENOMEM;
}

int worker_run(struct worker *w, const struct step *steps, size_t n, worker_reply_t reply,
	       worker_progress_t progress, void *userdata)
{
	return worker_run_journaled(w, steps, n, NULL, reply, progress, userdata);
}

int worker_run_journaled(struct worker *w, const struct step *steps, size_t n,
			 const struct entry_place *place, worker_reply_t reply,
			 worker_progress_t progress, void *userdata)
{
	struct json_object *list, *json;
	int r = ready(w);

	if (r < 0)
		return r;
	list = json_object_new_array();
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct step bare = steps[i];

		/* Taking back is the engine's: it asks for those steps when it comes to that. */
		bare.undo = NULL;
		bare.n_undo = 0;
		r = step_to_json(&bare, &json);
		if (r < 0) {
			json_object_put(list);
			return r;
		}
		json_object_array_add(list, json);
	}
	return request(w, "steps", list, place, reply, progress, userdata);
}

void worker_stop(struct worker *w)
{
	struct json_object *m;

	/* Once is enough: a socket full of wishes would make us wait for the worker. */
	if (w->dead || !w->reply || w->stopping)
		return;
	m = json_object_new_object();
	if (m) {
		json_object_object_add(m, "stop", json_object_new_boolean(true));
		w->stopping = channel_send(&w->channel, m) >= 0;
		json_object_put(m);
	}
}

void worker_kill(struct worker *w)
{
	struct pollfd p = { .fd = w->pidfd, .events = POLLIN };

	if (w->dead || w->pidfd < 0)
		return;
	w->killed = true;
	/* Valgrind does not know it; while the pidfd says that it lives, the number is its own, too. */
	if (pidfd_send_signal(w->pidfd, SIGKILL, NULL, 0) < 0 && errno == ENOSYS &&
	    poll(&p, 1, 0) == 0)
		(void)kill(w->pid, SIGKILL);
}

bool worker_is_dead(const struct worker *w)
{
	return w->dead;
}

bool worker_is_busy(const struct worker *w)
{
	return w->reply != NULL;
}

pid_t worker_pid(const struct worker *w)
{
	return w->pid;
}
