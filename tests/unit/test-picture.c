/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "json-util.h"
#include "machines.h"
#include "mock-kernel.h"

static char *as_text(const struct picture *p)
{
	struct json_object *o;
	char *text;

	assert_int_equal(picture_to_json(p, &o), 0);
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	return text;
}

static int from_text(const char *text, struct picture **ret, char **reason)
{
	_cleanup_json_ struct json_object *json = json_tokener_parse(text);

	assert_non_null(json);
	return picture_from_json(json, ret, reason);
}

/* A machine in which every kind of object and every field stands for itself. */
static void full_machine(struct mock *m)
{
	struct picture *p = m->picture;
	struct unmanaged *u;
	struct memdev *card;
	struct slot *slot;
	struct node *n;

	machine_big(m);
	mock_add_region(m, 2, "movable", 4 * GIB, 8, 0, 4, 1, 5, 2, 6, 3, 7);
	mock_add_region(m, 2, "devdax", 512 * MIB, 2, 0, 4);
	mock_add_region(m, 2, "attached", 512 * MIB, 2, 1, 5);
	mock_add_region(m, 0, "empty", 0, 0);
	p->windows[1].qos_class = 3;
	p->windows[1].pmem_capable = YES;
	mock_set_string(&p->windows[1].targets[0].alias, "ACPI0016:00");
	card = &p->memdevs[2];
	card->serial = UINT64_MAX - 1;
	card->numa_node = 0;
	mock_set_string(&card->firmware, "BWFW VERSION 0");
	card->health.known = true;
	card->health.maintenance_needed = true;
	card->health.life_used = 7;
	card->health.temperature = -12;
	card->health.volatile_errors = 0;
	mock_set_string(&card->health.media, "normal");
	mock_set_string(&card->path, "pci0000:0c/0000:0c:00.0/0000:0d:00.0");
	card->vendor = 0x8086;
	card->device = 0x0d93;
	card->slot = 0;
	card->link_speed = 16000;
	card->link_width = 8;
	card->max_link_speed = 32000;
	card->max_link_width = 16;
	p->regions[0].speed = (struct speed){ 64000, 48000, 210, 230 };
	slot = picture_add_slot(p);
	mock_set_string(&slot->name, "2-1");
	mock_set_string(&slot->address, "0000:0d:00");
	mock_set_string(&slot->port, "0000:0c:00.0");
	slot->power = YES;
	slot->attention = NO;
	mock_set_string(&slot->button_policy, "ask");
	mock_set_string(&slot->button_request, "none");
	mock_set_string(&p->regions[0].origin, "profile 50-ram.profile");
	u = picture_add_unmanaged(p);
	u->window = 0;
	u->resource = BASE;
	u->size = 256 * MIB;
	mock_set_string(&u->what, "System RAM");
	n = picture_add_node(p);
	n->id = 2;
	n->total = 4 * GIB;
	n->free = 0;
	n->has_cpu = NO;
	n->speed = (struct speed){ 64000, 48000, 210, 230 };
	mock_set_string(&n->tier, "memory_tier4");
}

static void round_trip(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_(picture_freep) struct picture *back = NULL;
	_cleanup_free_ char *a = NULL, *b = NULL, *reason = NULL;

	(void)state;
	full_machine(m);
	a = as_text(m->picture);
	if (from_text(a, &back, &reason) < 0)
		fail_msg("%s", reason);
	b = as_text(back);
	assert_string_equal(a, b);
	assert_int_equal((int64_t)back->memdevs[2].health.temperature, -12);
	assert_true(back->memdevs[2].health.dirty_shutdowns == UNKNOWN);
	assert_false(back->memdevs[1].health.known);
	assert_true(back->memdevs[2].serial == UINT64_MAX - 1);
	assert_true(back->nodes[0].free == 0);
	assert_int_equal(back->memdevs[2].slot, 0);
	assert_int_equal(back->memdevs[1].slot, -1);
	assert_int_equal(back->slots[0].power, YES);
	assert_non_null(strstr(a, "\"decoder\":\"decoder0.2\""));
	assert_non_null(strstr(a, "\"memdev\":\"mem2\""));
	assert_non_null(strstr(a, "\"temperature\":-12"));
}

