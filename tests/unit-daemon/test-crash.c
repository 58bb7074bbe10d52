// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "harness.h"
#include "json-util.h"
#include "scene.h"
#include "situations.h"
#include "store.h"
#include "succession.h"

/*
 * The daemon, or its worker, is killed before and after each record it writes, and in the middle of each step;
 * then a new daemon takes over. In the end the machine is as promised or as it was, by the rule of docs/state.md,
 * and the wishes are of the same mind. The cases follow from the plans; their number is printed.
 */

#define RECORDS_MAX 256

enum victim { DAEMON, WORKER, _VICTIMS };

/* What the processes of a case share. */
struct fate {
	pid_t daemon;
	enum victim victim;
	unsigned int nth; /* record, from 1; 0 = nobody is killed */
	bool after;
	unsigned int seen; /* records so far */
	bool blocked; /* a step told that it goes no further */
	bool ended;   /* the operation is over, in this daemon */
	bool refused;
	bool resumed;
	enum operation_state state;
	char reason[256];
	/* What the disk has: the records that were in the file when the last fdatasync() that is over began. */
	unsigned int on_disk;
	unsigned int told[RECORDS_MAX]; /* the last step that the records up to this one tell of */
	bool slow_disk, bad_disk;
	bool changed; /* the machine, by the first step */
	unsigned int late; /* changes that the disk knew nothing of */
};

struct crash {
	struct mock_stage *stage;
	struct fate *fate;
	char root[64], state[80];
};

static struct fate *the_fate; /* the wrapped write() has no userdata */
static unsigned int n_cases, n_as_promised, n_as_before, n_taken_over;

ssize_t __real_write(int fd, const void *text, size_t n);
static unsigned int number_after(const char *text, size_t n, const char *key)
{
	const char *at = memmem(text, n, key, strlen(key));

	return at ? (unsigned int)strtoul(at + strlen(key), NULL, 10) : 0;
}

/* Before it is written: what is written may be on the disk at any time, but only what was is known to be. */
static void note_told(const char *text, size_t n)
{
	struct fate *f = the_fate;
	unsigned int at = number_after(text, n, "\"at\":"), until = number_after(text, n, "\"until\":");
	const char *step = memmem(text, n, "\"record\":\"step\"", 15);

	if (f->seen + 1 >= RECORDS_MAX)
		abort();
	if (step) {
		at = number_after(step, n - (size_t)(step - text), "\"at\":");
		f->told[f->seen] = at > until ? at : until;
	}
	if (f->seen && f->told[f->seen] < f->told[f->seen - 1])
		f->told[f->seen] = f->told[f->seen - 1];
}

ssize_t __wrap_write(int fd, const void *text, size_t n);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

static void kill_victim(void)
{
	struct fate *f = the_fate;
	pid_t worker = f->victim == WORKER ? getpid() : 0;

	if (f->victim == DAEMON) {
		kill(f->daemon, SIGKILL);
		/* who is not the daemon dies with it */
		for (;;)
			pause();
	}
	/* what the daemon itself writes has no worker behind it */
	if (worker != f->daemon)
		kill(worker, SIGKILL);
}

ssize_t __wrap_write(int fd, const void *text, size_t n)
{
	bool record = the_fate && n > 9 && !memcmp(text, "\ncxlmem1 ", 9);
	bool now = record && ++the_fate->seen == the_fate->nth;
	ssize_t r;

	if (record)
		note_told(text, n);
	if (now && !the_fate->after)
		kill_victim();
	r = __real_write(fd, text, n);
	if (now && the_fate->after)
		kill_victim();
	return r;
}

/* A process that is killed leaves the page cache as it is: nothing has to reach a disk here. */
int __wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_fdatasync(int fd)
{
	unsigned int seen = the_fate ? the_fate->seen : 0;

	(void)fd;
	if (the_fate && the_fate->slow_disk)
		usleep(5000);
	if (the_fate && the_fate->bad_disk) {
		errno = EIO;
		return -1;
	}
	if (the_fate && the_fate->on_disk < seen)
		the_fate->on_disk = seen;
	return 0;
}

