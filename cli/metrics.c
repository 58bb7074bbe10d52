/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "actions.h"
#include "bus.h"
#include "files.h"

/* To the output as OpenMetrics; a file is for node_exporter, which reads the older format. */
static int write_metrics(struct cli *cli, const struct command *command, char **ret_reason)
{
	const char *path = command->n_words ? command->words[0] : NULL;
	_cleanup_free_ char *text = NULL;
	size_t n;
	int r;

	r = bus_connect_direct(cli, ret_reason);
	if (r == 0)
		r = bus_get_metrics(cli->bus, path ? "prometheus" : "openmetrics", &text, ret_reason);
	if (r < 0)
		return r;
	n = strlen(text);
	if (n && text[n - 1] == '\n')
		text[n - 1] = 0;
	if (path)
		return file_write(path, text, ret_reason);
	fprintf(cli->out, "%s\n", text);
	return 0;
}

int show_metrics(struct cli *cli, const struct command *command)
{
	_cleanup_free_ char *reason = NULL;
	int r;

	if (command_is_json(command)) {
		complain(cli, "metrics are text for a monitoring system: leave --json and --format out; "
			      "`cxlmemctl status --json` has the machine as JSON");
		return STATUS_USAGE;
	}
	r = write_metrics(cli, command, &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
