// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>

#include "machines.h"
#include "mock-door.h"
#include "worker.h"

#define REPLIES_MAX 16

struct fixture {
	sd_event *event;
	struct mock_stage *stage;
	struct worker *worker;
	unsigned int fds;
	/* what came back */
	unsigned int n, progress;
	bool last, stop_on_progress, kill_on_progress, free_on_last;
	int errors[REPLIES_MAX];
	char reason[128], to[32], previous[32], text[128];
	struct picture *picture;
	uint64_t changes, kernel_usec;
};

static void setup(struct fixture *f, worker_open_t open_door)
{
	_cleanup_mock_ struct mock *m = mock_new();

	*f = (struct fixture){ .fds = count_fds() };
	assert_int_equal(sd_event_new(&f->event), 0);
	machine_one(m);
	f->stage = mock_stage_new();
	mock_stage_set(f->stage, m);
	assert_int_equal(worker_new(f->event, open_door, &f->worker), 0);
}

static void teardown(struct fixture *f)
{
	f->worker = worker_free(f->worker);
	sd_event_unref(f->event);
	picture_free(f->picture);
	/* Each worker ends: one that stayed would be waited for here until meson gives up. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	mock_stage_free(f->stage);
	assert_int_equal(count_fds(), f->fds);
}

static void on_reply(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct fixture *f = userdata;

	assert_ptr_equal(w, f->worker);
	assert_false(f->last);
	if (reply->named) {
		assert_false(reply->last);
		assert_string_equal(reply->result.from, "region0");
		snprintf(f->to, sizeof(f->to), "%s", reply->result.to);
		return;
	}
	assert_true(f->n < REPLIES_MAX);
	f->errors[f->n++] = reply->error;
	f->last = reply->last;
	/* the last one is answered when the worker is free again */
	assert_int_equal(worker_is_busy(w), !reply->last);
	f->kernel_usec += reply->kernel_usec;
	f->changes = reply->changes;
	snprintf(f->reason, sizeof(f->reason), "%s", reply->reason ?: "");
	snprintf(f->text, sizeof(f->text), "%s", reply->text ?: "");
	if (reply->result.to)
		snprintf(f->to, sizeof(f->to), "%s", reply->result.to);
	if (reply->result.previous)
		snprintf(f->previous, sizeof(f->previous), "%s", reply->result.previous);
	if (reply->picture)
		f->picture = TAKE_PTR(reply->picture);
	if (reply->last && f->free_on_last)
		f->worker = worker_free(w);
}

static void on_progress(struct worker *w, uint64_t done, uint64_t total, void *userdata)
{
	struct fixture *f = userdata;

	assert_true(done <= total);
	f->progress++;
	if (f->stop_on_progress) {
		worker_stop(w);
		mock_stage_open_gate(f->stage);
	}
	if (f->kill_on_progress)
		worker_kill(w);
}

#define STEPS(...) (struct step[]){ __VA_ARGS__ }

