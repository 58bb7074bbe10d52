/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <json-c/json_tokener.h>

#include "test.h"

#include "json-util.h"
#include "machine.h"
#include "render.h"
#include "text.h"

static const struct style plain = { 0 };

static char *set(char **to, const char *s)
{
	free(*to);
	*to = s ? strdup(s) : NULL;
	return *to;
}

static void check_list(const struct picture *p, enum list_kind kind, const char *wanted)
{
	_cleanup_(text_free) struct text t;

	text_open(&t);
	assert_int_equal(render_list(t.f, &plain, p, kind), 0);
	check_text(text_close(&t), wanted);
	check_lines(t.text, 96);
}

static void test_lists(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();

	(void)state;
	check_list(p, LIST_WINDOWS,
		   "WINDOW      ADDRESS      SIZE  FREE  HOLE  WAYS  GRAN  FOR       HOST BRIDGES\n"
		   "decoder0.0  0x100000000    4G  3.5G  3.5G     1   256  ram,pmem  pci0000:0c\n"
		   "decoder0.1  0x200000000    4G    4G    4G     1   256  ram,pmem  pci0000:de\n"
		   "decoder0.2  0x300000000    4G    4G    4G     2  1024  ram,pmem  "
		   "pci0000:0c,pci0000:de\n");
	check_list(p, LIST_PORTS,
		   "PORT       KIND         AT           PARENT  STATE    DOWN  DECODERS IN USE\n"
		   "root0      root         ACPI0017:00  -       -           0                -\n"
		   "port1      host-bridge  pci0000:0c   root0   enabled     0           1 of 4\n"
		   "port2      host-bridge  pci0000:de   root0   enabled     0           0 of 4\n"
		   "endpoint3  endpoint     mem0         port1   enabled     -           1 of 2\n"
		   "endpoint4  endpoint     mem1         port2   enabled     -           0 of 2\n");
	check_list(p, LIST_CARDS,
		   "CARD  SERIAL  ADDRESS       SIZE  FREE  STATE    HEALTH   FIRMWARE\n"
		   "mem0  0x1000  0000:0d:00.0  512M     0  enabled  unknown  BWFW VERSION 00\n"
		   "mem1  0x1001  0000:df:00.0  512M  512M  enabled  unknown  BWFW VERSION 00\n");
	check_list(p, LIST_REGIONS,
		   "REGION   WINDOW      SIZE  WAYS  USE         STATE                ZONE     "
		   "NODE  CARDS\n"
		   "region0  decoder0.0  512M     1  system-ram  256M of 512M online  movable  "
		   "   1  mem0\n");
	check_list(p, LIST_DAX,
		   "DAX     REGION   ADDRESS      SIZE  ALIGN  NODE  DRIVER  STATE\n"
		   "dax0.0  region0  0x100000000  512M     2M     1  kmem    -\n");
	check_list(p, LIST_MEMORY,
		   "BLOCKS  SIZE  STATE    ZONE     NODE  REGION\n"
		   "32-33   256M  online   movable     1  region0\n"
		   "34-35   256M  offline  -           1  region0\n");
	check_list(p, LIST_NODES,
		   "NODE  SIZE  FREE  CPUS  TIER          REGIONS\n"
		   "   0    1G  700M  yes   memory_tier4  -\n"
		   "   1  256M  200M  no    memory_tier4  region0\n");
}

static void test_empty(void **state)
{
	_cleanup_(picture_freep) struct picture *p = picture_new();
	_cleanup_(text_free) struct text t;

	(void)state;
	check_list(p, LIST_CARDS, "there are no cards\n");
	check_list(p, LIST_WINDOWS, "firmware set no windows aside for CXL memory\n");
	check_list(p, LIST_REGIONS, "there are no regions\n");
	text_open(&t);
	assert_int_equal(render_topology(t.f, &plain, p), 0);
	assert_int_equal(render_everything(t.f, &plain, p), 0);
	assert_int_equal(render_status(t.f, &plain, p, NULL, 0, NULL, NULL), 0);
	p->block_size = UNKNOWN;
	check_text(
		text_close(&t),
		"there is no CXL memory on this machine: firmware set no windows aside, and "
		"there are no cards\n"
		"cards     none\n"
		"windows   none: firmware set no address range aside for CXL memory\n"
		"regions   none\n"
		"kernel    unknown\n"
		"memory    blocks of unknown; what the kernel does with new memory is unknown\n");
}

