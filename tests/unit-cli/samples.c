/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes the JSON of all verbs into a directory, each into SCHEMA@NAME.json, for the lab to hold against the
 * schemas (./lab test schema): what checks them is not where this is built.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json_tokener.h>

#include "test.h"

#include "blockers.h"
#include "card-events.h"
#include "fake-daemon.h"
#include "json-util.h"
#include "machine.h"
#include "session.h"
#include "../../common/wish.h" /* not the client's */

#define PROFILES "/etc/cxlmem/profiles.d"

struct places {
	const char *directory; /* where samples go */
	char root[32];	       /* a machine's files; gone afterwards */
};

static char *copy(const char *s)
{
	char *c = strdup(s);

	assert_non_null(c);
	return c;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* All kinds of objects, and all that can be known of one of each. */
static struct picture *everything(void)
{
	struct picture *p = machine_two_bridges();
	struct memdev *m = &p->memdevs[1];
	struct region *r = &p->regions[0];
	struct node *n = &p->nodes[1];
	struct unmanaged *u;

	p->swap_free = GIB;
	p->windows[0].qos_class = 3;
	p->windows[0].next_region = copy("region1");
	p->windows[0].targets[0].alias = copy("ACPI0016:00");
	port_add_dport(&p->ports[1])->name = copy("0000:0c:00.0");
	p->ports[1].decoders[0].nr_targets = 1;
	p->ports[1].decoders[0].locked = YES;
	machine_slot(p, "2", "0000:0d:00", "0000:0c:00.0", YES);
	p->slots[0].attention = NO;
	p->slots[0].button_policy = copy("ask");
	p->slots[0].button_request = copy("none");
	m->slot = 0;
	m->path = copy("pci0000:de/0000:de:00.0/0000:df:00.0");
	m->vendor = 0x8086;
	m->device = 0x0d93;
	m->link_speed = m->max_link_speed = 32000;
	m->link_width = m->max_link_width = 16;
	m->numa_node = 0;
	m->failing = copy("poison");
	m->health = (struct health){ .known = true, .maintenance_needed = true, .replacement_needed = true,
				     .performance_degraded = true, .media = copy("data-lost"),
				     .life_used = 7, .temperature = (uint64_t)-12, .volatile_errors = 1,
				     .dirty_shutdowns = 2 };
	r->locked = NO;
	r->origin = copy("profile 50-all");
	r->speed = n->speed = (struct speed){ 64000, 48000, 210, 230 };
	r->mappings[0].decoder = copy("decoder3.0");
	p->daxes[0].state = copy("online_movable");
	p->daxes[0].drain = copy("live");
	u = picture_add_unmanaged(p);
	u->window = 1;
	u->resource = 0x200000000;
	u->size = 256 * MIB;
	u->what = copy("System RAM");
	n->reclaimable = n->huge = n->huge_free = 0;
	n->barred = true;
	return p;
}

static char *as_text(struct json_object *json)
{
	char *text = copy(json_object_to_json_string(json));

	json_object_put(json);
	return text;
}

static char *picture_text(struct picture *p)
{
	struct json_object *json;

	assert_int_equal(picture_to_json(p, &json), 0);
	picture_free(p);
	return as_text(json);
}

/* What is in @s, which must be JSON. */
static void keep(const struct places *where, const char *schema, const char *name, struct session *s)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(s->out.text);
	char path[256];

	if (!json)
		fail_msg("%s: no JSON, but:\n%s%s", name, s->out.text, s->err.text);
	snprintf(path, sizeof(path), "%s/%s@%s.json", where->directory, schema, name);
	write_file(path, s->out.text);
	session_free(s);
}

static void ask(const struct places *where, const struct fake *fake, const char *schema, const char *name,
		const char *line)
{
	struct fake_daemon d;
	struct session s;
	sd_bus *bus = fake_daemon_peer(&d, fake);

	session_run_at(&s, bus, where->root, line);
	fake_daemon_stop(&d);
	keep(where, schema, name, &s);
}

