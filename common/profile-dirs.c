/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "profile-internal.h"

#define ENDING ".profile"
#define FILE_LIMIT (256 * 1024) /* bytes */

/* The first one in which a name is found decides. */
static const char *const directories[] = {
	"/etc/cxlmem/profiles.d",
	"/run/cxlmem/profiles.d",
	"/usr/local/lib/cxlmem/profiles.d",
	"/usr/lib/cxlmem/profiles.d",
};

struct found {
	char *name; /* "10-pool.profile" */
	char *path;
};

struct found_list {
	struct found *list;
	size_t n;
};

struct file {
	char *text;
	size_t size;
};

static void found_clear(struct found_list *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].name);
		free(f->list[i].path);
	}
	free(f->list);
}

static int compare_found(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), e = strlen(ending);

	return n > e && strcmp(name + n - e, ending) == 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int found_add(struct found_list *f, const char *directory, const char *name)
{
	_cleanup_free_ char *path = NULL, *copy = NULL;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->list[i].name, name) == 0)
			return 0;
	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	copy = strdup(name);
	if (!copy || grow(&f->list, f->n, sizeof(*f->list)) < 0)
		return -ENOMEM;
	f->list[f->n++] = (struct found){ .name = TAKE_PTR(copy), .path = TAKE_PTR(path) };
	return 0;
}

/* All names of a directory that end so and were not found before; there may be no directory. */
static int search(const char *directory, bool is_sub, const char *ending, struct found_list *f,
		  struct profile_problems *problems)
{
	_cleanup_(closedirp) DIR *d = opendir(directory);
	struct dirent *entry;
	struct stat st;
	int r = 0;

	if (!d && (errno == ENOENT || errno == ENOMEM))
		return errno == ENOENT ? 0 : -ENOMEM;
	/* What is wrong with a directory above was told there. */
	if (!d && is_sub && stat(directory, &st) < 0)
		return 0;
	if (!d)
		return profile_problems_add(problems, directory, 0, true,
					    "the directory cannot be read: %s", strerror(errno));
	while (r == 0 && (errno = 0, entry = readdir(d)))
		if (*entry->d_name != '.' && ends_with(entry->d_name, ending))
			r = found_add(f, directory, entry->d_name);
	if (r == 0 && errno)
		r = profile_problems_add(problems, directory, 0, true,
					 "the directory cannot be read: %s", strerror(errno));
	return r;
}

/* In all directories, below @sub of each if it is not NULL; sorted by name. */
static int search_all(const char *root, const char *sub, const char *ending, struct found_list *f,
		      struct profile_problems *problems)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(directories) && r == 0; i++) {
		_cleanup_free_ char *directory = NULL;

		if (asprintf(&directory, "%s%s%s%s", root, directories[i], sub ? "/" : "",
			     sub ?: "") < 0) {
			directory = NULL;
			return -ENOMEM;
		}
		r = search(directory, sub != NULL, ending, f, problems);
	}
	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), compare_found);
	return r;
}

static int unreadable(const char *path, struct profile_problems *problems, const char *why)
{
	return profile_problems_add(problems, path, 0, true, "the file cannot be read: %s", why) ?:
		       -EINVAL;
}

static int read_all(int fd, const char *path, struct file *ret, struct profile_problems *problems)
{
	_cleanup_free_ char *text = malloc(FILE_LIMIT + 1);
	size_t size = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + size, FILE_LIMIT + 1 - size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return unreadable(path, problems, strerror(errno));
		size += n;
		if (size > FILE_LIMIT)
			return unreadable(path, problems, "it is larger than 256K");
	}
	ret->text = TAKE_PTR(text);
	ret->size = size;
	return 0;
}

/*
 * The text of a file, the caller's.
 *
 * Return: 0; -ENODATA: the file masks others of its name; -EINVAL: there is a problem more;
 * -ENOMEM.
 */
