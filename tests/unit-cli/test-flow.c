/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json_tokener.h>

#include "test.h"

#include "fake-daemon.h"
#include "json-util.h"
#include "session.h"
#include "verbs.h"

#define STEPS "[1/2] create region0\n[2/2] bring 512M of dax0.0 online\n"
#define NOTE "note: 128M are lost\n"

/* Run one command against one daemon; NULL = not looked at. */
static void check(const struct fake *fake, const char *line, int status, const char *out,
		  const char *err, const char *calls)
{
	_cleanup_(session_free) struct session s;
	_cleanup_free_ char *got = NULL;
	struct fake_daemon d;
	sd_bus *bus = fake_daemon_peer(&d, fake);

	session_run(&s, bus, line);
	got = fake_daemon_calls(&d);
	fake_daemon_stop(&d);
	session_check(&s, status, out, err);
	if (calls)
		check_text(got, calls);
}

static void test_done(void **state)
{
	(void)state;
	check(&(struct fake){ 0 }, "create --size 1G --ways 2 mem0 mem1", STATUS_DONE,
	      "done: create region0: 512M on mem0\n", STEPS NOTE,
	      "Start create mem0 mem1 size=1G ways=2\nGetAll\n");
	check(&(struct fake){ .no_steps = true }, "online --zone kernel region0", STATUS_DONE,
	      "nothing to do: create region0: 512M on mem0\n", NOTE,
	      "Start online region0 zone=kernel\nGetAll\n");
	check(&(struct fake){ 0 }, "set-mode devdax -N region0", STATUS_DONE, NULL, NULL,
	      "Start set-mode region0 mode=devdax no-online=yes\nGetAll\n");
}

/* Printed as OpenMetrics; into a file, which node_exporter reads, in the older format, whole or not at all. */
static void test_metrics(void **state)
{
	char path[] = "/tmp/cxlmem-metrics-XXXXXX", line[64], text[16] = "";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	check(&(struct fake){ 0 }, "metrics", STATUS_DONE, "a 1\n# EOF\n", "", "GetMetrics\n");
	snprintf(line, sizeof(line), "metrics %s", path);
	check(&(struct fake){ 0 }, line, STATUS_DONE, "", "", "GetMetrics\n");
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 4);
	assert_string_equal(text, "a 2\n");
	close(fd);
	assert_int_equal(unlink(path), 0);
	check(&(struct fake){ 0 }, "metrics /nowhere/x.prom", STATUS_FAILED, "",
	      "cxlmemctl: /nowhere/x.prom cannot be written: the directory it is to be in is not there\n", NULL);
	check(&(struct fake){ 0 }, "metrics --json", STATUS_USAGE, "", NULL, "");
}

/* On a terminal of 80 columns no line of the help wraps. */
static void test_help_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i <= verb_table_size; i++) {
		_cleanup_(session_free) struct session s;
		char line[64];

		snprintf(line, sizeof(line), "help %s", i ? verb_table[i - 1].name : "");
		session_run(&s, NULL, line);
		session_check(&s, STATUS_DONE, NULL, "");
		check_lines(s.out.text, 80);
	}
}

/* It is offline under another name. */
static void test_drain(void **state)
{
	(void)state;
	check(&(struct fake){ 0 }, "drain -t 30s region0", STATUS_DONE,
	      "done: create region0: 512M on mem0\n", NULL,
	      "Start offline region0 deadline=30s\nGetAll\n");
	check(&(struct fake){ 0 }, "plan drain region0", STATUS_DONE, NULL, "",
	      "Plan offline region0\n");
}

static void test_watch_needs_a_terminal(void **state)
{
	(void)state;
	check(&(struct fake){ 0 }, "watch", STATUS_FAILED, "",
	      "cxlmemctl: watch draws on a terminal, and there is none it may draw on: `cxlmemctl "
	      "monitor` prints a line for each change, with --json one that programs read\n",
	      "");
}