static void nothing_known(void **state)
{
	_cleanup_(picture_freep) struct picture *p = picture_new(), *back = NULL;
	_cleanup_free_ char *text = NULL;

	(void)state;
	picture_add_memdev(p)->name = strdup("mem0");
	picture_add_window(p)->name = strdup("decoder0.0");
	text = as_text(p);
	assert_non_null(strstr(text, "\"memdevs\":[{\"memdev\":\"mem0\"}]"));
	assert_int_equal(from_text(text, &back, NULL), 0);
	assert_true(back->memdevs[0].ram_size == UNKNOWN);
	assert_int_equal(back->memdevs[0].endpoint, -1);
	assert_int_equal(back->memdevs[0].enabled, MAYBE);
	assert_int_equal(back->windows[0].volatile_capable, MAYBE);
	assert_true(back->block_size == UNKNOWN);
	assert_null(back->auto_online);
}

/* Written by a person: in any order, with keys that are not known here. */
static void by_hand(void **state)
{
	static const char text[] =
		"{\"colour\":1,\"regions\":[{\"region\":\"region0\",\"window\":\"decoder0.0\","
		"\"mappings\":[{\"position\":1,\"decoder\":\"b\"},{\"position\":0,\"decoder\":"
		"\"a\"}]}],"
		"\"windows\":[{\"decoder\":\"decoder0.0\",\"size\":null,\"busy\":["
		"{\"start\":9,\"size\":1},{\"start\":3,\"size\":1}]}],"
		"\"ports\":[{\"port\":\"root0\",\"kind\":\"root\",\"decoders\":["
		"{\"decoder\":\"y\",\"id\":1},{\"decoder\":\"x\",\"id\":0}]}],"
		"\"memory\":[{\"first\":9,\"count\":1},{\"first\":4,\"count\":2,\"zone\":"
		"\"movable\","
		"\"state\":\"online\",\"region\":\"region0\"}]}";
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_free_ char *reason = NULL;

	(void)state;
	if (from_text(text, &p, &reason) < 0)
		fail_msg("%s", reason);
	assert_int_equal(p->regions[0].window, 0);
	assert_string_equal(p->regions[0].mappings[0].decoder, "a");
	assert_true(p->windows[0].size == UNKNOWN);
	assert_int_equal(p->windows[0].busy[0].start, 3);
	assert_string_equal(p->ports[0].decoders[0].name, "x");
	assert_int_equal(p->memory[0].first, 4);
	assert_int_equal(p->memory[0].region, 0);
	assert_int_equal(p->memory[0].zone, ZONE_MOVABLE);
}

