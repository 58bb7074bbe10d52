/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json-util.h"

#include "actions.h"
#include "bus.h"
#include "capture.h"
#include "json-out.h"
#include "render.h"
#include "wait.h"
#include "wish.h"

static int get_plan(struct cli *cli, const struct wish *wish, struct json_object **ret,
		    char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (cli->capture)
		return capture_plan(cli, wish, ret, ret_reason);
	r = bus_connect_direct(cli, ret_reason);
	if (r == 0)
		r = bus_plan(cli->bus, wish, &text, ret_reason);
	return r < 0 ? r : read_json(text, ret, ret_reason);
}

static int print_plan(struct cli *cli, const struct command *command, const struct wish *wish)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	r = get_plan(cli, wish, &json, &reason);
	if (r < 0)
		return cli_fail(cli, r, reason);
	if (command_is_json(command))
		r = print_json(cli, json);
	else if (!command_is_mute(command))
		r = render_plan(cli->out, &cli->out_style, json);
	return r < 0 ? cli_fail(cli, r, NULL) : STATUS_DONE;
}

static void print_notes(struct cli *cli, const struct operation *op)
{
	for (char **note = op->notes; note && *note; note++)
		put_note(cli->err, &cli->err_style, *note);
}

static int print_operation_json(struct cli *cli, const struct operation *op)
{
	_cleanup_json_ struct json_object *json = NULL;
	int r;

	r = operation_to_json(op, &json);
	return r < 0 ? r : print_json(cli, json);
}

/* The details cost a round trip behind the end of the operation; --quiet does without it. */
static bool wants_details(const struct command *command)
{
	return !command_is_mute(command);
}

static int print_result(struct cli *cli, const struct command *command, const struct outcome *o)
{
	const struct operation *op = &o->details;

	if (!command_has(command, OPTION_QUIET))
		print_notes(cli, op);
	if (command_is_json(command))
		return print_operation_json(cli, op);
	if (strcmp(o->state, "done") != 0 || command_has(command, OPTION_QUIET))
		return 0;
	put_sentence(cli->out, &cli->out_style, 0, 2, "%s%s", op->n_steps ? "done: " : "nothing to do: ",
		 op->summary ?: command->verb->name);
	/* What a hand may act on comes last. */
	if (op->result && *op->result)
		put_sentence(cli->out, &cli->out_style, 0, 2, "%s", op->result);
	return 0;
}

static void print_failure(struct cli *cli, const char *verb, const struct outcome *o)
{
	const char *reason = o->reason && *o->reason ? o->reason : "cxlmemd gave no reason";

	if (strcmp(o->state, "stuck") == 0)
		complain(cli, "%s failed and could not be taken back: %s", verb, reason);
	else
		complain(cli, "%s failed, the machine is as it was: %s", verb, reason);
}

static int judge(struct cli *cli, const char *verb, const struct outcome *o)
{
	if (strcmp(o->state, "done") == 0)
		return STATUS_DONE;
	if (strcmp(o->state, "cancelled") == 0) {
		complain(cli, "%s was cancelled, the machine is as it was", verb);
		return STATUS_CANCELLED;
	}
	print_failure(cli, verb, o);
	return STATUS_FAILED;
}

static int tell_started(struct cli *cli, const struct command *command, const struct outcome *o)
{
	_cleanup_(operation_clear) struct operation op = { .id = o->id };
	_cleanup_free_ char *reason = NULL;
	char path[OPERATION_PATH_SIZE];
	int r;

	if (command_is_json(command)) {
		r = bus_get_operation(cli->bus, operation_path(o->id, path), &op, &reason);
		if (r == 0)
			r = print_operation_json(cli, &op);
		return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
	}
	if (!command_has(command, OPTION_QUIET))
		fprintf(cli->out,
			"operation %" PRIu64 " started; `cxlmemctl operations %" PRIu64
			"` shows it\n",
			o->id, o->id);
	return STATUS_DONE;
}

static int tell_left(struct cli *cli, const char *verb, const struct outcome *o)
{
	if (o->id)
		complain(cli,
			 "%s was left to itself; `cxlmemctl operations %" PRIu64
			 "` shows how it ends",
			 verb, o->id);
	else
		complain(cli,
			 "cxlmemd has not answered yet; `cxlmemctl operations` shows whether %s "
			 "was begun",
			 verb);
	return STATUS_CANCELLED;
}

