// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card-trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "card-line.h"
#include "util.h"

/* An instance has events and a buffer of its own: nobody else's tracing is touched. */
#define TRACING "/sys/kernel/tracing"
#define INSTANCE TRACING "/instances/cxlmem"
/* For each processor; records of a card that goes mad overwrite older ones. */
#define BUFFER_KIB "128"

struct card_trace {
	int fd;
	char line[4096]; /* what has been read of the next one */
	size_t n;
	bool too_long;	 /* the rest of it is left out */
};

static int write_file(const char *name, const char *word)
{
	char path[256];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), INSTANCE "/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, word, strlen(word)) < 0 ? -errno : 0;
}

static int enable(void)
{
	unsigned int enabled = 0;
	const char *event;
	char name[128];

	/* Not every kernel has all of them. */
	for (size_t i = 0; (event = card_line_event(i)); i++) {
		snprintf(name, sizeof(name), "events/%s/enable", event);
		enabled += write_file(name, "1") == 0;
	}
	return enabled ? 0 : -ENOENT;
}

int card_trace_open(struct card_trace **ret, char **ret_reason)
{
	struct card_trace *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t)
		return -ENOMEM;
	t->fd = -1;
	/* One that a killed daemon left is as good. */
	if (mkdir(INSTANCE, 0700) < 0 && errno != EEXIST)
		r = -errno;
	/* Without it a line would begin with the name of a process, which may be anything. */
	if (r == 0)
		r = write_file("options/context-info", "0");
	if (r == 0)
		(void)write_file("buffer_size_kb", BUFFER_KIB);
	if (r == 0)
		r = enable();
	if (r == 0) {
		t->fd = open(INSTANCE "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		r = t->fd < 0 ? -errno : 0;
	}
	if (r < 0) {
		card_trace_close(t);
		return say(ret_reason, r, "errors that cards report cannot be seen: the kernel's trace events "
					  "in " TRACING " cannot be used (%s)", strerror(-r));
	}
	*ret = t;
	return 0;
}

struct card_trace *card_trace_close(struct card_trace *t)
{
	if (!t)
		return NULL;
	t->fd = closep_fd(t->fd);
	(void)rmdir(INSTANCE);
	free(t);
	return NULL;
}

int card_trace_fd(const struct card_trace *t)
{
	return t->fd;
}

static void take_line(struct card_trace *t, card_trace_t tell, void *userdata)
{
	struct card_line line;
	struct timespec now;

	t->line[t->n] = '\0';
	if (!t->too_long && card_line_read(t->line, &line) == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		line.report.usec = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
		tell(&line.report, userdata);
	}
	t->n = 0;
	t->too_long = false;
}

void card_trace_read(struct card_trace *t, card_trace_t tell, void *userdata)
{
	char buf[4096];
	ssize_t n;

	/* Once: what is left makes the descriptor readable again. */
	n = read(t->fd, buf, sizeof(buf));
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			take_line(t, tell, userdata);
		else if (t->n < sizeof(t->line) - 1)
			t->line[t->n++] = buf[i];
		else
			t->too_long = true;
	}
}