/* Of a machine in a file: the client's own work, down to the planner. */
static void sample_pictures(void **state)
{
	static const struct {
		const char *schema, *name, *words;
	} cases[] = {
		{ "picture", "status", "status" },
		{ "picture", "topology", "topology" },
		{ "picture", "list", "list" },
		{ "list", "windows", "list windows" },
		{ "list", "ports", "list ports" },
		{ "list", "cards", "list cards" },
		{ "list", "slots", "list slots" },
		{ "list", "regions", "list regions" },
		{ "list", "dax", "list dax" },
		{ "list", "memory", "list memory" },
		{ "list", "nodes", "list nodes" },
		{ "show", "show", "show mem1 region0 dax0.0 decoder0.0 port1 slot:2 node1 memory32" },
		{ "plan", "destroy", "plan destroy region0" },
		{ "plan", "online", "plan online region0" },
		{ "plan", "offline", "plan offline region0" },
		{ "plan", "set-mode", "plan set-mode devdax --align 4K region0" },
		{ "doctor", "doctor", "doctor" },
	};
	struct places *where = *state;
	_cleanup_free_ char *picture = picture_text(everything());
	char path[64], line[256];
	struct session s;

	snprintf(path, sizeof(path), "%s/machine.json", where->root);
	write_file(path, picture);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(line, sizeof(line), "--json --from %s %s", path, cases[i].words);
		session_run(&s, NULL, line);
		keep(where, cases[i].schema, cases[i].name, &s);
	}
	snprintf(path, sizeof(path), "%s/nothing.json", where->root);
	free(picture);
	picture = picture_text(picture_new());
	write_file(path, picture);
	snprintf(line, sizeof(line), "--json --from %s status", path);
	session_run(&s, NULL, line);
	keep(where, "picture", "nothing-known", &s);
}

static void sample_operations(void **state)
{
	const struct fake well = { .result = "mem0 may be pulled" }, badly = { .state = "failed", .reason = "no" };
	struct places *where = *state;

	ask(where, &well, "operation", "create", "create --json mem0");
	ask(where, &badly, "operation", "failed", "create --json mem0");
	ask(where, &well, "operation", "no-wait", "destroy --json --no-wait region0");
	ask(where, &well, "operation", "one", "operations --json 1");
	ask(where, &(struct fake){ .no_steps = true }, "operation", "no-steps", "online --json region0");
	ask(where, &(struct fake){ 0 }, "operation", "cancel", "cancel --json 1");
	ask(where, &(struct fake){ 0 }, "operations", "all", "operations --json");
	ask(where, &(struct fake){ .no_operations = true }, "operations", "none", "operations --json");
}

static char *health_text(void)
{
	struct card_records records = { 0 };
	struct card_record *r = calloc(1, sizeof(*r));
	struct json_object *json;

	assert_non_null(r);
	records.list = r;
	records.n = 1;
	r->memdev = copy("mem0");
	r->host = copy("0000:0d:00.0");
	r->serial = 0x1000;
	r->failing = copy("poison");
	for (int kind = 0; kind < _EVENT_KIND_MAX; kind++) {
		r->counts[kind] = kind + 1;
		r->events[r->n_events++] = (struct card_event){ .kind = kind, .severity = kind % _SEVERITY_MAX,
								.usec = 1, .text = copy("an event") };
	}
	assert_int_equal(card_records_to_json(&records, &json), 0);
	card_records_clear(&records);
	return as_text(json);
}

static char *blockers_text(bool devdax)
{
	struct blocker_process process = { .pid = 7, .name = (char *)"db", .bytes = MIB, .huge = MIB, .locked = MIB,
					   .pinned = MIB, .open = devdax, .mapped = devdax };
	struct blocker_block block = { .number = 32, .going = true, .movable = 1, .kernel = 1, .huge = 1,
				       .locked = 1, .held = 1 };
	struct blockers b = { .region = (char *)"region0", .dax = (char *)"dax0.0",
			      .node = devdax ? UNKNOWN : 1, .devdax = devdax, .active = MIB, .processes = &process,
			      .n_processes = 1, .blocks = &block, .n_blocks = !devdax, .partial = true };
	struct json_object *json;

	assert_int_equal(blockers_to_json(&b, &json), 0);
	return as_text(json);
}

static char *export_text(void)
{
	struct wish_member members[] = { { .serial = 0x1000, .path = (char *)"pci0000:0c/0000:0c:00.0/0000:0d:00.0" },
					 { .serial = UNKNOWN, .path = NULL } };
	struct wish list[] = {
		{ .kind = WISH_REGION, .id = 1, .origin = (char *)"hand", .members = members, .n_members = 2,
		  .granularity = 1024, .size = GIB, .window = (char *)"decoder0.0", .resource = GIB,
		  .mode = MODE_SYSTEM_RAM, .zone = ZONE_MOVABLE, .online = true },
		{ .kind = WISH_REGION, .id = 2, .origin = (char *)"adopted", .members = members, .n_members = 1,
		  .size = GIB, .resource = UNKNOWN, .mode = MODE_DEVDAX, .align = 4096 },
		{ .kind = WISH_LEAVE, .id = 3, .members = members, .n_members = 1 },
	};
	struct wishes w = { .list = list, .n = ARRAY_SIZE(list), .generation = 4 };
	struct json_object *json;

	assert_int_equal(wishes_to_json(&w, &json), 0);
	return as_text(json);
}

