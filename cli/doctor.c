/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json-util.h"
#include "picture.h"

#include "actions.h"
#include "bus.h"
#include "capture.h"
#include "describe.h"
#include "fetch.h"
#include "json-out.h"

/* The oldest kernel that is tested with. */
#define KERNEL_MAJOR 6
#define KERNEL_MINOR 12

struct doctor {
	struct json_object *findings;
	unsigned int wrong;
	int error;
};

/* One sentence, and what to do about it. */
static void find(struct doctor *d, bool wrong, const char *check, const char *advice,
		 const char *format, ...) _printf_(5, 6);

static void find(struct doctor *d, bool wrong, const char *check, const char *advice,
		 const char *format, ...)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&text, format, ap);
	va_end(ap);
	if (r < 0)
		text = NULL;
	r = o && text ? json_set_string(o, "check", check) : -ENOMEM;
	if (r == 0)
		r = json_take(o, "wrong", json_object_new_boolean(wrong));
	if (r == 0)
		r = json_set_string(o, "text", text);
	if (r == 0)
		r = json_set_string(o, "advice", advice);
	if (r == 0)
		r = json_append(d->findings, json_object_get(o));
	if (r < 0)
		d->error = r;
	d->wrong += wrong;
}

static void check_kernel(struct doctor *d, const struct picture *p)
{
	unsigned int major, minor;

	if (!p->kernel || sscanf(p->kernel, "%u.%u", &major, &minor) != 2)
		return;
	if (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR))
		find(d, true, "kernel", "install 6.12 or later", "Linux %s is older than what cxlmem is tested with",
		     p->kernel);
}

static void check_windows(struct doctor *d, const struct picture *p)
{
	if (p->n_windows == 0 && p->n_memdevs == 0)
		find(d, true, "cxl",
		     "see whether CXL is switched on in the firmware's setup, the kernel was built with "
		     "CONFIG_CXL_ACPI and CONFIG_CXL_MEM, and `modprobe cxl_acpi` loads",
		     "the kernel shows neither windows nor cards");
	else if (p->n_windows == 0)
		find(d, true, "windows",
		     "look for CXL memory, or memory hot-plug, in the firmware's setup: windows are made at boot",
		     "firmware set no address range aside for CXL memory");
	else if (p->n_memdevs == 0)
		find(d, false, "cards", "plug one in; `cxlmemctl list slots` shows where",
		     "there is room for CXL memory, and no card");
}

static bool is_repeated(const struct picture *p, size_t card)
{
	for (size_t i = 0; i < p->n_memdevs; i++)
		if (i != card && p->memdevs[i].serial == p->memdevs[card].serial)
			return true;
	return false;
}

static void check_cards(struct doctor *d, const struct picture *p)
{
	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct memdev *m = &p->memdevs[i];
		char link[LINK_SIZE];

		if (m->enabled == NO)
			find(d, true, "cards", "`cxl enable-memdev` may say why; so may `dmesg`",
			     "%s is not enabled", m->name);
		else if (p->n_windows && m->endpoint >= 0 && memdev_has_window(p, i) == NO)
			find(d, true, "windows",
			     "put the card below another host bridge, or have firmware make a window for this one",
			     "no window goes to the host bridge of %s", m->name);
		if (link_is_slow(m))
			find(d, false, "link", "seat the card anew; look at the slot's width and the firmware's setup",
			     "the link of %s is slower than both of its ends can: %s", m->name,
			     describe_link(m, link));
		if (m->failing)
			find(d, true, "health", "`cxlmemctl health` shows what it reported; `cxlmemctl eject` frees it",
			     "%s is failing: %s", m->name, m->failing);
		if (m->serial == 0 || (m->serial != UNKNOWN && is_repeated(p, i)))
			find(d, false, "serials", "name it by its PCI address: what is remembered is by its place",
			     "the serial number of %s does not tell it from others", m->name);
	}
}

static void check_unmanaged(struct doctor *d, const struct picture *p)
{
	for (size_t i = 0; i < p->n_unmanaged; i++) {
		const struct unmanaged *u = &p->unmanaged[i];
		bool stale = u->what && strncmp(u->what, "region", strlen("region")) == 0;
		char size[32];

		find(d, stale, "unmanaged",
		     stale ? "reboot: until then nobody can use these addresses" :
			     "have firmware leave CXL memory alone, or mark it as special purpose memory",
		     stale ? "%s at 0x%" PRIx64 " are left of a region that is gone" :
			     "%s at 0x%" PRIx64 " were mapped by firmware and cannot be managed",
		     format_size(u->size, size), u->resource);
	}
}

