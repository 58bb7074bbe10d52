/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "format.h"

#include <errno.h>
#include <string.h>

#include "suggest.h"
#include "util.h"

static const char *const names[_FORMAT_MAX] = {
	[FORMAT_TABLE] = "table",
	[FORMAT_JSON] = "json",
	[FORMAT_JSON_SEQ] = "json-seq",
};

const char *format_name(enum format format)
{
	return names[format];
}

static const char *next_name(size_t i, const void *userdata)
{
	(void)userdata;
	return i < _FORMAT_MAX ? names[i] : NULL;
}

int format_from_name(const char *word, enum format *ret, char **ret_reason)
{
	const char *near;

	for (enum format f = 0; f < _FORMAT_MAX; f++)
		if (strcmp(names[f], word) == 0) {
			*ret = f;
			return 0;
		}
	near = suggest(word, next_name, NULL);
	if (near)
		return say(ret_reason, -EINVAL, "there is no format \"%s\"; did you mean %s?", word,
			   near);
	return say(ret_reason, -EINVAL,
		   "there is no format \"%s\": --format takes table, json or json-seq", word);
}
