/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "interrupt.h"

#include <errno.h>
#include <sys/signalfd.h>

#include "util.h"

int interrupt_open(struct interrupt *i)
{
	struct sigaction action;
	sigset_t set;

	i->fd = -1;
	/* A blocked signal is delivered to a signalfd even if it was to be ignored. */
	if (sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
		return 0;
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

	return i->fd >= 0 && read(i->fd, &info, sizeof(info)) == sizeof(info);
}

void interrupt_close(struct interrupt *i)
{
	if (i->fd < 0)
		return;
	i->fd = closep_fd(i->fd);
	sigprocmask(SIG_SETMASK, &i->before, NULL);
}
