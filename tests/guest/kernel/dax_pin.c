// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keeps pages of a device-dax in use after the mapping and the device are gone.
 *
 * usage: dax_pin pipe|fork|uring DEVICE
 *        dax_pin direct DEVICE BLOCK-DEVICE
 *
 * Prints "held" when nothing but the pipe (the pipe of a child, io_uring's fixed
 * buffers, the I/O in flight) has the pages, and lets them go when it can read
 * from standard input, or its end.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP_SIZE	(2UL << 20)
#define PINNED		(16 * 4096UL)
#define PATTERN		0x5a

static char copy[PINNED];

static void wait_for_word(void)
{
	char c;

	printf("held\n");
	fflush(stdout);
	if (read(STDIN_FILENO, &c, 1) < 0)
		err(1, "read standard input");
}

static void drop_device(int fd, void *map)
{
	if (munmap(map, MAP_SIZE))
		err(1, "munmap");
	close(fd);
}

static void check_copy(void)
{
	for (size_t i = 0; i < PINNED; i++)
		if (copy[i] != PATTERN)
			errx(1, "byte %zu is 0x%02x", i, (unsigned char)copy[i]);
}

static void read_all(int fd)
{
	for (size_t n = 0; n < PINNED;) {
		ssize_t more = read(fd, copy + n, PINNED - n);

		if (more <= 0)
			err(1, "read");
		n += more;
	}
	check_copy();
}

static void pin_pipe(int fd, char *map, bool in_child)
{
	struct iovec part = { map, PINNED };
	int ends[2];

	if (pipe(ends))
		err(1, "pipe");
	if (vmsplice(ends[1], &part, 1, 0) != (ssize_t)PINNED)
		err(1, "vmsplice");
	if (in_child) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child > 0) {
			int status;

			/* The parent has neither pipe, mapping nor device. */
			close(ends[0]);
			close(ends[1]);
			drop_device(fd, map);
			if (waitpid(child, &status, 0) < 0)
				err(1, "waitpid");
			exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		}
	}
	drop_device(fd, map);
	wait_for_word();
	read_all(ends[0]);
}

static void pin_uring(int fd, char *map)
{
	struct io_uring_params params = {};
	struct iovec part = { map, PINNED };
	struct io_uring_sqe *sqes;
	unsigned int *tail, *array;
	char *ring;
	int uring, out;

	uring = syscall(SYS_io_uring_setup, 4, &params);
	if (uring < 0)
		err(1, "io_uring_setup");
	if (syscall(SYS_io_uring_register, uring, IORING_REGISTER_BUFFERS, &part, 1))
		err(1, "register fixed buffers");
	drop_device(fd, map);
	wait_for_word();

	/* The pages must still be there for a write from them. */
	out = memfd_create("out", 0);
	if (out < 0)
		err(1, "memfd_create");
	ring = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(*array),
		    PROT_READ | PROT_WRITE, MAP_SHARED, uring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, params.sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE,
		    MAP_SHARED, uring, IORING_OFF_SQES);
	if (ring == MAP_FAILED || sqes == MAP_FAILED)
		err(1, "map the ring");
	sqes[0] = (struct io_uring_sqe) {
		.opcode = IORING_OP_WRITE_FIXED,
		.fd = out,
		.addr = (uintptr_t)map,
		.len = PINNED,
	};
	array = (unsigned int *)(ring + params.sq_off.array);
	array[0] = 0;
	tail = (unsigned int *)(ring + params.sq_off.tail);
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, uring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		err(1, "io_uring_enter");
	if (pread(out, copy, PINNED, 0) != (ssize_t)PINNED)
		err(1, "pread");
	check_copy();
	if (syscall(SYS_io_uring_register, uring, IORING_UNREGISTER_BUFFERS, NULL, 0))
		err(1, "unregister fixed buffers");
}

static void pin_direct(int fd, char *map, const char *device)
{
	struct iocb io = {}, *list[] = { &io };
	struct io_event event;
	aio_context_t context = 0;
	int disk;

	disk = open(device, O_RDONLY | O_DIRECT);
	if (disk < 0)
		err(1, "%s", device);
	if (syscall(SYS_io_setup, 1, &context))
		err(1, "io_setup");
	io.aio_fildes = disk;
	io.aio_lio_opcode = IOCB_CMD_PREAD;
	io.aio_buf = (uintptr_t)map;
	io.aio_nbytes = PINNED;
	if (syscall(SYS_io_submit, context, 1, list) != 1)
		err(1, "io_submit");
	drop_device(fd, map);
	wait_for_word();
	if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		err(1, "io_getevents");
	if (event.res != (long long)PINNED)
		errx(1, "the read ended with %lld", (long long)event.res);
}

int main(int argc, char **argv)
{
	char *map;
	int fd;

	if (argc < 3)
		errx(2, "usage: dax_pin pipe|fork|uring|direct DEVICE [BLOCK-DEVICE]");
	fd = open(argv[2], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[2]);
	map = mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "mmap");
	memset(map, PATTERN, MAP_SIZE);

	if (!strcmp(argv[1], "pipe"))
		pin_pipe(fd, map, false);
	else if (!strcmp(argv[1], "fork"))
		pin_pipe(fd, map, true);
	else if (!strcmp(argv[1], "uring"))
		pin_uring(fd, map);
	else if (!strcmp(argv[1], "direct") && argc == 4)
		pin_direct(fd, map, argv[3]);
	else
		errx(2, "%s: not a way to pin pages", argv[1]);
	printf("released\n");
	return 0;
}
