/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "describe-blockers.h"

#include <errno.h>
#include <stdlib.h>

#include "blockers.h"
#include "json-util.h"

int describe_blockers(const char *text, size_t max, char ***ret)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(text);
	_cleanup_(blockers_freep) struct blockers *b = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	if (!json)
		return -EBADMSG;
	r = blockers_from_json(json, &b, &reason);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	return blockers_lines(b, max, ret);
}

void lines_free(char **lines)
{
	for (char **line = lines; line && *line; line++)
		free(*line);
	free(lines);
}
