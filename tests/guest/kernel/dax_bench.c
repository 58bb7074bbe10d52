// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Faults per second on a device-dax: maps LENGTH bytes, touches one byte in each
 * STEP, unmaps; ROUNDS times. Prints the median of the rounds.
 *
 * usage: dax_bench DEVICE LENGTH STEP ROUNDS
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	uint64_t *fault_ns, *unmap_ns;
	size_t length, step, faults;
	int fd, rounds;

	if (argc != 5)
		errx(2, "usage: dax_bench DEVICE LENGTH STEP ROUNDS");
	length = strtoul(argv[2], NULL, 0);
	step = strtoul(argv[3], NULL, 0);
	rounds = atoi(argv[4]);
	if (!step || length < step || rounds < 1)
		errx(2, "LENGTH, STEP and ROUNDS make no sense");
	faults = length / step;
	fault_ns = calloc(rounds, sizeof(*fault_ns));
	unmap_ns = calloc(rounds, sizeof(*unmap_ns));
	if (!fault_ns || !unmap_ns)
		err(1, "calloc");
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);
	for (int i = 0; i < rounds; i++) {
		uint64_t start, middle;
		volatile char *map;

		map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			err(1, "mmap");
		start = now();
		for (size_t at = 0; at < length; at += step)
			map[at] = 1;
		middle = now();
		munmap((void *)map, length);
		fault_ns[i] = middle - start;
		unmap_ns[i] = now() - middle;
	}
	qsort(fault_ns, rounds, sizeof(*fault_ns), by_value);
	qsort(unmap_ns, rounds, sizeof(*unmap_ns), by_value);
	printf("%zu faults of %zu bytes: %.1f ns each, unmap %.1f ns each\n", faults, step,
	       (double)fault_ns[rounds / 2] / faults, (double)unmap_ns[rounds / 2] / faults);
	return 0;
}
