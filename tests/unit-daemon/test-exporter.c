// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "exporter.h"
#include "machines.h"
#include "mock-door.h"

/* All that an exporter asks, on a machine with a card. */
struct fixture {
	char dir[32];
	sd_event *event;
	struct mock_stage *stage;
	struct exporter_sources from;
	struct exporter *exporter;
	unsigned int fds;
	unsigned int replies;
	char *text;
};

static void on_finished(struct operation *o, void *userdata)
{
	exporter_finished(((struct fixture *)userdata)->exporter, o);
}

static void on_refused(struct operation *o, void *userdata)
{
	exporter_refused(((struct fixture *)userdata)->exporter, o);
}

static void on_stepped(struct operation *o, const struct step *s, uint64_t usec, void *userdata)
{
	(void)o;
	exporter_stepped(((struct fixture *)userdata)->exporter, s, usec);
}

static void no_look(void *userdata)
{
	(void)userdata;
}

static void setup(struct fixture *f)
{
	static const struct engine_hooks hooks = { .finished = on_finished, .refused = on_refused,
						   .stepped = on_stepped };
	_cleanup_mock_ struct mock *m = mock_new();

	*f = (struct fixture){ .dir = "/tmp/exporter-XXXXXX", .fds = count_fds() };
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(sd_event_new(&f->event), 0);
	machine_one(m);
	f->stage = mock_stage_new();
	mock_stage_set(f->stage, m);
	assert_int_equal(engine_new(f->event, mock_open, &hooks, f, &f->from.engine), 0);
	assert_int_equal(scanner_new(f->event, mock_open, NULL, NULL, &f->from.scanner), 0);
	assert_int_equal(steward_new(f->event, f->from.engine, f->dir, f->dir, &f->from.steward), 0);
	assert_int_equal(health_watch_new(f->from.engine, NULL, NULL, &f->from.health), 0);
	assert_int_equal(contest_new(f->event, f->dir, no_look, NULL, &f->from.contest), 0);
	assert_int_equal(exporter_new(f->event, &f->from, &f->exporter), 0);
	/* The steward has the engine look once; a gate that is closed later is for the exporter's look. */
	run_until(f->event, f->stage->scans == 1);
}

static void teardown(struct fixture *f)
{
	f->from.scanner = scanner_free(f->from.scanner);
	f->exporter = exporter_free(f->exporter);
	engine_free(f->from.engine);
	contest_free(f->from.contest);
	steward_free(f->from.steward);
	health_watch_free(f->from.health);
	sd_event_unref(f->event);
	while (waitpid(-1, NULL, 0) > 0)
		;
	mock_stage_free(f->stage);
	assert_int_equal(rmdir(f->dir), 0);
	free(f->text);
	assert_int_equal(count_fds(), f->fds);
}

static void on_text(const char *text, void *userdata)
{
	struct fixture *f = userdata;

	f->replies++;
	free(f->text);
	f->text = text ? strdup(text) : NULL;
}

static void ask(struct fixture *f)
{
	unsigned int before = f->replies;

	assert_int_equal(exporter_ask(f->exporter, METRICS_OPENMETRICS, on_text, f), 0);
	run_until(f->event, f->replies > before);
	assert_non_null(f->text);
}

static void expect(struct fixture *f, const char *line)
{
	if (!strstr(f->text, line))
		fail_msg("there is no \"%s\" in\n%s", line, f->text);
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	(void)o, (void)error, (void)reason, (void)userdata;
}

static void run(struct fixture *f, enum verb verb, const char *object)
{
	struct request *q = request_new(verb);

	assert_non_null(q);
	assert_int_equal(request_add_object(q, object), 0);
	assert_int_equal(engine_start(f->from.engine, q, on_started, f), 0);
	run_until(f->event, !engine_busy(f->from.engine));
}

static void test_counted(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	ask(&f);
	expect(&f, "cxlmem_operations_total{verb=\"create\",result=\"done\"} 0\n");
	expect(&f, "cxlmem_card_enabled{memdev=\"mem0\"");
	run(&f, VERB_CREATE, "mem0");
	run(&f, VERB_OFFLINE, "region0");
	run(&f, VERB_OFFLINE, "region7");
	mock_stage_expect(f.stage, (struct mock_event){ MOCK_FAIL, STEP_ONLINE, .error = -EBUSY });
	run(&f, VERB_ONLINE, "region0");
	ask(&f);
	expect(&f, "cxlmem_operations_total{verb=\"create\",result=\"done\"} 1\n");
	expect(&f, "cxlmem_operations_total{verb=\"offline\",result=\"done\"} 1\n");
	expect(&f, "cxlmem_operations_total{verb=\"offline\",result=\"refused\"} 1\n");
	expect(&f, "cxlmem_operations_total{verb=\"online\",result=\"failed\"} 1\n");
	expect(&f, "cxlmem_operation_duration_seconds_count{verb=\"create\"} 1\n");
	expect(&f, "cxlmem_operation_duration_seconds_count{verb=\"offline\"} 1\n");
	expect(&f, "cxlmem_drain_duration_seconds_count{of=\"memory\"} 1\n");
	/* The look that the answer is made of, too. */
	expect(&f, "cxlmem_scan_duration_seconds_count 2\n");
	expect(&f, "cxlmem_region_use{region=\"region0\",use=\"offline\"} 1\n");
	teardown(&f);
}

/* The next look at the machine waits for the gate. */
static void close_gate(struct fixture *f)
{
	f->stage->scan_action = MOCK_GATE;
	f->stage->scan_acts = true;
}

/* The machine cannot be looked at: an answer comes all the same, in time, and the next one has it again. */
static void test_blind(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	close_gate(&f);
	ask(&f);
	expect(&f, "cxlmem_machine_read 0\n");
	mock_stage_open_gate(f.stage);
	ask(&f);
	expect(&f, "cxlmem_machine_read 1\n");
	teardown(&f);
}

/* One who still waits when the daemon ends is told. */
static void test_stopping(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	close_gate(&f);
	assert_int_equal(exporter_ask(f.exporter, METRICS_OPENMETRICS, on_text, &f), 0);
	f.from.scanner = scanner_free(f.from.scanner);
	assert_int_equal(f.replies, 1);
	assert_null(f.text);
	teardown(&f);
}

static void scrape(struct fixture *f, const char *path, const char *request, const char *type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char text[512] = "";

	assert_true(fd >= 0);
	strcpy(a.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	run_until(f->event, recv(fd, text, sizeof(text) - 1, 0) > 0);
	close(fd);
	assert_int_equal(strncmp(text, "HTTP/1.1 200", 12), 0);
	if (!strstr(text, type))
		fail_msg("no %s in %s", type, text);
}

static void test_socket(void **state)
{
	struct fixture f;
	char path[64];

	(void)state;
	setup(&f);
	snprintf(path, sizeof(path), "%s/metrics", f.dir);
	assert_int_equal(exporter_listen(f.exporter, path), 0);
	scrape(&f, path, "GET /metrics HTTP/1.1\r\nAccept: */*\r\n\r\n", "application/openmetrics-text");
	scrape(&f, path, "GET /metrics HTTP/1.1\r\nAccept: text/plain;version=0.0.4\r\n\r\n", "version=0.0.4");
	scrape(&f, path, "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain\r\n\r\n",
	       "application/openmetrics-text");
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted), cmocka_unit_test(test_blind), cmocka_unit_test(test_stopping),
		cmocka_unit_test(test_socket),
	};

	/* The descriptor that libsystemd keeps for the journal is not to be taken for one that was left open. */
	(void)sd_journal_print(7, "tests of the exporter");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
