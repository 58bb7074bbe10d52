// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker-child.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "entry.h"
#include "json-util.h"
#include "learn.h"

static void add_string(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_object_object_add(o, key, json_object_new_string(value));
}

static void send_progress(void *userdata, uint64_t done, uint64_t total)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o)
		return;
	json_object_object_add(o, "done", json_object_new_uint64(done));
	json_object_object_add(o, "total", json_object_new_uint64(total));
	/* Lost progress is no harm, and a dead parent shows at the reply. */
	(void)channel_send(userdata, o);
}

static int reply_end(struct channel *c, struct json_object *reply, int error, const char *reason,
		     uint64_t kernel_usec, bool last)
{
	json_object_object_add(reply, "error", json_object_new_int(error));
	json_object_object_add(reply, "kernel_usec", json_object_new_uint64(kernel_usec));
	json_object_object_add(reply, "last", json_object_new_boolean(last));
	if (error < 0)
		add_string(reply, "reason", reason ?: strerror(-error));
	return channel_send(c, reply);
}

static int do_scan(struct channel *c, struct door *door, unsigned int flags)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object();
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_free_ char *reason = NULL;
	uint64_t before = door->kernel_usec, changes;
	struct json_object *json;
	int r;

	if (!reply)
		return -ENOMEM;
	/* Counted first: what changes while we look makes the picture old, not the count new. */
	if (door->ops->changes(door, &changes) >= 0)
		json_object_object_add(reply, "changes", json_object_new_uint64(changes));
	r = door->ops->scan(door, flags, &p, &reason);
	if (r >= 0)
		r = picture_to_json(p, &json);
	if (r >= 0)
		json_object_object_add(reply, "picture", json);
	return reply_end(c, reply, r, reason, door->kernel_usec - before, true);
}