/* That a card may be pulled is the last line, and only said when it is so. */
static void test_eject(void **state)
{
	static const char pull[] = "mem0 (serial 0x1000) in slot 2 may be pulled";

	(void)state;
	check(&(struct fake){ .result = pull }, "eject --deadline 30s mem0 slot:3", STATUS_DONE,
	      "done: create region0: 512M on mem0\n"
	      "mem0 (serial 0x1000) in slot 2 may be pulled\n",
	      NULL, "Start eject mem0 slot:3 deadline=30s\nGetAll\n");
	check(&(struct fake){ .result = pull, .state = "failed", .reason = "30s are over" },
	      "eject --on-deadline keep -t 30s mem0", STATUS_FAILED, "", NULL,
	      "Start eject mem0 deadline=30s on-deadline=keep\nGetAll\n");
	check(&(struct fake){ .result = pull }, "eject -q mem0", STATUS_DONE, "", "",
	      "Start eject mem0\n");
	check(&(struct fake){ .result = pull }, "eject --no-wait mem0", STATUS_DONE,
	      "operation 1 started; `cxlmemctl operations 1` shows it\n", "", NULL);
	check(&(struct fake){ 0 }, "eject", STATUS_USAGE, "", NULL, "");
	check(&(struct fake){ 0 }, "eject --deadline soon mem0", STATUS_USAGE, "",
	      "cxlmemctl: deadline is \"soon\": it takes a time such as 30s or 2min, or infinity\n",
	      "");
}

/* The cheapest way costs one call. */
static void test_quiet(void **state)
{
	(void)state;
	check(&(struct fake){ 0 }, "create --quiet mem0", STATUS_DONE, "", "",
	      "Start create mem0\n");
	check(&(struct fake){ .state = "failed", .reason = "the kernel refused" },
	      "destroy -q region0", STATUS_FAILED, "",
	      "cxlmemctl: destroy failed, the machine is as it was: the kernel refused\n",
	      "Start destroy region0\n");
}

/* Each of the exit codes, and the help text has what it means. */
static void test_exit_codes(void **state)
{
	static const struct {
		struct fake fake;
		const char *line;
	} cases[_STATUS_MAX] = {
		[STATUS_DONE] = { { 0 }, "create mem0" },
		[STATUS_FAILED] = { { .state = "failed", .reason = "no" }, "create mem0" },
		[STATUS_USAGE] = { { 0 }, "create" },
		[STATUS_NO_DAEMON] = { { .dies = true }, "create mem0" },
		[STATUS_CANCELLED] = { { .interrupts = 1 }, "create mem0" },
	};
	_cleanup_(session_free) struct session s;

	(void)state;
	session_run(&s, NULL, "help");
	for (int i = 0; i < _STATUS_MAX; i++) {
		char line[128];

		assert_non_null(cases[i].line);
		check(&cases[i].fake, cases[i].line, i, NULL, NULL, NULL);
		snprintf(line, sizeof(line), "\n  %d  %s\n", i, exit_status_text[i]);
		assert_non_null(strstr(s.out.text, line));
	}
}

static void test_early_end(void **state)
{
	(void)state;
	check(&(struct fake){ .early = true, .no_steps = true }, "online region0", STATUS_DONE,
	      "nothing to do: create region0: 512M on mem0\n", NOTE,
	      "Start online region0\nGetAll\n");
}

static void test_failed(void **state)
{
	(void)state;
	check(&(struct fake){ .state = "failed", .reason = "the kernel refused" }, "create mem0",
	      STATUS_FAILED, "",
	      "[1/2] create region0\n"
	      "[2/2] failed: bring 512M of dax0.0 online\n"
	      "[1/2] taken back: create region0\n" NOTE
	      "cxlmemctl: create failed, the machine is as it was: the kernel refused\n",
	      NULL);
	check(&(struct fake){ .state = "stuck", .reason = "region0 is left" }, "create -q mem0",
	      STATUS_FAILED, "",
	      "cxlmemctl: create failed and could not be taken back: region0 is left\n", NULL);
	check(&(struct fake){ .state = "failed" }, "create -q mem0", STATUS_FAILED, "",
	      "cxlmemctl: create failed, the machine is as it was: cxlmemd gave no reason\n", NULL);
}

