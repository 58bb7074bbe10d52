/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "json-util.h"

#include "actions.h"
#include "bus.h"
#include "describe-blockers.h"
#include "json-out.h"

static int print_text(struct cli *cli, const char *text, const char *name)
{
	char **lines;
	int r;

	r = describe_blockers(text, SIZE_MAX, &lines);
	if (r < 0)
		return r;
	if (!lines[0])
		fprintf(cli->out, "nothing is in the way of taking %s away\n", name);
	for (char **line = lines; *line; line++)
		put_sentence(cli->out, &cli->out_style, 0, 2, "%s", *line);
	lines_free(lines);
	return 0;
}

int show_blockers(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *text = NULL, *reason = NULL;
	int r;

	if ((r = bus_connect_direct(cli, &reason)) < 0 ||
	    (r = bus_get_blockers(cli->bus, command->words[0], &text, &reason)) < 0 ||
	    (r = read_json(text, &json, &reason)) < 0)
		return cli_fail(cli, r, reason);
	if (command_is_json(command))
		r = print_json(cli, json);
	else if (!command_is_mute(command))
		r = print_text(cli, text, command->words[0]);
	return r < 0 ? cli_fail(cli, r, NULL) : STATUS_DONE;
}