/* Asked meanwhile to leave out what has not begun? Nothing else comes while a request runs. */
static bool asked_to_stop(struct channel *c)
{
	char byte;

	/* It may have been read together with the request. */
	return c->in_n > 0 || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Steps on their way. */
struct job {
	struct channel *channel;
	struct door *door;
	struct journal *journal; /* NULL = they are not written down */
	struct entry_place place; /* of the first one */
	struct json_object *done; /* of the step before, to be written together with the next */
	struct step *steps;
	size_t n, i;
	/*
	 * What the disk is being told, and what for (journal_flush()): the plan, before anything is changed; that the
	 * steps up to @ahead will come, before the long ones of them.
	 */
	uint32_t plan_ticket, ahead_ticket;
	size_t ahead;
	uint32_t due; /* what nothing may be changed before, while @waits */
	bool waits;
	int disk_error; /* of waiting for that */
};

static struct entry_place place_of(const struct job *job, size_t i)
{
	struct entry_place place = job->place;

	place.at += i;
	return place;
}

/* The second next step after @i that the kernel may take long over, or the next; @i if there is none. */
static size_t long_ones_after(const struct job *job, size_t i)
{
	size_t found = i;
	int n = 0;

	for (size_t k = i + 1; k < job->n && n < 2; k++)
		if (step_may_block(job->steps[k].kind)) {
			found = k;
			n++;
		}
	return found;
}

/*
 * Whoever finds the machine after a process was killed finds each record. What a machine that went down was at
 * matters where a step may have been what it hung or crashed in: the disk knows of such a one before it begins. So
 * that it has not to wait for that, the record of a step before it says that it will come, and the disk is told while
 * that one runs. The first of all is in the plan.
 */
static int write_begin(struct job *job, size_t i, char **reason)
{
	struct entry_place place = place_of(job, i);
	bool planned = place.at == 0 && place.undo < 0;
	bool long_one = step_may_block(job->steps[i].kind), told = i > 0 && i <= job->ahead;
	size_t until = long_ones_after(job, i);
	bool tell = until > i && until > job->ahead;
	uint32_t ticket = 0;
	int r;

	if (!job->journal)
		return 0;
	r = entry_step(job->journal, &place, tell ? place.at + (until - i) : place.at, job->done);
	json_object_put(TAKE_PTR(job->done));
	/* One that was told of, too: which of them it is at is there soon, and waited for by nobody. */
	if (r == 0 && (tell || long_one))
		ticket = journal_flush(job->journal);
	/* A step that had nothing to do has not waited for the plan. */
	if (planned || (long_one && (told || r == 0))) {
		job->due = planned ? job->plan_ticket : told ? job->ahead_ticket : ticket;
		job->waits = true;
	}
	if (tell) {
		job->ahead = until;
		job->ahead_ticket = ticket;
	}
	/* The way back is known already, and better walked than not. */
	if (r == 0 || place.undo >= 0)
		return 0;
	return journal_refuse(job->journal, r, reason);
}

/* The step has looked at what it builds on; from here on it changes the machine. */
static int on_ready(void *userdata)
{
	struct job *job = userdata;
	int r = 0;

	if (job->disk_error < 0)
		return job->disk_error;
	if (job->waits)
		r = journal_wait(job->journal, job->due);
	job->waits = false;
	if (job->place.undo < 0)
		job->disk_error = r;
	return job->disk_error;
}

static int write_done(struct job *job, size_t i, int error, const struct step_result *result)
{
	struct entry_place place = place_of(job, i);

	if (!job->journal)
		return 0;
	return entry_done_new(&place, error, result, &job->done);
}

/* Nothing comes that it could be written with. */
static void write_last(struct job *job)
{
	if (job->done)
		(void)journal_write(job->journal, &job->done, 1, false);
	json_object_put(TAKE_PTR(job->done));
}

/*
 * Who ends here must be found by it: in the journal and with the daemon before it is made. No region outlives a loss
 * of power, so no disk is waited for.
 */
static int on_named(void *userdata, const char *from, const char *to)
{
	_cleanup_json_ struct json_object *m = json_object_new_object();
	struct job *job = userdata;
	struct entry_place place = place_of(job, job->i);
	struct step_result result = { 0 };
	int r = m ? 0 : -ENOMEM;

	if (r == 0 && job->journal)
		r = entry_named(job->journal, &place, from, to);
	/* As with the step itself: the way back is known already. */
	if (r < 0 && place.undo < 0)
		return r;
	r = strdup_or_null(from, &result.from);
	if (r == 0)
		r = strdup_or_null(to, &result.to);
	if (r == 0) {
		json_object_object_add(m, "named", json_object_new_boolean(true));
		add_string(m, "from", from);
		add_string(m, "to", to);
		r = channel_send(job->channel, m);
	}
	if (r == 0 && strcmp(from, to) != 0)
		r = steps_learn(job->steps, job->n, job->steps[job->i].kind, &result);
	step_result_clear(&result);
	return r;
}

static int do_step(struct job *job, size_t i)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object();
	_cleanup_free_ char *reason = NULL;
	struct door *door = job->door;
	uint64_t before = door->kernel_usec;
	struct step_result result = {};
	bool last;
	int r, sent;

	if (!reply)
		return -ENOMEM;
	job->i = i;
	if (i > 0 && asked_to_stop(job->channel)) {
		r = say(&reason, -ECANCELED, "cancelled on request");
	} else {
		r = write_begin(job, i, &reason);
		if (r >= 0)
			r = door->ops->run(door, &job->steps[i], &result, &reason);
		if (job->disk_error < 0)
			r = journal_refuse(job->journal, job->disk_error, &reason);
		/* What a hold finds that holds already is not what was there before. */
		if (i == 0 && job->place.again)
			result.previous = (free(result.previous), NULL);
		if (r >= 0)
			r = steps_learn(job->steps, job->n, job->steps[i].kind, &result);
		if (write_done(job, i, r, &result) < 0)
			r = r < 0 ? r : -ENOMEM;
	}
	last = r < 0 || i + 1 == job->n;
	if (last)
		write_last(job);
	add_string(reply, "from", result.from);
	add_string(reply, "to", result.to);
	add_string(reply, "previous", result.previous);
	add_string(reply, "note", result.note);
	step_result_clear(&result);
	sent = reply_end(job->channel, reply, r, reason, door->kernel_usec - before, last);
	return sent < 0 ? sent : r < 0 ? 1 : 0;
}

static int read_steps(struct job *job, struct json_object *list, char **reason)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < job->n; i++)
		r = step_from_json(json_object_array_get_idx(list, i), &job->steps[i], reason);
	return r;
}

