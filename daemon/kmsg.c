// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "util.h"

/* CONSOLE_EXT_LOG_MAX in the kernel: a read of less than a record fails. */
#define RECORD_MAX 8192

struct kmsg {
	int fd;
	sd_event_source *source;
	kmsg_button_t button;
	void *userdata;
};

/* "6,1234,...": the facility is above the level, and the kernel's own is 0. */
static bool by_kernel(const char *record)
{
	char *end;
	unsigned long priority = strtoul(record, &end, 10);

	return end != record && *end == ',' && priority < 8;
}

bool kmsg_parse(const char *record, char slot[static KMSG_SLOT_MAX], bool *ret_cancel)
{
	static const char before[] = " pciehp: Slot(", press[] = "): Button press: will power off",
			  again[] = "): Button press: canceling request to power off";
	const char *name, *end;
	bool cancel;

	if (!by_kernel(record))
		return false;
	name = strstr(record, before);
	if (!name)
		return false;
	name += strlen(before);
	end = strchr(name, ')');
	if (!end || end == name || (size_t)(end - name) >= KMSG_SLOT_MAX)
		return false;
	cancel = strncmp(end, again, strlen(again)) == 0;
	if (!cancel && strncmp(end, press, strlen(press)) != 0)
		return false;
	memcpy(slot, name, (size_t)(end - name));
	slot[end - name] = 0;
	*ret_cancel = cancel;
	return true;
}

static int on_record(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	char record[RECORD_MAX + 1], slot[KMSG_SLOT_MAX];
	struct kmsg *k = userdata;
	bool cancel;

	(void)s;
	(void)events;
	/* A flood of records must not keep the daemon from its work. */
	for (unsigned int i = 0; i < 64; i++) {
		ssize_t n = read(fd, record, RECORD_MAX);

		/* EPIPE: some were overwritten before they were read. */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return 0;
		record[n] = 0;
		if (kmsg_parse(record, slot, &cancel))
			k->button(slot, cancel, k->userdata);
	}
	return 0;
}

int kmsg_new(sd_event *event, const char *path, kmsg_button_t button, void *userdata,
	     struct kmsg **ret)
{
	struct kmsg *k = calloc(1, sizeof(*k));
	int r = 0;

	if (!k)
		return -ENOMEM;
	k->button = button;
	k->userdata = userdata;
	k->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (k->fd < 0 || lseek(k->fd, 0, SEEK_END) < 0)
		r = -errno;
	if (r >= 0)
		r = sd_event_add_io(event, &k->source, k->fd, EPOLLIN, on_record, k);
	if (r < 0) {
		kmsg_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

struct kmsg *kmsg_free(struct kmsg *k)
{
	if (!k)
		return NULL;
	sd_event_source_disable_unref(k->source);
	if (k->fd >= 0)
		close(k->fd);
	free(k);
	return NULL;
}
