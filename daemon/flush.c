// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flush.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct shared {
	_Atomic uint32_t wanted, done; /* tickets; waited for as futexes */
	_Atomic uint32_t running;      /* the thread is in its loop; a futex, too */
	_Atomic int error;
	_Atomic bool served, stop;
};

struct flush {
	struct shared *shared;
	int fd;
	pthread_t thread; /* while @shared->served, in the process that made it */
};

/* Woken for nothing now and then; whoever waits looks again. */
static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void flush_now(struct flush *f, uint32_t ticket)
{
	if (fdatasync(f->fd) < 0)
		atomic_store(&f->shared->error, -errno);
	atomic_store(&f->shared->done, ticket);
	wake(&f->shared->done);
}

static void *run(void *userdata)
{
	struct flush *f = userdata;
	struct shared *s = f->shared;

	atomic_store(&s->running, 1);
	wake(&s->running);
	for (;;) {
		uint32_t ticket = atomic_load(&s->wanted);

		if (atomic_load(&s->done) != ticket)
			flush_now(f, ticket);
		else if (atomic_load(&s->stop))
			return NULL;
		else
			sleep_while(&s->wanted, ticket);
	}
}

int flush_new(int fd, struct flush **ret)
{
	struct flush *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->fd = fd;
	f->shared = mmap(NULL, sizeof(*f->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->shared == MAP_FAILED) {
		free(f);
		return -ENOMEM;
	}
	*ret = f;
	return 0;
}

void flush_start(struct flush *f)
{
	sigset_t all, before;

	if (atomic_load(&f->shared->served))
		return;
	/* Signals are for who made it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	atomic_store(&f->shared->served, pthread_create(&f->thread, NULL, run, f) == 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	/*
	 * A thread that is being born may hold a lock (AddressSanitizer's allocator has one); a worker forked in
	 * that moment would have it locked for ever. In its loop it takes none.
	 */
	while (atomic_load(&f->shared->served) && !atomic_load(&f->shared->running))
		sleep_while(&f->shared->running, 0);
}

struct flush *flush_free(struct flush *f)
{
	if (!f)
		return NULL;
	if (atomic_load(&f->shared->served)) {
		atomic_store(&f->shared->stop, true);
		(void)flush_begin(f);
		pthread_join(f->thread, NULL);
	}
	(void)munmap(f->shared, sizeof(*f->shared));
	free(f);
	return NULL;
}

void flush_child(struct flush *f, int fd)
{
	f->fd = fd;
}

uint32_t flush_begin(struct flush *f)
{
	uint32_t ticket = atomic_fetch_add(&f->shared->wanted, 1) + 1;

	if (atomic_load(&f->shared->served))
		wake(&f->shared->wanted);
	else
		flush_now(f, ticket);
	return ticket;
}

uint32_t flush_last(struct flush *f)
{
	return atomic_load(&f->shared->wanted);
}

int flush_wait(struct flush *f, uint32_t ticket)
{
	uint32_t done;

	while ((int32_t)((done = atomic_load(&f->shared->done)) - ticket) < 0)
		sleep_while(&f->shared->done, done);
	return atomic_exchange(&f->shared->error, 0);
}
