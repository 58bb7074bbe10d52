/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json_tokener.h>

#include "test.h"

#include "fake-daemon.h"
#include "json-util.h"
#include "machine.h"
#include "session.h"

/* A file that is gone when the test is over. */
struct file {
	char path[32];
};

static int setup(void **state)
{
	struct file *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	strcpy(f->path, "/tmp/cxlmem-capture-XXXXXX");
	fd = mkstemp(f->path);
	assert_true(fd >= 0);
	close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct file *f = *state;

	(void)unlink(f->path);
	free(f);
	return 0;
}

static void put(const struct file *f, const char *text)
{
	FILE *stream = fopen(f->path, "w");

	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
}

/* The picture of the machine for the views, as text. */
static char *two_bridges(void)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_json_ struct json_object *json = NULL;

	assert_int_equal(picture_to_json(p, &json), 0);
	return strdup(json_object_to_json_string(json));
}

/* Without a daemon: the bus is one that is not there. */
static void check(const struct file *f, const char *words, int status, const char *out, const char *err)
{
	_cleanup_(session_free) struct session s;
	char line[256];

	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere", 1);
	snprintf(line, sizeof(line), "--from %s %s", f->path, words);
	session_run(&s, NULL, line);
	session_check(&s, status, out, err);
}

static char *run(const struct fake *fake, const char *line)
{
	_cleanup_(session_free) struct session s;
	struct fake_daemon d;
	sd_bus *bus = fake_daemon_peer(&d, fake);

	session_run(&s, bus, line);
	fake_daemon_stop(&d);
	session_check(&s, STATUS_DONE, NULL, "");
	return strdup(s.out.text);
}

/* What a daemon tells, and a file that was captured from it, look the same. */
static void test_the_same(void **state)
{
	static const char *const lines[] = { "topology", "list", "list cards", "list --json", "status" };
	_cleanup_free_ char *picture = two_bridges();
	const struct file *f = *state;
	struct fake fake = { .picture = picture, .wishes = "{\"wishes\":[],\"reports\":[]}",
			     .no_operations = true };
	_cleanup_free_ char *none = NULL;
	char line[64];

	snprintf(line, sizeof(line), "capture %s", f->path);
	none = run(&fake, line);
	assert_string_equal(none, "");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *told = run(&fake, lines[i]);

		check(f, lines[i], STATUS_DONE, told, "");
	}
}

static void test_to_stdout(void **state)
{
	_cleanup_free_ char *picture = two_bridges();
	struct fake fake = { .picture = picture, .wishes = "{\"wishes\":[],\"reports\":[]}" };
	_cleanup_free_ char *text = run(&fake, "capture");
	const struct file *f = *state;

	put(f, text);
	check(f, "list windows", STATUS_DONE, NULL, "");
}

