/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_H
#define CXLMEM_CLI_H

#include <stdio.h>

#include <json-c/json_object.h>
#include <systemd/sd-bus.h>

#include "util.h"

#include "exit-status.h"
#include "format.h"
#include "term.h"

/* One run of the client. */
struct cli {
	FILE *out, *err;
	struct style out_style, err_style;
	enum format format; /* of results */
	struct json_object *capture; /* stands for the daemon (--from, capture_load()); owned */
	sd_bus *bus; /* NULL until a verb needs it (bus_connect); owned */
	const char *host;    /* whose system bus, over ssh; NULL = this machine's */
	const char *machine; /* the container whose system bus; NULL = none */
	const char *root; /* where the profiles of this machine are; NULL = / */
};

/**
 * cli_run - do what a command line says
 * @cli: streams and styles set; @bus may be set to an open connection
 *
 * Return: an exit status.
 */
int cli_run(struct cli *cli, int argc, char **argv);

/**
 * complain - print a sentence to the error stream, behind the name of the program
 */
void complain(struct cli *cli, const char *format, ...) _printf_(2, 3);

/**
 * cli_fail - print why something could not be done
 * @r: negative errno that came with it: -ENOTCONN means that the daemon cannot be reached
 * @reason: the sentence, or NULL when there was no memory for one
 *
 * Return: the exit status that fits.
 */
int cli_fail(struct cli *cli, int r, const char *reason);

#endif
