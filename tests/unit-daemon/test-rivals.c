// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "test.h"

#include "contest.h"
#include "rivals.h"
#include "udev-rules.h"
#include "util.h"

/* A root with files of a test's own. */
struct root {
	char path[32];
};

static void begin(struct root *r)
{
	strcpy(r->path, "/tmp/cxlmem-root-XXXXXX");
	assert_non_null(mkdtemp(r->path));
}

static void end(struct root *r)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", r->path);
	assert_int_equal(system(command), 0);
}

/* The file with all directories above it. */
static void path_of(const struct root *r, const char *path, char *buf, size_t room)
{
	snprintf(buf, room, "%s%s", r->path, path);
	for (char *p = buf + strlen(r->path) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		assert_true(mkdir(buf, 0755) == 0 || errno == EEXIST);
		*p = '/';
	}
}

static void put(const struct root *r, const char *path, const char *content)
{
	char whole[256];
	FILE *f;

	path_of(r, path, whole, sizeof(whole));
	f = fopen(whole, "w");
	assert_non_null(f);
	assert_true(fputs(content, f) >= 0);
	fclose(f);
}

static void mask(const struct root *r, const char *path)
{
	char whole[256];

	path_of(r, path, whole, sizeof(whole));
	assert_int_equal(symlink("/dev/null", whole), 0);
}

#define RULES "/usr/lib/udev/rules.d"
#define REDHAT "SUBSYSTEM==\"memory\", ACTION==\"add\", ATTR{state}==\"offline\", ATTR{state}=\"online\"\n"

/* What is found, "kind where" each, sorted as found. */
static void check(const struct root *root, const char *expected)
{
	_cleanup_(rivals_freep) struct rivals *r = NULL;
	char text[1024] = "";

	assert_int_equal(rivals_find(root->path, &r), 0);
	for (size_t i = 0; i < r->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s%s", i ? "; " : "",
			 r->list[i].kind, r->list[i].where, r->list[i].problem ? "!" : "");
	assert_string_equal(text, expected);
}