static void test_refused(void **state)
{
	static const struct {
		const char *error, *message, *err;
		int status;
	} cases[] = {
		{ "org.cxlmem1.Error.NoRoom", "window decoder0.0 has 1G left, 2G asked",
		  "window decoder0.0 has 1G left, 2G asked", STATUS_FAILED },
		{ SD_BUS_ERROR_ACCESS_DENIED,
		  "Rejected send message, 2 matched rules; type=\"...\"",
		  "create needs root: try sudo", STATUS_FAILED },
		{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
		  "create needs an administrator: do it as root",
		  "create needs an administrator: do it as root", STATUS_FAILED },
		{ "org.cxlmem1.Error.NotAuthorized", "create is not allowed to this user",
		  "create is not allowed to this user", STATUS_FAILED },
		{ SD_BUS_ERROR_SERVICE_UNKNOWN, "The name is not activatable",
		  "cxlmemd does not answer on the system bus: start it with `systemctl start "
		  "cxlmemd`",
		  STATUS_NO_DAEMON },
		{ "org.freedesktop.systemd1.UnitMasked", "Unit cxlmemd.service is masked.",
		  "cxlmemd was switched off for good: `systemctl unmask cxlmemd` allows it again, "
		  "`systemctl start cxlmemd` starts it",
		  STATUS_NO_DAEMON },
		{ SD_BUS_ERROR_NO_REPLY, "Did not receive a reply",
		  "cxlmemd did not answer in time; `journalctl -u cxlmemd` may say why",
		  STATUS_NO_DAEMON },
		{ SD_BUS_ERROR_UNKNOWN_METHOD, "Unknown method",
		  "cxlmemd's answer to create cannot be understood: is it of the same version? "
		  "`systemctl restart cxlmemd` starts the one that is installed",
		  STATUS_FAILED },
		{ "org.example.Odd", "something odd",
		  "create could not be asked for: something odd", STATUS_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake fake = { .error = cases[i].error, .message = cases[i].message };
		_cleanup_free_ char *err = NULL;

		assert_true(asprintf(&err, "cxlmemctl: %s\n", cases[i].err) >= 0);
		check(&fake, "create mem0", cases[i].status, "", err, "Start create mem0\n");
	}
}

static void test_daemon_gone(void **state)
{
	(void)state;
	check(&(struct fake){ .dies = true }, "create mem0", STATUS_NO_DAEMON, "",
	      "cxlmemctl: cxlmemd stopped before create was finished; the next one walks it back "
	      "when it starts: `cxlmemctl operations` tells\n",
	      "Start create mem0\n");
}

#define CANCELLING \
	"cancelling: cxlmemd takes back what was done; Ctrl-C again leaves it to itself\n"

static void test_interrupt(void **state)
{
	(void)state;
	check(&(struct fake){ .interrupts = 1 }, "create -q mem0", STATUS_CANCELLED, "",
	      CANCELLING "cxlmemctl: create was cancelled, the machine is as it was\n",
	      "Start create mem0\nCancel\n");
	/* Too late: what was asked for was done, and that is what counts. */
	check(&(struct fake){ .interrupts = 1, .state = "done" }, "create -q mem0", STATUS_DONE, "",
	      CANCELLING, "Start create mem0\nCancel\n");
	check(&(struct fake){ .interrupts = 2, .stubborn = true }, "create mem0", STATUS_CANCELLED,
	      "",
	      CANCELLING
	      "cxlmemctl: create was left to itself; `cxlmemctl operations 1` shows how it "
	      "ends\n",
	      "Start create mem0\nCancel\n");
}

/* A person is asked once more. */
static void test_interrupt_at_terminal(void **state)
{
	static const char asked[] = "create goes on; Ctrl-C once more cancels it, and what was done is "
				    "taken back\n";
	const struct fake once = { .interrupts = 1, .person = true };
	_cleanup_(session_free) struct session s;
	_cleanup_free_ char *calls = NULL;
	struct fake_daemon d;
	sd_bus *bus;

	(void)state;
	bus = fake_daemon_peer(&d, &once);
	session_run_terminal(&s, bus, "create -q mem0");
	calls = fake_daemon_calls(&d);
	fake_daemon_stop(&d);
	assert_int_equal(s.status, STATUS_CANCELLED);
	check_text(calls, "Start create mem0\nCancel\n");
	assert_non_null(strstr(s.err.text, asked));
	assert_non_null(strstr(s.err.text, CANCELLING));
	assert_true(strstr(s.err.text, asked) < strstr(s.err.text, CANCELLING));
}

static void test_no_wait(void **state)
{
	(void)state;
	check(&(struct fake){ .interrupts = 0 }, "create --no-wait mem0", STATUS_DONE,
	      "operation 1 started; `cxlmemctl operations 1` shows it\n", "",
	      "Start create mem0\n");
}

static void test_cancel(void **state)
{
	(void)state;
	check(&(struct fake){ 0 }, "cancel 1", STATUS_DONE,
	      "operation 1 was cancelled, the machine is as it was\n", "", "Cancel\n");
	check(&(struct fake){ .stubborn = true }, "cancel --no-wait 1", STATUS_DONE,
	      "operation 1 is being cancelled\n", "", "Cancel\n");
	check(&(struct fake){ .finished_before = true }, "cancel /org/cxlmem1/operation/1",
	      STATUS_FAILED, "", "cxlmemctl: operation 1 has finished\n", "Cancel\n");
	check(&(struct fake){ .state = "done" }, "cancel 1", STATUS_FAILED, "",
	      "cxlmemctl: operation 1 was done before it could be cancelled\n", "Cancel\n");
	check(&(struct fake){ 0 }, "cancel one", STATUS_USAGE, "",
	      "cxlmemctl: \"one\" is no ID of an operation: it is a number; `cxlmemctl operations` "
	      "shows them\n",
	      "");
}

static void test_plan(void **state)
{
	static const char plan[] = "create region0\n  1  create region0\n";

	(void)state;
	check(&(struct fake){ 0 }, "plan create --size 1G mem0", STATUS_DONE, plan, "",
	      "Plan create mem0 size=1G\n");
	check(&(struct fake){ 0 }, "create --dry-run --size 1G mem0", STATUS_DONE, plan, "",
	      "Plan create mem0 size=1G\n");
	check(&(struct fake){ 0 }, "destroy -n region0", STATUS_DONE, plan, "",
	      "Plan destroy region0\n");
}

/* The value of a key at the end of a run's JSON. */
static void check_json(const struct fake *fake, const char *line, const char *key,
		       const char *wanted)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_(session_free) struct session s;
	struct json_object *value = NULL;
	struct fake_daemon d;
	sd_bus *bus = fake_daemon_peer(&d, fake);

	session_run(&s, bus, line);
	fake_daemon_stop(&d);
	json = json_tokener_parse(s.out.text);
	if (!json)
		fail_msg("%s: no JSON:\n%s", line, s.out.text);
	if (json_object_is_type(json, json_type_array))
		value = json_object_array_get_idx(json, 0);
	else
		value = json;
	assert_true(json_object_object_get_ex(value, key, &value));
	check_text(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), wanted);
}

