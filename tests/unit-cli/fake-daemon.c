/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-daemon.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "test.h"

#define MANAGER_PATH "/org/cxlmem1"
#define MANAGER "org.cxlmem1.Manager"
#define OPERATION "org.cxlmem1.Operation"
#define OPERATION_PATH "/org/cxlmem1/operation/1"

/* The child has no test to fail: whatever goes wrong there ends it, and the client notices. */
#define must(expression)              \
	do {                          \
		if ((expression) < 0) \
			_exit(99);    \
	} while (0)

struct server {
	const struct fake *fake;
	sd_bus *bus;
	FILE *log;
};

static void append_steps(sd_bus_message *m, const char *a, const char *b)
{
	must(sd_bus_message_append(m, "{sv}", "Steps", "a(sss)", 2, "create-region",
				   "create region0", a, "online", "bring 512M of dax0.0 online",
				   b));
}

static void tell_steps(struct server *s, unsigned int done, const char *state, const char *a,
		       const char *b)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

	must(sd_bus_message_new_signal(s->bus, &m, OPERATION_PATH,
				       "org.freedesktop.DBus.Properties", "PropertiesChanged"));
	must(sd_bus_message_append(m, "s", OPERATION));
	must(sd_bus_message_open_container(m, 'a', "{sv}"));
	must(sd_bus_message_append(m, "{sv}", "State", "s", state));
	must(sd_bus_message_append(m, "{sv}", "Step", "u", done));
	append_steps(m, a, b);
	must(sd_bus_message_append(m, "{sv}", "FromTheFuture", "a{sv}", 1, "x", "i", 7));
	/* Of another type than ours: must be skipped. */
	must(sd_bus_message_append(m, "{sv}", "Reason", "i", 7));
	must(sd_bus_message_close_container(m));
	must(sd_bus_message_append(m, "as", 0));
	must(sd_bus_send(s->bus, m, NULL));
}

static void tell_end(sd_bus *bus, const char *state, const char *reason)
{
	must(sd_bus_emit_signal(bus, MANAGER_PATH, MANAGER, "OperationFinished", "oss",
				OPERATION_PATH, state, reason));
}

/* Ends of other operations, and of this one by somebody who is not the daemon. */
static void tell_lies(struct server *s)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *other = NULL;

	must(sd_bus_emit_signal(s->bus, MANAGER_PATH, MANAGER, "OperationFinished", "oss",
				"/org/cxlmem1/operation/77", "failed", "not ours"));
	if (!s->fake->forged)
		return;
	must(sd_bus_open_system(&other));
	tell_end(other, "failed", "a lie");
	/* An answer from the bus means that it has passed the lie on. */
	must(sd_bus_call_method(other, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				"org.freedesktop.DBus", "GetId", NULL, NULL, NULL));
}

static const char *end_of(const struct fake *f)
{
	return f->state ?: "done";
}

static bool goes_well(const struct fake *f)
{
	return strcmp(end_of(f), "done") == 0;
}

/* As cxlmemd does: the last news about the steps comes behind the end. */
static void run_operation(struct server *s)
{
	bool well = goes_well(s->fake);

	if (!s->fake->no_steps) {
		tell_steps(s, 0, "running", "running", "waiting");
		tell_steps(s, 1, "running", "done", "running");
		tell_steps(s, 1, "running", "done", "running");
		if (!well)
			tell_steps(s, 1, "undoing", "done", "failed");
	}
	tell_lies(s);
	tell_end(s->bus, end_of(s->fake), s->fake->reason ?: "");
	if (!s->fake->no_steps)
		tell_steps(s, 2, end_of(s->fake), well ? "done" : "undone",
			   well ? "done" : "failed");
}

static void press(void)
{
	must(kill(getppid(), SIGINT));
}

static void on_start(struct server *s, sd_bus_message *m)
{
	const struct fake *f = s->fake;

	if (f->early)
		tell_end(s->bus, end_of(f), f->reason ?: "");
	must(sd_bus_reply_method_return(m, "o", OPERATION_PATH));
	must(sd_bus_flush(s->bus));
	if (f->dies)
		_exit(0);
	if (f->interrupts > 0)
		press();
	if (f->person) {
		/* Signals that come together are one. */
		usleep(300000);
		press();
	}
	if (f->interrupts == 0 && !f->early)
		run_operation(s);
}