/* A device is written into, and stays what it is. */
static void test_to_files(void **state)
{
	_cleanup_free_ char *picture = two_bridges();
	const struct file *f = *state;
	char fifo[48], line[128];
	struct stat st;

	put(f, picture);
	snprintf(fifo, sizeof(fifo), "%s.pipe", f->path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	/* Both ends, so that nobody waits. */
	assert_true(open(fifo, O_RDWR | O_NONBLOCK) >= 0);
	snprintf(line, sizeof(line), "topology --svg %s", fifo);
	check(f, line, STATUS_DONE, "", "");
	assert_int_equal(stat(fifo, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(unlink(fifo), 0);
	check(f, "topology --svg /tmp", STATUS_FAILED, "",
	      "cxlmemctl: /tmp cannot be written: it is a directory: name a file in it\n");
	check(f, "topology --svg /nowhere/x", STATUS_FAILED, "",
	      "cxlmemctl: /nowhere/x cannot be written: the directory it is to be in is not there\n");
}

static void test_plan(void **state)
{
	_cleanup_free_ char *picture = two_bridges();
	const struct file *f = *state;

	/* A picture alone, as `status --json` prints it, is enough. */
	put(f, picture);
	check(f, "plan destroy region0", STATUS_DONE, NULL, "");
	check(f, "plan --json destroy region0", STATUS_DONE, NULL, "");
	/* The planner's own words. */
	check(f, "plan create mem1", STATUS_FAILED, "",
	      "cxlmemctl: the downstream port that mem1 hangs on could not be read\n");
	check(f, "plan create mem7", STATUS_FAILED, "", NULL);
	check(f, "plan create --size much mem1", STATUS_USAGE, "", NULL);
	check(f, "status", STATUS_DONE, NULL, "");
	check(f, "", STATUS_DONE, NULL, "");
}

static void check_doctor(const struct file *f, struct picture *p, int status, const char *words)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_(session_free) struct session s;
	char line[256];

	assert_int_equal(picture_to_json(p, &json), 0);
	put(f, json_object_to_json_string(json));
	snprintf(line, sizeof(line), "--from %s doctor", f->path);
	session_run(&s, NULL, line);
	session_check(&s, status, NULL, "");
	if (!strstr(s.out.text, words))
		fail_msg("\"%s\" is not in:\n%s", words, s.out.text);
}

/* Each fault of a machine is found, and what is not one is not called so. */
static void test_doctor(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges(), *none = machine_new();
	const struct file *f = *state;
	struct unmanaged *u;

	check_doctor(f, p, STATUS_DONE, "nothing is wrong\n");
	free(p->kernel);
	p->kernel = strdup("6.8.0-45-generic");
	check_doctor(f, p, STATUS_FAILED,
		     "!! Linux 6.8.0-45-generic is older than what cxlmem is tested with; to do about it: "
		     "install 6.12 or later\n");
	free(p->kernel);
	p->kernel = strdup("6.12.107+deb13-amd64");
	p->memdevs[1].serial = p->memdevs[0].serial;
	check_doctor(f, p, STATUS_DONE, "!  the serial number of mem1 does not tell it from others;");
	check_doctor(f, p, STATUS_DONE, "nothing is wrong; what is above is good to know\n");
	p->memdevs[1].serial = 0x1001;
	p->memdevs[1].enabled = NO;
	check_doctor(f, p, STATUS_FAILED, "!! mem1 is not enabled;");
	p->memdevs[1].enabled = YES;
	p->memdevs[0].failing = strdup("poison");
	check_doctor(f, p, STATUS_FAILED, "!! mem0 is failing: poison;");
	free(p->memdevs[0].failing);
	p->memdevs[0].failing = NULL;
	u = picture_add_unmanaged(p);
	u->window = 1;
	u->resource = 0x200000000;
	u->size = 256 * MIB;
	u->what = strdup("System RAM");
	check_doctor(f, p, STATUS_DONE,
		     "!  256M at 0x200000000 were mapped by firmware and cannot be managed;");
	free(u->what);
	u->what = strdup("region7");
	check_doctor(f, p, STATUS_FAILED, "!! 256M at 0x200000000 are left of a region that is gone;");
	check_doctor(f, none, STATUS_FAILED, "!! the kernel shows neither windows nor cards;");
	machine_card(none, machine_bridge(none, "pci0000:0c", 4), 7, "0000:0d:00.0", 512 * MIB);
	check_doctor(f, none, STATUS_FAILED, "!! firmware set no address range aside for CXL memory;");
}

/* By the daemon's own words, too; and as JSON. */
static void test_doctor_rivals(void **state)
{
	const struct file *f = *state;
	_cleanup_free_ char *picture = two_bridges(), *text = NULL;

	assert_true(asprintf(&text, "{\"cxlmem_capture\":1,\"picture\":%s,\"rivals\":{\"rivals\":[{\"kind\":"
			     "\"udev\",\"where\":\"a:8\",\"does\":\"is in the way\",\"advice\":\"take it "
			     "out\",\"problem\":true}]},\"profiles\":{\"profiles\":[],\"problems\":[{\"path\":"
			     "\"b\",\"line\":5,\"severity\":\"warning\",\"message\":\"odd\"}]}}", picture) > 0);
	put(f, text);
	check(f, "doctor", STATUS_FAILED,
	      "!! a:8: is in the way; to do about it: take it out\n"
	      "!  b: odd; to do about it: put the file right; `cxlmemctl profiles check` shows the lines\n",
	      "");
	check(f, "doctor -q", STATUS_FAILED, "", "");
	check(f, "doctor --json", STATUS_FAILED, NULL, "");
}

/* By all names that there are, the same thing; what is printed in full once. */
static void test_show(void **state)
{
	static const struct {
		const char *words, *title;
	} cases[] = {
		{ "mem0", "mem0: a memory card\n" },
		{ "0x1000", "mem0: a memory card\n" },
		{ "4096", "mem0: a memory card\n" },
		{ "0000:0d:00.0", "mem0: a memory card\n" },
		{ "0D:00.0", "mem0: a memory card\n" },
		{ "/dev/cxl/mem0", "mem0: a memory card\n" },
		{ "/sys/bus/cxl/devices/mem0", "mem0: a memory card\n" },
		{ "/sys/bus/pci/devices/0000:0d:00.0", "mem0: a memory card\n" },
		{ "region0", "region0: a region, memory made of cards\n" },
		{ "dax0.0", "dax0.0: a dax device\n" },
		{ "/dev/dax0.0", "dax0.0: a dax device\n" },
		{ "decoder0.2", "decoder0.2: a window, addresses that firmware set aside\n" },
		{ "port1", "port1: host-bridge\n" },
		{ "pci0000:0c", "port1: host-bridge\n" },
		{ "decoder1.3", "port1: host-bridge\n" },
		{ "memory33", "memory32 to memory33: memory blocks that are alike\n" },
		{ "node1", "node1: a NUMA node\n" },
		{ "/sys/devices/system/node/node1", "node1: a NUMA node\n" },
	};
	_cleanup_free_ char *picture = two_bridges();
	const struct file *f = *state;

	put(f, picture);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(session_free) struct session s;
		char line[256];

		snprintf(line, sizeof(line), "--from %s show %s", f->path, cases[i].words);
		session_run(&s, NULL, line);
		session_check(&s, STATUS_DONE, NULL, "");
		if (strncmp(s.out.text, cases[i].title, strlen(cases[i].title)) != 0)
			fail_msg("%s: %s", line, s.out.text);
	}
	check(f, "show region0 node7", STATUS_FAILED, "",
	      "cxlmemctl: nothing here is called node7: `cxlmemctl list` shows what there is\n");
	check(f, "show regoin0", STATUS_FAILED, "",
	      "cxlmemctl: nothing here is called regoin0; did you mean region0?\n");
	check(f, "show", STATUS_USAGE, "", NULL);
	check(f, "show -q mem0", STATUS_DONE, "", "");
	check(f, "show memory34", STATUS_DONE,
	      "memory34 to memory35: memory blocks that are alike\n"
	      "  size          256M\n"
	      "  addresses     0x110000000 to 0x11fffffff\n"
	      "  state         offline\n"
	      "  zone          -\n"
	      "  node          node1\n"
	      "  region        region0\n",
	      "");
}

/* What is known of it; that nothing is. */
static void test_show_speed(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_json_ struct json_object *json = NULL;
	const struct file *f = *state;

	p->regions[0].speed = (struct speed){ 12288, 6144, UNKNOWN, 382 };
	assert_int_equal(picture_to_json(p, &json), 0);
	put(f, json_object_to_json_string(json));
	check(f, "show region0", STATUS_DONE,
	      "region0: a region, memory made of cards\n"
	      "  size          512M\n"
	      "  addresses     0x100000000 to 0x11fffffff\n"
	      "  cards         mem0\n"
	      "  window        decoder0.0\n"
	      "  use           system-ram\n"
	      "  state         256M of 512M online\n"
	      "  zone          movable\n"
	      "  node          node1\n"
	      "  dax           dax0.0\n"
	      "  reads         12288 MB/s\n"
	      "  writes        6144 MB/s\n"
	      "  write latency 382 ns\n"
	      "  made by       somebody else\n",
	      "");
	check(f, "show node1", STATUS_DONE,
	      "node1: a NUMA node\n"
	      "  size          256M\n"
	      "  free          200M\n"
	      "  processors    no\n"
	      "  tier          memory_tier4\n"
	      "  speed         unknown\n"
	      "  regions       region0\n",
	      "");
}

/* The JSON of things is what stands in the picture, in the order in which they were named. */
static void test_show_json(void **state)
{
	_cleanup_(session_free) struct session s;
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *picture = two_bridges();
	const struct file *f = *state;
	char line[256];

	put(f, picture);
	snprintf(line, sizeof(line), "--from %s show -j region0 mem1", f->path);
	session_run(&s, NULL, line);
	session_check(&s, STATUS_DONE, NULL, "");
	json = json_tokener_parse(s.out.text);
	assert_int_equal(json_object_array_length(json), 2);
	assert_string_equal(json_text(json_object_array_get_idx(json, 0), "region"), "region0");
	assert_string_equal(json_text(json_object_array_get_idx(json, 1), "memdev"), "mem1");
}

/* A number may be a card's serial and a slot's name: nobody guesses. */
static void test_show_slot(void **state)
{
	_cleanup_(picture_freep) struct picture *p = machine_two_bridges();
	_cleanup_json_ struct json_object *json = NULL;
	const struct file *f = *state;

	machine_slot(p, "2", "0000:0d:00", "0000:0c:00.0", NO);
	machine_slot(p, "4097", "0000:df:00", "0000:de:00.0", NO);
	assert_int_equal(picture_to_json(p, &json), 0);
	put(f, json_object_to_json_string(json));
	check(f, "show 4097", STATUS_FAILED, "",
	      "cxlmemctl: 4097 is the serial number of mem1 and the name of a slot: say mem1 or slot:4097\n");
	check(f, "show slot:4097", STATUS_DONE, NULL, "");
	check(f, "show 2", STATUS_DONE,
	      "2: a hot-plug slot\n"
	      "  cards         empty\n"
	      "  address       0000:0d:00\n"
	      "  port          0000:0c:00.0\n"
	      "  power         no\n"
	      "  attention     unknown\n",
	      "");
	check(f, "show slot:mem0", STATUS_FAILED, "", NULL);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "unexpected end of data" },
		{ "[]", "it is no object" },
		{ "{\"cxlmem_capture\":2,\"picture\":{}}", "it is of another version" },
		{ "{\"cxlmem_capture\":1}", "there is no picture in it" },
		{ "{\"cxlmem_capture\":1,\"picture\":{\"windows\":7}}", NULL },
		{ "{\"windows\":7}", NULL },
	};
	const struct file *f = *state;
	char err[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(f, cases[i].text);
		snprintf(err, sizeof(err),
			 "cxlmemctl: %s is no capture of a machine (%s): `cxlmemctl capture` writes one\n",
			 f->path, cases[i].why ?: "");
		check(f, "status", STATUS_FAILED, "", cases[i].why ? err : NULL);
	}
	/* What asks the daemon cannot be asked of a file. */
	put(f, "{}");
	check(f, "operations", STATUS_USAGE, "",
	      "cxlmemctl: operations takes no --from; `cxlmemctl help operations` lists what it takes\n");
	check(f, "create mem0", STATUS_USAGE, "", NULL);
	assert_int_equal(unlink(f->path), 0);
	snprintf(err, sizeof(err), "cxlmemctl: there is no file %s: `cxlmemctl capture` writes one\n", f->path);
	check(f, "status", STATUS_FAILED, "", err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_to_stdout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_to_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doctor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doctor_rivals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show_speed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_show_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
