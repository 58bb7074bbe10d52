/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-util.h"

#include "actions.h"
#include "fetch.h"
#include "find-object.h"
#include "json-out.h"
#include "render.h"

/* Both enumerations are of what is in a picture. */
static const enum list_kind lists[_OBJECT_KIND_MAX] = {
	[OBJECT_WINDOW] = LIST_WINDOWS, [OBJECT_PORT] = LIST_PORTS, [OBJECT_CARD] = LIST_CARDS,
	[OBJECT_SLOT] = LIST_SLOTS,	[OBJECT_REGION] = LIST_REGIONS, [OBJECT_DAX] = LIST_DAX,
	[OBJECT_MEMORY] = LIST_MEMORY,	[OBJECT_NODE] = LIST_NODES,
};

/* As it stands in the picture, which was read from the same JSON in the same order. */
static int add_json(struct json_object *array, struct json_object *picture,
		    const struct object *object)
{
	struct json_object *part;

	if (!json_object_object_get_ex(picture, list_kind_key(lists[object->kind]), &part))
		return -EBADMSG;
	return json_append(array, json_object_get(json_object_array_get_idx(part, object->index)));
}

static int show(struct cli *cli, const struct command *command, struct json_object *json,
		char **ret_reason)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	_cleanup_free_ struct object *objects = calloc(command->n_words, sizeof(*objects));
	_cleanup_(picture_freep) struct picture *p = NULL;
	int r = array && objects ? read_picture(json, &p, ret_reason) : -ENOMEM;

	/* All or nothing: what is printed is not to end in a complaint. */
	for (size_t i = 0; r == 0 && i < command->n_words; i++)
		r = find_object(p, command->words[i], &objects[i], ret_reason);
	if (r < 0 || command_is_mute(command))
		return r;
	for (size_t i = 0; r == 0 && i < command->n_words; i++) {
		if (command_is_json(command)) {
			r = add_json(array, json, &objects[i]);
			continue;
		}
		if (i > 0)
			fputc('\n', cli->out);
		render_object(cli->out, &cli->out_style, p, &objects[i]);
	}
	return r == 0 && command_is_json(command) ? print_json(cli, array) : r;
}

int show_object(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	r = fetch_json(cli, &json, &reason);
	if (r == 0)
		r = show(cli, command, json, &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
