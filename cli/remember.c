/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "json-util.h"

#include "actions.h"
#include "bus.h"
#include "json-out.h"
#include "render.h"

/* What is larger is no export of ours, and no message of D-Bus. */
#define IMPORT_MAX (16 * MIB)

static int get(struct cli *cli, const char *member, struct json_object **ret, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = bus_connect_direct(cli, ret_reason);
	if (r == 0)
		r = bus_get(cli->bus, member, &text, ret_reason);
	return r < 0 ? r : read_json(text, ret, ret_reason);
}

int show_wishes(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	r = get(cli, "GetWishes", &json, &reason);
	if (r == 0 && command_has(command, OPTION_JSON))
		r = print_json(cli, json, false);
	else if (r == 0 && !command_is_mute(command))
		r = render_wishes(cli->out, &cli->out_style, json);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

static int say_count(struct cli *cli, const struct command *command, uint32_t n, const char *done)
{
	_cleanup_json_ struct json_object *json = NULL;
	int r;

	if (!command_has(command, OPTION_JSON)) {
		if (!command_is_mute(command))
			fprintf(cli->out, "%s %" PRIu32 " wish%s\n", done, n, n == 1 ? "" : "es");
		return 0;
	}
	json = json_object_new_object();
	if (!json)
		return -ENOMEM;
	r = json_set_u64(json, "count", n);
	return r < 0 ? r : print_json(cli, json, false);
}

static int change(struct cli *cli, const struct command *command, const char *member,
		  const char *done)
{
	_cleanup_free_ char *reason = NULL;
	uint32_t n;
	int r;

	r = bus_connect_direct(cli, &reason);
	if (r == 0)
		r = bus_remember(cli->bus, member, command->verb->name, command->words,
				 command->n_words, &n, &reason);
	if (r == 0)
		r = say_count(cli, command, n, done);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

int forget(struct cli *cli, const struct command *command)
{
	return change(cli, command, "Forget", "forgot");
}

int adopt(struct cli *cli, const struct command *command)
{
	return change(cli, command, "Adopt", "adopted");
}

/* A file that was there is replaced only by a whole one. */
static int write_file(const char *path, const char *text, char **ret_reason)
{
	_cleanup_free_ char *temporary = NULL;
	FILE *f;
	int r = 0;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	r = mkostemp(temporary, O_CLOEXEC);
	f = r < 0 ? NULL : fdopen(r, "w");
	if (!f)
		return say(ret_reason, -errno, "%s cannot be written: %s", path, strerror(errno));
	r = fputs(text, f) < 0 || fputc('\n', f) < 0 || fchmod(fileno(f), 0644) < 0 ? -errno : 0;
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlink(temporary);
	return say(ret_reason, r, "%s cannot be written: %s", path, strerror(-r));
}

int export_wishes(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	r = get(cli, "Export", &json, &reason);
	if (r == 0 && (command->n_words == 0 || !strcmp(command->words[0], "-")))
		r = print_json(cli, json, false);
	else if (r == 0)
		r = write_file(command->words[0],
			       json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_NOSLASHESCAPE),
			       &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}

static int read_stream(FILE *f, const char *name, char **ret, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0;

	for (;;) {
		char *more = realloc(text, n + 65536 + 1);
		size_t got;

		if (!more)
			return -ENOMEM;
		text = more;
		got = fread(text + n, 1, 65536, f);
		n += got;
		if (got == 0)
			break;
		if (n > IMPORT_MAX)
			return say(ret_reason, -EFBIG, "%s is too large to be an export", name);
	}
	if (ferror(f))
		return say(ret_reason, -EIO, "%s cannot be read: %s", name, strerror(errno));
	if (memchr(text, 0, n))
		return say(ret_reason, -EINVAL, "%s is no text: `cxlmemctl export` writes what is "
						"wanted here", name);
	text[n] = 0;
	*ret = TAKE_PTR(text);
	return 0;
}

static int read_file(const char *path, char **ret, char **ret_reason)
{
	FILE *f = fopen(path, "re");
	int r;

	if (!f)
		return say(ret_reason, -errno, "%s cannot be read: %s", path, strerror(errno));
	r = read_stream(f, path, ret, ret_reason);
	fclose(f);
	return r;
}

int import_wishes(struct cli *cli, const struct command *command)
{
	_cleanup_free_ char *reason = NULL, *text = NULL, *refusal = NULL;
	const char *path = command->n_words > 0 ? command->words[0] : "-";
	const char *name = strcmp(path, "-") ? path : "standard input";
	uint32_t n;
	int r;

	r = name != path ? read_stream(stdin, name, &text, &reason) : read_file(path, &text, &reason);
	if (r == 0)
		r = bus_connect_direct(cli, &reason);
	if (r == 0) {
		r = bus_import(cli->bus, text, &n, &refusal);
		if (r < 0)
			(void)say(&reason, r, "%s is not imported: %s", name,
				  refusal ?: strerror(-r));
	}
	if (r == 0)
		r = say_count(cli, command, n, "imported");
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
