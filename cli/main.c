/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>

#include "cli.h"

int main(int argc, char **argv)
{
	struct cli cli = { .out = stdout, .err = stderr };
	int status;

	/* For line drawing only; messages are in English, and numbers as in the C locale. */
	setlocale(LC_CTYPE, "");
	term_style(STDOUT_FILENO, &cli.out_style);
	term_style(STDERR_FILENO, &cli.err_style);
	status = cli_run(&cli, argc, argv);
	sd_bus_flush_close_unref(cli.bus);
	return status;
}