#define DO(k, ...) \
	{ .kind = STEP_##k, .resource = UNKNOWN, .size = UNKNOWN, .position = -1, __VA_ARGS__ }

/* A beginning of creating region0 on machine_one(). */
#define CREATE                                                                   \
	DO(CREATE_REGION, .window = (char *)"decoder0.0", .region = (char *)"region0"), \
		DO(SET_INTERLEAVE, .region = (char *)"region0", .ways = 1, .granularity = 256), \
		DO(ALLOC_HPA, .region = (char *)"region0", .size = GIB)

static void run_create(struct fixture *f)
{
	struct step steps[] = { CREATE };

	f->n = 0;
	f->last = false;
	assert_int_equal(worker_run(f->worker, steps, 3, on_reply, on_progress, f), 0);
}

static void finish(struct fixture *f)
{
	run_until(f->event, f->last);
}

static void scan(struct fixture *f)
{
	f->n = 0;
	f->last = false;
	f->picture = picture_free(f->picture);
	assert_int_equal(worker_scan(f->worker, 0, on_reply, f), 0);
	finish(f);
	assert_int_equal(f->n, 1);
}

static void test_scan(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	assert_false(worker_is_busy(f.worker));
	for (int i = 0; i < 3; i++) {
		f.stage->changes += 5;
		scan(&f);
		assert_int_equal(f.errors[0], 0);
		assert_non_null(f.picture);
		assert_int_equal(f.picture->n_memdevs, 1);
		assert_int_equal(f.changes, f.stage->changes);
		assert_true(f.kernel_usec > 0);
	}
	assert_int_equal(f.stage->doors, 1);
	f.stage->scan_acts = true;
	f.stage->scan_action = MOCK_FAIL;
	scan(&f);
	assert_int_equal(f.errors[0], -EIO);
	assert_string_equal(f.reason, "nothing can be seen");
	assert_null(f.picture);
	teardown(&f);
}

static void test_steps(void **state)
{
	_cleanup_mock_ struct mock *m = NULL;
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	run_create(&f);
	assert_true(worker_is_busy(f.worker));
	assert_int_equal(worker_scan(f.worker, 0, on_reply, &f), -EBUSY);
	assert_int_equal(worker_run(f.worker, STEPS(CREATE), 1, on_reply, NULL, &f), -EBUSY);
	finish(&f);
	assert_int_equal(f.n, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(f.errors[i], 0);
	assert_int_equal(f.stage->n_trace, 3);
	assert_int_equal(f.stage->trace[0], STEP_CREATE_REGION);
	assert_int_equal(f.stage->trace[2], STEP_ALLOC_HPA);
	assert_int_equal(f.kernel_usec, 3);
	m = mock_stage_get(f.stage);
	assert_int_equal(m->picture->n_regions, 1);
	assert_true(m->picture->regions[0].size == GIB);
	teardown(&f);
}

static void test_failure(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_FAIL, STEP_SET_INTERLEAVE,
							.error = -ENXIO });
	run_create(&f);
	finish(&f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.errors[0], 0);
	assert_int_equal(f.errors[1], -ENXIO);
	assert_string_equal(f.reason, "set-interleave is refused with ENXIO");
	/* what came behind it was not tried */
	assert_int_equal(f.stage->n_trace, 2);
	scan(&f);
	assert_int_equal(f.errors[0], 0);
	teardown(&f);
}

static void take_region0(struct mock *m)
{
	char **next = &m->picture->windows[0].next_region;

	free(*next);
	*next = strdup("region4");
}

/* The kernel calls it region4, and so do the steps after it. */
static void test_learns(void **state)
{
	_cleanup_mock_ struct mock *m = NULL;
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_OTHER, STEP_CREATE_REGION,
							.other = take_region0 });
	run_create(&f);
	finish(&f);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.errors[2], 0);
	assert_string_equal(f.to, "region4");
	m = mock_stage_get(f.stage);
	assert_int_equal(m->picture->n_regions, 1);
	assert_string_equal(m->picture->regions[0].name, "region4");
	assert_true(m->picture->regions[0].size == GIB);
	teardown(&f);
}

static void test_previous(void **state)
{
	_cleanup_mock_ struct mock *m = NULL;
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	/* the picture's setting in the release gives way to the one the hold found */
	assert_int_equal(worker_run(f.worker,
				    STEPS(DO(HOLD_AUTO_ONLINE, .policy = (char *)"offline"),
					  DO(RELEASE_AUTO_ONLINE, .policy = (char *)"online_kernel")),
				    2, on_reply, NULL, &f), 0);
	finish(&f);
	assert_string_equal(f.previous, "online");
	m = mock_stage_get(f.stage);
	assert_string_equal(m->picture->auto_online, "online");
	teardown(&f);
}

static void test_progress(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_TELL, STEP_ALLOC_HPA, .error = 5 });
	run_create(&f);
	finish(&f);
	assert_int_equal(f.progress, 5);
	assert_int_equal(f.n, 3);
	/* nobody has to listen to it */
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_TELL, MOCK_ANY, .error = 5 });
	f.n = 0;
	f.last = false;
	assert_int_equal(worker_run(f.worker, STEPS(CREATE), 1, on_reply, NULL, &f), 0);
	finish(&f);
	assert_int_equal(f.progress, 5);
	assert_int_equal(f.errors[0], 0);
	teardown(&f);
}

static void test_stop(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	f.stop_on_progress = true;
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_GATE, STEP_SET_INTERLEAVE });
	run_create(&f);
	finish(&f);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.errors[1], 0);
	assert_int_equal(f.errors[2], -ECANCELED);
	assert_int_equal(f.stage->n_trace, 2);
	/* it is good for more, and the wish is forgotten */
	f.stop_on_progress = false;
	run_create(&f);
	finish(&f);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.errors[2], 0);
	teardown(&f);
}

