// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory on a NUMA node that is hard to move, each kind as programs make it; kept until killed.
 *
 *   cxlmem-pin mlock NODE SIZE      locked
 *   cxlmem-pin vmsplice NODE SIZE   its first pages in a pipe (at most what a pipe holds)
 *   cxlmem-pin unmapped NODE SIZE   the same, and unmapped: only the pipe has them
 *   cxlmem-pin io_uring NODE SIZE   registered as a fixed buffer
 *   cxlmem-pin hugetlb NODE SIZE    huge pages, which must have been set aside on the node
 */
#include <err.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIPE_BYTES 65536

static void *map_node(int node, size_t size, int flags)
{
	unsigned long mask[16] = {};
	void *p;

	mask[node / 64] = 1UL << (node % 64);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	if (syscall(SYS_mbind, p, size, MPOL_BIND, mask, sizeof(mask) * 8, 0) < 0)
		err(1, "mbind to node %d", node);
	/* Small pages, so that what is counted is what was asked for. */
	if (!(flags & MAP_HUGETLB))
		(void)madvise(p, size, MADV_NOHUGEPAGE);
	memset(p, 1, size);
	return p;
}

static void into_pipe(void *p, size_t size)
{
	struct iovec part = { p, size < PIPE_BYTES ? size : PIPE_BYTES };
	int ends[2];

	if (pipe(ends) < 0)
		err(1, "pipe");
	if (vmsplice(ends[1], &part, 1, 0) != (ssize_t)part.iov_len)
		err(1, "vmsplice");
}

static void into_ring(void *p, size_t size)
{
	struct io_uring_params params = {};
	struct iovec buffer = { p, size };
	int fd = (int)syscall(__NR_io_uring_setup, 1, &params);

	if (fd < 0)
		err(1, "io_uring_setup");
	if (syscall(__NR_io_uring_register, fd, IORING_REGISTER_BUFFERS, &buffer, 1) < 0)
		err(1, "io_uring_register");
}

int main(int argc, char **argv)
{
	size_t size;
	char *end;
	int node;
	void *p;

	if (argc != 4)
		errx(2, "usage: cxlmem-pin mlock|vmsplice|unmapped|io_uring|hugetlb NODE SIZE");
	node = atoi(argv[2]);
	size = strtoul(argv[3], &end, 0);
	size <<= *end == 'M' ? 20 : *end == 'K' ? 10 : 0;
	p = map_node(node, size, !strcmp(argv[1], "hugetlb") ? MAP_HUGETLB : 0);
	if (!strcmp(argv[1], "mlock")) {
		if (mlock(p, size) < 0)
			err(1, "mlock");
	} else if (!strcmp(argv[1], "vmsplice") || !strcmp(argv[1], "unmapped")) {
		into_pipe(p, size);
		if (argv[1][0] == 'u' && munmap(p, size) < 0)
			err(1, "munmap");
	} else if (!strcmp(argv[1], "io_uring")) {
		into_ring(p, size);
	} else if (strcmp(argv[1], "hugetlb")) {
		errx(2, "there is no kind of memory called %s", argv[1]);
	}
	printf("ready\n");
	fflush(stdout);
	pause();
	return 0;
}