/* As many wishes as words. */
static void on_words(sd_bus_message *m)
{
	uint32_t n = 0;

	must(sd_bus_message_enter_container(m, 'a', "s"));
	while (sd_bus_message_skip(m, "s") > 0)
		n++;
	must(sd_bus_reply_method_return(m, "u", n));
}

static void on_cancel(struct server *s, sd_bus_message *m)
{
	const struct fake *f = s->fake;

	if (f->finished_before) {
		must(sd_bus_reply_method_errorf(m, "org.cxlmem1.Error.Busy",
						"operation 1 has finished"));
		tell_end(s->bus, end_of(f), f->reason ?: "");
		return;
	}
	must(sd_bus_reply_method_return(m, NULL));
	must(sd_bus_flush(s->bus));
	if (f->interrupts > 1)
		press();
	if (!f->stubborn)
		tell_end(s->bus, f->state ?: "cancelled", f->reason ?: "");
}

static void on_get_all(struct server *s, sd_bus_message *m)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const struct fake *f = s->fake;

	if (strcmp(sd_bus_message_get_path(m), OPERATION_PATH) != 0) {
		must(sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_OBJECT, "Unknown object"));
		return;
	}
	must(sd_bus_message_new_method_return(m, &reply));
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	must(sd_bus_message_append(reply, "{sv}", "Id", "t", UINT64_C(1)));
	must(sd_bus_message_append(reply, "{sv}", "Verb", "s", "create"));
	must(sd_bus_message_append(reply, "{sv}", "Summary", "s", "create region0: 512M on mem0"));
	must(sd_bus_message_append(reply, "{sv}", "State", "s", end_of(f)));
	must(sd_bus_message_append(reply, "{sv}", "Reason", "s", f->reason ?: ""));
	if (f->result)
		must(sd_bus_message_append(reply, "{sv}", "Result", "s", f->result));
	must(sd_bus_message_append(reply, "{sv}", "Notes", "as", 1, "128M are lost"));
	must(sd_bus_message_append(reply, "{sv}", "Regions", "as", 1, "region0"));
	if (!f->no_steps)
		append_steps(reply, goes_well(f) ? "done" : "undone",
			     goes_well(f) ? "done" : "failed");
	must(sd_bus_message_append(reply, "{sv}", "Progress", "(tt)", UINT64_C(5), UINT64_C(9)));
	must(sd_bus_message_append(reply, "{sv}", "TotalUsec", "t", UINT64_C(1234)));
	must(sd_bus_message_close_container(reply));
	must(sd_bus_send(s->bus, reply, NULL));
}

/* Start and Plan with all that they were given. */
static void log_wish(struct server *s, sd_bus_message *m)
{
	const char *verb, *word, *key, *value;

	must(sd_bus_message_read(m, "s", &verb));
	fprintf(s->log, " %s", verb);
	must(sd_bus_message_enter_container(m, 'a', "s"));
	while (sd_bus_message_read(m, "s", &word) > 0)
		fprintf(s->log, " %s", word);
	must(sd_bus_message_exit_container(m));
	must(sd_bus_message_enter_container(m, 'a', "{ss}"));
	while (sd_bus_message_read(m, "{ss}", &key, &value) > 0)
		fprintf(s->log, " %s=%s", key, value);
	must(sd_bus_message_exit_container(m));
}

static void on_get_metrics(sd_bus_message *m)
{
	const char *format;

	must(sd_bus_message_read(m, "s", &format));
	must(sd_bus_reply_method_return(m, "s", strcmp(format, "openmetrics") == 0 ? "a 1\n# EOF\n" : "a 2\n"));
}

