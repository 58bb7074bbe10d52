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
	put_sentence_va(cli->err, &cli->err_style, strlen("cxlmemctl: "), 2, format, ap);
	va_end(ap);
}

int cli_fail(struct cli *cli, int r, const char *reason)
{
	complain(cli, "%s", reason ?: "out of memory");
	/* ssh has said on the error stream what it could not do. */
	if (r == -ENOTCONN && cli->host)
		complain(cli, "`ssh %s systemctl status cxlmemd` may say more: that has to work, and "
			      "systemd-stdio-bridge has to be there", cli->host);
	else if (r == -ENOTCONN && cli->machine)
		complain(cli, "`machinectl status %s` says whether it runs; only root reaches the bus "
			      "of a container", cli->machine);
	return r == -ENOTCONN ? STATUS_NO_DAEMON : STATUS_FAILED;
}

/* How to print, and whose machine it is about. What is in files is of this one alone. */
static bool set_up(struct cli *cli, const struct command *command)
{
	cli->format = command->format;
	cli->host = command->values[OPTION_HOST];
	cli->machine = command->values[OPTION_MACHINE];
	if (cli->host && cli->machine)
		complain(cli, "it is either --host or --machine: leave one of them out");
	else if ((cli->host || cli->machine) && command_has(command, OPTION_FROM))
		complain(cli, "--from is about a file: leave --%s out", cli->host ? "host" : "machine");
	else if ((cli->host || cli->machine) && command->verb && command->verb->run == show_profiles)
		complain(cli, "profiles reads the files of this machine: run it there, as in `ssh HOST "
			      "cxlmemctl profiles`");
	else
		return true;
	return false;
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
	if (!set_up(cli, &command))
		return STATUS_USAGE;
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