/* RFC 7464: a list is a record for each of its things, anything else one. */
static void test_json_seq(void **state)
{
	struct fake machine = { .picture = "{\"memdevs\":[{\"memdev\":\"mem0\"},{\"memdev\":\"mem1\"}]}" };

	(void)state;
	check(&machine, "list --format=json-seq cards", STATUS_DONE,
	      "\036{\"memdev\":\"mem0\"}\n\036{\"memdev\":\"mem1\"}\n", "", "GetPicture\n");
	check(&machine, "list --format json-seq regions", STATUS_DONE, "", "", "GetPicture\n");
	check(&machine, "-q --json --format=json-seq status", STATUS_DONE,
	      "\036{\"memdevs\":[{\"memdev\":\"mem0\"},{\"memdev\":\"mem1\"}]}\n", "", "GetPicture\n");
	check(&(struct fake){ 0 }, "operations --format=json-seq", STATUS_DONE,
	      "\036{\"id\":1,\"verb\":\"create\",\"state\":\"running\",\"done\":0.5,"
	      "\"summary\":\"create region0: 512M on mem0\"}\n",
	      "", "ListOperations\n");
	check(&(struct fake){ 0 }, "forget --format=json-seq all", STATUS_DONE, "\036{\"count\":1}\n", "",
	      "Forget\n");
}