static void test_rules(void **state)
{
	static const struct {
		const char *rule;
		unsigned int line; /* of the rival; 0 = it is none */
	} cases[] = {
		{ REDHAT, 1 },
		{ "# memory\n\n" REDHAT, 3 },
		/* Red Hat 8 and 9 */
		{ "SUBSYSTEM!=\"memory\", GOTO=\"memory_hotplug_end\"\n"
		  "ACTION!=\"add\", GOTO=\"memory_hotplug_end\"\n"
		  "ENV{.state}=\"online\"\n"
		  "CONST{virt}==\"none\", ENV{.state}=\"online_movable\"\n"
		  "ATTR{state}==\"offline\", ATTR{state}=\"$env{.state}\"\n"
		  "LABEL=\"memory_hotplug_end\"\n", 5 },
		/* the same, behind the label: not about memory any more */
		{ "SUBSYSTEM!=\"memory\", GOTO=\"end\"\nLABEL=\"end\"\nATTR{state}=\"online\"\n", 0 },
		/* between the jump and the label, but about something else */
		{ "SUBSYSTEM!=\"memory\", GOTO=\"end\"\nSUBSYSTEM==\"cpu\", ATTR{state}=\"online\"\n"
		  "LABEL=\"end\"\n", 0 },
		/* Debian's and Ubuntu's for virtual machines */
		{ "SUBSYSTEM==\"memory\", ACTION==\"add\", DEVPATH==\"/devices/system/memory/memory[0-9]*\", "
		  "TEST==\"state\", ATTR{state}!=\"online\", ATTR{state}=\"online\"\n", 1 },
		{ "SUBSYSTEM==\"memory|cpu\",\\\n  ACTION==\"add\", \\\n# why not\n  "
		  "ATTR{state}=\"online_movable\"\n", 1 },
		{ "KERNEL==\"memory*\", ATTR{state} = \"online\"\n", 1 },
		{ "ACTION==\"add\" SUBSYSTEM==\"memory\" ATTR{state}:=e\"online\"\n", 1 },
		{ "SUBSYSTEM==\"memory\", ACTION==\"add\", RUN+=\"/bin/sh -c 'echo online > "
		  "/sys$devpath/state'\"\n", 1 },
		{ "SUBSYSTEM==\"memory\", RUN+=\"/usr/bin/chmem -e %k\"\n", 1 },
		/* looking is no crime */
		{ "SUBSYSTEM==\"memory\", ATTR{state}==\"online\", TAG+=\"x\"\n", 0 },
		{ "SUBSYSTEM==\"memory\", ATTR{state}!=\"online\", TAG+=\"x\"\n", 0 },
		{ "SUBSYSTEM==\"memory\", ATTR{state}=\"offline\"\n", 0 },
		{ "SUBSYSTEM==\"memory\", ATTR{online}=\"1\"\n", 0 },
		{ "SUBSYSTEM==\"cpu\", ATTR{state}=\"online\"\n", 0 },
		{ "SUBSYSTEM!=\"memory\", ATTR{state}=\"online\"\n", 0 },
		{ "#" REDHAT, 0 },
		/* not even udev understands it */
		{ "SUBSYSTEM==\"memory\", ATTR{state=\"online\"\n", 0 },
		{ "SUBSYSTEM==\"memory, ATTR{state}=\"online\n", 0 },
		{ "SUBSYSTEM==\"memory\", ATTR{state}", 0 },
		{ "\\\n", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char expected[128] = "";
		struct root root;

		begin(&root);
		put(&root, RULES "/40-memory.rules", cases[i].rule);
		if (cases[i].line)
			snprintf(expected, sizeof(expected), "udev " RULES "/40-memory.rules:%u!",
				 cases[i].line);
		check(&root, expected);
		end(&root);
	}
}

static void test_which_file_counts(void **state)
{
	struct root root;

	(void)state;
	begin(&root);
	check(&root, "");
	put(&root, RULES "/40-a.rules", REDHAT);
	put(&root, "/run/udev/rules.d/30-b.rules", "\n" REDHAT);
	put(&root, RULES "/50-c.conf", REDHAT);
	check(&root, "udev /run/udev/rules.d/30-b.rules:2!; udev " RULES "/40-a.rules:1!");
	/* hidden by a file, by a link to nothing, by an empty one */
	put(&root, "/etc/udev/rules.d/40-a.rules", "\n\n" REDHAT);
	mask(&root, "/etc/udev/rules.d/30-b.rules");
	check(&root, "udev /etc/udev/rules.d/40-a.rules:3!");
	put(&root, "/etc/udev/rules.d/40-a.rules", "");
	check(&root, "");
	put(&root, "/usr/local/lib/udev/rules.d/60-d.rules", REDHAT);
	put(&root, RULES "/60-d.rules", "\n\n\n" REDHAT);
	check(&root, "udev /usr/local/lib/udev/rules.d/60-d.rules:1!");
	end(&root);
}

static void test_kernel_and_daxctl(void **state)
{
	_cleanup_(rivals_freep) struct rivals *r = NULL;
	struct root root;

	(void)state;
	begin(&root);
	put(&root, "/sys/devices/system/memory/auto_online_blocks", "offline\n");
	put(&root, "/proc/cmdline", "quiet memhp_default_state=online_movable ro\n");
	check(&root, "");
	put(&root, "/sys/devices/system/memory/auto_online_blocks", "online_movable\n");
	put(&root, RULES "/90-daxctl-device.rules",
	    "ACTION==\"add\", SUBSYSTEM==\"dax\", TAG+=\"systemd\",\\\n"
	    "  PROGRAM=\"/usr/bin/systemd-escape -p --template=daxdev-reconfigure@.service "
	    "$env{DEVNAME}\",\\\n  ENV{SYSTEMD_WANTS}=\"%c\"\n");
	check(&root, "kernel /sys/devices/system/memory/auto_online_blocks; daxctl " RULES
		     "/90-daxctl-device.rules:1");
	assert_int_equal(rivals_find(root.path, &r), 0);
	assert_non_null(strstr(r->list[0].does, "memhp_default_state=online_movable on its command"));
	end(&root);
}

/* A machine with these blocks of one region, and an operation that left them in a zone. */
static struct picture *picture_with(enum mem_state state, enum zone zone, uint64_t first,
				    uint64_t count)
{
	struct picture *p = picture_new();
	struct memory_run *run;

	assert_non_null(p);
	picture_add_region(p)->name = strdup("region7");
	run = picture_add_memory(p);
	run->first = first;
	run->count = count;
	run->state = state;
	run->zone = zone;
	run->region = 0;
	return p;
}

static void finish(struct contest *c, enum step_kind kind, enum operation_state state, uint64_t first,
		   uint64_t count, enum zone zone)
{
	struct operation *o = operation_new(1, request_new(VERB_CREATE));
	struct plan *plan = calloc(1, sizeof(*plan));

	assert_non_null(o);
	assert_non_null(plan);
	plan->steps = calloc(1, sizeof(*plan->steps));
	plan->n_steps = plan->no_return = 1;
	plan->steps[0].kind = kind;
	assert_int_equal(step_add_block(&plan->steps[0], first, count, zone), 0);
	assert_int_equal(operation_set_plan(o, plan), 0);
	o->state = state;
	contest_finished(c, o);
	operation_free(o);
}

static void look(struct contest *c, enum mem_state state, enum zone zone, uint64_t first,
		 uint64_t count)
{
	_cleanup_(picture_freep) struct picture *p = picture_with(state, zone, first, count);

	contest_looked(c, p);
}

static char *overruled(struct contest *c)
{
	struct json_object *json, *list;
	char *text = strdup("");

	assert_int_equal(contest_to_json(c, &json), 0);
	assert_true(json_object_object_get_ex(json, "overruled", &list));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *t;

		assert_true(json_object_object_get_ex(json_object_array_get_idx(list, i), "text", &t));
		say(&text, 0, "%s%s\n", text, json_object_get_string(t));
	}
	json_object_put(json);
	return text;
}

