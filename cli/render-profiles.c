/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render.h"

#include <errno.h>
#include <string.h>

#include "util.h"

#include "table.h"

static const struct table_column columns[] = {
	{ .title = "PROFILE" },
	{ .title = "FOR", .flex = true },
	{ .title = "USE" },
	{ .title = "CARDS", .flex = true },
	{ .title = "FILE", .flex = true },
};

static void add_match(struct table *t, const struct profile *p)
{
	_cleanup_free_ char *text = NULL;

	/* a cell that could not be made is told by table_print() */
	if (profile_match_text(p, &text) < 0)
		table_lose(t);
	else
		table_add(t, TINT_NONE, "%s", text);
}

static void add_use(struct table *t, const struct profile *p)
{
	char ways[24] = "";

	if (p->ways > 1)
		snprintf(ways, sizeof(ways), "%u ways, ", p->ways);
	table_add(t, TINT_NONE, "%s%s%s", ways,
		  p->mode == MODE_DEVDAX ? "devdax" : zone_name(p->zone),
		  p->mode == MODE_DEVDAX || p->online ? "" : ", offline");
}

static void add_cards(struct table *t, const struct profile_set *set, size_t profile,
		      const struct picture *p)
{
	char *text = NULL;
	size_t size;
	FILE *f;

	if (!p) {
		table_add(t, TINT_WARN, "unknown");
		return;
	}
	f = open_memstream(&text, &size);
	for (size_t i = 0; f && i < p->n_memdevs; i++)
		if (profile_set_match(set, p, i) == set->list[profile])
			fprintf(f, "%s%s", ftell(f) ? "," : "", p->memdevs[i].name);
	if (!f || fclose(f) != 0)
		table_lose(t);
	else
		table_add(t, TINT_NONE, "%s", *text ? text : "-");
	free(text);
}

static void add_file(struct table *t, const struct profile *p)
{
	char dropins[40] = "";

	if (p->dropins.n)
		snprintf(dropins, sizeof(dropins), " and %zu drop-in%s", p->dropins.n,
			 p->dropins.n == 1 ? "" : "s");
	table_add(t, TINT_NONE, "%s%s", p->path, dropins);
}

int render_profiles(FILE *out, const struct style *style, const struct profile_set *set,
		    const struct picture *p)
{
	_cleanup_(table_freep) struct table *t = table_new(columns, ARRAY_SIZE(columns));

	if (!t)
		return -ENOMEM;
	for (size_t i = 0; i < set->n; i++) {
		table_add(t, TINT_NONE, "%s", set->list[i]->name);
		add_match(t, set->list[i]);
		add_use(t, set->list[i]);
		add_cards(t, set, i, p);
		add_file(t, set->list[i]);
	}
	if (table_rows(t) == 0) {
		fputs("there are no profiles: cards are left alone until somebody uses them\n",
		      out);
		return 0;
	}
	return table_print(t, out, style, 0);
}
