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

int file_write(const char *path, const char *text, char **ret_reason)
{
	_cleanup_free_ char *temporary = NULL;
	FILE *f;
	int r = 0;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	r = mkostemp(temporary, O_CLOEXEC);
	f = r < 0 ? NULL : fdopen(r, "w");
	if (!f)
		return say(ret_reason, -errno, "%s cannot be written: %s", path, strerror(errno));
	r = fputs(text, f) < 0 || fputc('\n', f) < 0 || fchmod(fileno(f), 0644) < 0 ? -errno : 0;
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlink(temporary);
	return say(ret_reason, r, "%s cannot be written: %s", path, strerror(-r));
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
		return say(ret_reason, -EIO, "%s cannot be read: %s", name, strerror(errno));
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
	if (!f)
		return say(ret_reason, -errno, "%s cannot be read: %s", path, strerror(errno));
	r = read_stream(f, path, wanted, ret, ret_reason);
	fclose(f);
	return r;
}