static void test_slots(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_(text_free) struct text t, tree;

	(void)state;
	machine_slot(p, "2", "0000:0d:00", "0000:0c:00.0", YES);
	machine_slot(p, "3", "0000:0e:00", "0000:0c:01.0", NO);
	p->slots[0].attention = YES;
	set(&p->slots[0].button_policy, "ask");
	set(&p->slots[0].button_request, "power-off");
	set(&p->memdevs[0].path, "pci0000:0c/0000:0c:00.0/0000:0d:00.0");
	p->memdevs[0].slot = 0;
	check_list(p, LIST_SLOTS,
		   "SLOT  PORT          ADDRESS     POWER  ATTENTION  BUTTON   CARDS\n"
		   "2     0000:0c:00.0  0000:0d:00  on     on         pressed  mem0\n"
		   "3     0000:0c:01.0  0000:0e:00  off    unknown    -        empty\n");
	text_open(&t);
	assert_int_equal(render_status(t.f, &plain, p, NULL, 0, NULL, NULL), 0);
	text_close(&t);
	assert_non_null(strstr(t.text, "slots     2 for hot-plug, 1 of them empty\n"));
	text_open(&tree);
	assert_int_equal(render_topology(tree.f, &plain, p), 0);
	text_close(&tree);
	assert_non_null(strstr(tree.text, "at 0000:0d:00.0, slot 2\n"));
	assert_non_null(strstr(tree.text, "slot 3"));
	assert_non_null(strstr(tree.text, "empty slot  at 0000:0c:01.0\n"));
}

/* What nobody could read is unknown, never zero. */
static void test_unknown(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_(text_free) struct text t;

	(void)state;
	p->memdevs[1].ram_size = UNKNOWN;
	p->memdevs[1].serial = UNKNOWN;
	p->memdevs[1].enabled = MAYBE;
	set(&p->memdevs[1].host, NULL);
	set(&p->memdevs[1].firmware, NULL);
	p->windows[1].size = UNKNOWN;
	p->daxes[0].target_node = UNKNOWN;
	check_list(
		p, LIST_CARDS,
		"CARD  SERIAL   ADDRESS          SIZE     FREE  STATE    HEALTH   FIRMWARE\n"
		"mem0  0x1000   0000:0d:00.0     512M        0  enabled  unknown  BWFW VERSION 00\n"
		"mem1  unknown  unknown       unknown  unknown  unknown  unknown  unknown\n");
	text_open(&t);
	assert_int_equal(render_status(t.f, &plain, p, NULL, 0, NULL, NULL), 0);
	text_close(&t);
	assert_non_null(strstr(t.text, "!  mem1: the capacity could not be read\n"));
	assert_non_null(
		strstr(t.text, "cards     2 with at least 512M, unknown of it in no region\n"));
	assert_non_null(strstr(t.text, "windows   3 with at least 8G, at least 7.5G free\n"));
	assert_null(strstr(t.text, " 0 of it"));
}

static void test_health(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_(text_free) struct text t;

	(void)state;
	p->memdevs[0].health.known = true;
	set(&p->memdevs[0].health.media, "normal");
	p->memdevs[1].health.known = true;
	p->memdevs[1].health.replacement_needed = true;
	set(&p->memdevs[1].health.media, "data-lost");
	p->memdevs[1].enabled = NO;
	check_list(p, LIST_CARDS,
		   "CARD  SERIAL  ADDRESS       SIZE  FREE  STATE     HEALTH   FIRMWARE\n"
		   "mem0  0x1000  0000:0d:00.0  512M     0  enabled   ok       BWFW VERSION 00\n"
		   "mem1  0x1001  0000:df:00.0  512M  512M  disabled  replace  BWFW VERSION 00\n");
	text_open(&t);
	assert_int_equal(render_status(t.f, &plain, p, NULL, 0, NULL, NULL), 0);
	/* Problems come first. */
	text_close(&t);
	assert_ptr_equal(strstr(t.text, "!! mem1: the media is data-lost\n"
					"!! mem1 says that it needs to be replaced\n"
					"!! mem1 (0000:df:00.0) is not enabled"),
			 t.text);
}

static struct operation_line operation(const char *path, const char *state, double fraction)
{
	return (struct operation_line){
		.path = strdup(path),
		.verb = strdup("create"),
		.state = strdup(state),
		.summary = strdup("create region1: 512M on mem1"),
		.fraction = fraction,
	};
}

