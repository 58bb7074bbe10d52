// SPDX-License-Identifier: LGPL-2.1-or-later
#include "udev-rules.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

struct file {
	char *path; /* without the root */
	const char *name;
};

static void rule_clear(struct rule *r)
{
	for (size_t i = 0; i < r->n_tokens; i++) {
		free(r->tokens[i].key);
		free(r->tokens[i].attribute);
		free(r->tokens[i].value);
	}
	free(r->tokens);
	*r = (struct rule){};
}

const struct rule_token *rule_find(const struct rule *rule, const char *key, const char *attribute,
				   char op)
{
	for (size_t i = 0; i < rule->n_tokens; i++) {
		const struct rule_token *t = &rule->tokens[i];
		char is = !strcmp(t->op, "==") ? '?' : !strcmp(t->op, "!=") ? '!' : '=';

		if (!strcmp(t->key, key) && streq_null(t->attribute, attribute) && is == op &&
		    strcmp(t->op, "-=") != 0)
			return t;
	}
	return NULL;
}

static int copy(const char *from, size_t n, char **ret)
{
	*ret = strndup(from, n);
	return *ret ? 0 : -ENOMEM;
}

/* Return: 1 with a token, 0 at the end of what can be understood, -ENOMEM. @s is moved behind it. */
static int next_token(char **s, struct rule_token *t)
{
	char *at = *s + strspn(*s, " \t,"), *value, *end;
	size_t key = strcspn(at, " \t{=!+-:,"), op;
	int r;

	*t = (struct rule_token){};
	if (!key)
		return 0;
	r = copy(at, key, &t->key);
	if (r < 0)
		return r;
	at += key;
	if (*at == '{') {
		end = strchr(at, '}');
		if (!end)
			return 0;
		r = copy(at + 1, (size_t)(end - at - 1), &t->attribute);
		if (r < 0)
			return r;
		at = end + 1;
	}
	at += strspn(at, " \t");
	op = strspn(at, "=!+-:");
	if (op < 1 || op > 2)
		return 0;
	memcpy(t->op, at, op);
	at += op;
	at += strspn(at, " \t");
	if (*at == 'e' || *at == 'i')
		at++;
	if (*at != '"')
		return 0;
	value = ++at;
	for (end = value; *end && *end != '"'; end++)
		if (*end == '\\' && end[1])
			end++;
	if (!*end)
		return 0;
	*s = end + 1;
	r = copy(value, (size_t)(end - value), &t->value);
	return r < 0 ? r : 1;
}

static int parse(char *text, struct rule *rule)
{
	struct rule_token t;
	int r;

	while ((r = next_token(&text, &t)) > 0) {
		r = grow(&rule->tokens, rule->n_tokens, sizeof(t));
		if (r < 0)
			break;
		rule->tokens[rule->n_tokens++] = t;
	}
	if (r <= 0) {
		free(t.key);
		free(t.attribute);
		free(t.value);
	}
	return r;
}

/* Append a line to what is there; false when the rule goes on in the next one. */
static int join(char **rule, const char *line, bool *ret_whole)
{
	size_t length = strcspn(line, "\n"), old = *rule ? strlen(*rule) : 0;
	char *more;

	*ret_whole = length == 0 || line[length - 1] != '\\';
	if (!*ret_whole)
		length--;
	more = realloc(*rule, old + length + 1);
	if (!more)
		return -ENOMEM;
	memcpy(more + old, line, length);
	more[old + length] = '\0';
	*rule = more;
	return 0;
}

static int each_of_file(FILE *f, const char *path, rule_t call, void *userdata)
{
	_cleanup_free_ char *line = NULL, *text = NULL;
	unsigned int number = 0, first = 0;
	size_t room = 0;
	bool whole = true;
	int r = 0;

	while (r >= 0 && getline(&line, &room, f) >= 0) {
		const char *at = line + strspn(line, " \t");
		struct rule rule = {};

		number++;
		if (whole && (*at == '#' || *at == '\n' || !*at))
			continue;
		/* A comment between the lines of one rule is skipped. */
		if (!whole && *at == '#')
			continue;
		if (whole)
			first = number;
		r = join(&text, at, &whole);
		if (r < 0 || !whole)
			continue;
		rule.line = first;
		r = parse(text, &rule);
		if (r >= 0 && rule.n_tokens)
			r = call(path, &rule, userdata);
		rule_clear(&rule);
		free(text);
		text = NULL;
	}
	return r;
}

static int add_directory(const char *root, const char *dir, struct file **files, size_t *n)
{
	char path[PATH_MAX];
	struct dirent *e;
	int r = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s%s", root, dir);
	d = opendir(path);
	if (!d)
		return 0;
	while (r >= 0 && (e = readdir(d))) {
		size_t length = strlen(e->d_name);
		bool hidden = false;

		if (length < 7 || strcmp(e->d_name + length - 6, ".rules") != 0)
			continue;
		for (size_t i = 0; i < *n && !hidden; i++)
			hidden = !strcmp((*files)[i].name, e->d_name);
		if (hidden)
			continue;
		r = grow(files, *n, sizeof(**files));
		if (r < 0)
			break;
		if (asprintf(&(*files)[*n].path, "%s/%s", dir, e->d_name) < 0) {
			r = -ENOMEM;
			break;
		}
		(*files)[*n].name = (*files)[*n].path + strlen(dir) + 1;
		(*n)++;
	}
	closedir(d);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

int udev_rules_each(const char *root, rule_t call, void *userdata)
{
	static const char *const dirs[] = { "/etc/udev/rules.d", "/run/udev/rules.d",
					    "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d" };
	struct file *files = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(dirs); i++)
		r = add_directory(root, dirs[i], &files, &n);
	if (n)
		qsort(files, n, sizeof(*files), by_name);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		char path[PATH_MAX];
		FILE *f;

		snprintf(path, sizeof(path), "%s%s", root, files[i].path);
		f = fopen(path, "re");
		if (!f)
			continue;
		r = each_of_file(f, files[i].path, call, userdata);
		fclose(f);
	}
	for (size_t i = 0; i < n; i++)
		free(files[i].path);
	free(files);
	return r < 0 ? r : 0;
}