/* The daemon */

struct daemon {
	struct crash *crash;
	struct engine *engine;
	struct steward *steward;
};

static void on_picture(struct picture *p, void *userdata)
{
	steward_complete(((struct daemon *)userdata)->steward, p);
}

static void on_planned(struct operation *o, const struct picture *p, void *userdata)
{
	steward_planned(((struct daemon *)userdata)->steward, o, p);
}

static struct json_object *on_intent(struct operation *o, void *userdata)
{
	return steward_intent(((struct daemon *)userdata)->steward, o);
}

static struct json_object *on_ended(struct operation *o, void *userdata)
{
	return steward_ended(((struct daemon *)userdata)->steward, o);
}

static void on_changed(struct operation *o, void *userdata)
{
	struct fate *f = ((struct daemon *)userdata)->crash->fate;

	if (o->progress_total)
		f->blocked = true;
}

static void on_finished(struct operation *o, void *userdata)
{
	struct daemon *d = userdata;
	struct fate *f = d->crash->fate;

	steward_finished(d->steward, o);
	f->state = o->state;
	snprintf(f->reason, sizeof(f->reason), "%s", o->reason ?: "");
	f->ended = true;
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	struct fate *f = ((struct daemon *)userdata)->crash->fate;

	(void)error;
	f->refused = !o;
	if (reason)
		snprintf(f->reason, sizeof(f->reason), "%s", reason);
}

static void run_daemon(struct crash *c, const char *line)
{
	static const struct engine_hooks hooks = {
		.picture = on_picture,
		.planned = on_planned,
		.intent = on_intent,
		.ended = on_ended,
		.changed = on_changed,
		.finished = on_finished,
	};
	struct daemon d = { .crash = c };
	struct succession *succession;
	sd_event *event;

	c->fate->daemon = getpid();
	if (sd_event_new(&event) < 0 || engine_new(event, mock_open, &hooks, &d, &d.engine) < 0 ||
	    steward_new(event, d.engine, c->root, c->state, &d.steward) < 0 ||
	    succession_new(event, d.engine, d.steward, c->state, &succession) < 0)
		abort();
	/* Nothing is begun by itself: only what is asked for and what was left is looked at. */
	if (line && engine_start(d.engine, parse_request(line), on_started, &d) < 0)
		abort();
	while (!c->fate->refused && !(line && c->fate->ended) &&
	       (engine_busy(d.engine) || engine_is_held(d.engine)))
		if (sd_event_run(event, UINT64_MAX) < 0)
			abort();
	c->fate->resumed = !line && c->fate->ended;
	engine_free(d.engine);
	steward_free(d.steward);
	succession_free(succession);
	sd_event_unref(event);
}

static pid_t start_daemon(struct crash *c, const char *line)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_daemon(c, line);
		_exit(0);
	}
	return pid;
}

/* Return: whether it ended by itself. */
static bool wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		fail_msg("the daemon died of signal %d", WTERMSIG(status));
	return WIFEXITED(status);
}

