/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "json-util.h"

#include "render.h"
#include "table.h"

static const struct table_column columns[] = {
	{ .title = "ID", .right = true },
	{ .title = "STATE" },
	{ .title = "REGION" },
	{ .title = "WISH", .flex = true },
};

static enum tint state_tint(const char *state)
{
	if (!state || !strcmp(state, "there") || !strcmp(state, "left"))
		return TINT_NONE;
	return strcmp(state, "failed") ? TINT_WARN : TINT_BAD;
}

static void print_list(FILE *out, const struct style *style, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		put_sentence(out, style, 0, 2, "%s", json_object_get_string(json_object_array_get_idx(list, i)));
}

int render_wishes(FILE *out, const struct style *style, struct json_object *wishes)
{
	_cleanup_(table_freep) struct table *t = table_new(columns, ARRAY_SIZE(columns));
	struct json_object *list, *reports, *id;
	size_t n;
	int r;

	if (!t)
		return -ENOMEM;
	if (json_text(wishes, "broken"))
		put_sentence(out, style, 0, 2, "%s", json_text(wishes, "broken"));
	if (!json_object_object_get_ex(wishes, "wishes", &list) ||
	    !json_object_is_type(list, json_type_array))
		return -EBADMSG;
	n = json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *state = json_text(o, "state"), *reason = json_text(o, "reason");

		table_add(t, TINT_NONE, "%" PRIu64,
			  json_object_object_get_ex(o, "id", &id) ? json_object_get_uint64(id) : 0);
		table_add(t, state_tint(state), "%s", state ?: "?");
		table_add(t, TINT_NONE, "%s", json_text(o, "region") ?: "-");
		table_add(t, TINT_NONE, "%s%s%s", json_text(o, "text") ?: "?", reason ? ": " : "",
			  reason ?: "");
	}
	r = n ? table_print(t, out, style, 0) : 0;
	if (r == 0 && n == 0 && !json_text(wishes, "broken"))
		fputs("nothing is remembered: nobody made a region with cxlmem\n", out);
	if (r == 0 && json_object_object_get_ex(wishes, "reports", &reports) &&
	    json_object_is_type(reports, json_type_array))
		print_list(out, style, reports);
	return r;
}
