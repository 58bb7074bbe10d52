/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "private-bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>system</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>\n"
	"<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
	"<allow send_type=\"method_call\"/><allow send_type=\"signal\"/>\n"
	"<allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
	"<allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
	"<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\n"
	"<allow receive_type=\"error\"/><allow receive_type=\"signal\"/>\n"
	"%s</policy></busconfig>\n";

void private_bus_start(struct private_bus *bus, const char *policy)
{
	char address[256] = "";
	int out[2], fd;
	FILE *f;

	strcpy(bus->file, "/tmp/cxlmem-bus-XXXXXX");
	fd = mkstemp(bus->file);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, config, policy) > 0);
	close(fd);
	assert_int_equal(pipe(out), 0);
	bus->pid = fork();
	if (bus->pid == 0) {
		char option[64];

		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		snprintf(option, sizeof(option), "--config-file=%s", bus->file);
		execlp("dbus-daemon", "dbus-daemon", option, "--nofork", "--nopidfile",
		       "--nosyslog", "--print-address", NULL);
		_exit(TEST_SKIP);
	}
	close(out[1]);
	f = fdopen(out[0], "r");
	assert_non_null(f);
	if (!fgets(address, sizeof(address), f)) {
		printf("no dbus-daemon could be started here\n");
		exit(TEST_SKIP);
	}
	fclose(f);
	address[strcspn(address, "\n")] = '\0';
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
}

void private_bus_stop(struct private_bus *bus)
{
	kill(bus->pid, SIGTERM);
	waitpid(bus->pid, NULL, 0);
	(void)unlink(bus->file);
}