static void test_status(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	struct operation_line *lines = calloc(3, sizeof(*lines));
	_cleanup_(text_free) struct text t;
	struct unmanaged *u = picture_add_unmanaged(p);

	(void)state;
	u->window = 1;
	u->size = 1 * GIB;
	set(&u->what, "System RAM");
	lines[0] = operation("/org/cxlmem1/operation/5", "stuck", 0.5);
	lines[1] = operation("/org/cxlmem1/operation/6", "done", 1);
	lines[2] = operation("/org/cxlmem1/operation/7", "running", 0.425);
	text_open(&t);
	assert_int_equal(render_status(t.f, &plain, p, lines, 3, NULL, NULL), 0);
	operation_lines_free(lines, 3);
	check_text(
		text_close(&t),
		"!! operation 5 (create) could not be undone and needs a decision: `cxlmemctl operations "
		"5` shows what is left, and what can be done about it\n"
		"!  region0 is only in part online: 256M of 512M online\n"
		"\n"
		"cards     2 with 1G, 512M of it in no region\n"
		"windows   3 with 12G, 11.5G free\n"
		"regions   1 with 512M: 256M online (56M used), 256M offline\n"
		"unmanaged 1G of windows, in use without a region (topology shows where)\n"
		"kernel    7.3.4\n"
		"memory    blocks of 128M; the kernel brings new memory online by itself (online)\n"
		"\n"
		"REGION   SIZE  USE         STATE                ZONE     NODE  NODE USED  CARDS\n"
		"region0  512M  system-ram  256M of 512M online  movable     1        56M  mem0\n"
		"\n"
		"ID  VERB    STATE    DONE  WHAT\n"
		" 7  create  running   42%  create region1: 512M on mem1\n");
}

static void test_topology(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_(text_free) struct text t, narrow;

	(void)state;
	text_open(&t);
	assert_int_equal(render_topology(t.f, &plain, p), 0);
	check_text(text_close(&t),
		   "decoder0.0  window  4G, 3.5G free\n"
		   "|- pci0000:0c  host bridge  port1, 1 of 4 decoders in use\n"
		   "|  `- mem0  card  512M, 0 free, serial 0x1000, at 0000:0d:00.0\n"
		   "`- region0  region  512M on mem0\n"
		   "   `- dax0.0  system-ram  driver kmem\n"
		   "      `- node1  256M of 512M online, zone movable, 56M of 256M used\n"
		   "decoder0.1  window  4G, 4G free\n"
		   "`- pci0000:de  host bridge  port2, 0 of 4 decoders in use\n"
		   "   `- mem1  card  512M, 512M free, serial 0x1001, at 0000:df:00.0\n"
		   "decoder0.2  window  4G, 4G free, 2 ways of 1024 bytes\n"
		   "|- pci0000:0c  host bridge  (as above)\n"
		   "`- pci0000:de  host bridge  (as above)\n");
	check_lines(t.text, 80);

	text_open(&narrow);
	assert_int_equal(
		render_topology(narrow.f,
				&(struct style){ .width = 40, .colour = true, .utf8 = true }, p),
		0);
	check_lines(text_close(&narrow), 40);
	assert_non_null(strstr(narrow.text, "│  └─ \033[1mmem0\033[0m"));
}

/* What firmware, card and kernel tell of speed and health; a line that is too long goes on in the next. */
static void test_topology_speed(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	struct memdev *slow = &p->memdevs[0], *well = &p->memdevs[1];
	_cleanup_(text_free) struct text t, wide;

	(void)state;
	slow->link_speed = 16000;
	slow->link_width = 8;
	slow->max_link_speed = 32000;
	slow->max_link_width = 16;
	slow->health.known = slow->health.performance_degraded = true;
	well->link_speed = well->max_link_speed = 2500;
	well->link_width = 1;
	well->health.known = true;
	p->regions[0].speed.read_bandwidth = 31250;
	p->nodes[1].speed = (struct speed){ .read_bandwidth = UNKNOWN, .read_latency = 210 };
	text_open(&t);
	assert_int_equal(render_topology(t.f, &(struct style){ .width = 72 }, p), 0);
	check_text(text_close(&t),
		   "decoder0.0  window  4G, 3.5G free\n"
		   "|- pci0000:0c  host bridge  port1, 1 of 4 decoders in use\n"
		   "|  `- mem0  card  512M, 0 free, serial 0x1000, at 0000:0d:00.0,\n"
		   "|          health degraded, PCIe 16 GT/s x8 of 32 GT/s x16\n"
		   "`- region0  region  512M on mem0, reads 31.2 GB/s\n"
		   "   `- dax0.0  system-ram  driver kmem\n"
		   "      `- node1  256M of 512M online, zone movable, 56M of 256M used,\n"
		   "              reads 210 ns\n"
		   "decoder0.1  window  4G, 4G free\n"
		   "`- pci0000:de  host bridge  port2, 0 of 4 decoders in use\n"
		   "   `- mem1  card  512M, 512M free, serial 0x1001, at 0000:df:00.0,\n"
		   "           health ok, PCIe 2.5 GT/s x1\n"
		   "decoder0.2  window  4G, 4G free, 2 ways of 1024 bytes\n"
		   "|- pci0000:0c  host bridge  (as above)\n"
		   "`- pci0000:de  host bridge  (as above)\n");
	text_open(&wide);
	assert_int_equal(render_topology(wide.f, &plain, p), 0);
	assert_non_null(strstr(text_close(&wide), "at 0000:0d:00.0, health degraded, PCIe 16 GT/s x8 of"));
}

