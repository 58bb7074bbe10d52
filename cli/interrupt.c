/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "interrupt.h"

#include <errno.h>
#include <sys/signalfd.h>

#include "util.h"

int interrupt_open(struct interrupt *i)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, &i->before) < 0)
		return -errno;
	i->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (i->fd < 0) {
		int r = -errno;

		sigprocmask(SIG_SETMASK, &i->before, NULL);
		return r;
	}
	return 0;
}

bool interrupt_take(struct interrupt *i)
{
	struct signalfd_siginfo info;

	return read(i->fd, &info, sizeof(info)) == sizeof(info);
}

void interrupt_close(struct interrupt *i)
{
	if (i->fd < 0)
		return;
	i->fd = closep_fd(i->fd);
	sigprocmask(SIG_SETMASK, &i->before, NULL);
}
