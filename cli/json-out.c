/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-out.h"

#include <errno.h>

#include <json-c/json_tokener.h>

int print_json(struct cli *cli, struct json_object *value, bool one_line)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;

	flags |= one_line ? JSON_C_TO_STRING_PLAIN :
			    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
	text = json_object_to_json_string_ext(value, flags);
	if (!text)
		return -ENOMEM;
	fprintf(cli->out, "%s\n", text);
	return 0;
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