static enum patience patience_of(struct cli *cli, const struct command *command)
{
	if (command_has(command, OPTION_NO_WAIT))
		return PATIENCE_NONE;
	if (command_has(command, OPTION_QUIET))
		return PATIENCE_MUTE;
	/* Who asks for JSON is a program; only a person at a terminal wants to see it go on. */
	return command_is_json(command) && !cli->err_style.terminal ? PATIENCE_MUTE :
									       PATIENCE_SHOW;
}

static int carry_out(struct cli *cli, const struct command *command, const struct wish *wish)
{
	_cleanup_(outcome_clear) struct outcome outcome = { 0 };
	_cleanup_free_ char *reason = NULL;
	int r, status;

	r = bus_connect_direct(cli, &reason);
	if (r == 0)
		r = operation_run(cli, wish, patience_of(cli, command), wants_details(command),
				  &outcome, &reason);
	if (r < 0)
		return cli_fail(cli, r, reason);
	if (outcome.left)
		return tell_left(cli, wish->verb->name, &outcome);
	if (!outcome.state)
		return tell_started(cli, command, &outcome);
	r = print_result(cli, command, &outcome);
	status = judge(cli, wish->verb->name, &outcome);
	return r < 0 ? cli_fail(cli, r, NULL) : status;
}

static int understand(struct cli *cli, const struct command *command, struct wish *ret)
{
	_cleanup_free_ char *reason = NULL;

	if (wish_from_command(command, ret, &reason) == 0)
		return 0;
	complain(cli, "%s", reason ?: "out of memory");
	return -EINVAL;
}

int make_plan(struct cli *cli, const struct command *command)
{
	struct wish wish;

	if (understand(cli, command, &wish) < 0)
		return STATUS_USAGE;
	return print_plan(cli, command, &wish);
}

int make_change(struct cli *cli, const struct command *command)
{
	struct wish wish;

	if (understand(cli, command, &wish) < 0)
		return STATUS_USAGE;
	if (command_has(command, OPTION_DRY_RUN))
		return print_plan(cli, command, &wish);
	return carry_out(cli, command, &wish);
}

/* The same words for a cancelled operation mean success here. */
static int judge_cancel(struct cli *cli, const struct command *command, const struct outcome *o)
{
	if (strcmp(o->state, "cancelled") == 0) {
		if (!command_has(command, OPTION_QUIET) && !command_is_json(command))
			fprintf(cli->out,
				"operation %" PRIu64 " was cancelled, the machine is as it was\n",
				o->id);
		return STATUS_DONE;
	}
	if (strcmp(o->state, "done") == 0)
		complain(cli, "operation %" PRIu64 " was done before it could be cancelled", o->id);
	else
		print_failure(cli, "the operation", o);
	return STATUS_FAILED;
}

int cancel_operation(struct cli *cli, const struct command *command)
{
	_cleanup_(outcome_clear) struct outcome outcome = { 0 };
	_cleanup_free_ char *reason = NULL;
	uint64_t id;
	int r;

	if (parse_u64(command->words[0], &id) < 0 && operation_id(command->words[0], &id) < 0) {
		complain(cli,
			 "\"%s\" is no ID of an operation: it is a number; `cxlmemctl operations` "
			 "shows them",
			 command->words[0]);
		return STATUS_USAGE;
	}
	r = bus_connect_direct(cli, &reason);
	if (r == 0)
		r = operation_walk_back(cli, id, patience_of(cli, command),
					command_is_json(command), &outcome, &reason);
	if (r < 0)
		return cli_fail(cli, r, reason);
	if (outcome.left)
		return tell_left(cli, "cancel", &outcome);
	if (!outcome.state) {
		if (!command_has(command, OPTION_QUIET))
			fprintf(cli->out, "operation %" PRIu64 " is being cancelled\n", id);
		return STATUS_DONE;
	}
	if (command_is_json(command) &&
	    (r = print_operation_json(cli, &outcome.details)) < 0)
		return cli_fail(cli, r, NULL);
	return judge_cancel(cli, command, &outcome);
}
