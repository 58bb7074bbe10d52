// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "blockers.h"
#include "holders.h"
#include "machine.h"
#include "memory-block.h"
#include "node-users.h"
#include "page-kinds.h"
#include "sysfs.h"

/* Somebody waits for the answer, and a machine may have many processes and terabytes: then a part of it. */
#define PROCESSES_USEC 3000000
#define BLOCKS_USEC 1000000

/* Which dax device is meant: by its own name, its region's, or its node's ("node1"). */
struct wanted {
	struct door *door;
	const char *name;
	char dax[64], region[64];
};

static bool is_node(struct door *door, const char *dax, const char *name)
{
	uint64_t node, number;

	return !strncmp(name, "node", 4) && parse_u64(name + 4, &number) == 0 &&
	       sysfs_read_u64(door, &node, "bus/dax/devices/%s/target_node", dax) >= 0 &&
	       node == number;
}

/* ".../root0/decoder0.0/region0/dax_region0/dax0.0" */
static void region_in_path(const char *link, char region[static 64])
{
	const char *at = strstr(link, "/dax_region");
	const char *begin = at;

	*region = '\0';
	if (!at)
		return;
	while (begin > link && begin[-1] != '/')
		begin--;
	snprintf(region, 64, "%.*s", (int)(at - begin), begin);
}

/* Read without a lock that an operation may hold. */
static int match(const char *dax, void *userdata)
{
	struct wanted *w = userdata;
	_cleanup_free_ char *link = NULL;
	char region[64];

	if (sysfs_link(w->door, &link, "bus/dax/devices/%s", dax) < 0)
		return 0;
	region_in_path(link, region);
	if (strcmp(dax, w->name) && strcmp(region, w->name) && !is_node(w->door, dax, w->name))
		return 0;
	snprintf(w->dax, sizeof(w->dax), "%s", dax);
	snprintf(w->region, sizeof(w->region), "%s", region);
	return 1;
}

static bool is_pid(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

/* Kernel threads have none. Cheaper to ask than anything else. */
static bool has_memory(const char *pid)
{
	char path[PATH_MAX];
	uint64_t pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/statm", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%" SCNu64, &pages) != 1)
		pages = 0;
	fclose(f);
	return pages > 0;
}

static void read_status(const char *pid, struct blocker_process *p, char name[static 64])
{
	_cleanup_free_ char *line = NULL;
	char path[PATH_MAX];
	size_t room = 0;
	uint64_t kib;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &room, f) >= 0) {
		if (sscanf(line, "Name: %63[^\n]", name) == 1)
			continue;
		if (sscanf(line, "VmLck: %" SCNu64, &kib) == 1)
			p->locked = kib * KIB;
		else if (sscanf(line, "VmPin: %" SCNu64, &kib) == 1)
			p->pinned = kib * KIB;
	}
	fclose(f);
}

/* "UserBufs:	1", then "    0: 0x7f.../1048576" for each: __io_uring_show_fdinfo() */
static uint64_t ring_buffers(const char *pid, const char *fd)
{
	_cleanup_free_ char *line = NULL;
	uint64_t sum = 0, length;
	bool there = false;
	char path[PATH_MAX];
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (getline(&line, &room, f) >= 0) {
		if (!strncmp(line, "UserBufs:", strlen("UserBufs:")))
			there = true;
		else if (there && sscanf(line, " %*u: 0x%*x/%" SCNu64, &length) == 1)
			sum += length;
		else if (there && !strchr(line, '<'))
			break;
	}
	fclose(f);
	return sum;
}

/* Linux 7.3 has fixed buffers of the privileged in nobody's VmPin. */
static uint64_t fixed_buffers(const char *pid)
{
	char path[PATH_MAX], target[64];
	uint64_t sum = 0;
	struct dirent *e;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (!strcmp(target, "anon_inode:[io_uring]"))
			sum += ring_buffers(pid, e->d_name);
	}
	if (dir)
		closedir(dir);
	return sum;
}

static bool look_at_process(const char *pid, struct blockers *b, dev_t device, struct blocker_process *p,
			    char name[static 64])
{
	uint64_t fixed;

	if (!has_memory(pid))
		return false;
	if (b->devdax) {
		p->open = holder_opens(pid, device);
		p->mapped = holder_maps(pid, device);
		if (!p->open && !p->mapped)
			return false;
		read_status(pid, p, name);
		return true;
	}
	node_usage(pid, b->node, &p->bytes, &p->huge);
	if (!p->bytes)
		return false;
	read_status(pid, p, name);
	fixed = fixed_buffers(pid);
	if (fixed > p->pinned)
		p->pinned = fixed;
	return true;
}

