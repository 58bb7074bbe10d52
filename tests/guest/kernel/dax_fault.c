// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Threads that fault pages of a device-dax in and drop them again, until told to
 * stop: standard input has an end, or a line. SIGBUS is survived and counted.
 *
 * usage: dax_fault DEVICE LENGTH STEP THREADS
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static __thread sigjmp_buf after_fault;
static atomic_bool stop;
static atomic_ulong touched, refused;
static size_t length, step;
static int fd;

static void on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(after_fault, 1);
}

static void *fault(void *arg)
{
	unsigned int seed = (unsigned int)(size_t)arg;
	volatile char *map;

	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "mmap");
	while (!atomic_load(&stop)) {
		size_t at = (rand_r(&seed) % (length / step)) * step;

		if (sigsetjmp(after_fault, 1)) {
			atomic_fetch_add(&refused, 1);
		} else {
			map[at] = 1;
			atomic_fetch_add(&touched, 1);
		}
		if (seed & 1 && madvise((void *)(map + at), step, MADV_DONTNEED))
			err(1, "madvise");
	}
	munmap((void *)map, length);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_sigbus, .sa_flags = SA_NODEFER };
	pthread_t threads[64];
	int nr;
	char c;

	if (argc != 5 || (nr = atoi(argv[4])) < 1 || nr > 64)
		errx(2, "usage: dax_fault DEVICE LENGTH STEP THREADS");
	length = strtoul(argv[2], NULL, 0);
	step = strtoul(argv[3], NULL, 0);
	sigaction(SIGBUS, &action, NULL);
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);
	for (int i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, fault, (void *)(size_t)(i + 1)))
			errx(1, "cannot start a thread");
	printf("running\n");
	fflush(stdout);
	if (read(STDIN_FILENO, &c, 1) < 0)
		err(1, "read standard input");
	atomic_store(&stop, true);
	for (int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	printf("touched %lu refused %lu\n", atomic_load(&touched), atomic_load(&refused));
	return 0;
}
