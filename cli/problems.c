/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "problems.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "json-util.h"

#include "describe.h"

struct list {
	FILE *out;
	const struct style *style;
	unsigned int n;
};

static void problem(struct list *l, enum tint tint, const char *format, ...) _printf_(3, 4);

static void problem(struct list *l, enum tint tint, const char *format, ...)
{
	va_list ap;

	fprintf(l->out, "%s%s%s ", tint_on(l->style, tint), tint == TINT_BAD ? "!!" : "! ",
		tint_off(l->style, tint));
	va_start(ap, format);
	put_sentence_va(l->out, l->style, 3, 3, format, ap);
	va_end(ap);
	l->n++;
}

static void check_health(struct list *l, const struct memdev *m)
{
	const struct health *h = &m->health;

	if (m->failing)
		problem(l, TINT_BAD, "%s is failing: %s; `cxlmemctl health` shows what it reported, "
			"`cxlmemctl offline` moves what is in its memory elsewhere", m->name, m->failing);
	if (!h->known)
		return;
	if (h->media && strcmp(h->media, "normal") != 0)
		problem(l, TINT_BAD, "%s: the media is %s", m->name, h->media);
	if (h->replacement_needed)
		problem(l, TINT_BAD, "%s says that it needs to be replaced", m->name);
	if (h->performance_degraded)
		problem(l, TINT_WARN, "%s says that its performance is degraded", m->name);
	if (h->maintenance_needed)
		problem(l, TINT_WARN, "%s says that it needs maintenance", m->name);
}

static void check_card(struct list *l, const struct picture *p, int i)
{
	const struct memdev *m = &p->memdevs[i];

	check_health(l, m);
	if (m->enabled == NO) {
		problem(l, TINT_BAD, "%s (%s) is not enabled: `cxl enable-memdev %s` may say why",
			m->name, m->host ?: "address unknown", m->name);
		return;
	}
	if (m->ram_size == UNKNOWN)
		problem(l, TINT_WARN, "%s: the capacity could not be read", m->name);
	else if (m->enabled == YES && m->endpoint >= 0 && memdev_has_window(p, i) == NO)
		problem(l, TINT_WARN,
			"%s cannot be used: firmware set no window aside for its host bridge",
			m->name);
}

static void check_region(struct list *l, const struct picture *p, int i)
{
	const struct region *r = &p->regions[i];
	struct region_memory m;
	char state[STATE_SIZE];

	picture_region_memory(p, i, &m);
	if (m.use == USE_INCOMPLETE)
		problem(l, TINT_BAD, "%s is not complete: `cxlmemctl destroy %s` removes it",
			r->name, r->name);
	else if (m.use == USE_PARTIAL)
		problem(l, TINT_WARN, "%s is only in part online: %s", r->name,
			describe_state(&m, state));
	else if (m.use == USE_UNKNOWN)
		problem(l, TINT_WARN, "%s: how it is used could not be read", r->name);
}

/* Who else brings memory online, and where that had its way. */
static void check_rivals(struct list *l, struct json_object *rivals)
{
	struct json_object *list;

	if (json_object_object_get_ex(rivals, "overruled", &list) &&
	    json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			const char *text = json_text(json_object_array_get_idx(list, i), "text");

			if (text)
				problem(l, TINT_BAD, "%s", text);
		}
	if (!json_object_object_get_ex(rivals, "rivals", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (!json_flag(o, "problem"))
			continue;
		if (json_text(o, "where") && json_text(o, "does") && json_text(o, "advice"))
			problem(l, TINT_WARN, "%s %s; to do about it: %s", json_text(o, "where"),
				json_text(o, "does"), json_text(o, "advice"));
	}
}

/* What is to be there and is not, and why. */
static void check_wishes(struct list *l, struct json_object *wishes)
{
	struct json_object *list;

	if (json_text(wishes, "broken"))
		problem(l, TINT_BAD, "%s", json_text(wishes, "broken"));
	if (json_object_object_get_ex(wishes, "wishes", &list) &&
	    json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *o = json_object_array_get_idx(list, i);

			if (json_text(o, "text") && json_text(o, "reason"))
				problem(l, TINT_WARN, "%s: %s", json_text(o, "text"), json_text(o, "reason"));
		}
	if (json_object_object_get_ex(wishes, "reports", &list) &&
	    json_object_is_type(list, json_type_array))
		for (size_t i = 0; i < json_object_array_length(list); i++)
			problem(l, TINT_WARN, "%s",
				json_object_get_string(json_object_array_get_idx(list, i)));
}

unsigned int print_problems(FILE *out, const struct style *style, const struct picture *p,
			    const struct operation_line *lines, size_t n_lines,
			    struct json_object *rivals, struct json_object *wishes)
{
	struct list l = { .out = out, .style = style };

	for (size_t i = 0; i < n_lines; i++) {
		uint64_t id;

		if (strcmp(lines[i].state, "stuck") == 0 && operation_id(lines[i].path, &id) == 0)
			problem(&l, TINT_BAD,
				"operation %" PRIu64 " (%s) could not be undone and needs a decision: "
				"`cxlmemctl operations %" PRIu64 "` shows what is left, and what can be done "
				"about it",
				id, lines[i].verb, id);
	}
	for (size_t i = 0; i < p->n_memdevs; i++)
		check_card(&l, p, i);
	for (size_t i = 0; i < p->n_regions; i++)
		check_region(&l, p, i);
	check_wishes(&l, wishes);
	check_rivals(&l, rivals);
	return l.n;
}