static int look_at_processes(struct door *door, struct blockers *b, dev_t device)
{
	uint64_t begun = door_time();
	struct dirent *e;
	DIR *proc = opendir("/proc");
	int r = 0;

	if (!proc)
		return -errno;
	while (r == 0 && (e = readdir(proc))) {
		struct blocker_process p = {};
		char name[64] = "?";

		if (!is_pid(e->d_name))
			continue;
		if (door_time() - begun > PROCESSES_USEC) {
			b->partial = true;
			break;
		}
		if (!look_at_process(e->d_name, b, device, &p, name))
			continue;
		(void)parse_u64(e->d_name, &p.pid);
		r = grow(&b->processes, b->n_processes, sizeof(*b->processes));
		if (r < 0)
			break;
		p.name = strdup(name);
		b->processes[b->n_processes++] = p;
		r = p.name ? 0 : -ENOMEM;
	}
	closedir(proc);
	door->kernel_usec += door_time() - begun;
	return r;
}

static int add_block(struct blockers *b, uint64_t number, bool going)
{
	int r = grow(&b->blocks, b->n_blocks, sizeof(*b->blocks));

	if (r == 0)
		b->blocks[b->n_blocks++] = (struct blocker_block){ .number = number, .going = going };
	return r;
}

/* All blocks that are not offline, the one that the kernel is at before the others, last ones first as it goes. */
static int find_blocks(struct door *door, struct blockers *b, uint64_t size)
{
	uint64_t start, length;
	int r;

	if (sysfs_read_u64(door, &start, "bus/cxl/devices/%s/resource", b->region) < 0 ||
	    sysfs_read_u64(door, &length, "bus/cxl/devices/%s/size", b->region) < 0)
		return 0;
	for (uint64_t n = (start + length) / size; n-- > align_up(start, size) / size;) {
		enum mem_state state;
		enum zone zone;

		r = memory_block_read(door, n, &state, &zone);
		if (r < 0 || state == MEM_OFFLINE)
			continue;
		r = add_block(b, n, state == MEM_GOING_OFFLINE);
		if (r < 0)
			return r;
	}
	blockers_sort(b);
	return 0;
}

/*
 * While a page is tried to be moved no process has it mapped. What is held by something else is so each time it
 * is looked at.
 */
static int look_at_block(struct door *door, uint64_t size, struct blocker_block *block)
{
	struct blocker_block again = { .number = block->number };
	int r = page_kinds_read(door, size, block);

	if (r < 0 || !block->going || !block->held)
		return r;
	r = page_kinds_read(door, size, &again);
	if (r < 0 || again.held >= block->held)
		return r;
	block->movable += block->held - again.held;
	block->held = again.held;
	return 0;
}

static int look_at_blocks(struct door *door, struct blockers *b)
{
	uint64_t begun = door_time(), size;
	int r;

	if (memory_block_size(door, &size) < 0)
		return 0;
	r = find_blocks(door, b, size);
	for (size_t i = 0; r == 0 && i < b->n_blocks; i++) {
		if (i > 0 && door_time() - begun > BLOCKS_USEC) {
			b->n_blocks = i;
			b->partial = true;
			break;
		}
		/* A kernel that does not show its pages leaves the list of blocks out. */
		if (look_at_block(door, size, &b->blocks[i]) < 0)
			b->n_blocks = 0;
	}
	return r;
}

static int look(struct door *door, struct blockers *b, char **ret_reason)
{
	_cleanup_free_ char *driver = NULL;
	uint64_t pages;
	dev_t device = 0;
	int r;

	r = sysfs_link_name(door, &driver, "bus/dax/devices/%s/driver", b->dax);
	if (r < 0)
		return r;
	b->devdax = driver && !strcmp(driver, "device_dax");
	if (!driver)
		return 0;
	if (b->devdax) {
		if (sysfs_read_u64(door, &pages, "bus/dax/devices/%s/active_pages", b->dax) >= 0)
			b->active = pages * (uint64_t)sysconf(_SC_PAGESIZE);
		r = holders_device(door, b->dax, &device, ret_reason);
		return r < 0 ? (r == -ENOENT ? 0 : r) : look_at_processes(door, b, device);
	}
	r = sysfs_read_u64(door, &b->node, "bus/dax/devices/%s/target_node", b->dax);
	if (r < 0)
		return say(ret_reason, r, "the NUMA node of %s cannot be read: %s", b->dax, strerror(-r));
	r = look_at_processes(door, b, 0);
	return r < 0 ? r : look_at_blocks(door, b);
}

int machine_blockers(struct door *door, const char *name, struct blockers **ret, char **ret_reason)
{
	struct wanted wanted = { .door = door, .name = picture_plain_name(name) };
	_cleanup_(blockers_freep) struct blockers *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->node = b->active = UNKNOWN;
	r = sysfs_each(door, match, &wanted, "bus/dax/devices");
	if (r < 0 && r != -ENOENT)
		return say(ret_reason, r, "the dax devices of this machine cannot be listed: %s", strerror(-r));
	if (r <= 0)
		return say(ret_reason, -ENOENT,
			   "no region, dax device or NUMA node with CXL memory is called %s: `cxlmemctl "
			   "list regions` shows them", name);
	b->dax = strdup(wanted.dax);
	b->region = strdup(wanted.region);
	if (!b->dax || !b->region)
		return -ENOMEM;
	r = look(door, b, ret_reason);
	if (r < 0)
		return r;
	blockers_sort(b);
	*ret = TAKE_PTR(b);
	return 0;
}
