// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Preloaded into cxlmemd by guest tests: it, or its worker, ends at a chosen record of the journal. The file
 * $CXLMEM_FATE says "NTH before|after daemon|worker|stop"; records are counted while it is there, and it is gone
 * when its time has come. "stop" halts both where they are, so that the machine can lose its power there.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char tag[] = "\ncxlmem1 ";

static struct {
	ssize_t (*write)(int fd, const void *text, size_t n);
	_Atomic unsigned int *seen; /* shared with the worker */
	pid_t daemon;
} self;

__attribute__((constructor)) static void prepare(void)
{
	self.write = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	self.seen = mmap(NULL, sizeof(*self.seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	self.daemon = getpid();
}

static void act(const char *who)
{
	int with = !strcmp(who, "stop") ? SIGSTOP : SIGKILL;

	if (!strcmp(who, "worker")) {
		if (getpid() != self.daemon)
			raise(SIGKILL);
		return;
	}
	kill(self.daemon, with);
	if (getpid() == self.daemon)
		return;
	/* A worker goes with its daemon. */
	for (;;)
		pause();
}

ssize_t write(int fd, const void *text, size_t n)
{
	const char *path = getenv("CXLMEM_FATE");
	char when[8] = "", who[8] = "";
	unsigned int nth = 0;
	int now = 0;
	ssize_t r;
	FILE *f;

	if (n >= sizeof(tag) && !memcmp(text, tag, sizeof(tag) - 1) && path) {
		f = fopen(path, "re");
		if (f && fscanf(f, "%u %7s %7s", &nth, when, who) == 3)
			now = atomic_fetch_add(self.seen, 1) + 1 == nth;
		else
			atomic_store(self.seen, 0);
		if (f)
			fclose(f);
	}
	if (now) {
		atomic_store(self.seen, 0);
		unlink(path);
	}
	if (now && !strcmp(when, "before"))
		act(who);
	r = self.write(fd, text, n);
	if (now && !strcmp(when, "after"))
		act(who);
	return r;
}
