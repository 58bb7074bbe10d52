/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util.h"

/* What is larger was not written by us, and is no message of D-Bus. */
#define FILE_SIZE_MAX (16 * MIB)

/* What is meant by an errno about a file that somebody named, and what to do. */
static const char *explain(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "you may not: try sudo, or another place";
	case EISDIR:
		return "it is a directory: name a file in it";
	case ENOENT:
	case ENOTDIR:
		return "the directory it is to be in is not there";
	case EROFS:
		return "its file system is read-only: choose another place";
	case ENOSPC:
	case EDQUOT:
		return "no space is left there: choose another place";
	default:
		return strerror(error);
	}
}

static int no_write(const char *path, int error, char **ret_reason)
{
	return say(ret_reason, -error, "%s cannot be written: %s", path, explain(error));
}

static int put(FILE *f, const char *text)
{
	return fputs(text, f) < 0 || fputc('\n', f) < 0 ? -errno : 0;
}

/* A device, a pipe: nothing of it is to be replaced. */
static int write_into(const char *path, const char *text, char **ret_reason)
{
	FILE *f = fopen(path, "we");
	int r;

	if (!f)
		return no_write(path, errno, ret_reason);
	r = put(f, text);
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	return r < 0 ? no_write(path, -r, ret_reason) : 0;
}

int file_write(const char *path, const char *text, char **ret_reason)
{
	_cleanup_free_ char *temporary = NULL;
	struct stat st;
	FILE *f;
	int r = 0;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_into(path, text, ret_reason);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	r = mkostemp(temporary, O_CLOEXEC);
	f = r < 0 ? NULL : fdopen(r, "w");
	if (!f)
		return no_write(path, errno, ret_reason);
	r = put(f, text);
	if (r == 0 && fchmod(fileno(f), 0644) < 0)
		r = -errno;
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlink(temporary);
	return no_write(path, -r, ret_reason);
}

static int read_stream(FILE *f, const char *name, const char *wanted, char **ret,
		       char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0;

	for (;;) {
		char *more = realloc(text, n + 65536 + 1);
		size_t got;

		if (!more)
			return -ENOMEM;
		text = more;
		got = fread(text + n, 1, 65536, f);
		n += got;
		if (got == 0)
			break;
		if (n > FILE_SIZE_MAX)
			return say(ret_reason, -EFBIG, "%s is too large: %s writes what is wanted here",
				   name, wanted);
	}
	if (ferror(f))
		return say(ret_reason, -EIO, "%s cannot be read: %s", name, explain(errno));
	if (memchr(text, 0, n))
		return say(ret_reason, -EINVAL, "%s is no text: %s writes what is wanted here", name,
			   wanted);
	text[n] = 0;
	*ret = TAKE_PTR(text);
	return 0;
}

int file_read(const char *path, const char *wanted, char **ret, char **ret_reason)
{
	FILE *f;
	int r;

	if (!strcmp(path, "-"))
		return read_stream(stdin, "standard input", wanted, ret, ret_reason);
	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return say(ret_reason, -ENOENT, "there is no file %s: %s writes one", path, wanted);
	if (!f)
		return say(ret_reason, -errno, "%s cannot be read: %s", path, explain(errno));
	r = read_stream(f, path, wanted, ret, ret_reason);
	fclose(f);
	return r;
}
