/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "fake-daemon.h"
#include "private-bus.h"
#include "session.h"

/* The client on a real bus, a private one: names, who sends what, and what happens when there is
 * nobody. */

static const char no_plan[] = "<deny send_destination=\"org.cxlmem1\" "
			      "send_interface=\"org.cxlmem1.Manager\" send_member=\"Plan\"/>";

static int begin_bus(void **state)
{
	static struct private_bus bus;

	private_bus_start(&bus, no_plan);
	*state = &bus;
	return 0;
}

static int end_bus(void **state)
{
	private_bus_stop(*state);
	return 0;
}

static void check(const struct fake *fake, const char *line, int status, const char *out,
		  const char *err)
{
	_cleanup_(session_free) struct session s;
	struct fake_daemon d;

	if (fake)
		fake_daemon_bus(&d, fake);
	session_run(&s, NULL, line);
	if (fake)
		fake_daemon_stop(&d);
	session_check(&s, status, out, err);
}

#define NO_DAEMON                                                                               \
	"cxlmemctl: cxlmemd does not answer on the system bus: start it with `systemctl start " \
	"cxlmemd`\n"

static void test_no_daemon(void **state)
{
	static const char *const lines[] = {
		"status",     "list cards",   "topology", "create mem0", "plan create mem0",
		"operations", "operations 1", "cancel 1", "monitor",	 "destroy --no-wait region0"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		check(NULL, lines[i], STATUS_NO_DAEMON, "", NO_DAEMON);
}

/* Another machine is another daemon; what is of this one alone says so. */
static void test_elsewhere(void **state)
{
	_cleanup_free_ char *path = strdup(getenv("PATH") ?: "/usr/bin");
	char directory[] = "/tmp/cxlmem-ssh-XXXXXX", ssh[64];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(ssh, sizeof(ssh), "%s/ssh", directory);
	f = fopen(ssh, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nexit 255\n");
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(ssh, 0755), 0);
	assert_int_equal(setenv("PATH", directory, 1), 0);
	check(NULL, "-H root@elsewhere status", STATUS_NO_DAEMON, "",
	      "cxlmemctl: the connection to cxlmemd broke; `systemctl status cxlmemd` may say why\n"
	      "cxlmemctl: `ssh root@elsewhere systemctl status cxlmemd` may say more: that has to work, "
	      "and systemd-stdio-bridge has to be there\n");
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_int_equal(remove(ssh), 0);
	assert_int_equal(remove(directory), 0);
	check(NULL, "-H a -M b status", STATUS_USAGE, "",
	      "cxlmemctl: it is either --host or --machine: leave one of them out\n");
	check(NULL, "-M b --from x status", STATUS_USAGE, "",
	      "cxlmemctl: --from is about a file: leave --machine out\n");
	check(NULL, "-H a profiles", STATUS_USAGE, "",
	      "cxlmemctl: profiles reads the files of this machine: run it there, as in `ssh HOST "
	      "cxlmemctl profiles`\n");
	check(NULL, "-M ../x status", STATUS_NO_DAEMON, "", NULL);
}

static void test_done(void **state)
{
	(void)state;
	check(&(struct fake){ 0 }, "create mem0", STATUS_DONE,
	      "done: create region0: 512M on mem0\n",
	      "[1/2] create region0\n[2/2] bring 512M of dax0.0 online\nnote: 128M are lost\n");
	check(&(struct fake){ 0 }, "create -q mem0", STATUS_DONE, "", "");
	check(&(struct fake){ .early = true }, "create -q mem0", STATUS_DONE, "", "");
}

/* Anybody can send signals; only the daemon's count. */
static void test_forged(void **state)
{
	(void)state;
	check(&(struct fake){ .forged = true }, "create -q mem0", STATUS_DONE, "", "");
}

static void test_denied(void **state)
{
	(void)state;
	check(&(struct fake){ 0 }, "plan create mem0", STATUS_FAILED, "",
	      "cxlmemctl: planning needs root: try sudo\n");
}

static void test_daemon_dies(void **state)
{
	(void)state;
	check(&(struct fake){ .dies = true }, "create mem0", STATUS_NO_DAEMON, "",
	      "cxlmemctl: cxlmemd stopped before create was finished; the next one walks it back "
	      "when it starts: `cxlmemctl operations` tells\n");
}

static void test_interrupt(void **state)
{
	(void)state;
	check(&(struct fake){ .interrupts = 1 }, "create -q mem0", STATUS_CANCELLED, "",
	      "cancelling: cxlmemd takes back what was done; Ctrl-C again leaves it to itself\n"
	      "cxlmemctl: create was cancelled, the machine is as it was\n");
}

/* A reader that goes away must end the monitor; one that stays gets each line at once. */
static void test_monitor(void **state)
{
	char line[256];
	sd_bus *bus = NULL;
	struct fake_daemon d;
	FILE *f;
	int out[2];
	pid_t pid;

	(void)state;
	fake_daemon_bus(&d, &(struct fake){ .forged = true });
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { line, line, NULL };
		struct cli cli = { .out = fdopen(out[1], "w"), .err = stderr };

		close(out[0]);
		strcpy(line, "monitor");
		_exit(cli_run(&cli, 2, argv));
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	assert_non_null(f);
	/* Its Ping tells that it is listening. */
	for (;;) {
		_cleanup_free_ char *calls = fake_daemon_calls(&d);

		if (strcmp(calls, "Ping\n") == 0)
			break;
		usleep(10000);
	}
	assert_true(sd_bus_open_system(&bus) >= 0);
	assert_true(sd_bus_call_method(bus, "org.cxlmem1", "/org/cxlmem1", "org.cxlmem1.Manager",
				       "Start", NULL, NULL, "sasa{ss}", "create", 1, "mem0",
				       0) >= 0);
	sd_bus_flush_close_unref(bus);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, " operation 1 running: create region0\n"));
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, " operation 1 running: bring 512M of dax0.0 online\n"));
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, " operation 77 failed: not ours\n"));
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, " operation 1 done\n"));
	fake_daemon_stop(&d);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, " cxlmemd stopped\n"));
	fclose(f);
	kill(pid, SIGINT);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_no_daemon),   cmocka_unit_test(test_done),
		cmocka_unit_test(test_forged),	    cmocka_unit_test(test_denied),
		cmocka_unit_test(test_daemon_dies), cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_monitor),
	};

	return cmocka_run_group_tests(tests, begin_bus, end_bus);
}
