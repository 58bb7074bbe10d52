// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card-trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <tracefs.h>
#include <unistd.h>

#include "card-line.h"
#include "util.h"

/* An instance has events and a buffer of its own: nobody else's tracing is touched. */
#define INSTANCE "cxlmem"
/* For each processor; records of a card that goes mad overwrite older ones. */
#define BUFFER_KIB 128

struct card_trace {
	struct tracefs_instance *instance;
	int fd;
	char line[4096]; /* what has been read of the next one */
	size_t n;
	bool too_long;	 /* the rest of it is left out */
};

/* The library leaves the kernel's word in errno, where there was one. */
static int failure(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int enable(struct tracefs_instance *instance)
{
	unsigned int enabled = 0;
	const char *event;
	char system[32];

	/* Not every kernel has all of them. */
	for (size_t i = 0; (event = card_line_event(i)); i++) {
		const char *name = strchr(event, '/') + 1;

		snprintf(system, sizeof(system), "%.*s", (int)(name - 1 - event), event);
		enabled += tracefs_event_enable(instance, system, name) == 0;
	}
	return enabled ? 0 : -ENOENT;
}

static int begin(struct card_trace *t)
{
	int r;

	errno = 0;
	/* One that a killed daemon left is as good. */
	t->instance = tracefs_instance_create(INSTANCE);
	if (!t->instance)
		return failure();
	/* Without it a line would begin with the name of a process, which may be anything. */
	if (tracefs_option_disable(t->instance, TRACEFS_OPTION_CONTEXT_INFO) < 0)
		return failure();
	(void)tracefs_instance_set_buffer_size(t->instance, BUFFER_KIB, -1);
	r = enable(t->instance);
	if (r < 0)
		return r;
	t->fd = tracefs_instance_file_open(t->instance, "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return t->fd < 0 ? failure() : 0;
}

int card_trace_open(struct card_trace **ret, char **ret_reason)
{
	struct card_trace *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->fd = -1;
	r = begin(t);
	if (r < 0) {
		card_trace_close(t);
		return say(ret_reason, r, "errors that cards report cannot be seen: the kernel's trace events "
					  "(tracefs) cannot be used (%s)", strerror(-r));
	}
	*ret = t;
	return 0;
}

struct card_trace *card_trace_close(struct card_trace *t)
{
	if (!t)
		return NULL;
	t->fd = closep_fd(t->fd);
	if (t->instance) {
		(void)tracefs_instance_destroy(t->instance);
		tracefs_instance_free(t->instance);
	}
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
