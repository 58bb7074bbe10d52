/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json-util.h"

#include "actions.h"
#include "bus.h"
#include "files.h"
#include "json-out.h"
#include "render.h"

static int get(struct cli *cli, const char *member, struct json_object **ret, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = bus_connect_direct(cli, ret_reason);
	if (r == 0)
		r = bus_get(cli->bus, member, &text, ret_reason);
	return r < 0 ? r : read_json(text, ret, ret_reason);
}

int show_wishes(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	r = get(cli, "GetWishes", &json, &reason);
	if (r == 0 && command_is_json(command))
		r = print_json(cli, json);
	else if (r == 0 && !command_is_mute(command))
		r = render_wishes(cli->out, &cli->out_style, json);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

static int say_count(struct cli *cli, const struct command *command, uint32_t n, const char *done)
{
	_cleanup_json_ struct json_object *json = NULL;
	int r;

	if (!command_is_json(command)) {
		if (!command_is_mute(command))
			fprintf(cli->out, "%s %" PRIu32 " wish%s\n", done, n, n == 1 ? "" : "es");
		return 0;
	}
	json = json_object_new_object();
	if (!json)
		return -ENOMEM;
	r = json_set_u64(json, "count", n);
	return r < 0 ? r : print_json(cli, json);
}

static int change(struct cli *cli, const struct command *command, const char *member,
		  const char *done)
{
	_cleanup_free_ char *reason = NULL;
	uint32_t n;
	int r;

	r = bus_connect_direct(cli, &reason);
	if (r == 0)
		r = bus_remember(cli->bus, member, command->verb->name, command->words,
				 command->n_words, &n, &reason);
	if (r == 0)
		r = say_count(cli, command, n, done);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

int forget(struct cli *cli, const struct command *command)
{
	return change(cli, command, "Forget", "forgot");
}

int adopt(struct cli *cli, const struct command *command)
{
	return change(cli, command, "Adopt", "adopted");
}

int export_wishes(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	r = get(cli, "Export", &json, &reason);
	if (r == 0 && (command->n_words == 0 || !strcmp(command->words[0], "-")))
		r = print_json(cli, json);
	else if (r == 0)
		r = file_write(command->words[0],
			       json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_NOSLASHESCAPE),
			       &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

int import_wishes(struct cli *cli, const struct command *command)
{
	_cleanup_free_ char *reason = NULL, *text = NULL, *refusal = NULL;
	const char *path = command->n_words > 0 ? command->words[0] : "-";
	const char *name = strcmp(path, "-") ? path : "standard input";
	uint32_t n;
	int r;

	r = file_read(path, "`cxlmemctl export`", &text, &reason);
	if (r == 0)
		r = bus_connect_direct(cli, &reason);
	if (r == 0) {
		r = bus_import(cli->bus, text, &n, &refusal);
		if (r < 0)
			(void)say(&reason, r, "%s is not imported: %s; `cxlmemctl export` writes what can be", name,
				  refusal ?: strerror(-r));
	}
	if (r == 0)
		r = say_count(cli, command, n, "imported");
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
