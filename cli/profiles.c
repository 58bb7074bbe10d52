/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "json-util.h"
#include "profile.h"
#include "suggest.h"

#include "actions.h"
#include "fetch.h"
#include "json-out.h"
#include "render.h"

static unsigned int count(const struct profile_problems *problems, bool error)
{
	unsigned int n = 0;

	for (size_t i = 0; i < problems->n; i++)
		n += problems->list[i].error == error;
	return n;
}

static int print_problems_of(struct cli *cli, const struct profile_problems *problems,
			     bool errors_only)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct profile_problem *p = &problems->list[i];
		enum tint tint = p->error ? TINT_BAD : TINT_WARN;
		_cleanup_free_ char *text = NULL;

		if (errors_only && !p->error)
			continue;
		if (profile_problem_text(p, &text) < 0)
			return -ENOMEM;
		fputs(tint_on(&cli->out_style, tint), cli->out);
		put_sentence(cli->out, &cli->out_style, 0, 2, "%s", text);
		fputs(tint_off(&cli->out_style, tint), cli->out);
	}
	return 0;
}

/* Files that somebody names are read alone: no other replaces them or adds to them. */
static int load_files(const struct command *command, struct profile_problems *problems,
		      size_t *ret_n)
{
	for (size_t i = 1; i < command->n_words; i++) {
		_cleanup_(profile_freep) struct profile *p = NULL;
		int r = profile_load_file(command->words[i], problems, &p);

		if (r < 0 && r != -EINVAL)
			return r;
	}
	*ret_n = command->n_words - 1;
	return 0;
}

static int load_all(struct cli *cli, struct profile_problems *problems, size_t *ret_n)
{
	_cleanup_(profile_set_freep) struct profile_set *set = NULL;
	int r = profile_set_load(cli->root, &set);

	if (r < 0)
		return r;
	*ret_n = set->n;
	*problems = set->problems;
	set->problems = (struct profile_problems){ 0 };
	return 0;
}

static int print_check(struct cli *cli, const struct command *command,
		       const struct profile_problems *problems, size_t n)
{
	if (command_is_json(command)) {
		_cleanup_json_ struct json_object *json = NULL;
		int r = profile_problems_to_json(problems, &json);

		return r < 0 ? r : print_json(cli, json);
	}
	if (problems->n)
		return print_problems_of(cli, problems, command_is_mute(command));
	if (!command_is_mute(command) && n == 0)
		fputs("there are no profiles\n", cli->out);
	else if (!command_is_mute(command))
		fprintf(cli->out, "nothing is wrong with %zu profile%s\n", n, n == 1 ? "" : "s");
	return 0;
}

static int check(struct cli *cli, const struct command *command)
{
	struct profile_problems problems = { 0 };
	size_t n = 0;
	int r, status;

	r = command->n_words > 1 ? load_files(command, &problems, &n) :
				   load_all(cli, &problems, &n);
	if (r == 0)
		r = print_check(cli, command, &problems, n);
	status = count(&problems, true) ? STATUS_FAILED : STATUS_DONE;
	profile_problems_clear(&problems);
	return r < 0 ? cli_fail(cli, r, NULL) : status;
}

/* Add which cards each profile takes. */
static int add_cards(struct json_object *json, const struct profile_set *set,
		     const struct picture *p)
{
	struct json_object *list = json_object_object_get(json, "profiles");

	for (size_t i = 0; i < set->n; i++) {
		_cleanup_json_ struct json_object *cards = json_object_new_array();
		int r = cards ? 0 : -ENOMEM;

		for (size_t k = 0; r == 0 && k < p->n_memdevs; k++)
			if (profile_set_match(set, p, k) == set->list[i])
				r = json_append(cards, json_object_new_string(p->memdevs[k].name));
		if (r == 0)
			r = json_take(json_object_array_get_idx(list, i), "cards", TAKE_PTR(cards));
		if (r < 0)
			return r;
	}
	return 0;
}

static int print_set(struct cli *cli, const struct command *command, const struct profile_set *set,
		     const struct picture *p)
{
	_cleanup_json_ struct json_object *json = NULL;
	int r;

	if (!command_is_json(command))
		return command_is_mute(command) ?
			       0 :
			       render_profiles(cli->out, &cli->out_style, set, p);
	r = profile_set_to_json(set, &json);
	if (r == 0 && p)
		r = add_cards(json, set, p);
	return r < 0 ? r : print_json(cli, json);
}

static int show(struct cli *cli, const struct command *command)
{
	_cleanup_(profile_set_freep) struct profile_set *set = NULL;
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	unsigned int errors;
	int r;

	r = profile_set_load(cli->root, &set);
	if (r < 0)
		return cli_fail(cli, r, NULL);
	/* Without profiles nobody needs to know the cards. */
	if (set->n && !command_is_mute(command)) {
		r = fetch_json(cli, &json, &reason);
		if (r == 0)
			r = read_picture(json, &p, &reason);
		if (r < 0)
			complain(cli, "which cards they take is not known: %s",
				 reason ?: "out of memory");
	}
	r = print_set(cli, command, set, p);
	if (r < 0)
		return cli_fail(cli, r, NULL);
	errors = count(&set->problems, true);
	if (errors)
		complain(cli,
			 "%u error%s in profiles, those are not used: `cxlmemctl profiles check` "
			 "shows what is wrong",
			 errors, errors == 1 ? "" : "s");
	return STATUS_DONE;
}

static const char *next_word(size_t i, const void *userdata)
{
	(void)userdata;
	return i == 0 ? "check" : NULL;
}

int show_profiles(struct cli *cli, const struct command *command)
{
	const char *word = command->n_words ? command->words[0] : NULL;

	if (!word)
		return show(cli, command);
	if (streq_null(word, "check"))
		return check(cli, command);
	if (suggest(word, next_word, NULL))
		complain(cli, "profiles takes no word \"%s\"; did you mean check?", word);
	else
		complain(cli,
			 "profiles takes no word \"%s\": `cxlmemctl profiles check %s` checks a "
			 "file",
			 word, word);
	return STATUS_USAGE;
}
