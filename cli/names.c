/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "json-util.h"
#include "picture.h"

#include "bus.h"
#include "describe.h"
#include "fetch.h"

struct names {
	const char *typed;
	name_t found;
	void *userdata;
};

static void tell(const struct names *n, const char *about, const char *format, ...)
	_printf_(3, 4);

static void tell(const struct names *n, const char *about, const char *format, ...)
{
	_cleanup_free_ char *name = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&name, format, ap);
	va_end(ap);
	if (r < 0) {
		name = NULL;
		return;
	}
	if (strncmp(name, n->typed, strlen(n->typed)) == 0)
		n->found(name, about, n->userdata);
}

static void tell_cards(const struct names *n, const struct picture *p)
{
	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct memdev *m = &p->memdevs[i];
		char about[160], size[32], unused[32];

		snprintf(about, sizeof(about), "card, %s, %s free%s", format_size(m->ram_size, size),
			 format_size(memdev_ram_free(p, i), unused), m->failing ? ", failing" : "");
		tell(n, about, "%s", m->name);
		if (!*n->typed)
			continue;
		if (m->serial != UNKNOWN)
			tell(n, about, "0x%" PRIx64, m->serial);
		if (m->host)
			tell(n, about, "%s", m->host);
	}
}

static void tell_slots(const struct names *n, const struct picture *p, bool alone)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		_cleanup_free_ char *what = describe_slot(p, i), *about = NULL;

		if (asprintf(&about, "slot, %s", what ?: "?") < 0)
			about = NULL;
		/* Where a card may stand, too, the short name could be its serial. */
		tell(n, about, alone ? "%s" : "slot:%s", p->slots[i].name);
	}
}

static void tell_regions(const struct names *n, const struct picture *p)
{
	for (size_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->regions[i];
		struct region_memory m;
		char about[160], size[32];
		int dax = picture_region_dax(p, i);

		picture_region_memory(p, i, &m);
		snprintf(about, sizeof(about), "region, %s, %s", format_size(r->size, size),
			 describe_use(&m));
		tell(n, about, "%s", r->name);
		if (!*n->typed || dax < 0)
			continue;
		tell(n, about, "%s", p->daxes[dax].name);
		tell(n, about, "/dev/%s", p->daxes[dax].name);
		if (m.node != UNKNOWN)
			tell(n, about, "node%" PRIu64, m.node);
	}
}

static void tell_windows(const struct names *n, const struct picture *p)
{
	for (size_t i = 0; i < p->n_windows; i++) {
		char about[160], size[32], unused[32];

		snprintf(about, sizeof(about), "window, %s, %s free",
			 format_size(p->windows[i].size, size),
			 format_size(window_free(&p->windows[i]), unused));
		tell(n, about, "%s", p->windows[i].name);
	}
}

static void tell_nodes(const struct names *n, const struct picture *p)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		tell(n, "NUMA node", "node%" PRIu64, p->nodes[i].id);
}

static void tell_ports(const struct names *n, const struct picture *p)
{
	for (size_t i = 0; i < p->n_ports; i++)
		tell(n, port_kind_name(p->ports[i].kind), "%s", p->ports[i].name);
}

/* Nothing is started for a name, and who does not answer soon has none. */
static bool is_there(struct cli *cli)
{
	return bus_connect_direct(cli, NULL) == 0 && bus_is_there(cli->bus);
}

static struct picture *get_picture(struct cli *cli)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct picture *p = NULL;

	if (!cli->capture && !is_there(cli))
		return NULL;
	return fetch_json(cli, &json, NULL) == 0 && read_picture(json, &p, NULL) == 0 ? p : NULL;
}

static void tell_operations(struct cli *cli, const struct names *n, bool running)
{
	struct operation_line *lines = NULL;
	size_t count = 0;
	uint64_t id;

	/* A file has none. */
	if (cli->capture || !is_there(cli) ||
	    bus_list_operations(cli->bus, &lines, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (operation_id(lines[i].path, &id) == 0 &&
		    (!running || !operation_line_is_over(&lines[i])))
			tell(n, lines[i].summary, "%" PRIu64, id);
	operation_lines_free(lines, count);
}

void names_live(struct cli *cli, uint32_t kinds, const char *typed, name_t found, void *userdata)
{
	const struct names n = { .typed = typed, .found = found, .userdata = userdata };
	_cleanup_(picture_freep) struct picture *p = NULL;

	if (kinds & NAME_OBJECT)
		p = get_picture(cli);
	if (p && kinds & NAME_CARD)
		tell_cards(&n, p);
	if (p && kinds & NAME_SLOT)
		tell_slots(&n, p, !(kinds & NAME_CARD));
	if (p && kinds & NAME_REGION)
		tell_regions(&n, p);
	if (p && kinds & NAME_WINDOW)
		tell_windows(&n, p);
	if (p && kinds & NAME_NODE)
		tell_nodes(&n, p);
	if (p && kinds & NAME_PORT)
		tell_ports(&n, p);
	if (kinds & (NAME_OPERATION | NAME_RUNNING))
		tell_operations(cli, &n, kinds & NAME_RUNNING);
}