static int do_steps(struct channel *c, struct door *door, struct journal *journal,
		    struct json_object *request, struct json_object *list)
{
	struct job job = { .channel = c, .door = door, .n = json_object_array_length(list) };
	_cleanup_json_ struct json_object *reply = NULL;
	_cleanup_free_ char *reason = NULL;
	struct json_object *v;
	int r;

	if (json_object_object_get_ex(request, "operation", &v)) {
		job.journal = journal;
		job.place.operation = json_object_get_uint64(v);
		json_object_object_get_ex(request, "at", &v);
		job.place.at = json_object_get_uint64(v);
		json_object_object_get_ex(request, "undo", &v);
		job.place.undo = json_object_get_int(v);
		json_object_object_get_ex(request, "again", &v);
		job.place.again = json_object_get_boolean(v);
	}
	/* The daemon has that under way since it wrote the plan. */
	if (job.journal && job.place.at == 0 && job.place.undo < 0)
		job.plan_ticket = journal_flushing(journal);
	door->named = on_named;
	door->ready = on_ready;
	door->named_userdata = door->ready_userdata = &job;
	job.steps = calloc(job.n ?: 1, sizeof(*job.steps));
	if (!job.steps)
		return -ENOMEM;
	r = read_steps(&job, list, &reason);
	if (r < 0) {
		reply = json_object_new_object();
		r = reply ? reply_end(c, reply, r, reason, 0, true) : -ENOMEM;
	} else {
		for (size_t i = 0; r == 0 && i < job.n; i++)
			r = do_step(&job, i);
	}
	door->named = NULL;
	door->ready = NULL;
	json_object_put(job.done);
	for (size_t i = 0; i < job.n; i++)
		step_clear(&job.steps[i]);
	free(job.steps);
	return r < 0 ? r : 0;
}

static int do_explain(struct channel *c, struct door *door, struct json_object *json)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object();
	_cleanup_free_ char *text = NULL, *reason = NULL;
	uint64_t before = door->kernel_usec;
	struct step step = {};
	int r;

	if (!reply)
		return -ENOMEM;
	r = step_from_json(json, &step, &reason);
	if (r >= 0)
		r = door->ops->explain ? door->ops->explain(door, &step, &text) : -ENODATA;
	step_clear(&step);
	if (r >= 0)
		add_string(reply, "text", text);
	return reply_end(c, reply, r, reason, door->kernel_usec - before, true);
}

static int do_blockers(struct channel *c, struct door *door, const char *name)
{
	_cleanup_json_ struct json_object *reply = json_object_new_object(), *json = NULL;
	_cleanup_(blockers_freep) struct blockers *b = NULL;
	_cleanup_free_ char *reason = NULL;
	uint64_t before = door->kernel_usec;
	int r;

	if (!reply)
		return -ENOMEM;
	r = door->ops->blockers ? door->ops->blockers(door, name, &b, &reason) : -EOPNOTSUPP;
	if (r >= 0)
		r = blockers_to_json(b, &json);
	if (r >= 0)
		add_string(reply, "text", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	return reply_end(c, reply, r, reason, door->kernel_usec - before, true);
}

static int answer(struct channel *c, struct door *door, struct journal *journal,
		  struct json_object *request)
{
	struct json_object *v;

	if (json_object_object_get_ex(request, "steps", &v))
		return do_steps(c, door, journal, request, v);
	if (json_object_object_get_ex(request, "explain", &v))
		return do_explain(c, door, v);
	if (json_object_object_get_ex(request, "blockers", &v))
		return do_blockers(c, door, json_object_get_string(v));
	if (json_object_object_get_ex(request, "scan", &v))
		return do_scan(c, door, (unsigned int)json_object_get_int(v));
	/* A "stop" that came after the last step had begun. */
	return 0;
}

int worker_child_serve(struct channel *c, struct door *door, struct journal *journal)
{
	door->progress = send_progress;
	door->progress_userdata = c;
	for (;;) {
		_cleanup_json_ struct json_object *request = NULL;
		int r;

		r = channel_take(c, &request);
		if (r > 0)
			r = answer(c, door, journal, request);
		else if (r == 0) {
			r = channel_fill(c);
			if (r == 0)
				return 0;
			if (r == -EINTR)
				continue;
		}
		if (r < 0)
			return r;
	}
}