/* Too late: the last step has begun. The request after it is not hit by it. */
static void test_stop_late(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	f.stop_on_progress = true;
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_GATE, STEP_ALLOC_HPA });
	run_create(&f);
	finish(&f);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.errors[2], 0);
	run_create(&f);
	finish(&f);
	assert_int_equal(f.n, 3);
	assert_int_equal(f.errors[2], 0);
	/* with nothing running it does nothing at all */
	worker_stop(f.worker);
	run_create(&f);
	finish(&f);
	assert_int_equal(f.errors[2], 0);
	teardown(&f);
}

/* It finds steps and the wish together when it wakes up; and many wishes never make us wait. */
static void test_stop_early(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	scan(&f);
	assert_int_equal(kill(worker_pid(f.worker), SIGSTOP), 0);
	run_create(&f);
	for (int i = 0; i < 50000; i++)
		worker_stop(f.worker);
	assert_int_equal(kill(worker_pid(f.worker), SIGCONT), 0);
	finish(&f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.errors[0], 0);
	assert_int_equal(f.errors[1], -ECANCELED);
	assert_int_equal(f.stage->n_trace, 1);
	teardown(&f);
}

static void expect_dead(struct fixture *f)
{
	assert_true(worker_is_dead(f->worker));
	assert_false(worker_is_busy(f->worker));
	assert_int_equal(worker_scan(f->worker, 0, on_reply, f), -EPIPE);
	assert_int_equal(worker_run(f->worker, STEPS(CREATE), 1, on_reply, NULL, f), -EPIPE);
	worker_stop(f->worker);
	worker_kill(f->worker);
}

static void test_kill(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	f.kill_on_progress = true;
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_BLOCK, STEP_SET_INTERLEAVE });
	run_create(&f);
	finish(&f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.errors[0], 0);
	assert_int_equal(f.errors[1], -EPIPE);
	expect_dead(&f);
	teardown(&f);
}

static void test_death(void **state)
{
	(void)state;
	for (int after = 0; after < 2; after++)
		for (int kind = STEP_CREATE_REGION; kind <= STEP_ALLOC_HPA; kind++) {
			struct fixture f;

			setup(&f, mock_open);
			mock_stage_expect(f.stage, (struct mock_event){ MOCK_DIE, kind,
									.after = after });
			run_create(&f);
			finish(&f);
			assert_int_equal(f.n, kind + 1);
			assert_int_equal(f.errors[kind], -EPIPE);
			expect_dead(&f);
			teardown(&f);
		}
}

static void test_idle_death(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	assert_int_equal(kill(worker_pid(f.worker), SIGKILL), 0);
	run_until(f.event, worker_is_dead(f.worker));
	assert_int_equal(f.n, 0);
	expect_dead(&f);
	teardown(&f);
}

static int open_nothing(struct door **ret)
{
	(void)ret;
	return -EIO;
}

static void test_no_door(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, open_nothing);
	run_until(f.event, worker_is_dead(f.worker));
	expect_dead(&f);
	teardown(&f);
}

/* A request is under way, and nobody is left to hear of its end. */
static void test_freed(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_BLOCK, STEP_CREATE_REGION });
	run_create(&f);
	run_until(f.event, f.progress == 1);
	f.worker = worker_free(f.worker);
	assert_int_equal(sd_event_run(f.event, 0), 0);
	assert_int_equal(f.n, 0);
	teardown(&f);
}

static void test_free_in_reply(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	f.free_on_last = true;
	run_create(&f);
	finish(&f);
	assert_null(f.worker);
	teardown(&f);

	setup(&f, mock_open);
	f.free_on_last = true;
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_DIE, STEP_CREATE_REGION });
	run_create(&f);
	finish(&f);
	assert_null(f.worker);
	assert_int_equal(f.errors[0], -EPIPE);
	teardown(&f);
}

static int (*real_scan)(struct door *door, unsigned int flags, struct picture **ret, char **reason);

