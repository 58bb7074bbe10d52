/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile-internal.h"

static void tell(struct profile_reader *r, const char *path, unsigned int line, bool error,
		 const char *format, va_list ap) _printf_(5, 0);

static void tell(struct profile_reader *r, const char *path, unsigned int line, bool error,
		 const char *format, va_list ap)
{
	_cleanup_free_ char *text = NULL;

	r->n_told++;
	r->failed |= error;
	if (vasprintf(&text, format, ap) < 0) {
		text = NULL;
		r->error = -ENOMEM;
	} else if (profile_problems_add(r->problems, path, line, error, "%s", text) < 0) {
		r->error = -ENOMEM;
	}
}

void reader_error(struct profile_reader *r, const char *format, ...)
{
	va_list ap;

	r->match.bad |= streq_null(r->section, "Match");
	va_start(ap, format);
	tell(r, r->path, r->line, true, format, ap);
	va_end(ap);
}

void reader_warning(struct profile_reader *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(r, r->path, r->line, false, format, ap);
	va_end(ap);
}

void reader_error_at(struct profile_reader *r, const struct key_place *at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(r, at->path, at->line, true, format, ap);
	va_end(ap);
}

static int keep_names(struct profile *p, const char *name, const struct profile_text *texts,
		      size_t n_texts)
{
	int r = 0;

	p->name = strdup(name);
	p->path = strdup(texts[0].path);
	if (!p->name || !p->path)
		return -ENOMEM;
	for (size_t i = 1; i < n_texts && r == 0; i++)
		r = patterns_add(&p->dropins, texts[i].path);
	return r;
}

int profile_parse(const char *name, const struct profile_text *texts, size_t n_texts,
		  struct profile_problems *problems, struct profile **ret)
{
	_cleanup_(profile_freep) struct profile *p = calloc(1, sizeof(*p));
	struct profile_reader r = { .profile = p, .problems = problems, .empty = true };

	if (!p)
		return -ENOMEM;
	profile_default(p);
	r.error = keep_names(p, name, texts, n_texts);
	for (size_t i = 0; i < n_texts && !r.error; i++)
		profile_read_lines(&r, &texts[i]);
	if (!r.error) {
		r.path = texts[0].path;
		profile_check(&r);
	}
	if (r.error)
		return r.error;
	if (r.failed)
		return -EINVAL;
	*ret = TAKE_PTR(p);
	return 0;
}

int profile_parse_text(const char *name, const char *path, const char *text, size_t size,
		       struct profile_problems *problems, struct profile **ret)
{
	struct profile_text t = { .path = path, .text = text, .size = size };

	return profile_parse(name, &t, 1, problems, ret);
}