static void expect(struct contest *c, const char *begin_of_text)
{
	_cleanup_free_ char *text = overruled(c);

	if (!*begin_of_text)
		assert_string_equal(text, "");
	else
		assert_memory_equal(text, begin_of_text, strlen(begin_of_text));
}

struct fixture {
	struct root root;
	sd_event *event;
	struct contest *contest;
	unsigned int looks;
};

static void on_look(void *userdata)
{
	struct fixture *f = userdata;

	f->looks++;
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){};
	begin(&f->root);
	put(&f->root, RULES "/40-redhat.rules", REDHAT);
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(contest_new(f->event, f->root.path, on_look, f, &f->contest), 0);
}

static void teardown(struct fixture *f)
{
	contest_free(f->contest);
	sd_event_unref(f->event);
	end(&f->root);
}

static void test_overruled(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	finish(f.contest, STEP_BIND, OPERATION_DONE, 100, 4, ZONE_UNKNOWN);
	look(f.contest, MEM_OFFLINE, ZONE_UNKNOWN, 100, 4);
	expect(f.contest, "");
	look(f.contest, MEM_ONLINE, ZONE_KERNEL, 101, 2);
	expect(f.contest, "memory blocks 101 to 102 of region7 were left offline and are online in zone "
			  "kernel now: that was " RULES "/40-redhat.rules:1; to do about it: copy the file");
	/* said once */
	look(f.contest, MEM_ONLINE, ZONE_KERNEL, 101, 2);
	{
		_cleanup_free_ char *text = overruled(f.contest);

		assert_int_equal(strchr(text, '\n')[1], '\0');
	}
	/* the rest is still watched */
	look(f.contest, MEM_ONLINE, ZONE_KERNEL, 100, 4);
	{
		_cleanup_free_ char *text = overruled(f.contest);

		assert_non_null(strstr(text, "\nmemory blocks 100 to 100 of"));
		assert_non_null(strstr(text, "\nmemory blocks 103 to 103 of"));
	}
	/* and it is over when somebody has done something about it */
	finish(f.contest, STEP_OFFLINE, OPERATION_FAILED, 100, 4, ZONE_KERNEL);
	expect(f.contest, "memory");
	finish(f.contest, STEP_OFFLINE, OPERATION_DONE, 100, 4, ZONE_KERNEL);
	expect(f.contest, "");
	teardown(&f);
}

