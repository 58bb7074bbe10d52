// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "manager.h"
#include "util.h"

int main(int argc, char **argv)
{
	_cleanup_(manager_freep) struct manager *m = NULL;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("cxlmemd " CXLMEM_VERSION);
		return 0;
	}
	if (argc > 1) {
		fprintf(stderr, "cxlmemd: \"%s\" is no option of mine: I take --version only, and am "
				"started by systemd (systemctl start cxlmemd)\n", argv[1]);
		return 2;
	}
	return manager_new(door_open_machine, &m) < 0 || manager_run(m) < 0;
}
