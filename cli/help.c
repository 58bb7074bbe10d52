/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "help.h"

#include <stdio.h>

#include "actions.h"

static void heading(FILE *out, const struct style *style, const char *text)
{
	fprintf(out, "\n%s%s%s\n", tint_on(style, TINT_BOLD), text, tint_off(style, TINT_BOLD));
}

static void print_options(FILE *out, uint32_t mask)
{
	for (unsigned int i = 0; i < _OPTION_MAX; i++) {
		const struct option_info *o = &option_table[i];
		char left[64];

		if (!(mask & BIT(i)))
			continue;
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->letter ? "-" : " ",
			 o->letter ?: ' ', o->letter ? ", " : "  ", o->name, o->argument ? " " : "",
			 o->argument ?: "");
		/* The longest one fits: a test keeps it so. */
		fprintf(out, "  %-27s%s\n", left, o->help);
	}
}

static void print_exit_codes(FILE *out)
{
	for (unsigned int i = 0; i < _STATUS_MAX; i++)
		fprintf(out, "  %u  %s\n", i, exit_status_text[i]);
}

void help_all(FILE *out, const struct style *style)
{
	fputs("cxlmemctl [OPTION...] VERB [WORD...]\n"
	      "Look at and change the CXL memory of this machine. Without a verb: status.\n",
	      out);
	heading(out, style, "Verbs");
	for (size_t i = 0; i < verb_table_size; i++)
		fprintf(out, "  %-12s%s\n", verb_table[i].name, verb_table[i].brief);
	heading(out, style, "Options of all verbs");
	print_options(out, COMMON_OPTIONS);
	heading(out, style, "Exit codes");
	print_exit_codes(out);
	fputs("\n`cxlmemctl help VERB` explains one.\n", out);
}

void help_verb(FILE *out, const struct style *style, const struct verb_info *verb)
{
	fprintf(out, "cxlmemctl %s%s%s%s\n%s\n", verb->name, verb->options ? " [OPTION...]" : "",
		*verb->words ? " " : "", verb->words, verb->brief);
	if (verb->details)
		fprintf(out, "\n%s", verb->details);
	if (verb->options) {
		heading(out, style, "Options");
		print_options(out, verb->options);
	}
	heading(out, style, "Options of all verbs");
	print_options(out, COMMON_OPTIONS);
	heading(out, style, "Exit codes");
	print_exit_codes(out);
}

int show_help(struct cli *cli, const struct command *command)
{
	const struct verb_info *verb;
	const char *near;

	if (command->n_words == 0) {
		help_all(cli->out, &cli->out_style);
		return STATUS_DONE;
	}
	verb = verb_find(command->words[0]);
	if (verb) {
		help_verb(cli->out, &cli->out_style, verb);
		return STATUS_DONE;
	}
	near = verb_suggest(command->words[0], false);
	if (near)
		complain(cli, "there is no verb \"%s\"; did you mean %s?", command->words[0], near);
	else
		complain(cli, "there is no verb \"%s\"; `cxlmemctl help` lists them",
			 command->words[0]);
	return STATUS_USAGE;
}