static size_t count_wishes(const struct crash *c)
{
	_cleanup_(wishes_freep) struct wishes *w = NULL;

	assert_int_equal(store_load(c->state, &w, NULL), 0);
	return w->n;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void setup(struct crash *c)
{
	*c = (struct crash){ .stage = mock_stage_new() };
	c->fate = mmap(NULL, sizeof(*c->fate), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(c->fate, MAP_FAILED);
	the_fate = c->fate;
	strcpy(c->root, "/tmp/cxlmem-crash-XXXXXX");
	assert_non_null(mkdtemp(c->root));
	snprintf(c->state, sizeof(c->state), "%s/state", c->root);
}

static void teardown(struct crash *c)
{
	assert_int_equal(nftw(c->root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	the_fate = NULL;
	munmap(c->fate, sizeof(*c->fate));
	mock_stage_free(c->stage);
}

static void new_case(struct crash *c, const struct mock *m)
{
	char path[128];

	mock_stage_set(c->stage, m);
	*c->fate = (struct fate){ 0 };
	snprintf(path, sizeof(path), "%s/" STORE_FILE, c->state);
	(void)unlink(path);
}

/* What a case must come to. */
struct expected {
	char *before, *done;
	size_t wishes; /* once it is done */
};

static void expected_clear(struct expected *e)
{
	free(e->before);
	free(e->done);
}

static void check(struct crash *c, const struct expected *e, const char *where)
{
	_cleanup_free_ char *now = mock_stage_signature(c->stage);
	bool done = !strcmp(now, e->done), before = !strcmp(now, e->before);
	size_t wishes = count_wishes(c);

	n_cases++;
	n_taken_over += c->fate->resumed;
	n_as_promised += done;
	n_as_before += before;
	if (!done && !before)
		fail_msg("%s: %s\nthe machine is\n%sneither\n%snor\n%s", where, c->fate->reason, now,
			 e->done, e->before);
	if (wishes != (done ? e->wishes : 0))
		fail_msg("%s: %zu wishes where the machine is as %s", where, wishes,
			 done ? "promised" : "before");
}

/* The one who is left takes over and comes to an end. */
static void take_over(struct crash *c, const char *where)
{
	c->fate->nth = 0;
	c->fate->ended = c->fate->refused = false;
	c->stage->n_script = 0;
	if (!wait_for(start_daemon(c, NULL)))
		fail_msg("%s: who took over died", where);
}

static unsigned int learn(struct crash *c, const struct situation *t, const struct mock *m,
			  struct expected *e)
{
	new_case(c, m);
	e->before = mock_stage_signature(c->stage);
	assert_true(wait_for(start_daemon(c, t->line)));
	if (c->fate->state != OPERATION_DONE || c->fate->refused)
		fail_msg("%s: %s", t->name, c->fate->reason);
	e->done = mock_stage_signature(c->stage);
	e->wishes = count_wishes(c);
	return c->fate->seen;
}

static void test_records(void **state)
{
	const struct situation *t = *state;
	_cleanup_(expected_clear) struct expected e = { 0 };
	unsigned int stride = under_valgrind() ? 9 : forks_are_slow() ? 4 : 1, records;
	_cleanup_mock_ struct mock *m = situation_machine(t, (t - situations) % 2);
	struct crash c;

	setup(&c);
	records = learn(&c, t, m, &e);
	assert_true(records >= 4);
	for (unsigned int i = 1; i <= records; i += stride)
		for (int victim = 0; victim < _VICTIMS; victim++)
			for (int after = 0; after < 2; after++) {
				char where[128];

				new_case(&c, m);
				c.fate->nth = i;
				c.fate->victim = (enum victim)victim;
				c.fate->after = after;
				snprintf(where, sizeof(where), "%s, %s killed %s record %u", t->name,
					 victim == DAEMON ? "daemon" : "worker",
					 after ? "after" : "before", i);
				if (wait_for(start_daemon(&c, t->line)))
					assert_int_equal(victim, WORKER);
				else
					take_over(&c, where);
				check(&c, &e, where);
			}
	teardown(&c);
}

/* In the middle of each step, with and without effect, and again in the middle of its being walked back. */
static void test_steps(void **state)
{
	const struct situation *t = *state;
	_cleanup_(expected_clear) struct expected e = { 0 };
	unsigned int stride = under_valgrind() ? 9 : forks_are_slow() ? 4 : 1, runs;
	_cleanup_mock_ struct mock *m = situation_machine(t, (t - situations) % 2);
	struct crash c;

	setup(&c);
	(void)learn(&c, t, m, &e);
	runs = (unsigned int)c.stage->n_trace;
	for (unsigned int i = 0; i < runs; i += stride)
		for (int after = 0; after < 2; after++) {
			char where[128];
			pid_t pid;

			new_case(&c, m);
			mock_stage_expect(c.stage, (struct mock_event){ MOCK_BLOCK, MOCK_ANY, i,
									.after = after });
			snprintf(where, sizeof(where), "%s, daemon killed in step %u, %s effect", t->name,
				 i, after ? "with" : "without");
			pid = start_daemon(&c, t->line);
			while (!*(volatile bool *)&c.fate->blocked)
				usleep(200);
			kill(pid, SIGKILL);
			assert_false(wait_for(pid));
			take_over(&c, where);
			check(&c, &e, where);
		}
	teardown(&c);
}

/* The one that takes over is killed, too, before and after each of its records. */
static void test_again(void **state)
{
	const struct situation *t = *state;
	_cleanup_(expected_clear) struct expected e = { 0 };
	unsigned int stride = under_valgrind() ? 17 : forks_are_slow() ? 9 : 2, records;
	_cleanup_mock_ struct mock *m = situation_machine(t, (t - situations) % 2);
	struct crash c;

	setup(&c);
	records = learn(&c, t, m, &e);
	for (unsigned int i = 2; i <= records; i += stride)
		for (unsigned int k = 1;; k += stride) {
			char where[128];

			new_case(&c, m);
			c.fate->nth = i;
			c.fate->after = i % 2;
			if (wait_for(start_daemon(&c, t->line)))
				break;
			c.fate->nth = k;
			c.fate->seen = 0;
			c.fate->after = k % 2;
			snprintf(where, sizeof(where), "%s, killed at record %u, then at record %u",
				 t->name, i, k);
			if (wait_for(start_daemon(&c, NULL))) {
				/* it wrote fewer than that */
				check(&c, &e, where);
				break;
			}
			take_over(&c, where);
			check(&c, &e, where);
		}
	teardown(&c);
}

/* Nothing is undone here, so the place of a step is the number of those asked for before it. */
static void check_disk(const struct mock_stage *s, const struct step *step)
{
	struct fate *f = the_fate;

	f->changed |= s->n_trace == 1;
	if (!f->on_disk || (step_may_block(step->kind) && f->told[f->on_disk] + 1 < s->n_trace))
		f->late++;
}

/* The plan before the first change, and each step that may take long before it begins; a slow disk is waited for. */
static void test_disk(void **state)
{
	const struct situation *t = *state;
	_cleanup_mock_ struct mock *m = situation_machine(t, (t - situations) % 2);
	struct crash c;

	setup(&c);
	new_case(&c, m);
	c.stage->changing = check_disk;
	c.fate->slow_disk = true;
	assert_true(wait_for(start_daemon(&c, t->line)));
	assert_int_equal(c.fate->state, OPERATION_DONE);
	assert_true(c.fate->changed);
	assert_int_equal(c.fate->late, 0);
	/* its end, before anybody heard of it */
	assert_true(c.fate->on_disk >= 4);
	teardown(&c);
}

/* A disk that fails is found out before anything is changed. */
static void test_bad_disk(void **state)
{
	const struct situation *t = *state;
	_cleanup_(expected_clear) struct expected e = { 0 };
	_cleanup_mock_ struct mock *m = situation_machine(t, (t - situations) % 2);
	_cleanup_free_ char *now = NULL;
	struct crash c;

	setup(&c);
	new_case(&c, m);
	e.before = mock_stage_signature(c.stage);
	c.stage->changing = check_disk;
	c.fate->bad_disk = true;
	assert_true(wait_for(start_daemon(&c, t->line)));
	now = mock_stage_signature(c.stage);
	assert_string_equal(now, e.before);
	assert_int_equal(c.fate->state, OPERATION_FAILED);
	assert_non_null(strstr(c.fate->reason, "the journal cannot be written (Input/output error)"));
	assert_false(c.fate->changed);
	teardown(&c);
}

static int print_counts(void **state)
{
	(void)state;
	print_message("%d situations: %u cases, %u as promised, %u as before, %u taken over by a new daemon\n",
		      N_SITUATIONS, n_cases, n_as_promised, n_as_before, n_taken_over);
	return n_cases && n_as_promised && n_as_before && n_taken_over ? 0 : -1;
}

int main(void)
{
	static const CMUnitTestFunction functions[] = { test_disk, test_bad_disk, test_records, test_steps,
							  test_again };

	return situations_run("crash", functions, ARRAY_SIZE(functions), print_counts);
}
