/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

/* An agent that polkit has not taken by now is one too slow to wait for. */
#define READY_MSEC 30000

static void be_agent(int notify)
{
	char number[16];

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* It closes this one as soon as it is known to polkit, which is what we wait for. */
	if (fcntl(notify, F_SETFD, 0) < 0)
		_exit(1);
	snprintf(number, sizeof(number), "%d", notify);
	execlp("pkttyagent", "pkttyagent", "--notify-fd", number, "--fallback", NULL);
	_exit(1);
}

void agent_open(struct agent *a)
{
	struct pollfd p;
	int fds[2];
	pid_t pid;

	*a = (struct agent){ 0 };
	if (geteuid() == 0 || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) ||
	    pipe2(fds, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0)
		be_agent(fds[1]);
	close(fds[1]);
	if (pid > 0) {
		a->pid = pid;
		p = (struct pollfd){ .fd = fds[0], .events = POLLIN };
		(void)poll(&p, 1, READY_MSEC);
	}
	close(fds[0]);
}

void agent_close(struct agent *a)
{
	if (!a->pid)
		return;
	(void)kill(a->pid, SIGTERM);
	(void)waitpid(a->pid, NULL, 0);
	a->pid = 0;
}
