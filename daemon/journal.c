// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "crc32c.h"
#include "flush.h"
#include "json-util.h"
#include "whole-file.h"

/* An operation takes some ten KiB, with eight cards some fifty. */
#define FILE_SIZE (UINT64_C(1) << 20)
/* What is larger was not written by us. */
#define FILE_SIZE_MAX (UINT64_C(64) << 20)
#define TAG "cxlmem1 "
/* TAG, sixteen digits of the count, eight of the checksum */
#define HEAD_SIZE (sizeof(TAG) - 1 + 17 + 9)

/* With children, too. */
struct shared {
	_Atomic uint64_t count; /* of records so far */
	_Atomic uint64_t usec;
};

struct journal {
	char *dir;
	int fd;
	struct shared *shared;
	struct flush *flush;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Written once, not only allocated: the first write into an allocated block changes metadata. */
static int make_room(int dir, int fd)
{
	_cleanup_free_ char *zeros = calloc(1, FILE_SIZE);
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_SIZE_MAX)
		return -EBADMSG;
	if ((uint64_t)st.st_size >= FILE_SIZE)
		return 0;
	if (!zeros)
		return -ENOMEM;
	if (lseek(fd, 0, SEEK_END) < 0)
		return -errno;
	r = write_whole(fd, zeros, FILE_SIZE - (size_t)st.st_size);
	if (r == 0 && (fsync(fd) < 0 || fsync(dir) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		r = -errno;
	return r;
}

int journal_open(const char *dir, struct journal **ret, char **ret_reason)
{
	_cleanup_(journal_freep) struct journal *j = calloc(1, sizeof(*j));
	_cleanup_close_ int dir_fd = -1;
	int r = 0;

	if (!j)
		return -ENOMEM;
	j->fd = -1;
	j->dir = strdup(dir);
	if (!j->dir)
		return -ENOMEM;
	j->shared = mmap(NULL, sizeof(*j->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	if (j->shared == MAP_FAILED) {
		j->shared = NULL;
		return -ENOMEM;
	}
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0) {
		dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir_fd >= 0)
			j->fd = openat(dir_fd, JOURNAL_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				       0600);
		r = j->fd < 0 ? -errno : make_room(dir_fd, j->fd);
	}
	if (r == 0)
		r = flush_new(j->fd, &j->flush);
	if (r == -EBADMSG)
		return say(ret_reason, r, "%s/" JOURNAL_FILE " is no plain file of a sensible size: move it "
					  "away, then restart cxlmemd", dir);
	if (r < 0)
		return say(ret_reason, r, "%s/" JOURNAL_FILE " cannot be written: %s", dir, strerror(-r));
	*ret = TAKE_PTR(j);
	return 0;
}

struct journal *journal_free(struct journal *j)
{
	if (!j)
		return NULL;
	flush_free(j->flush);
	if (j->shared)
		(void)munmap(j->shared, sizeof(*j->shared));
	closep_fd(j->fd);
	free(j->dir);
	free(j);
	return NULL;
}

int journal_lock(struct journal *j)
{
	/* It belongs to the open file, so whoever inherited that holds it, too. */
	if (flock(j->fd, LOCK_EX | LOCK_NB) == 0) {
		flush_start(j->flush);
		return 0;
	}
	return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

int journal_child(struct journal *j, int fd)
{
	if (j->fd != fd && dup2(j->fd, fd) < 0)
		return -errno;
	flush_child(j->flush, fd);
	j->fd = fd;
	return 0;
}

struct found {
	uint64_t count;
	struct json_object *json;
};

static int compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->count > y->count) - (x->count < y->count);
}

/* Sixteen or eight digits and a space. */
static bool take_hex(const char **at, unsigned int digits, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < digits; i++, (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	if (*(*at)++ != ' ')
		return false;
	*ret = v;
	return true;
}

/* A line without its end; @ret is set when it is whole. */
static bool parse(const char *line, struct found *ret)
{
	const char *at = line + sizeof(TAG) - 1;
	uint64_t count, sum;

	if (!take_hex(&at, 16, &count) || !take_hex(&at, 8, &sum))
		return false;
	if (crc32c(crc32c(0, line + sizeof(TAG) - 1, 16), at, strlen(at)) != sum)
		return false;
	*ret = (struct found){ count, json_tokener_parse(at) };
	return ret->json != NULL;
}

/* Oldest first; where the newest one ends. What was never written is zero. */
static int find_records(char *text, size_t size, struct found **list, size_t *n, size_t *damaged,
			size_t *end)
{
	static const char tag[] = "\n" TAG;
	uint64_t newest = 0;
	char *line;

	for (size_t at = 0; (line = memmem(text + at, size - at, tag, sizeof(tag) - 1));) {
		struct found f;
		char *stop;

		line++;
		stop = memchr(line, '\n', size - (size_t)(line - text));
		stop = stop ?: text + size;
		at = (size_t)(stop - text);
		*stop = 0;
		if (!parse(line, &f)) {
			++*damaged;
		} else {
			if (grow(list, *n, sizeof(**list)) < 0) {
				json_object_put(f.json);
				return -ENOMEM;
			}
			(*list)[(*n)++] = f;
			if (f.count >= newest) {
				newest = f.count;
				*end = (size_t)(line - text) + strlen(line) + 1;
			}
		}
		/* It may be the beginning of the next one, where this one was cut off. */
		if (at < size)
			*stop = '\n';
	}
	if (*n > 0)
		qsort(*list, *n, sizeof(**list), compare);
	return 0;
}

int journal_read(struct journal *j, struct json_object **ret, size_t *ret_damaged, char **ret_reason)
{
	_cleanup_json_ struct json_object *all = json_object_new_array();
	_cleanup_free_ struct found *list = NULL;
	_cleanup_free_ char *text = NULL;
	size_t n = 0, size = 0, damaged = 0, end = 0;
	int r = all ? read_whole(j->fd, &text, &size) : -ENOMEM;

	if (r == 0)
		r = find_records(text, size, &list, &n, &damaged, &end);
	for (size_t i = 0; i < n; i++)
		if (r == 0)
			r = json_append(all, list[i].json);
		else
			json_object_put(list[i].json);
	if (r == 0 && lseek(j->fd, (off_t)end, SEEK_SET) < 0)
		r = -errno;
	if (r < 0)
		return say(ret_reason, r, "the journal cannot be read: %s", strerror(-r));
	atomic_store(&j->shared->count, n > 0 ? list[n - 1].count : 0);
	*ret = TAKE_PTR(all);
	*ret_damaged = damaged;
	return 0;
}

void journal_rewind(struct journal *j)
{
	off_t at = lseek(j->fd, 0, SEEK_CUR);

	if (at < 0 || (uint64_t)at < FILE_SIZE / 2)
		return;
	(void)lseek(j->fd, 0, SEEK_SET);
	/* It had outgrown its size: once is no reason to keep it so. Where that fails it is larger than it need be. */
	if ((uint64_t)at > FILE_SIZE && ftruncate(j->fd, (off_t)FILE_SIZE) < 0)
		return;
}

int journal_write(struct journal *j, struct json_object *const *records, size_t n, bool sync)
{
	_cleanup_free_ char *all = NULL;
	uint64_t begun = now();
	size_t size = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		size_t length;
		const char *text = json_object_to_json_string_length(records[i], JSON_C_TO_STRING_PLAIN,
								     &length);
		char count[17], *more;
		uint32_t sum;

		more = text ? realloc(all, size + HEAD_SIZE + length + 3) : NULL;
		if (!more)
			return -ENOMEM;
		all = more;
		snprintf(count, sizeof(count), "%016jx", (uintmax_t)(atomic_fetch_add(&j->shared->count, 1) + 1));
		sum = crc32c(crc32c(0, count, 16), text, length);
		/* A line of its own even if the one before was cut off; and its end is known without the next. */
		size += (size_t)sprintf(all + size, "\n" TAG "%s %08x %s\n", count, sum, text);
	}
	r = write_whole(j->fd, all, size);
	if (r == 0 && sync && fdatasync(j->fd) < 0)
		r = -errno;
	atomic_fetch_add(&j->shared->usec, now() - begun);
	return r;
}

uint32_t journal_flush(struct journal *j)
{
	uint64_t begun = now();
	uint32_t ticket = flush_begin(j->flush);

	atomic_fetch_add(&j->shared->usec, now() - begun);
	return ticket;
}

uint32_t journal_flushing(struct journal *j)
{
	return flush_last(j->flush);
}

int journal_wait(struct journal *j, uint32_t ticket)
{
	uint64_t begun = now();
	int r = flush_wait(j->flush, ticket);

	atomic_fetch_add(&j->shared->usec, now() - begun);
	return r;
}

int journal_refuse(const struct journal *j, int error, char **ret_reason)
{
	return say(ret_reason, error, "the journal cannot be written (%s), and nothing is done that is not "
				      "written down first: is there room in %s?", strerror(-error), j->dir);
}

uint64_t journal_usec(const struct journal *j)
{
	return atomic_load(&j->shared->usec);
}