static void test_zones(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	finish(f.contest, STEP_ONLINE, OPERATION_DONE, 100, 4, ZONE_MOVABLE);
	look(f.contest, MEM_ONLINE, ZONE_MOVABLE, 100, 4);
	/* somebody else's blocks, and blocks that are gone */
	look(f.contest, MEM_ONLINE, ZONE_KERNEL, 104, 4);
	look(f.contest, MEM_ONLINE, ZONE_KERNEL, 0, 100);
	expect(f.contest, "");
	look(f.contest, MEM_ONLINE, ZONE_KERNEL, 100, 4);
	expect(f.contest, "memory blocks 100 to 103 of region7 were left online in zone movable and are "
			  "online in zone kernel now: that was ");
	/* no rule takes memory offline */
	finish(f.contest, STEP_ONLINE, OPERATION_DONE, 100, 4, ZONE_MOVABLE);
	look(f.contest, MEM_OFFLINE, ZONE_UNKNOWN, 100, 4);
	expect(f.contest, "memory blocks 100 to 103 of region7 were left online in zone movable and are "
			  "offline now: somebody else did that");
	/* what was rolled back is nobody's wish */
	finish(f.contest, STEP_ONLINE, OPERATION_DONE, 200, 4, ZONE_MOVABLE);
	finish(f.contest, STEP_ONLINE, OPERATION_FAILED, 200, 4, ZONE_KERNEL);
	look(f.contest, MEM_OFFLINE, ZONE_UNKNOWN, 200, 4);
	expect(f.contest, "memory blocks 100 to 103");
	teardown(&f);
}

static void test_nobody_to_blame(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	mask(&f.root, "/etc/udev/rules.d/40-redhat.rules");
	finish(f.contest, STEP_BIND, OPERATION_DONE, 100, 1, ZONE_UNKNOWN);
	look(f.contest, MEM_ONLINE, ZONE_MOVABLE, 100, 1);
	expect(f.contest, "memory blocks 100 to 100 of region7 were left offline and are online in zone "
			  "movable now: somebody else did that, and it was no udev rule");
	teardown(&f);
}

/* A look is asked for behind an operation that left memory somewhere, and only then. */
static void test_looks(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	finish(f.contest, STEP_DISABLE, OPERATION_DONE, 0, 1, ZONE_UNKNOWN);
	while (sd_event_run(f.event, 1500000) > 0)
		;
	assert_int_equal(f.looks, 0);
	finish(f.contest, STEP_BIND, OPERATION_DONE, 100, 4, ZONE_MOVABLE);
	run_until(f.event, f.looks);
	teardown(&f);
}

/* No more cases are kept than somebody would read. */
static void test_many(void **state)
{
	struct json_object *json, *list;
	struct fixture f;

	(void)state;
	setup(&f);
	for (uint64_t i = 0; i < 40; i++) {
		finish(f.contest, STEP_BIND, OPERATION_DONE, i, 1, ZONE_UNKNOWN);
		look(f.contest, MEM_ONLINE, ZONE_KERNEL, i, 1);
	}
	assert_int_equal(contest_to_json(f.contest, &json), 0);
	assert_true(json_object_object_get_ex(json, "overruled", &list));
	assert_int_equal(json_object_array_length(list), 16);
	json_object_put(json);
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),	       cmocka_unit_test(test_which_file_counts),
		cmocka_unit_test(test_kernel_and_daxctl), cmocka_unit_test(test_overruled),
		cmocka_unit_test(test_zones),	       cmocka_unit_test(test_nobody_to_blame),
		cmocka_unit_test(test_looks),	       cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("rivals", tests, NULL, NULL);
}
