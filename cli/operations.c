/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-util.h"

#include "actions.h"
#include "bus.h"
#include "json-out.h"
#include "render.h"

static int line_to_json(const struct operation_line *line, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	uint64_t id;
	int r;

	if (!o)
		return -ENOMEM;
	if (operation_id(line->path, &id) < 0)
		id = UNKNOWN;
	if ((r = json_set_u64(o, "id", id)) < 0 ||
	    (r = json_set_string(o, "verb", line->verb)) < 0 ||
	    (r = json_set_string(o, "state", line->state)) < 0 ||
	    (r = json_take(o, "done", json_object_new_double(line->fraction))) < 0 ||
	    (r = json_set_string(o, "summary", line->summary)) < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

static int print_lines_json(struct cli *cli, const struct operation_line *lines, size_t n)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	int r;

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o;

		r = line_to_json(&lines[i], &o);
		if (r == 0)
			r = json_append(array, o);
		if (r < 0)
			return r;
	}
	return print_json(cli, array);
}

static int show_all(struct cli *cli, const struct command *command, char **ret_reason)
{
	struct operation_line *lines = NULL;
	size_t n = 0;
	int r;

	r = bus_list_operations(cli->bus, &lines, &n, ret_reason);
	if (r < 0)
		return r;
	if (command_is_json(command))
		r = print_lines_json(cli, lines, n);
	else if (!command_is_mute(command))
		r = render_operations(cli->out, &cli->out_style, lines, n);
	operation_lines_free(lines, n);
	return r;
}

static int show_one(struct cli *cli, const struct command *command, uint64_t id, char **ret_reason)
{
	_cleanup_(operation_clear) struct operation op = { 0 };
	_cleanup_json_ struct json_object *json = NULL;
	char path[OPERATION_PATH_SIZE];
	int r;

	r = bus_get_operation(cli->bus, operation_path(id, path), &op, ret_reason);
	if (r < 0 || command_is_mute(command))
		return r;
	if (!command_is_json(command))
		return render_operation(cli->out, &cli->out_style, &op);
	r = operation_to_json(&op, &json);
	return r < 0 ? r : print_json(cli, json);
}

int show_operations(struct cli *cli, const struct command *command)
{
	bool one = command->n_words > 0;
	_cleanup_free_ char *reason = NULL;
	uint64_t id = 0;
	int r;

	if (one && parse_u64(command->words[0], &id) < 0 &&
	    operation_id(command->words[0], &id) < 0) {
		complain(cli,
			 "\"%s\" is no ID of an operation: it is a number; `cxlmemctl operations` "
			 "shows them",
			 command->words[0]);
		return STATUS_USAGE;
	}
	r = bus_connect_direct(cli, &reason);
	if (r == 0)
		r = one ? show_one(cli, command, id, &reason) : show_all(cli, command, &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