static void bad_json(void **state)
{
	static const struct {
		const char *json, *reason;
	} cases[] = {
		/* clang-format off */
		{ "[]", "the picture is no JSON object" },
		{ "{\"windows\":{}}", "windows is no list" },
		{ "{\"windows\":[7]}", "windows[0].entry is no object" },
		{ "{\"windows\":[{}]}", "windows[0].decoder is missing" },
		{ "{\"windows\":[{\"decoder\":\"a\"},{\"decoder\":\"b\",\"size\":\"1G\"}]}",
		  "windows[1].size is no number" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"size\":-5}]}",
		  "windows[0].size is no number" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"size\":1.5}]}",
		  "windows[0].size is no number" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"interleave_ways\":4294967296}]}",
		  "windows[0].interleave_ways is too big a number" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"volatile_capable\":1}]}",
		  "windows[0].volatile_capable is neither true nor false" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"targets\":[{\"port\":\"port9\"}]}]}",
		  "windows[0].targets[0].port names something that is not in the picture" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"busy\":[{\"start\":1}]}]}",
		  "windows[0].busy[0].size is missing" },
		{ "{\"windows\":[{\"decoder\":\"a\"},{\"decoder\":\"a\"}]}",
		  "a is in the picture twice" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"resource\":18446744073709551614,\"size"
		  "\":5}]}",
		  "a ends beyond 64 bits" },
		{ "{\"windows\":[{\"decoder\":\"a\",\"busy\":[{\"start\":18446744073709551614,"
		  "\"size\":5}]}]}",
		  "busy[0] of a ends beyond 64 bits" },
		{ "{\"ports\":[{\"port\":\"p\"}]}", "ports[0].kind is missing" },
		{ "{\"ports\":[{\"port\":\"p\",\"kind\":\"hub\"}]}", "ports[0].kind is a word" },
		{ "{\"ports\":[{\"port\":\"p\",\"kind\":\"switch\",\"parent\":\"q\"},"
		  "{\"port\":\"q\",\"kind\":\"root\"}]}",
		  "p stands before its parent q" },
		{ "{\"ports\":[{\"port\":\"p\",\"kind\":\"switch\",\"parent\":\"p\"}]}",
		  "p stands before its parent p" },
		{ "{\"ports\":[{\"port\":\"p\",\"kind\":\"switch\",\"decoders\":[{\"decoder"
		  "\":\"d\","
		  "\"id\":2147483648}]}]}",
		  "ports[0].decoders[0].id is too big a number" },
		{ "{\"ports\":[{\"port\":\"p\",\"kind\":\"switch\",\"decoders\":[{\"decoder"
		  "\":\"d\","
		  "\"dpa_resource\":18446744073709551614,\"dpa_size\":2}]}]}",
		  "d ends beyond 64 bits" },
		{ "{\"memdevs\":[{\"memdev\":\"m\",\"health\":[]}]}",
		  "memdevs[0].health is no object" },
		{ "{\"memdevs\":[{\"memdev\":\"m\",\"health\":{\"temperature\":\"hot\"}}]}",
		  "memdevs[0].temperature is no number" },
		{ "{\"memdevs\":[{\"memdev\":3}]}", "memdevs[0].memdev is no text" },
		{ "{\"memdevs\":[{\"memdev\":\"m\",\"endpoint\":\"p\"}],\"ports\":[{\"port\":\"p\","
		  "\"kind\":\"switch\"}]}",
		  "endpoint of m is no endpoint port" },
		{ "{\"regions\":[{\"region\":\"r\",\"mappings\":[{\"memdev\":\"m\"}]}]}",
		  "regions[0].mappings[0].memdev names something" },
		{ "{\"regions\":[{\"region\":\"r\",\"window\":5}]}",
		  "regions[0].window is no text" },
		{ "{\"memory\":[{\"first\":1}]}", "memory[0].count is missing" },
		{ "{\"memory\":[{\"first\":1,\"count\":4294967296}]}", "too big a block number" },
		{ "{\"memory\":[{\"first\":1,\"count\":1,\"state\":\"gone\"}]}",
		  "memory[0].state is a word" },
		{ "{\"memory\":[{\"first\":1,\"count\":1,\"zone\":\"dma\"}]}",
		  "memory[0].zone is a word" },
		{ "{\"block_size\":1000}", "block_size is no size" },
		{ "{\"block_size\":3145728}", "block_size is no size" },
		{ "{\"nodes\":[{}]}", "nodes[0].node is missing" },
		{ "{\"kernel\":7}", "kernel is no text" },
		/* clang-format on */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct picture *p = NULL;
		_cleanup_free_ char *reason = NULL;

		assert_int_equal(from_text(cases[i].json, &p, &reason), -EINVAL);
		if (!strstr(reason, cases[i].reason))
			fail_msg("%s: %s", cases[i].json, reason);
		assert_null(p);
		assert_int_equal(from_text(cases[i].json, &p, NULL), -EINVAL);
	}
}

static void resolve_cards(void **state)
{
	static const struct {
		const char *word;
		int found, error;
		const char *reason;
	} cases[] = {
		/* clang-format off */
		{ "mem1", 1, 0, NULL },
		{ "0000:21:00.0", 1, 0, NULL },
		{ "21:00.0", 1, 0, NULL },
		{ "4097", 1, 0, NULL },
		{ "0x1001", 1, 0, NULL },
		{ "0X1001", 1, 0, NULL },
		{ "mem9", -1, -ENOENT, "no card is called mem9: there is mem0, mem1, mem2, mem3" },
		{ "99", -1, -ENOENT, "no card is called 99" },
		{ "", -1, -ENOENT, "no card is called " },
		{ "0001:21:00.0", -1, -ENOENT, "no card is called" },
		{ "/dev/cxl/mem1", 1, 0, NULL },
		{ "/sys/bus/pci/devices/0000:21:00.0", 1, 0, NULL },
		{ "/tmp/mem1", -1, -ENOENT, "no card is called /tmp/mem1" },
		{ "/dev/cxl/", -1, -ENOENT, "no card is called" },
		{ "region0", -1, -ENOENT, "region0 is a region, and a card is needed: it is on mem0" },
		{ "5", -1, -ENOTUNIQ, "several cards have the serial number 5" },
		/* clang-format on */
	};
	_cleanup_mock_ struct mock *m = mock_new();
	size_t i;

	(void)state;
	machine_two_by_two(m);
	m->picture->memdevs[2].serial = m->picture->memdevs[3].serial = 5;
	mock_add_region(m, 0, "movable", 256 * MIB, 1, 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *reason = NULL;
		int found = -1;

		assert_int_equal(picture_resolve_card(m->picture, cases[i].word, &found, &reason),
				 cases[i].error);
		assert_int_equal(found, cases[i].found);
		if (cases[i].reason && !strstr(reason, cases[i].reason))
			fail_msg("%s", reason);
	}
}