static void sample_answers(void **state)
{
	_cleanup_free_ char *health = health_text(), *memory = blockers_text(false), *devdax = blockers_text(true),
			    *export = export_text(), *picture = picture_text(everything());
	struct fake fake = { .picture = picture, .health = health, .blockers = memory, .export = export,
			     .wishes = "{\"wishes\":[],\"reports\":[],\"pending\":[]}" };
	struct places *where = *state;

	ask(where, &fake, "health", "events", "health --json");
	ask(where, &fake, "blockers", "memory", "blockers --json region0");
	ask(where, &(struct fake){ .blockers = devdax }, "blockers", "devdax", "blockers --json region0");
	ask(where, &fake, "export", "export", "export");
	ask(where, &fake, "wishes", "none", "wishes --json");
	ask(where, &fake, "capture", "older-daemon", "capture");
	fake.rivals = "{\"rivals\":[{\"kind\":\"udev\",\"where\":\"a:1\",\"does\":\"b\",\"advice\":\"c\","
		      "\"problem\":true}],\"overruled\":[{\"first\":1,\"last\":2,\"region\":\"region0\","
		      "\"wanted\":\"offline\",\"found\":\"online\",\"culprits\":[\"a:1\"],\"text\":\"d\","
		      "\"usec\":1}]}";
	ask(where, &fake, "capture", "rivals", "capture");
	ask(where, &fake, "count", "forget", "forget --json all");
	ask(where, &fake, "count", "adopt", "adopt --json region0");
}

static void sample_profiles(void **state)
{
	struct places *where = *state;
	_cleanup_free_ char *picture = picture_text(everything());
	const struct fake fake = { .picture = picture };
	char path[128];

	snprintf(path, sizeof(path), "mkdir -p %s" PROFILES "/40-all.profile.d", where->root);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s" PROFILES "/40-all.profile", where->root);
	write_file(path, "[Match]\nSerial=0x1000 0x1001\nPath=*\nHostBridge=pci*\nVendor=0x8086\nMinSize=1M\n"
			 "MaxSize=1T\nType=ram\n[Region]\nWays=2\nGranularity=1024\nSize=256M\nWaitSec=30s\nFewer=less\n"
			 "[Memory]\nMode=devdax\nAlign=2M\n[Remove]\nDeadlineSec=30s\nOnDeadline=revoke\n"
			 "OnFailure=evacuate\n");
	snprintf(path, sizeof(path), "%s" PROFILES "/40-all.profile.d/x.conf", where->root);
	write_file(path, "[Region]\nWays=2\n");
	snprintf(path, sizeof(path), "%s" PROFILES "/50-pair.profile", where->root);
	write_file(path, "[Region]\nMembers=0x1000 slot:4\n[Memory]\nZone=kernel\nOnline=no\n");
	ask(where, &fake, "profiles", "all", "profiles --json");
	ask(where, &fake, "problems", "none", "profiles check --json");
	snprintf(path, sizeof(path), "%s" PROFILES "/60-bad.profile", where->root);
	write_file(path, "[Match]\nSerail=1\n[Region]\nWays=5\n");
	ask(where, &fake, "profiles", "bad", "profiles --json");
	ask(where, &fake, "problems", "bad", "profiles check --json");
}

static int setup(void **state)
{
	struct places *where = *state;

	if (mkdir(where->directory, 0755) < 0 && errno != EEXIST)
		return -1;
	strcpy(where->root, "/tmp/cxlmem-samples-XXXXXX");
	return mkdtemp(where->root) ? 0 : -1;
}

static int teardown(void **state)
{
	struct places *where = *state;
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", where->root);
	return system(command);
}

#define SAMPLE(f, where) cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, where)

int main(int argc, char **argv)
{
	struct places where = { .directory = argc > 1 ? argv[1] : "samples" };
	const struct CMUnitTest tests[] = {
		SAMPLE(sample_pictures, &where),
		SAMPLE(sample_operations, &where),
		SAMPLE(sample_answers, &where),
		SAMPLE(sample_profiles, &where),
	};

	return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
