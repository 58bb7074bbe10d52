// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Preloaded into cxlmemd by guest tests: it, or its worker, ends at a chosen record of the journal. The file
 * $CXLMEM_FATE says "NTH before|after|USEC daemon|worker|stop|pause"; records are counted while it is there, and it is
 * gone when its time has come. USEC: so many microseconds after the record, in the middle of what it announces;
 * $CXLMEM_FATE.armed is there until then. "stop" halts both where they are, so that the machine can lose its power
 * there; "pause" halts who writes the record, until it gets SIGCONT, and leaves out what the daemon writes about the
 * wishes, for the worker is at work meanwhile. With a NTH of 0 nobody dies, and when each record was written goes into
 * $CXLMEM_FATE.times, in microseconds, with its kind.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
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

	if (!strcmp(who, "pause")) {
		raise(SIGSTOP);
		return;
	}
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

/* By a process of its own, because who writes here is in the kernel then. */
static void act_later(const char *who, const char *path, unsigned long usec)
{
	struct timespec t = { .tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000 };
	pid_t victim = !strcmp(who, "worker") ? getpid() : self.daemon;
	char armed[256];

	/* The daemon has nothing of a worker's to be killed in. */
	if (!strcmp(who, "worker") && victim == self.daemon)
		return;
	snprintf(armed, sizeof(armed), "%s.armed", path);
	close(creat(armed, 0600));
	if (fork() != 0)
		return;
	/* It must not hold the journal's lock. */
	close_range(0, ~0U, 0);
	nanosleep(&t, NULL);
	unlink(armed);
	kill(victim, SIGKILL);
	_exit(0);
}

/* Of the last of the records that are written at once. */
static const char *kind_of(const void *text, size_t n)
{
	static const char key[] = "{\"record\":\"";
	const char *found = NULL, *at = text, *end = at + n;

	while ((at = memmem(at, (size_t)(end - at), key, sizeof(key) - 1)))
		found = at += sizeof(key) - 1;
	return found ? found : "?\"";
}

static int is_kind(const char *kind, const char *name)
{
	return strcspn(kind, "\"") == strlen(name) && !strncmp(kind, name, strlen(name));
}

static void note_time(const char *path, const char *kind)
{
	char times[256], line[64];
	struct timespec t;
	int fd, n;

	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(times, sizeof(times), "%s.times", path);
	fd = open(times, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	n = snprintf(line, sizeof(line), "%lld %.*s\n", t.tv_sec * 1000000LL + t.tv_nsec / 1000,
		     (int)strcspn(kind, "\""), kind);
	if (fd < 0 || self.write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

ssize_t write(int fd, const void *text, size_t n)
{
	const char *path = getenv("CXLMEM_FATE");
	char when[16] = "", who[8] = "";
	unsigned int nth = 0;
	int now = 0, timed = 0;
	ssize_t r;
	FILE *f;

	if (n >= sizeof(tag) && !memcmp(text, tag, sizeof(tag) - 1) && path) {
		f = fopen(path, "re");
		if (f && fscanf(f, "%u %15s %7s", &nth, when, who) != 3) {
			atomic_store(self.seen, 0);
		} else if (f && (strcmp(who, "pause") || !is_kind(kind_of(text, n), "intent"))) {
			now = atomic_fetch_add(self.seen, 1) + 1 == nth;
			timed = nth == 0;
		} else if (!f) {
			atomic_store(self.seen, 0);
		}
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
	if (now && isdigit((unsigned char)when[0]))
		act_later(who, path, strtoul(when, NULL, 10));
	if (timed)
		note_time(path, kind_of(text, n));
	return r;
}