/* What a worker has from its parent is its socket only; no signal is held back, and it goes with it. */
static int scan_self(struct door *door, unsigned int flags, struct picture **ret, char **reason)
{
	int death = 0;
	sigset_t set;

	for (int fd = 4; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return say(reason, -EBADF, "descriptor %d was inherited", fd);
	if (sigprocmask(SIG_SETMASK, NULL, &set) < 0 || sigismember(&set, SIGTERM))
		return say(reason, -EPERM, "SIGTERM is held back");
	if (prctl(PR_GET_PDEATHSIG, &death) < 0 || death != SIGKILL)
		return say(reason, -EPERM, "it does not die with its parent");
	return real_scan(door, flags, ret, reason);
}

static int open_self(struct door **ret)
{
	static struct door_ops ops;
	int r = mock_open(ret);

	if (r < 0)
		return r;
	ops = *(*ret)->ops;
	real_scan = ops.scan;
	ops.scan = scan_self;
	(*ret)->ops = &ops;
	return 0;
}

static void test_inherits_nothing(void **state)
{
	_cleanup_close_ int other = dup(0);
	sigset_t term, old;
	struct fixture f;

	(void)state;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &term, &old), 0);
	setup(&f, open_self);
	scan(&f);
	assert_string_equal(f.reason, "");
	assert_int_equal(f.errors[0], 0);
	teardown(&f);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

/* What no worker of ours says, over the socket it is known to have. */
static int scan_garbage(struct door *door, unsigned int flags, struct picture **ret, char **reason)
{
	static const char garbage[] = "\x03\0\0\0{,}";

	(void)door;
	(void)flags;
	(void)ret;
	(void)reason;
	if (write(3, garbage, 7) != 7)
		_exit(2);
	for (;;)
		pause();
}

static int open_garbage(struct door **ret)
{
	static struct door_ops ops;
	int r = mock_open(ret);

	if (r < 0)
		return r;
	ops = *(*ret)->ops;
	ops.scan = scan_garbage;
	(*ret)->ops = &ops;
	return 0;
}

static void test_garbage(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, open_garbage);
	scan(&f);
	assert_int_equal(f.errors[0], -EPIPE);
	expect_dead(&f);
	teardown(&f);
}

static void test_dies_with_parent(void **state)
{
	struct mock_stage *stage = mock_stage_new();
	int fds[2], pidfd;
	struct pollfd p;
	pid_t parent, pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		struct worker *w = NULL;
		sd_event *event = NULL;

		if (sd_event_new(&event) < 0 || worker_new(event, mock_open, &w) < 0)
			_exit(1);
		pid = worker_pid(w);
		if (write(fds[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	pidfd = pidfd_open(pid, 0);
	assert_true(pidfd >= 0);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	p = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, -1), 1);
	close(pidfd);
	close(fds[0]);
	close(fds[1]);
	mock_stage_free(stage);
}

static void explain(struct fixture *f, int error, const char *text)
{
	struct step step = DO(OFFLINE, .dax = (char *)"dax7.0");

	f->n = 0;
	f->last = false;
	assert_int_equal(worker_explain(f->worker, &step, on_reply, f), 0);
	assert_int_equal(worker_explain(f->worker, &step, on_reply, f), -EBUSY);
	run_until(f->event, f->last);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->errors[0], error);
	assert_string_equal(f->text, text);
	assert_int_equal(f->stage->n_trace, 0);
}

/* What stands in the way of a step is told, or not known; the step is not done for it. */
static void test_explain(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, mock_open);
	explain(&f, -ENODATA, "");
	f.stage->explains = true;
	explain(&f, 0, "memory block 34 of dax7.0 is still in use");
	worker_kill(f.worker);
	run_until(f.event, worker_is_dead(f.worker));
	assert_int_equal(worker_explain(f.worker, &(struct step)DO(OFFLINE), on_reply, &f), -EPIPE);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),	       cmocka_unit_test(test_steps),
		cmocka_unit_test(test_failure),	       cmocka_unit_test(test_learns),
		cmocka_unit_test(test_previous),       cmocka_unit_test(test_progress),
		cmocka_unit_test(test_stop),	       cmocka_unit_test(test_stop_late),
		cmocka_unit_test(test_stop_early),     cmocka_unit_test(test_kill),
		cmocka_unit_test(test_death),	       cmocka_unit_test(test_idle_death),
		cmocka_unit_test(test_no_door),	       cmocka_unit_test(test_freed),
		cmocka_unit_test(test_free_in_reply),  cmocka_unit_test(test_inherits_nothing),
		cmocka_unit_test(test_garbage),	       cmocka_unit_test(test_dies_with_parent),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
