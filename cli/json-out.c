/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-out.h"

#include <errno.h>

#include <json-c/json_tokener.h>

/* RFC 7464: what a record begins with. */
#define RECORD_SEPARATOR 0x1e

static int print(struct cli *cli, struct json_object *value, int flags)
{
	const char *text = json_object_to_json_string_ext(value,
							  flags | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return -ENOMEM;
	if (cli->format == FORMAT_JSON_SEQ)
		fputc(RECORD_SEPARATOR, cli->out);
	fprintf(cli->out, "%s\n", text);
	return 0;
}

int print_record(struct cli *cli, struct json_object *value)
{
	return print(cli, value, JSON_C_TO_STRING_PLAIN);
}

int print_json(struct cli *cli, struct json_object *value)
{
	int r = 0;

	if (cli->format != FORMAT_JSON_SEQ)
		return print(cli, value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
	if (!json_object_is_type(value, json_type_array))
		return print_record(cli, value);
	for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++)
		r = print_record(cli, json_object_array_get_idx(value, i));
	return r;
}

int read_json(const char *text, struct json_object **ret, char **ret_reason)
{
	enum json_tokener_error error;
	struct json_object *value = json_tokener_parse_verbose(text, &error);

	if (!value)
		return say(ret_reason, -EBADMSG, "cxlmemd's answer is no JSON: %s",
			   json_tokener_error_desc(error));
	*ret = value;
	return 0;
}
