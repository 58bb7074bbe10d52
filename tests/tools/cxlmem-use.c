// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Use memory and say how fast: what the demo and the guest tests prove regions with.
 *
 *   cxlmem-use node N SIZE [hold]      anonymous memory bound to NUMA node N
 *   cxlmem-use dax /dev/daxX.Y SIZE [hold]   a mapping of a device-dax instance
 *   cxlmem-use pin N SIZE              one page of it pinned by a pipe, until killed
 *
 * Fills SIZE bytes with a pattern that depends on the address and checks it. With "hold" it then waits
 * for SIGUSR1 and checks once more: the data must have survived whatever
 * happened to the memory below it.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define DAX_ALIGN (UINT64_C(2) << 20)

static uint64_t size_argument(const char *s)
{
	char *end;
	uint64_t v = strtoull(s, &end, 0);

	if (*end == 'K')
		v <<= 10;
	else if (*end == 'M')
		v <<= 20;
	else if (*end == 'G')
		v <<= 30;
	else if (*end)
		errx(2, "%s is no size: write it like 256M", s);
	return v;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A word that no other place has: a page that lands in the wrong place shows. */
static uint64_t pattern(uint64_t index)
{
	return index * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void fill(uint64_t *p, uint64_t size)
{
	for (uint64_t i = 0; i < size / sizeof(*p); i++)
		p[i] = pattern(i);
}

static void check(const uint64_t *p, uint64_t size, const char *when)
{
	for (uint64_t i = 0; i < size / sizeof(*p); i++)
		if (p[i] != pattern(i))
			errx(1, "%s: wrong data at byte %" PRIu64, when, i * sizeof(*p));
}

/* Pages of the range that are on @node. get_mempolicy(2) asks for one at a time, but every kernel with NUMA has it. */
static uint64_t pages_on(void *p, uint64_t size, int node)
{
	uint64_t found = 0;

	for (uint64_t at = 0; at < size; at += PAGE) {
		int is = -1;

		if (syscall(SYS_get_mempolicy, &is, NULL, 0, (char *)p + at,
			    MPOL_F_NODE | MPOL_F_ADDR) < 0)
			err(1, "get_mempolicy");
		found += is == node;
	}
	return found;
}

static void *map_node(int node, uint64_t size)
{
	unsigned long mask[16] = {};
	void *p;

	mask[node / 64] = 1UL << (node % 64);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	/* Preferred, not bound, would fall back in silence; bound, the pages may still be migrated away. */
	if (syscall(SYS_mbind, p, size, MPOL_BIND, mask, sizeof(mask) * 8, 0) < 0)
		err(1, "mbind to node %d", node);
	return p;
}

static void *map_dax(const char *path, uint64_t size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		err(1, "open %s", path);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		err(1, "mmap %s", path);
	return p;
}

static void wait_for_word(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &sig);
}

/* A page in a pipe is neither mapped nor movable, and nothing in /proc tells of it. */
static void pin_page(void *p)
{
	struct iovec page = { p, PAGE };
	int ends[2];

	if (pipe(ends) < 0)
		err(1, "pipe");
	if (vmsplice(ends[1], &page, 1, SPLICE_F_GIFT) != PAGE)
		err(1, "vmsplice");
	printf("pinned a page\n");
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	bool pin = argc == 4 && !strcmp(argv[1], "pin");
	bool on_node = pin || (argc >= 4 && !strcmp(argv[1], "node"));
	bool on_dax = argc >= 4 && !strcmp(argv[1], "dax");
	bool hold = argc == 5 && !strcmp(argv[4], "hold");
	uint64_t size, there = 0;
	double start, filled;
	sigset_t set;
	int node = -1;
	void *p;

	if (!(on_node || on_dax) || argc > 5 || (argc == 5 && !hold))
		errx(2, "usage: cxlmem-use node N SIZE [hold] | cxlmem-use pin N SIZE | "
			"cxlmem-use dax /dev/daxX.Y SIZE [hold]");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	size = size_argument(argv[3]);
	if (size == 0 || size % PAGE || (on_dax && size % DAX_ALIGN))
		errx(2, "%s is no whole number of pages", argv[3]);
	if (on_node)
		node = atoi(argv[2]);
	p = on_node ? map_node(node, size) : map_dax(argv[2], size);

	start = now();
	fill(p, size);
	filled = now();
	check(p, size, "at once");
	printf("filled %" PRIu64 " MiB at %.0f MiB/s, checked at %.0f MiB/s", size >> 20,
	       (double)(size >> 20) / (filled - start), (double)(size >> 20) / (now() - filled));
	if (on_node) {
		there = pages_on(p, size, node);
		printf(", %" PRIu64 " of %" PRIu64 " pages on node %d", there, size / PAGE, node);
	}
	printf("\n");
	fflush(stdout);
	if (on_node && there != size / PAGE)
		return 1;
	if (pin)
		pin_page(p);
	if (hold) {
		wait_for_word();
		check(p, size, "after the wait");
		printf("all %" PRIu64 " MiB still as written", size >> 20);
		if (on_node)
			printf(", %" PRIu64 " of %" PRIu64 " pages on node %d", pages_on(p, size, node),
			       size / PAGE, node);
		printf("\n");
	}
	return 0;
}