static void resolve_regions(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	_cleanup_free_ char *reason = NULL;
	int found = -1;

	(void)state;
	machine_two_bridges(m);
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	mock_add_region(m, 1, "movable", 512 * MIB, 1, 1);
	assert_int_equal(picture_resolve_region(m->picture, "region1", &found, NULL), 0);
	assert_int_equal(found, 1);
	assert_int_equal(picture_resolve_region(m->picture, "dax0.0", &found, NULL), 0);
	assert_int_equal(found, 0);
	assert_int_equal(picture_resolve_region(m->picture, "/dev/dax1.0", &found, NULL), 0);
	assert_int_equal(found, 1);
	assert_int_equal(picture_resolve_region(m->picture, "/sys/bus/cxl/devices/region0", &found, NULL), 0);
	assert_int_equal(found, 0);
	assert_int_equal(picture_resolve_region(m->picture, "node2", &found, NULL), 0);
	assert_int_equal(found, 1);
	assert_int_equal(picture_resolve_region(m->picture, "node7", &found, &reason), -ENOENT);
	assert_int_equal(picture_resolve_region(m->picture, "nodeX", &found, &reason), -ENOENT);
	assert_int_equal(picture_resolve_region(m->picture, "region7", &found, &reason), -ENOENT);
	assert_non_null(strstr(reason, "there is region0, region1"));
	free(reason);
	reason = NULL;
	assert_int_equal(picture_resolve_region(m->picture, "/dev/cxl/mem0", &found, &reason), -ENOENT);
	assert_string_equal(reason, "mem0 is a card, and a region is needed: on it is region0");
	m->picture->daxes[0].target_node = 2;
	assert_int_equal(picture_resolve_region(m->picture, "node2", &found, &reason), -ENOTUNIQ);
	m->picture->daxes[0].region = -1;
	assert_int_equal(picture_resolve_region(m->picture, "dax0.0", &found, &reason), -ENOENT);
	assert_non_null(strstr(reason, "belongs to no CXL region"));
	assert_int_equal(found, 1);
}

static void holes(void **state)
{
	static const struct {
		uint64_t start, size; /* of the window, in units of 128 MiB */
		struct {
			uint64_t start, size;
		} busy[3];
		uint64_t hole;	      /* 128 MiB */
		uint64_t want, place; /* 128 MiB; place 0 = none */
	} cases[] = {
		/* clang-format off */
		{ 32, 32, { {} }, 32, 32, 32 },
		{ 32, 32, { {} }, 32, 34, 0 },
		{ 32, 32, { { 32, 32 } }, 0, 2, 0 },
		{ 32, 32, { { 32, 2 } }, 30, 2, 34 },
		{ 32, 32, { { 40, 8 } }, 16, 8, 32 },
		{ 32, 32, { { 40, 8 } }, 16, 10, 48 },
		{ 32, 32, { { 32, 1 } }, 30, 2, 34 },
		{ 32, 32, { { 33, 1 } }, 30, 2, 34 },
		{ 33, 31, { {} }, 30, 2, 34 },
		{ 32, 32, { { 32, 8 }, { 44, 4 }, { 60, 4 } }, 12, 6, 48 },
		{ 32, 32, { { 32, 8 }, { 44, 4 }, { 60, 4 } }, 12, 4, 40 },
		{ 32, 32, { { 16, 20 } }, 28, 2, 36 },
		{ 32, 32, { { 60, 20 } }, 28, 2, 32 },
		{ 32, 32, { { 36, 16 }, { 40, 4 } }, 12, 8, 52 },
		/* clang-format on */
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(picture_freep) struct picture *p = picture_new();
		struct window *w = picture_add_window(p);
		uint64_t place = 77;
		int r;

		w->resource = cases[i].start * 128 * MIB;
		w->size = cases[i].size * 128 * MIB;
		for (j = 0; j < 3 && cases[i].busy[j].size; j++) {
			struct busy_range *b = window_add_busy(w);

			b->start = cases[i].busy[j].start * 128 * MIB;
			b->size = cases[i].busy[j].size * 128 * MIB;
		}
		assert_true(window_largest_hole(w) == cases[i].hole * 128 * MIB);
		r = window_place(w, cases[i].want * 128 * MIB, &place);
		assert_int_equal(r, cases[i].place ? 0 : -ENOSPC);
		assert_true(place == (cases[i].place ? cases[i].place * 128 * MIB : 77));
	}
}