static void test_json(void **state)
{
	static const char steps[] =
		"[{\"step\":\"create-region\",\"text\":\"create region0\",\"state\":\"done\"},"
		"{\"step\":\"online\",\"text\":\"bring 512M of dax0.0 "
		"online\",\"state\":\"done\"}]";
	struct fake machine = { .picture = "{\"kernel\":\"7.3\",\"newer\":1,"
					   "\"memdevs\":[{\"memdev\":\"mem0\",\"newer\":2}]}" };

	(void)state;
	check_json(&(struct fake){ 0 }, "create --json mem0", "state", "\"done\"");
	check_json(&(struct fake){ 0 }, "create --json mem0", "steps", steps);
	check_json(&(struct fake){ 0 }, "create --json mem0", "total_usec", "1234");
	check_json(&(struct fake){ .state = "failed", .reason = "no" }, "create -jq mem0", "reason",
		   "\"no\"");
	check_json(&(struct fake){ 0 }, "create --json --no-wait mem0", "id", "1");
	check_json(&(struct fake){ 0 }, "plan --json create mem0", "summary", "\"create region0\"");
	check_json(&(struct fake){ 0 }, "operations --json", "done", "0.5");
	check_json(&(struct fake){ 0 }, "operations --json 1", "notes", "[\"128M are lost\"]");
	check_json(&(struct fake){ 0 }, "cancel --json 1", "verb", "\"create\"");
	/* What a newer daemon adds is not lost on the way. */
	check_json(&machine, "status --json", "newer", "1");
	check_json(&machine, "topology --json", "kernel", "\"7.3\"");
	check_json(&machine, "list --json cards", "newer", "2");
	check(&machine, "list --format=json regions", STATUS_DONE, "[]\n", "", "GetPicture\n");
	check(&machine, "list --format json-seq --json regions", STATUS_DONE, "[]\n", "", "GetPicture\n");
	check(&machine, "list --json --format table regions", STATUS_DONE, "there are no regions\n", "",
	      "GetPicture\n");
	check(&machine, "list --json regions", STATUS_DONE, "[]\n", "", "GetPicture\n");
	/* Programs see no steps on the error stream. */
	check(&(struct fake){ 0 }, "create --json mem0", STATUS_DONE, NULL, NOTE, NULL);
}

#define LOOKED "GetPicture\nListOperations\nGetRivals\nGetWishes\n"

static void test_wishes(void **state)
{
	struct fake empty = { 0 },
		    some = { .wishes = "{\"wishes\":[{\"id\":1,\"text\":\"512M, devdax, on serial 0x1000 "
				       "(hand)\",\"state\":\"there\",\"region\":\"region0\"},"
				       "{\"id\":3,\"text\":\"1G, devdax, on serial 0x7 (hand)\",\"state\":"
				       "\"missing\",\"reason\":\"not there: serial 0x7\"}],"
				       "\"reports\":[\"profile p waits\"]}" },
		    broken = { .wishes = "{\"wishes\":[],\"reports\":[],\"broken\":\"it is torn\"}" },
		    settled = { .wishes = "{\"wishes\":[],\"reports\":[],\"pending\":[]}" },
		    busy = { .wishes = "{\"wishes\":[],\"pending\":[\"mem0: as profile a says\",\"mem1 is coming "
				       "up\"]}" };
	char file[] = "/tmp/cxlmem-export-XXXXXX", line[128];
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	check(&empty, "wishes", STATUS_DONE,
	      "nothing is remembered: nobody made a region with cxlmem\n", "", "GetWishes\n");
	check(&some, "wishes", STATUS_DONE,
	      "ID  STATE    REGION   WISH\n"
	      " 1  there    region0  512M, devdax, on serial 0x1000 (hand)\n"
	      " 3  missing  -        1G, devdax, on serial 0x7 (hand): not there: serial 0x7\n"
	      "profile p waits\n",
	      "", NULL);
	check(&broken, "wishes", STATUS_DONE, "it is torn\n", "", NULL);
	check(&empty, "-q wishes", STATUS_DONE, "", "", NULL);
	check(&settled, "settle", STATUS_DONE, "", "", "GetWishes\n");
	check(&busy, "settle 0s", STATUS_FAILED, "",
	      "cxlmemctl: not settled after 0s: mem0: as profile a says; mem1 is coming up\n", "GetWishes\n");
	check(&empty, "settle 1s", STATUS_FAILED, "",
	      "cxlmemctl: cxlmemd does not say what it is about to do: is it older than cxlmemctl? `systemctl "
	      "restart cxlmemd`\n", NULL);
	check(&busy, "settle soon", STATUS_USAGE, "",
	      "cxlmemctl: \"soon\" is no time to wait: it takes 30s, 2min or infinity\n", NULL);
	check(&empty, "forget mem0 #3", STATUS_DONE, "forgot 2 wishes\n", "", "Forget\n");
	check(&empty, "-q forget mem0", STATUS_DONE, "", "", "Forget\n");
	check(&empty, "adopt region0 --json", STATUS_DONE, "{\n  \"count\": 1\n}\n", "", "Adopt\n");
	check(&empty, "forget", STATUS_USAGE, "", NULL, "");
	check(&empty, "adopt", STATUS_USAGE, "", NULL, "");
	check(&empty, "export", STATUS_DONE, "{\n  \"version\": 1\n}\n", "", "Export\n");
	snprintf(line, sizeof(line), "export %s", file);
	check(&empty, line, STATUS_DONE, "", "", "Export\n");
	snprintf(line, sizeof(line), "import %s", file);
	check(&empty, line, STATUS_DONE, "imported 1 wish\n", "", "Import\n");
	assert_int_equal(unlink(file), 0);
	check(&empty, line, STATUS_FAILED, "", NULL, "");
	check(&empty, "export /nowhere/at/all", STATUS_FAILED, "",
	      "cxlmemctl: /nowhere/at/all cannot be written: the directory it is to be in is not there\n", NULL);
}