/* Switches, firmware's memory, half-made regions, and what no window leads to. */
static void test_topology_rest(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_new();
	_cleanup_(text_free) struct text t;
	int a = machine_bridge(p, "pci0000:0c", 1), b = machine_bridge(p, "pci0000:de", 4);
	int sw = machine_switch(p, a, "0000:0d:00.0", 2), w, region;
	struct unmanaged *u;

	(void)state;
	machine_card(p, sw, 1, "0000:0f:00.0", 256 * MIB);
	machine_card(p, sw, 2, "0000:10:00.0", 256 * MIB);
	machine_card(p, b, 3, "0000:df:00.0", 256 * MIB);
	machine_card(p, b, 4, "0000:e0:00.0", 256 * MIB);
	/* Cards stand in the order of their slots, not in that of their arrival. */
	set(&p->ports[p->memdevs[0].endpoint].parent_dport, "0000:0e:01.0");
	set(&p->ports[p->memdevs[1].endpoint].parent_dport, "0000:0e:00.0");
	p->memdevs[3].endpoint = -1;
	p->memdevs[3].enabled = NO;
	p->ports[p->n_ports - 1].memdev = -1;
	p->ports[b].decoders[0].size = UNKNOWN;
	w = machine_window(p, 0x100000000, 2 * GIB, a, -1);
	region = machine_region(p, w, 0x120000000, 512 * MIB, "device_dax", 0, 1, -1);
	u = picture_add_unmanaged(p);
	u->window = w;
	u->size = 512 * MIB;
	set(&u->what, "System RAM");
	machine_region(p, w, 0x140000000, 0, NULL, -1);
	p->regions[region].mappings[1].memdev = -1;

	text_open(&t);
	assert_int_equal(render_topology(t.f, &plain, p), 0);
	check_text(text_close(&t),
		   "decoder0.0  window  2G, 1.5G free\n"
		   "|- pci0000:0c  host bridge  port1, 1 of 1 decoders in use\n"
		   "|  `- 0000:0d:00.0  switch  port3, 1 of 2 decoders in use\n"
		   "|     |- mem1  card  256M, 0 free, serial 0x2, at 0000:10:00.0\n"
		   "|     `- mem0  card  256M, 0 free, serial 0x1, at 0000:0f:00.0\n"
		   "|- region0  region  512M on mem0,unknown, 2 ways of 1024 bytes\n"
		   "|  `- dax0.0  devdax  driver device_dax\n"
		   "|- region1  region  0 on none, incomplete\n"
		   "|  `- dax1.0  not used  driver none\n"
		   "`- System RAM  unmanaged  512M, mapped by firmware, in no region\n"
		   "no window  firmware set none aside for these\n"
		   "`- pci0000:de  host bridge  port2, decoders unknown\n"
		   "   `- mem2  card  256M, 256M free, serial 0x3, at 0000:df:00.0\n"
		   "not connected  cards with no place in the topology\n"
		   "`- mem3  card  256M, unknown free, serial 0x4, at 0000:e0:00.0, not enabled\n");
	check_lines(t.text, 80);
}

/* A device must not be able to write to the terminal of who looks at it. */
static void test_hostile(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_(text_free) struct text t;

	(void)state;
	set(&p->memdevs[0].firmware, "\033[2J\nx\177\xc3\xa4");
	set(&p->memdevs[0].host, "\033]0;x\007");
	text_open(&t);
	assert_int_equal(render_list(t.f, &plain, p, LIST_CARDS), 0);
	assert_int_equal(render_topology(t.f, &plain, p), 0);
	text_close(&t);
	assert_null(strchr(t.text, '\033'));
	assert_null(strchr(t.text, '\007'));
	assert_non_null(strstr(t.text, "?[2J?x???"));
}

static void test_narrow_table(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_(text_free) struct text t;

	(void)state;
	text_open(&t);
	for (enum list_kind kind = 0; kind < _LIST_MAX; kind++)
		assert_int_equal(
			render_list(t.f, &(struct style){ .width = 80, .colour = true }, p, kind),
			0);
	check_lines(text_close(&t), 80);
	assert_non_null(strstr(t.text, "pci0000:0c,pc..\n"));
}

