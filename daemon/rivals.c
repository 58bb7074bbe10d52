// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rivals.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "udev-rules.h"
#include "util.h"

#define POLICY "/sys/devices/system/memory/auto_online_blocks"
#define BOOT_OPTION "memhp_default_state="

struct rivals *rivals_free(struct rivals *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < r->n; i++) {
		free(r->list[i].where);
		free(r->list[i].does);
		free(r->list[i].advice);
	}
	free(r->list);
	free(r);
	return NULL;
}

/* Takes the strings over; any of them NULL means that memory was short. */
static int add(struct rivals *rivals, const char *kind, bool problem, char *where, char *does,
	       char *advice)
{
	int r = where && does && advice ? grow(&rivals->list, rivals->n, sizeof(*rivals->list)) :
					  -ENOMEM;

	if (r < 0) {
		free(where);
		free(does);
		free(advice);
		return r;
	}
	rivals->list[rivals->n++] = (struct rival){ kind, where, does, advice, problem };
	return 0;
}

static char *text(const char *format, ...) _printf_(1, 2);

static char *text(const char *format, ...)
{
	va_list ap;
	char *s;
	int r;

	va_start(ap, format);
	r = vasprintf(&s, format, ap);
	va_end(ap);
	return r < 0 ? NULL : s;
}

/* The first line of a small file, without its end; false if there is none. */
static bool first_line(const char *root, const char *path, char *buf, size_t room)
{
	char whole[PATH_MAX];
	bool ok;
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	f = fopen(whole, "re");
	if (!f)
		return false;
	ok = fgets(buf, (int)room, f);
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

static int find_kernel(const char *root, struct rivals *rivals)
{
	char policy[64], line[4096], *option = NULL;

	if (!first_line(root, POLICY, policy, sizeof(policy)) || !strcmp(policy, "offline"))
		return 0;
	if (first_line(root, "/proc/cmdline", line, sizeof(line)))
		option = strstr(line, BOOT_OPTION);
	if (option)
		option[strcspn(option, " ")] = '\0';
	return add(rivals, "kernel", false, text(POLICY),
		   text("the kernel brings new memory online by itself (\"%s\", %s%s)", policy,
			option ? option : "as it was built or was told since it started",
			option ? " on its command line" : ""),
		   text("cxlmemd sets this aside while it adds memory; for memory that others add, boot with "
			BOOT_OPTION "offline or write \"offline\" there"));
}

/* What of a file has been read so far. */
struct reader {
	struct rivals *rivals;
	char file[PATH_MAX];
	char label[64]; /* rules up to here are skipped by everything that is no memory; "" = no such */
};

static bool about_memory(const struct rule *rule)
{
	const struct rule_token *t = rule_find(rule, "SUBSYSTEM", NULL, '?');

	if (t)
		return !strcmp(t->value, "memory") || strstr(t->value, "memory|") ||
		       strstr(t->value, "|memory");
	t = rule_find(rule, "KERNEL", NULL, '?');
	if (t)
		return !strncmp(t->value, "memory", strlen("memory"));
	t = rule_find(rule, "DEVPATH", NULL, '?');
	return t && strstr(t->value, "/memory/memory");
}

/* SUBSYSTEM!="memory", GOTO="end": the same as if each rule up to the label said SUBSYSTEM=="memory". */
static void follow_jumps(struct reader *r, const char *path, const struct rule *rule)
{
	const struct rule_token *label = rule_find(rule, "LABEL", NULL, '=');
	const struct rule_token *jump = rule_find(rule, "GOTO", NULL, '=');
	const struct rule_token *not = rule_find(rule, "SUBSYSTEM", NULL, '!');

	if (strcmp(r->file, path) != 0) {
		snprintf(r->file, sizeof(r->file), "%s", path);
		r->label[0] = '\0';
	}
	if (label && !strcmp(label->value, r->label))
		r->label[0] = '\0';
	if (jump && not && !strcmp(not->value, "memory"))
		snprintf(r->label, sizeof(r->label), "%s", jump->value);
}

static bool sets_state(const struct rule *rule)
{
	const struct rule_token *t = rule_find(rule, "ATTR", "state", '=');

	/* A variable ("$env{.state}") holds what to do with it; nobody sets it to what it is already. */
	return t && (!strncmp(t->value, "online", strlen("online")) || strchr(t->value, '$') ||
		     strchr(t->value, '%'));
}

/* A program that is told to do it. */
static bool runs_onliner(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_tokens; i++) {
		const struct rule_token *t = &rule->tokens[i];

		if (strcmp(t->key, "RUN") != 0 && strcmp(t->key, "PROGRAM") != 0)
			continue;
		if (strstr(t->value, "chmem") || strstr(t->value, "online"))
			return true;
	}
	return false;
}

static bool starts_daxctl(const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_tokens; i++)
		if (strstr(rule->tokens[i].value, "daxdev-reconfigure"))
			return true;
	return false;
}

static int look_at_rule(const char *path, const struct rule *rule, void *userdata)
{
	struct reader *r = userdata;
	const char *name = strrchr(path, '/') + 1;
	bool memory;

	follow_jumps(r, path, rule);
	if (starts_daxctl(rule))
		return add(r->rivals, "daxctl", false, text("%s:%u", path, rule->line),
			   text("starts daxctl for each new dax device; it reconfigures those that its "
				"configuration names, which cannot be CXL memory"),
			   text("nothing: cxlmemd's own udev rule keeps it away from CXL memory"));
	memory = r->label[0] ? !rule_find(rule, "SUBSYSTEM", NULL, '?') || about_memory(rule) :
			       about_memory(rule);
	if (!memory || (!sets_state(rule) && !runs_onliner(rule)))
		return 0;
	return add(r->rivals, "udev", true, text("%s:%u", path, rule->line),
		   text("brings every new memory block online by itself, also those that are meant to stay "
			"offline"),
		   !strncmp(path, "/etc/", strlen("/etc/")) ?
			   text("take the rule out of the file, then `udevadm control --reload`") :
			   text("copy the file to /etc/udev/rules.d/%s and take the rule out there (a link to "
				"/dev/null of that name takes the whole file out), then `udevadm control "
				"--reload`", name));
}

int rivals_find(const char *root, struct rivals **ret)
{
	_cleanup_(rivals_freep) struct rivals *rivals = calloc(1, sizeof(*rivals));
	struct reader reader = { .rivals = rivals };
	int r;

	if (!rivals)
		return -ENOMEM;
	r = find_kernel(root, rivals);
	if (r >= 0)
		r = udev_rules_each(root, look_at_rule, &reader);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(rivals);
	return 0;
}

int rivals_to_json(const struct rivals *r, struct json_object **ret)
{
	struct json_object *array = json_object_new_array();

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		const struct rival *v = &r->list[i];
		struct json_object *o = json_object_new_object();

		if (!o || json_object_array_add(array, o) < 0) {
			json_object_put(o);
			json_object_put(array);
			return -ENOMEM;
		}
		json_object_object_add(o, "kind", json_object_new_string(v->kind));
		json_object_object_add(o, "where", json_object_new_string(v->where));
		json_object_object_add(o, "does", json_object_new_string(v->does));
		json_object_object_add(o, "advice", json_object_new_string(v->advice));
		json_object_object_add(o, "problem", json_object_new_boolean(v->problem));
	}
	*ret = array;
	return 0;
}