static void holes_unknown(void **state)
{
	_cleanup_(picture_freep) struct picture *p = picture_new();
	struct window *w = picture_add_window(p);
	uint64_t place;

	(void)state;
	assert_true(window_largest_hole(w) == UNKNOWN);
	assert_int_equal(window_place(w, GIB, &place), -ENOSPC);
	w->resource = UNKNOWN - GIB;
	w->size = 2 * GIB;
	assert_true(window_largest_hole(w) == UNKNOWN);
	w->resource = UNKNOWN - 100 * MIB;
	w->size = 50 * MIB;
	assert_true(window_largest_hole(w) == 0);
}

static void allocated(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();

	(void)state;
	machine_two_ports(m);
	assert_true(memdev_ram_allocated(m->picture, 0) == 0);
	mock_add_region(m, 0, "devdax", 512 * MIB, 1, 0);
	assert_true(memdev_ram_allocated(m->picture, 0) == 512 * MIB);
	mock_add_region(m, 0, "devdax", 256 * MIB, 1, 0);
	assert_true(memdev_ram_allocated(m->picture, 0) == 768 * MIB);
	mock_set_string(&mock_endpoint(m, 0)->decoders[1].mode, "pmem");
	assert_true(memdev_ram_allocated(m->picture, 0) == 512 * MIB);
	mock_endpoint(m, 0)->decoders[3].dpa_size = UNKNOWN;
	assert_true(memdev_ram_allocated(m->picture, 0) == UNKNOWN);
	m->picture->memdevs[1].endpoint = -1;
	assert_true(memdev_ram_allocated(m->picture, 1) == UNKNOWN);
}

static void uses(void **state)
{
	static const struct {
		const char *mode;
		enum region_use use;
		uint64_t online, offline, movable, kernel;
	} cases[] = {
		/* clang-format off */
		{ "movable", USE_ONLINE, GIB, 0, GIB, 0 },
		{ "kernel", USE_ONLINE, GIB, 0, 0, GIB },
		{ "offline", USE_OFFLINE, 0, GIB, 0, 0 },
		{ "devdax", USE_DEVDAX, 0, 0, 0, 0 },
		{ "unbound", USE_NONE, 0, 0, 0, 0 },
		{ "committed", USE_INCOMPLETE, 0, 0, 0, 0 },
		{ "attached", USE_INCOMPLETE, 0, 0, 0, 0 },
		{ "empty", USE_INCOMPLETE, 0, 0, 0, 0 },
		/* clang-format on */
	};
	struct region_memory mem;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_mock_ struct mock *m = mock_new();

		machine_one(m);
		mock_add_region(m, 0, cases[i].mode, GIB, 1, 0);
		picture_region_memory(m->picture, 0, &mem);
		assert_int_equal(mem.use, cases[i].use);
		assert_true(mem.online == cases[i].online && mem.offline == cases[i].offline);
		assert_true(mem.movable == cases[i].movable && mem.kernel == cases[i].kernel);
		assert_true(mem.lost == 0);
		assert_non_null(region_use_name(mem.use));
	}
}

static void uses_in_part(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	struct region_memory mem;
	struct memory_run *run;

	(void)state;
	machine_two_ports(m);
	m->picture->block_size = 512 * MIB;
	m->picture->memdevs[0].ram_size = 1792 * MIB;
	mock_add_region(m, 0, "movable", 1792 * MIB, 1, 0);
	picture_region_memory(m->picture, 0, &mem);
	assert_int_equal(mem.use, USE_ONLINE);
	assert_true(mem.online == 1536 * MIB && mem.lost == 256 * MIB && mem.node == 1);

	run = &m->picture->memory[0];
	run->count = 1;
	run->state = MEM_OFFLINE;
	run = picture_add_memory(m->picture);
	run->first = m->picture->memory[0].first + 1;
	run->count = 2;
	run->state = MEM_ONLINE;
	run->zone = ZONE_KERNEL;
	picture_region_memory(m->picture, 0, &mem);
	assert_int_equal(mem.use, USE_PARTIAL);
	assert_true(mem.offline == 512 * MIB && mem.kernel == GIB);

	m->picture->memory[0].state = MEM_UNKNOWN;
	picture_region_memory(m->picture, 0, &mem);
	assert_int_equal(mem.use, USE_UNKNOWN);

	m->picture->n_memory = 0;
	mock_set_string(&m->picture->daxes[0].state, "unplugged");
	picture_region_memory(m->picture, 0, &mem);
	assert_int_equal(mem.use, USE_OFFLINE);
	assert_true(mem.offline == 1536 * MIB);
}

