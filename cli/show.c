/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "json-util.h"
#include "picture.h"
#include "suggest.h"

#include "actions.h"
#include "bus.h"
#include "capture.h"
#include "fetch.h"
#include "files.h"
#include "habits.h"
#include "json-out.h"
#include "render.h"
#include "status.h"

/* NULL where there is nobody to say: that is no reason to show nothing. */
static struct json_object *get(struct cli *cli, const char *member, const char *part)
{
	_cleanup_free_ char *text = NULL, *reason = NULL;
	struct json_object *json = NULL;

	if (cli->capture)
		return capture_get(cli, part);
	if (bus_get(cli->bus, member, &text, &reason) < 0 || read_json(text, &json, &reason) < 0)
		return NULL;
	return json;
}

static int write_status(struct cli *cli, FILE *out, const struct style *style,
			struct json_object *json, bool *ret_running, char **ret_reason)
{
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_json_ struct json_object *rivals = NULL, *wishes = NULL;
	struct operation_line *lines = NULL;
	size_t n = 0;
	int r;

	r = read_picture(json, &p, ret_reason);
	if (r < 0)
		return r;
	/* What is going on is no part of what a machine is. */
	r = cli->capture ? 0 : bus_list_operations(cli->bus, &lines, &n, ret_reason);
	if (r < 0)
		return r;
	rivals = get(cli, "GetRivals", "rivals");
	wishes = get(cli, "GetWishes", "wishes");
	r = render_status(out, style, p, lines, n, rivals, wishes);
	*ret_running = false;
	for (size_t i = 0; i < n; i++)
		*ret_running |= !operation_line_is_over(&lines[i]);
	operation_lines_free(lines, n);
	return r;
}

int status_write(struct cli *cli, FILE *out, const struct style *style, bool *ret_running,
		 char **ret_reason)
{
	_cleanup_json_ struct json_object *json = NULL;
	int r = fetch_json(cli, &json, ret_reason);

	return r < 0 ? r : write_status(cli, out, style, json, ret_running, ret_reason);
}

int show_status(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	bool running;
	int r;

	r = fetch_json(cli, &json, &reason);
	if (r == 0 && command_is_json(command))
		r = print_json(cli, json);
	else if (r == 0 && !command_is_mute(command))
		r = write_status(cli, cli->out, &cli->out_style, json, &running, &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

static int draw_topology(struct cli *cli, const struct picture *p, const char *path,
			 char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f;
	int r;

	if (strcmp(path, "-") == 0)
		return render_topology_svg(cli->out, p);
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	r = render_topology_svg(f, p);
	if (fclose(f) != 0 && r == 0)
		r = -ENOMEM;
	return r < 0 ? r : file_write(path, text, ret_reason);
}

int show_topology(struct cli *cli, const struct command *command)
{
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	const char *svg = command->values[OPTION_SVG];
	int r;

	if (svg && command_is_json(command)) {
		complain(cli, "--svg and --json are two pictures of the same: leave one of them out");
		return STATUS_USAGE;
	}
	r = fetch_json(cli, &json, &reason);
	if (r == 0 && svg && (r = read_picture(json, &p, &reason)) == 0)
		r = draw_topology(cli, p, svg, &reason);
	else if (r == 0 && command_is_json(command))
		r = print_json(cli, json);
	else if (r == 0 && !command_is_mute(command) && (r = read_picture(json, &p, &reason)) == 0)
		r = render_topology(cli->out, &cli->out_style, p);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

static const char *next_kind(size_t i, const void *userdata)
{
	(void)userdata;
	return i < _LIST_MAX ? list_kind_name(i) : NULL;
}

/* _LIST_MAX: everything. */
static int parse_kind(const struct command *command, enum list_kind *ret, char **ret_reason)
{
	const char *word, *near;

	*ret = _LIST_MAX;
	if (command->n_words == 0)
		return 0;
	word = command->words[0];
	for (enum list_kind kind = 0; kind < _LIST_MAX; kind++)
		if (streq_null(word, list_kind_name(kind))) {
			*ret = kind;
			return 0;
		}
	near = habit_list(word) ?: suggest(word, next_kind, NULL);
	if (near)
		return say(ret_reason, -EINVAL, "there is no list of \"%s\"; did you mean %s?",
			   word, near);
	return say(ret_reason, -EINVAL,
		   "there is no list of \"%s\": list takes windows, ports, cards, slots, regions, "
		   "dax, memory or nodes",
		   word);
}

static int print_part(struct cli *cli, struct json_object *json, enum list_kind kind)
{
	_cleanup_json_ struct json_object *none = NULL;
	struct json_object *part = NULL;

	if (kind == _LIST_MAX)
		return print_json(cli, json);
	if (json_object_object_get_ex(json, list_kind_key(kind), &part))
		return print_json(cli, part);
	none = json_object_new_array();
	return none ? print_json(cli, none) : -ENOMEM;
}

static int print_list(struct cli *cli, struct json_object *json, enum list_kind kind,
		      char **ret_reason)
{
	_cleanup_(picture_freep) struct picture *p = NULL;
	int r;

	r = read_picture(json, &p, ret_reason);
	if (r < 0)
		return r;
	if (kind == _LIST_MAX)
		return render_everything(cli->out, &cli->out_style, p);
	return render_list(cli->out, &cli->out_style, p, kind);
}

int show_list(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	enum list_kind kind;
	int r;

	if (parse_kind(command, &kind, &reason) < 0) {
		complain(cli, "%s", reason ?: "out of memory");
		return STATUS_USAGE;
	}
	r = fetch_json(cli, &json, &reason);
	if (r == 0 && !command_is_mute(command))
		r = command_is_json(command) ? print_part(cli, json, kind) :
							print_list(cli, json, kind, &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