static int read_file(const char *path, bool may_mask, struct file *ret,
		     struct profile_problems *problems)
{
	/* A named pipe that nobody writes to must not hold anybody up. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st, null;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return unreadable(path, problems, strerror(errno));
	if (may_mask && S_ISCHR(st.st_mode) && stat("/dev/null", &null) == 0 &&
	    st.st_rdev == null.st_rdev)
		return -ENODATA;
	if (!S_ISREG(st.st_mode))
		return unreadable(path, problems,
				  S_ISDIR(st.st_mode) ? "it is a directory" : "it is no file");
	if (may_mask && st.st_size == 0) {
		r = profile_problems_add(problems, path, 0, false,
					 "the file is empty, which masks all of its name: a link "
					 "to /dev/null does it without this warning");
		return r < 0 ? r : -ENODATA;
	}
	return read_all(fd, path, ret, problems);
}

/* A profile and its drop-ins as they are read one after the other. */
struct parts {
	struct profile_text *texts;
	char **owned;
	size_t n;
};

static void parts_clear(struct parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->owned[i]);
	free(p->owned);
	free(p->texts);
}

static int parts_add(struct parts *p, const char *path, bool *failed,
		     struct profile_problems *problems)
{
	struct file file = { 0 };
	int r = read_file(path, true, &file, problems);

	*failed |= r == -EINVAL;
	if (r == -ENODATA || r == -EINVAL)
		return r;
	if (r < 0 || grow(&p->texts, p->n, sizeof(*p->texts)) < 0 ||
	    grow(&p->owned, p->n, sizeof(*p->owned)) < 0) {
		free(file.text);
		return -ENOMEM;
	}
	p->owned[p->n] = file.text;
	p->texts[p->n++] =
		(struct profile_text){ .path = path, .text = file.text, .size = file.size };
	return 0;
}

/* The name of a file without ".profile". */
static int profile_name(const char *file, char **ret)
{
	char *name = strdup(file);

	if (!name)
		return -ENOMEM;
	if (ends_with(name, ENDING))
		name[strlen(name) - strlen(ENDING)] = '\0';
	*ret = name;
	return 0;
}

/* -EINVAL, with the problems told, when it cannot be used; -ENODATA when it is masked. */
static int load_one(const char *root, const struct found *f, struct profile_problems *problems,
		    struct profile **ret)
{
	_cleanup_(found_clear) struct found_list dropins = { 0 };
	_cleanup_(parts_clear) struct parts parts = { 0 };
	_cleanup_(profile_freep) struct profile *p = NULL;
	_cleanup_free_ char *sub = NULL, *name = NULL;
	size_t n_problems;
	bool failed = false;
	int r;

	r = parts_add(&parts, f->path, &failed, problems);
	if (r < 0)
		return r;
	if (asprintf(&sub, "%s.d", f->name) < 0) {
		sub = NULL;
		return -ENOMEM;
	}
	r = profile_name(f->name, &name);
	if (r < 0)
		return r;
	n_problems = problems->n;
	r = search_all(root, sub, ".conf", &dropins, problems);
	/* Without what may stand there it is not the profile that was meant. */
	failed = problems->n > n_problems;
	for (size_t i = 0; i < dropins.n && r == 0; i++) {
		r = parts_add(&parts, dropins.list[i].path, &failed, problems);
		if (r == -ENODATA || r == -EINVAL)
			r = 0;
	}
	if (r == 0)
		r = profile_parse(name, parts.texts, parts.n, problems, &p);
	if (r == 0 && failed)
		return -EINVAL;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

int profile_set_load(const char *root, struct profile_set **ret)
{
	_cleanup_(profile_set_freep) struct profile_set *set = calloc(1, sizeof(*set));
	_cleanup_(found_clear) struct found_list files = { 0 };
	int r;

	if (!set)
		return -ENOMEM;
	root = root ?: "";
	r = search_all(root, NULL, ENDING, &files, &set->problems);
	for (size_t i = 0; i < files.n && r == 0; i++) {
		struct profile *p = NULL;

		r = load_one(root, &files.list[i], &set->problems, &p);
		if (r == -EINVAL || r == -ENODATA) {
			r = 0;
			continue;
		}
		if (r == 0 && (r = grow(&set->list, set->n, sizeof(*set->list))) < 0)
			profile_free(p);
		else if (r == 0)
			set->list[set->n++] = p;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(set);
	return 0;
}

int profile_load_file(const char *path, struct profile_problems *problems, struct profile **ret)
{
	_cleanup_free_ char *name = NULL;
	const char *base = strrchr(path, '/');
	struct file file = { 0 };
	int r;

	r = profile_name(base ? base + 1 : path, &name);
	if (r < 0)
		return r;
	r = read_file(path, false, &file, problems);
	if (r < 0)
		return r;
	r = profile_parse_text(name, path, file.text, file.size, problems, ret);
	free(file.text);
	return r;
}