static void check_plan(const char *json, const char *wanted)
{
	_cleanup_json_ struct json_object *plan = json_tokener_parse(json);
	_cleanup_(text_free) struct text t;

	assert_non_null(plan);
	text_open(&t);
	assert_int_equal(render_plan(t.f, &plain, plan), 0);
	check_text(text_close(&t), wanted);
}

static void test_plan(void **state)
{
	(void)state;
	check_plan("{\"summary\":\"create region0: 512M on mem0\",\"notes\":[\"128M are lost\"],"
		   "\"steps\":[{\"step\":\"create-region\",\"text\":\"create region0\"},"
		   "{\"step\":\"commit\"},{}]}",
		   "create region0: 512M on mem0\n"
		   "  1  create region0\n"
		   "  2  commit\n"
		   "  3  unknown step\n"
		   "note: 128M are lost\n");
	check_plan("{\"summary\":\"online region0\",\"steps\":[]}",
		   "online region0\nnothing to do\n");
	/* A daemon that is not ours. */
	check_plan("[]", "plan\nnothing to do\n");
	check_plan("{\"steps\":7,\"notes\":{}}", "plan\nnothing to do\n");
}

static void test_operations(void **state)
{
	struct operation_line *lines = calloc(3, sizeof(*lines));
	_cleanup_(text_free) struct text t;

	(void)state;
	lines[0] = operation("/org/cxlmem1/operation/9", "failed", 1);
	lines[1] = operation("/org/cxlmem1/operation/10", "undoing", 0.5);
	lines[2] = operation("/somewhere/else", "done", 1);
	text_open(&t);
	assert_int_equal(render_operations(t.f, &plain, lines, 0), 0);
	assert_int_equal(render_operations(t.f, &plain, lines, 3), 0);
	operation_lines_free(lines, 3);
	check_text(text_close(&t),
		   "no operations since cxlmemd was started\n"
		   "     ID  VERB    STATE    DONE  WHAT\n"
		   "      9  create  failed      -  create region1: 512M on mem1\n"
		   "     10  create  undoing     -  create region1: 512M on mem1\n"
		   "unknown  create  done     100%  create region1: 512M on mem1\n");
}

static void test_operation(void **state)
{
	struct operation_step steps[] = {
		{ .kind = NULL, .text = strdup("create region0"), .state = strdup("undone") },
		{ .kind = NULL, .text = strdup("commit region0"), .state = strdup("failed") },
		{ .kind = NULL, .text = strdup("enable region0"), .state = strdup("waiting") },
	};
	char *notes[] = { strdup("128M are lost"), NULL };
	struct operation op = {
		.id = 3,
		.state = strdup("failed"),
		.summary = strdup("create region0: 512M on mem0"),
		.reason = strdup("the kernel refused"),
		.steps = steps,
		.n_steps = 3,
		.notes = notes,
	};
	_cleanup_(text_free) struct text t;

	(void)state;
	text_open(&t);
	assert_int_equal(render_operation(t.f, &plain, &op), 0);
	check_text(text_close(&t), "operation 3  failed  create region0: 512M on mem0\n"
				   "  1  undone   create region0\n"
				   "  2  failed   commit region0\n"
				   "  3  waiting  enable region0\n"
				   "reason: the kernel refused\n"
				   "note: 128M are lost\n");
	text_free(&t);
	free(op.reason);
	op.reason = strdup("");
	op.result = strdup("mem0 in slot 2 may be pulled");
	op.n_steps = 0;
	text_open(&t);
	assert_int_equal(render_operation(t.f, &plain, &op), 0);
	check_text(text_close(&t), "operation 3  failed  create region0: 512M on mem0\n"
				   "result: mem0 in slot 2 may be pulled\n"
				   "note: 128M are lost\n");
	free(op.result);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		free(steps[i].text);
		free(steps[i].state);
	}
	free(notes[0]);
	free(op.state);
	free(op.summary);
	free(op.reason);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),	      cmocka_unit_test(test_empty),
		cmocka_unit_test(test_unknown),	      cmocka_unit_test(test_health),
		cmocka_unit_test(test_status),	      cmocka_unit_test(test_topology),
		cmocka_unit_test(test_topology_rest), cmocka_unit_test(test_narrow_table),
		cmocka_unit_test(test_plan),	      cmocka_unit_test(test_operation),
		cmocka_unit_test(test_operations),    cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_slots),	      cmocka_unit_test(test_topology_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
