/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "actions.h"
#include "capture.h"
#include "command.h"
#include "complete.h"
#include "help.h"

void complain(struct cli *cli, const char *format, ...)
{
	va_list ap;

	fprintf(cli->err, "%scxlmemctl:%s ", tint_on(&cli->err_style, TINT_BAD),
		tint_off(&cli->err_style, TINT_BAD));
	va_start(ap, format);
	vfprintf(cli->err, format, ap);
	va_end(ap);
	fputc('\n', cli->err);
}

int cli_fail(struct cli *cli, int r, const char *reason)
{
	complain(cli, "%s", reason ?: "out of memory");
	return r == -ENOTCONN ? STATUS_NO_DAEMON : STATUS_FAILED;
}

static int run(struct cli *cli, const struct command *command)
{
	if (command_has(command, OPTION_VERSION)) {
		fputs("cxlmemctl " CXLMEM_VERSION "\n", cli->out);
		return STATUS_DONE;
	}
	if (command_has(command, OPTION_HELP)) {
		if (command->verb && command->verb->run != show_help)
			help_verb(cli->out, &cli->out_style, command->verb);
		else
			help_all(cli->out, &cli->out_style);
		return STATUS_DONE;
	}
	return command->verb ? command->verb->run(cli, command) : show_status(cli, command);
}

/* On a machine that is in a file. */
static int run_from(struct cli *cli, const struct command *command)
{
	_cleanup_free_ char *reason = NULL;
	int status;

	if (capture_load(cli, command->values[OPTION_FROM], &reason) < 0) {
		complain(cli, "%s", reason ?: "out of memory");
		return STATUS_FAILED;
	}
	status = run(cli, command);
	json_object_put(cli->capture);
	cli->capture = NULL;
	return status;
}

int cli_run(struct cli *cli, int argc, char **argv)
{
	_cleanup_(command_clear) struct command command = { 0 };
	_cleanup_free_ char *reason = NULL;
	int r, status;

	if (argc > 1 && strcmp(argv[1], COMPLETE_OPTION) == 0)
		return complete_words(cli, argc - 2, argv + 2);
	r = command_parse(argc, argv, &command, &reason);
	if (r < 0) {
		complain(cli, "%s", reason ?: "out of memory");
		return r == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
	}
	status = command_has(&command, OPTION_FROM) && !command_has(&command, OPTION_HELP) ?
			 run_from(cli, &command) :
			 run(cli, &command);
	/* A full disk must not look like success. */
	if (fflush(cli->out) != 0 || ferror(cli->out)) {
		if (status == STATUS_DONE)
			complain(cli, "the output could not be written: %s", strerror(errno));
		return status == STATUS_DONE ? STATUS_FAILED : status;
	}
	return status;
}
