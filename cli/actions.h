/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_ACTIONS_H
#define CXLMEM_CLI_ACTIONS_H

#include "cli.h"
#include "command.h"

/*
 * What the verbs do. Each is given a command whose options and number of words were checked, prints
 * its result or a complaint, and returns an exit status.
 */
int show_status(struct cli *cli, const struct command *command);
int show_list(struct cli *cli, const struct command *command);
int show_topology(struct cli *cli, const struct command *command);
int show_object(struct cli *cli, const struct command *command);
int show_profiles(struct cli *cli, const struct command *command);
int show_health(struct cli *cli, const struct command *command);
int show_metrics(struct cli *cli, const struct command *command);
int show_blockers(struct cli *cli, const struct command *command);
int show_operations(struct cli *cli, const struct command *command);
int show_help(struct cli *cli, const struct command *command);
int make_plan(struct cli *cli, const struct command *command);
int make_change(struct cli *cli, const struct command *command);
int cancel_operation(struct cli *cli, const struct command *command);
int show_wishes(struct cli *cli, const struct command *command);
int forget(struct cli *cli, const struct command *command);
int adopt(struct cli *cli, const struct command *command);
int export_wishes(struct cli *cli, const struct command *command);
int capture(struct cli *cli, const struct command *command);
int import_wishes(struct cli *cli, const struct command *command);
int settle(struct cli *cli, const struct command *command);
int watch_status(struct cli *cli, const struct command *command);
int see_doctor(struct cli *cli, const struct command *command);
int monitor(struct cli *cli, const struct command *command);

#endif