static void answer(struct server *s, sd_bus_message *m, const char *member)
{
	if (s->fake->error)
		must(sd_bus_reply_method_errorf(m, s->fake->error, "%s", s->fake->message));
	else if (strcmp(member, "Start") == 0)
		on_start(s, m);
	else if (strcmp(member, "Cancel") == 0)
		on_cancel(s, m);
	else if (strcmp(member, "GetAll") == 0)
		on_get_all(s, m);
	else if (strcmp(member, "GetPicture") == 0)
		must(sd_bus_reply_method_return(m, "s", s->fake->picture ?: "{}"));
	else if (strcmp(member, "GetWishes") == 0)
		must(sd_bus_reply_method_return(m, "s", s->fake->wishes ?:
								"{\"wishes\":[],\"reports\":[]}"));
	else if (strcmp(member, "Export") == 0)
		must(sd_bus_reply_method_return(m, "s", s->fake->export ?: "{\"version\":1}"));
	else if (strcmp(member, "GetMetrics") == 0)
		on_get_metrics(m);
	else if (strcmp(member, "GetHealth") == 0 && s->fake->health)
		must(sd_bus_reply_method_return(m, "s", s->fake->health));
	else if (strcmp(member, "GetRivals") == 0 && s->fake->rivals)
		must(sd_bus_reply_method_return(m, "s", s->fake->rivals));
	else if (strcmp(member, "GetBlockers") == 0 && s->fake->blockers)
		must(sd_bus_reply_method_return(m, "s", s->fake->blockers));
	else if (strcmp(member, "Forget") == 0 || strcmp(member, "Adopt") == 0)
		on_words(m);
	else if (strcmp(member, "Import") == 0)
		must(sd_bus_reply_method_return(m, "u", 1));
	else if (strcmp(member, "Plan") == 0)
		must(sd_bus_reply_method_return(m, "s",
						"{\"summary\":\"create region0\",\"notes\":[],"
						"\"steps\":[{\"text\":\"create region0\"}]}"));
	else if (strcmp(member, "ListOperations") == 0 && s->fake->no_operations)
		must(sd_bus_reply_method_return(m, "a(ossds)", 0));
	else if (strcmp(member, "ListOperations") == 0)
		must(sd_bus_reply_method_return(m, "a(ossds)", 1, OPERATION_PATH, "create",
						"running", 0.5, "create region0: 512M on mem0"));
	else
		must(sd_bus_reply_method_errorf(m, SD_BUS_ERROR_UNKNOWN_METHOD, "no %s", member));
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	const char *member = sd_bus_message_get_member(m);
	struct server *s = userdata;

	(void)ret_error;
	if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
		return 0;
	fprintf(s->log, "%s", member);
	if (strcmp(member, "Start") == 0 || strcmp(member, "Plan") == 0)
		log_wish(s, m);
	fputc('\n', s->log);
	must(fflush(s->log));
	if (strcmp(member, "Ping") == 0)
		return 0; /* sd-bus answers */
	answer(s, m, member);
	return 1;
}

static void serve(struct server *s)
{
	int r;

	must(sd_bus_add_filter(s->bus, NULL, on_message, s));
	for (;;) {
		r = sd_bus_process(s->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(s->bus, UINT64_MAX);
		if (r < 0)
			_exit(0);
	}
}

static void begin_log(struct fake_daemon *d)
{
	d->log = tmpfile();
	assert_non_null(d->log);
	/* Both processes would print it. */
	fflush(NULL);
}

sd_bus *fake_daemon_peer(struct fake_daemon *d, const struct fake *fake)
{
	sd_bus *bus = NULL;
	int fds[2];

	begin_log(d);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (d->pid == 0) {
		struct server s = { .fake = fake, .log = d->log };

		close(fds[0]);
		must(sd_bus_new(&s.bus));
		must(sd_bus_set_fd(s.bus, fds[1], fds[1]));
		must(sd_bus_set_server(s.bus, 1,
				       SD_ID128_MAKE(01, 23, 45, 67, 89, ab, cd, ef, 01, 23, 45, 67,
						     89, ab, cd, ef)));
		must(sd_bus_start(s.bus));
		serve(&s);
	}
	close(fds[1]);
	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	return bus;
}

void fake_daemon_bus(struct fake_daemon *d, const struct fake *fake)
{
	char ready;
	int fds[2];

	begin_log(d);
	assert_int_equal(pipe(fds), 0);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (d->pid == 0) {
		struct server s = { .fake = fake, .log = d->log };

		close(fds[0]);
		must(sd_bus_open_system(&s.bus));
		must(sd_bus_request_name(s.bus, "org.cxlmem1", 0));
		must(write(fds[1], "!", 1));
		serve(&s);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &ready, 1), 1);
	close(fds[0]);
}

char *fake_daemon_calls(struct fake_daemon *d)
{
	long size;
	char *text;

	assert_int_equal(fseek(d->log, 0, SEEK_END), 0);
	size = ftell(d->log);
	assert_true(size >= 0);
	text = calloc(1, size + 1);
	assert_non_null(text);
	rewind(d->log);
	assert_int_equal(fread(text, 1, size, d->log), size);
	return text;
}

void fake_daemon_stop(struct fake_daemon *d)
{
	kill(d->pid, SIGKILL);
	assert_int_equal(waitpid(d->pid, NULL, 0), d->pid);
	fclose(d->log);
}