static void test_views(void **state)
{
	struct fake empty = { 0 }, broken = { .picture = "{" },
		    odd = { .picture = "{\"windows\":7}" };

	(void)state;
	check(&empty, "list cards", STATUS_DONE, "there are no cards\n", "", "GetPicture\n");
	check(&empty, "operations", STATUS_DONE,
	      "ID  VERB    STATE    DONE  WHAT\n"
	      " 1  create  running   50%  create region0: 512M on mem0\n",
	      "", "ListOperations\n");
	check(&empty, "operations 9", STATUS_FAILED, "",
	      "cxlmemctl: there is no operation 9; `cxlmemctl operations` shows those there are\n",
	      NULL);
	check(&empty, "status", STATUS_DONE, NULL, "", LOOKED);
	check(&empty, "", STATUS_DONE, NULL, "", LOOKED);
	check(&empty, "-q status", STATUS_DONE, "", "", "GetPicture\n");
	check(&empty, "-q list", STATUS_DONE, "", "", NULL);
	check(&empty, "-q topology", STATUS_DONE, "", "", NULL);
	check(&empty, "-q operations", STATUS_DONE, "", "", NULL);
	check(&empty, "-q operations 1", STATUS_DONE, "", "", NULL);
	check(&empty, "-q plan create mem0", STATUS_DONE, "", "", NULL);
	check(&broken, "status", STATUS_FAILED, "",
	      "cxlmemctl: cxlmemd's answer is no JSON: unexpected end of data\n", NULL);
	check(&odd, "topology", STATUS_FAILED, "", NULL, NULL);
}

static void test_help_lines(void **state)
{
	static const char *const lines[] = {
		"help",		 "help status",	 "help list",	    "help topology",
		"help plan",	 "help create",	 "help online",	    "help offline",
		"help set-mode", "help destroy", "help operations", "help cancel",
		"help monitor",	 "help help",	 "help wishes",	    "help forget",
		"help adopt",	 "help export",	 "help import",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(session_free) struct session s;

		session_run(&s, NULL, lines[i]);
		session_check(&s, STATUS_DONE, NULL, "");
		check_lines(s.out.text, 80);
		assert_non_null(strstr(s.out.text, "cxlmemctl "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_metrics),
		cmocka_unit_test(test_help_fits), cmocka_unit_test(test_drain), cmocka_unit_test(test_watch_needs_a_terminal),
		cmocka_unit_test(test_exit_codes), cmocka_unit_test(test_done),	   cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_early_end),  cmocka_unit_test(test_failed),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_daemon_gone),
		cmocka_unit_test(test_interrupt), cmocka_unit_test(test_interrupt_at_terminal),  cmocka_unit_test(test_no_wait),
		cmocka_unit_test(test_cancel),	   cmocka_unit_test(test_plan),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_seq),	   cmocka_unit_test(test_views),
		cmocka_unit_test(test_help_lines), cmocka_unit_test(test_eject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