static void check_tiers(struct doctor *d, const struct picture *p)
{
	for (size_t i = 0; i < p->n_regions; i++) {
		struct region_memory m;
		int node;

		picture_region_memory(p, i, &m);
		node = m.online ? find_node(p, m.node) : -1;
		if (node >= 0 && !p->nodes[node].tier)
			find(d, false, "tiers",
			     "firmware should describe its speed (HMAT), and the card (CDAT): ask for an update",
			     "node%" PRIu64 ", which has the memory of %s, is in no memory tier", m.node,
			     p->regions[i].name);
	}
}

static void check_drain(struct doctor *d, const struct picture *p)
{
	for (size_t i = 0; i < p->n_daxes; i++)
		if (streq_null(p->daxes[i].driver, "device_dax") && !p->daxes[i].drain)
			find(d, false, "drain", "stop what uses it before it is taken away; the series in kernel/ ends that",
			     "this kernel does not tell whether pages of %s are pinned", p->daxes[i].name);
}

/* Others that bring memory online: the daemon has found them. */
static void check_rivals(struct doctor *d, struct json_object *rivals)
{
	struct json_object *list;

	if (!json_object_object_get_ex(rivals, "rivals", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (json_text(o, "where") && json_text(o, "does") && json_text(o, "advice"))
			find(d, json_flag(o, "problem"), "rivals", json_text(o, "advice"), "%s: %s",
			     json_text(o, "where"), json_text(o, "does"));
	}
}

static void check_profiles(struct doctor *d, struct json_object *profiles)
{
	struct json_object *list;

	if (!json_object_object_get_ex(profiles, "problems", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (json_text(o, "path") && json_text(o, "message"))
			find(d, streq_null(json_text(o, "severity"), "error"), "profiles",
			     "put the file right; `cxlmemctl profiles check` shows the lines", "%s: %s",
			     json_text(o, "path"), json_text(o, "message"));
	}
}

/* NULL where there is nobody to say. */
static struct json_object *get(struct cli *cli, const char *member, const char *part)
{
	_cleanup_free_ char *text = NULL;
	struct json_object *json = NULL;

	if (cli->capture)
		return capture_get(cli, part);
	if (bus_get(cli->bus, member, &text, NULL) < 0 || read_json(text, &json, NULL) < 0)
		return NULL;
	return json;
}

static int examine(struct cli *cli, struct doctor *d, char **ret_reason)
{
	_cleanup_json_ struct json_object *json = NULL, *rivals = NULL, *profiles = NULL;
	_cleanup_(picture_freep) struct picture *p = NULL;
	int r = fetch_json(cli, &json, ret_reason);

	if (r == 0)
		r = read_picture(json, &p, ret_reason);
	if (r < 0)
		return r;
	rivals = get(cli, "GetRivals", "rivals");
	profiles = get(cli, "GetProfiles", "profiles");
	check_kernel(d, p);
	check_windows(d, p);
	check_cards(d, p);
	check_unmanaged(d, p);
	check_rivals(d, rivals);
	check_profiles(d, profiles);
	check_tiers(d, p);
	check_drain(d, p);
	return d->error;
}

static void print_findings(struct cli *cli, const struct doctor *d)
{
	size_t n = json_object_array_length(d->findings);

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(d->findings, i);
		bool wrong = json_flag(o, "wrong");
		enum tint tint = wrong ? TINT_BAD : TINT_WARN;

		fprintf(cli->out, "%s%s%s ", tint_on(&cli->out_style, tint), wrong ? "!!" : "! ",
			tint_off(&cli->out_style, tint));
		put_sentence(cli->out, &cli->out_style, 3, 3, "%s; to do about it: %s", json_text(o, "text"),
			 json_text(o, "advice"));
	}
	if (d->wrong == 0)
		fprintf(cli->out, "nothing is wrong%s\n", n ? "; what is above is good to know" : "");
}

int see_doctor(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *findings = json_object_new_array();
	struct doctor d = { .findings = findings };
	_cleanup_free_ char *reason = NULL;
	int r = findings ? examine(cli, &d, &reason) : -ENOMEM;

	if (r == 0 && command_is_json(command))
		r = print_json(cli, findings);
	else if (r == 0 && !command_is_mute(command))
		print_findings(cli, &d);
	if (r < 0)
		return cli_fail(cli, r, reason);
	return d.wrong ? STATUS_FAILED : STATUS_DONE;
}
