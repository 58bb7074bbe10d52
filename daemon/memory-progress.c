// SPDX-License-Identifier: LGPL-2.1-or-later
#include "memory-progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "memory-block.h"
#include "util.h"

/* Most calls are over before the first look. */
#define LOOK_NSEC 250000000

struct memory_progress {
	struct door own; /* the worker's counts what the worker spends */
	struct door *door;
	const struct block_span *spans;
	size_t n;
	bool online;
	uint64_t block, total; /* bytes */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool stop;
};

/* Bytes of the blocks that are as all are going to be; a block that is gone was taken offline. */
static uint64_t count(struct memory_progress *p)
{
	uint64_t done = 0;

	for (size_t i = 0; i < p->n; i++)
		for (uint64_t b = p->spans[i].first; b < p->spans[i].first + p->spans[i].count;
		     b++) {
			enum mem_state state;
			int r = memory_block_state(&p->own, b, &state);

			if (p->online ? r >= 0 && state == MEM_ONLINE :
					r == -ENOENT || (r >= 0 && state == MEM_OFFLINE))
				done += p->block;
		}
	return done;
}

/* Return: false when it is time to end. */
static bool pause_a_moment(struct memory_progress *p)
{
	struct timespec until;
	bool stop;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_NSEC;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&p->lock);
	while (!p->stop && r == 0)
		r = pthread_cond_timedwait(&p->over, &p->lock, &until);
	stop = p->stop;
	pthread_mutex_unlock(&p->lock);
	return !stop;
}

static void *look(void *userdata)
{
	struct memory_progress *p = userdata;
	uint64_t last = UNKNOWN;

	while (pause_a_moment(p)) {
		uint64_t done = count(p);

		if (done != last)
			p->door->progress(p->door->progress_userdata, done, p->total);
		last = done;
	}
	return NULL;
}

static int prepare(struct memory_progress *p)
{
	pthread_condattr_t clock;
	int r;

	r = memory_block_size(&p->own, &p->block);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n; i++)
		p->total += p->spans[i].count * p->block;
	r = pthread_condattr_init(&clock);
	if (r == 0) {
		r = pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
		if (r == 0)
			r = pthread_cond_init(&p->over, &clock);
		pthread_condattr_destroy(&clock);
	}
	return -r;
}

struct memory_progress *memory_progress_start(struct door *door, const struct block_span *spans,
					      size_t n, bool online)
{
	struct memory_progress *p;

	if (!door->progress || n == 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->door = door;
	p->spans = spans;
	p->n = n;
	p->online = online;
	if (prepare(p) < 0) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	if (pthread_create(&p->thread, NULL, look, p) == 0)
		return p;
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->over);
	free(p);
	return NULL;
}

void memory_progress_stop(struct memory_progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->over);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->over);
	free(p);
}
