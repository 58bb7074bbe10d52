// SPDX-License-Identifier: LGPL-2.1-or-later
#include "page-kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sysfs.h"

/* include/uapi/linux/kernel-page-flags.h, and the last two of include/linux/kernel-page-flags.h */
enum {
	KPF_LRU = 5,
	KPF_BUDDY = 10,
	KPF_MMAP = 11,
	KPF_ANON = 12,
	KPF_SWAPCACHE = 13,
	KPF_HUGE = 17,
	KPF_UNEVICTABLE = 18,
	KPF_HWPOISON = 19,
	KPF_NOPAGE = 20,
	KPF_THP = 22,
	KPF_OFFLINE = 23,
	KPF_MLOCKED = 33,
};

#define FLAG(f) (UINT64_C(1) << (f))
#define CHUNK 4096

static void count_page(struct blocker_block *b, uint64_t flags, uint64_t mapped, uint64_t page)
{
	if (flags & (FLAG(KPF_NOPAGE) | FLAG(KPF_BUDDY) | FLAG(KPF_OFFLINE) | FLAG(KPF_HWPOISON)))
		return;
	if (flags & FLAG(KPF_HUGE))
		b->huge += page;
	else if (!(flags & (FLAG(KPF_LRU) | FLAG(KPF_ANON) | FLAG(KPF_MMAP) | FLAG(KPF_THP))))
		b->kernel += page;
	else if (flags & FLAG(KPF_ANON) && !(flags & FLAG(KPF_SWAPCACHE)) && mapped == 0)
		b->held += page;
	else if (flags & (FLAG(KPF_MLOCKED) | FLAG(KPF_UNEVICTABLE)))
		b->locked += page;
	else
		b->movable += page;
}

int page_kinds_read(struct door *door, uint64_t size, struct blocker_block *block)
{
	_cleanup_close_ int flags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int count_fd = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), n = size / page, first = block->number * n;
	_cleanup_free_ uint64_t *flags = malloc(CHUNK * sizeof(*flags));
	_cleanup_free_ uint64_t *counts = malloc(CHUNK * sizeof(*counts));
	uint64_t t = door_time();

	if (!flags || !counts)
		return -ENOMEM;
	if (flags_fd < 0 || count_fd < 0)
		return -errno;
	for (uint64_t at = 0; at < n; at += CHUNK) {
		size_t want = (n - at < CHUNK ? n - at : CHUNK) * sizeof(*flags);
		off_t where = (off_t)((first + at) * sizeof(*flags));
		ssize_t got = pread(flags_fd, flags, want, where);

		if (got < 0 || pread(count_fd, counts, want, where) < got)
			return got < 0 ? -errno : -EIO;
		for (size_t i = 0; i < (size_t)got / sizeof(*flags); i++)
			count_page(block, flags[i], counts[i], page);
	}
	door->kernel_usec += door_time() - t;
	return 0;
}
