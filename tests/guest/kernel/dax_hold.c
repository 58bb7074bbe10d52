// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Asks a device-dax, and holds folios of it: the ioctls of <linux/dax.h>.
 *
 * usage: dax_hold DEVICE COMMAND...
 *   hold OFFSET ORDER      release OFFSET ORDER
 *   map OFFSET LENGTH      touch OFFSET        unmap     (the last mapping)
 *   query                  one line per active folio
 *   poll TIMEOUT-MS        the events, or "timeout"
 *   watch ATTRIBUTE VALUE  what the attribute says, and whenever it has been notified, until it
 *                          says VALUE
 *   wait                   prints "waiting" and reads a line from standard input
 *
 * Each command prints one line: its result, or the name of the error. A touch
 * that ends in SIGBUS says so and goes on.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dax.h>

static sigjmp_buf after_fault;
static char *map;
static uint64_t map_offset, map_length;

static void on_sigbus(int signal)
{
	(void)signal;
	siglongjmp(after_fault, 1);
}

static void say(const char *what, int rc)
{
	printf("%s %s\n", what, rc ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	if (!text)
		errx(2, "a number is missing");
	value = strtoull(text, &end, 0);
	if (*end || end == text)
		errx(2, "%s: not a number", text);
	return value;
}

static void query(int fd)
{
	struct dax_folio_info infos[7];
	struct dax_query query = {};

	do {
		query.folios = (uintptr_t)infos;
		query.nr = sizeof(infos) / sizeof(infos[0]);
		if (ioctl(fd, DAX_IOC_QUERY, &query)) {
			say("query", -1);
			return;
		}
		for (unsigned int i = 0; i < query.nr; i++)
			printf("folio offset=%#llx order=%u mapped=%u pinned=%u refs=%u%s\n",
			       (unsigned long long)infos[i].offset, infos[i].order,
			       infos[i].mapped, infos[i].pinned, infos[i].refs,
			       infos[i].flags & DAX_FOLIO_HELD ? " held" : "");
	} while (query.nr);
	say("query", 0);
}

static void touch(uint64_t offset)
{
	volatile char *at = map + (offset - map_offset);

	if (sigsetjmp(after_fault, 1)) {
		printf("touch SIGBUS\n");
	} else {
		*at = *at + 1;
		printf("touch ok\n");
	}
	fflush(stdout);
}

static void wait_events(int fd, int timeout)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };
	int n = poll(&poll_fd, 1, timeout);

	if (n < 0)
		say("poll", -1);
	else if (!n)
		printf("poll timeout\n");
	else
		printf("poll%s%s\n", poll_fd.revents & POLLPRI ? " PRI" : "",
		       poll_fd.revents & POLLHUP ? " HUP" : "");
	fflush(stdout);
}

static void watch(const char *path, const char *last)
{
	struct pollfd attribute = { .events = POLLPRI };
	char value[80];
	ssize_t n;

	if (!path || !last)
		errx(2, "watch takes an attribute and a value");
	attribute.fd = open(path, O_RDONLY);
	if (attribute.fd < 0)
		err(1, "%s", path);
	do {
		n = pread(attribute.fd, value, sizeof(value) - 1, 0);
		if (n < 0)
			err(1, "%s", path);
		value[n] = 0;
		value[strcspn(value, "\n")] = 0;
		printf("watch %s\n", value);
		fflush(stdout);
	} while (strcmp(value, last) && poll(&attribute, 1, -1) >= 0);
	close(attribute.fd);
}

int main(int argc, char **argv)
{
	char line[80];
	int fd;

	if (argc < 3)
		errx(2, "usage: dax_hold DEVICE COMMAND...");
	signal(SIGBUS, on_sigbus);
	fd = open(argv[1], O_RDWR);
	if (fd < 0)
		err(1, "%s", argv[1]);

	for (char **word = argv + 2; *word; word++) {
		const char *command = *word;

		if (!strcmp(command, "hold") || !strcmp(command, "release")) {
			struct dax_folio arg = { .offset = number(*++word) };

			arg.order = number(*++word);
			say(command, ioctl(fd, command[0] == 'h' ? DAX_IOC_HOLD :
					   DAX_IOC_RELEASE, &arg));
		} else if (!strcmp(command, "map")) {
			char *place;

			map_offset = number(*++word);
			map_length = number(*++word);
			place = mmap(NULL, map_length, PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, map_offset);
			say("map", place == MAP_FAILED ? -1 : 0);
			if (place != MAP_FAILED)
				map = place;
		} else if (!strcmp(command, "unmap")) {
			say("unmap", munmap(map, map_length));
		} else if (!strcmp(command, "touch")) {
			touch(number(*++word));
		} else if (!strcmp(command, "query")) {
			query(fd);
		} else if (!strcmp(command, "poll")) {
			wait_events(fd, number(*++word));
		} else if (!strcmp(command, "watch")) {
			const char *attribute = *++word;

			watch(attribute, attribute ? *++word : NULL);
		} else if (!strcmp(command, "wait")) {
			printf("waiting\n");
			fflush(stdout);
			if (!fgets(line, sizeof(line), stdin))
				break;
		} else {
			errx(2, "%s: not a command", command);
		}
	}
	return 0;
}