static void names(void **state)
{
	enum port_kind k, kind = PORT_ROOT;
	enum mem_state s, found = MEM_UNKNOWN;
	enum zone z, zone = ZONE_UNKNOWN;

	(void)state;
	for (k = 0; k < _PORT_KIND_MAX; k++) {
		assert_int_equal(port_kind_from_name(port_kind_name(k), &kind), 0);
		assert_int_equal(kind, k);
	}
	for (z = ZONE_KERNEL; z < _ZONE_MAX; z++) {
		assert_int_equal(zone_from_name(zone_name(z), &zone), 0);
		assert_int_equal(zone, z);
	}
	for (s = MEM_OFFLINE; s < _MEM_STATE_MAX; s++) {
		assert_int_equal(mem_state_from_name(mem_state_name(s), &found), 0);
		assert_int_equal(found, s);
	}
	assert_null(zone_name(ZONE_UNKNOWN));
	assert_null(mem_state_name(MEM_UNKNOWN));
	assert_int_equal(zone_from_name("normal", &zone), -EINVAL);
	assert_int_equal(port_kind_from_name("x", &kind), -EINVAL);
	assert_int_equal(mem_state_from_name("x", &found), -EINVAL);
}

/* A range belongs to a region only when all of it does; what is unknown belongs to none. */
static void test_region_at(void **state)
{
	_cleanup_(picture_freep) struct picture *p = picture_new();
	struct region *r;

	(void)state;
	r = picture_add_region(p);
	r->resource = UNKNOWN;
	r->size = GIB;
	r = picture_add_region(p);
	r->resource = 4 * GIB;
	r->size = GIB;
	assert_int_equal(picture_region_at(p, 4 * GIB, GIB), 1);
	assert_int_equal(picture_region_at(p, 5 * GIB - MIB, MIB), 1);
	assert_int_equal(picture_region_at(p, 5 * GIB - MIB, 2 * MIB), -1);
	assert_int_equal(picture_region_at(p, 4 * GIB - MIB, 2 * MIB), -1);
	assert_int_equal(picture_region_at(p, 5 * GIB, MIB), -1);
	assert_int_equal(picture_region_at(p, UNKNOWN, MIB), -1);
	assert_int_equal(picture_region_at(p, 4 * GIB, UNKNOWN), -1);
}

/* A card belongs to the slot nearest to it, and is below all those above. */
static void test_slot_of(void **state)
{
	_cleanup_mock_ struct mock *m = mock_new();
	struct picture *p = m->picture;

	(void)state;
	machine_two_ports(m);
	mock_set_string(&p->memdevs[0].path,
			"pci0000:0c/0000:0c:00.0/0000:0d:00.0/0000:0e:01.0/0000:10:00.0");
	mock_set_string(&picture_add_slot(p)->port, "0000:0e:01.0");
	mock_set_string(&picture_add_slot(p)->port, "0000:0c:00.0");
	mock_set_string(&picture_add_slot(p)->port, "0000:0e:00.0");
	picture_add_slot(p);
	assert_int_equal(picture_slot_of(p, 0), 0);
	assert_int_equal(picture_slot_of(p, 1), -1);
	assert_true(picture_below(p, 0, "0000:0c:00.0"));
	assert_true(picture_below(p, 0, "0000:0e:01.0"));
	assert_true(picture_below(p, 0, "pci0000:0c"));
	assert_false(picture_below(p, 0, "0000:0e:00.0"));
	assert_false(picture_below(p, 0, "0000:0e:01"));
	assert_false(picture_below(p, 0, "0000:10:00.0"));
	assert_false(picture_below(p, 0, NULL));
	assert_false(picture_below(p, 1, "0000:0c:00.0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),	 cmocka_unit_test(nothing_known),
		cmocka_unit_test(by_hand),	 cmocka_unit_test(bad_json),
		cmocka_unit_test(resolve_cards), cmocka_unit_test(resolve_regions),
		cmocka_unit_test(holes),	 cmocka_unit_test(holes_unknown),
		cmocka_unit_test(allocated),	 cmocka_unit_test(uses),
		cmocka_unit_test(uses_in_part),	 cmocka_unit_test(names),
		cmocka_unit_test(test_region_at), cmocka_unit_test(test_slot_of),
	};

	return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}
