/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operation.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "json-util.h"
#include "util.h"

static void strv_free(char **strv)
{
	for (char **s = strv; s && *s; s++)
		free(*s);
	free(strv);
}

static void steps_free(struct operation_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(steps[i].kind);
		free(steps[i].text);
		free(steps[i].state);
	}
	free(steps);
}

void operation_clear(struct operation *op)
{
	free(op->verb);
	free(op->summary);
	free(op->state);
	free(op->reason);
	free(op->result);
	free(op->blockers);
	strv_free(op->notes);
	strv_free(op->regions);
	steps_free(op->steps, op->n_steps);
	*op = (struct operation){ 0 };
}

static int read_string(sd_bus_message *m, char **field)
{
	const char *s;
	char *copy;
	int r;

	r = sd_bus_message_read_basic(m, 's', &s);
	if (r < 0)
		return r;
	copy = strdup(s);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int read_strv(sd_bus_message *m, char ***field)
{
	char **strv = NULL;
	int r;

	r = sd_bus_message_read_strv(m, &strv);
	if (r < 0)
		return r;
	strv_free(*field);
	*field = strv;
	return 0;
}

static int read_one_step(sd_bus_message *m, struct operation_step *step)
{
	const char *kind, *text, *state;
	int r;

	r = sd_bus_message_read(m, "(sss)", &kind, &text, &state);
	if (r <= 0)
		return r;
	step->kind = strdup(kind);
	step->text = strdup(text);
	step->state = strdup(state);
	return step->kind && step->text && step->state ? 1 : -ENOMEM;
}

static int read_steps(sd_bus_message *m, struct operation *op)
{
	struct operation_step *steps = NULL;
	size_t n = 0;
	int r;

	r = sd_bus_message_enter_container(m, 'a', "(sss)");
	if (r < 0)
		return r;
	do {
		r = grow(&steps, n, sizeof(*steps));
		if (r < 0)
			break;
		r = read_one_step(m, &steps[n]);
		if (r != 0)
			n++;
	} while (r > 0);
	if (r < 0) {
		steps_free(steps, n);
		return r;
	}
	steps_free(op->steps, op->n_steps);
	op->steps = steps;
	op->n_steps = n;
	return sd_bus_message_exit_container(m);
}

static const struct field {
	const char *name, *signature;
	size_t offset;
} fields[] = {
	{ "Id", "t", offsetof(struct operation, id) },
	{ "Verb", "s", offsetof(struct operation, verb) },
	{ "Summary", "s", offsetof(struct operation, summary) },
	{ "State", "s", offsetof(struct operation, state) },
	{ "Reason", "s", offsetof(struct operation, reason) },
	{ "Result", "s", offsetof(struct operation, result) },
	{ "Notes", "as", offsetof(struct operation, notes) },
	{ "Regions", "as", offsetof(struct operation, regions) },
	{ "Steps", "a(sss)", 0 },
	{ "Step", "u", offsetof(struct operation, step) },
	{ "Progress", "(tt)", 0 },
	{ "Blockers", "s", offsetof(struct operation, blockers) },
	{ "StartedUsec", "t", offsetof(struct operation, started_usec) },
	{ "FinishedUsec", "t", offsetof(struct operation, finished_usec) },
	{ "KernelUsec", "t", offsetof(struct operation, kernel_usec) },
	{ "TotalUsec", "t", offsetof(struct operation, total_usec) },
};

static int read_value(struct operation *op, const struct field *f, sd_bus_message *m)
{
	void *at = (char *)op + f->offset;

	switch (f->signature[0]) {
	case 't':
	case 'u':
		return sd_bus_message_read_basic(m, f->signature[0], at);
	case 's':
		return read_string(m, at);
	case '(':
		return sd_bus_message_read(m, "(tt)", &op->bytes_done, &op->bytes_total);
	default:
		return f->signature[1] == 's' ? read_strv(m, at) : read_steps(m, op);
	}
}

static int read_property(struct operation *op, sd_bus_message *m)
{
	const char *name, *contents;
	char type;
	int r;

	r = sd_bus_message_read_basic(m, 's', &name);
	if (r < 0)
		return r;
	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name) != 0 || strcmp(fields[i].signature, contents) != 0)
			continue;
		r = sd_bus_message_enter_container(m, 'v', contents);
		if (r < 0)
			return r;
		r = read_value(op, &fields[i], m);
		return r < 0 ? r : sd_bus_message_exit_container(m);
	}
	return sd_bus_message_skip(m, "v");
}

int operation_read(struct operation *op, sd_bus_message *m)
{
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_property(op, m);
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int set_strv(struct json_object *o, const char *key, char **strv)
{
	struct json_object *array = json_object_new_array();
	int r = json_take(o, key, array);

	for (char **s = strv; r == 0 && s && *s; s++)
		r = json_append(array, json_object_new_string(*s));
	return r;
}

static int set_steps(struct json_object *o, const struct operation *op)
{
	struct json_object *array = json_object_new_array();
	int r = json_take(o, "steps", array);

	for (size_t i = 0; r == 0 && i < op->n_steps; i++) {
		struct json_object *step = json_object_new_object();

		if ((r = json_append(array, step)) == 0 &&
		    (r = json_set_string(step, "step", op->steps[i].kind)) == 0 &&
		    (r = json_set_string(step, "text", op->steps[i].text)) == 0)
			r = json_set_string(step, "state", op->steps[i].state);
	}
	return r;
}

int operation_to_json(const struct operation *op, struct json_object **ret)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "steps_done", op->step },
		{ "bytes_done", op->bytes_done },
		{ "bytes_total", op->bytes_total },
		{ "started_usec", op->started_usec },
		{ "finished_usec", op->finished_usec },
		{ "kernel_usec", op->kernel_usec },
		{ "total_usec", op->total_usec },
	};
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r;

	if (!o)
		return -ENOMEM;
	if ((r = json_set_u64(o, "id", op->id)) < 0 ||
	    (r = json_set_string(o, "verb", op->verb)) < 0 ||
	    (r = json_set_string(o, "summary", op->summary)) < 0 ||
	    (r = json_set_string(o, "state", op->state)) < 0 ||
	    (r = json_set_string(o, "reason", op->reason && *op->reason ? op->reason : NULL)) < 0 ||
	    (r = json_set_string(o, "result", op->result && *op->result ? op->result : NULL)) < 0 ||
	    (r = set_strv(o, "notes", op->notes)) < 0 ||
	    (r = set_strv(o, "regions", op->regions)) < 0 || (r = set_steps(o, op)) < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		r = json_set_u64(o, numbers[i].key, numbers[i].value);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(o);
	return 0;
}
