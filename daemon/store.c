// SPDX-License-Identifier: LGPL-2.1-or-later
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "json-util.h"
#include "whole-file.h"

/* Thousands of cards make some hundred KiB; what is larger is no file of ours. */
#define SIZE_MAX_BYTES (16 * MIB)

static int read_all(int dir, const char *name, char **ret)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	size_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > SIZE_MAX_BYTES)
		return -EBADMSG;
	return read_whole(fd, ret, &n);
}

static int damaged(const char *dir, const char *why, char **ret_reason)
{
	return say(ret_reason, -EBADMSG,
		   "%s/" STORE_FILE " cannot be used: %s; nothing is done by itself until it is "
		   "mended or moved away, then `systemctl reload cxlmemd`", dir, why);
}

int store_load(const char *dir, struct wishes **ret, char **ret_reason)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *text = NULL, *why = NULL;
	enum json_tokener_error parse;
	int r;

	r = fd < 0 ? -errno : read_all(fd, STORE_FILE, &text);
	if (r == -ENOENT) {
		*ret = calloc(1, sizeof(**ret));
		return *ret ? 0 : -ENOMEM;
	}
	if (r == -EBADMSG)
		return damaged(dir, "it is no plain file of a sensible size", ret_reason);
	if (r < 0)
		return say(ret_reason, r, "%s/" STORE_FILE " cannot be read: %s", dir, strerror(-r));
	json = json_tokener_parse_verbose(text, &parse);
	if (!json)
		return damaged(dir, json_tokener_error_desc(parse), ret_reason);
	r = wishes_from_json(json, ret, &why);
	return r == -EINVAL ? damaged(dir, why, ret_reason) : r;
}

static int replace(int dir, const char *text)
{
	static const char temporary[] = "." STORE_FILE ".new";
	_cleanup_close_ int fd = -1;
	int r;

	/* Left over from a crash: nobody else writes here. */
	if (unlinkat(dir, temporary, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_whole(fd, text, strlen(text));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir, temporary, dir, STORE_FILE) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, temporary, 0);
		return r;
	}
	/* The new name is not on the disk before its directory is. */
	return fsync(dir) < 0 ? -errno : 0;
}

int store_save(const char *dir, const struct wishes *w, char **ret_reason)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_close_ int fd = -1;
	const char *text;
	int r;

	r = wishes_to_json(w, &json);
	if (r < 0)
		return r;
	text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
						  JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		return -ENOMEM;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0) {
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -errno : replace(fd, text);
	}
	return r == 0 ? 0 : say(ret_reason, r, "%s/" STORE_FILE " cannot be written: %s", dir,
				strerror(-r));
}
