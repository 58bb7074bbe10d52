# SPDX-License-Identifier: LGPL-2.1-or-later
"""cxlmemctl --host: the same answers through the bridge that ssh starts."""

from __future__ import annotations

import json

from guest.machine import Machine

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)
# Stands for ssh: writes down how it was called, and starts on this machine what was to be started there.
SSH = r"""#!/bin/sh
echo "$@" >>/run/ssh.log
while [ $# -gt 0 ] && [ "$1" != systemd-stdio-bridge ]; do shift; done
exec "$@"
"""


def test_host(guest):
    """Looking and changing on another machine; the words on ssh's line"""
    machine = Machine(guest)
    guest.write("/run/there/ssh", SSH, 0o755)
    ctl = "PATH=/run/there:$PATH cxlmemctl -H root@there"
    there = json.loads(guest.check(f"{ctl} list cards --json"))
    assert there == json.loads(machine.ctl("list cards --json"))
    log = guest.check("cat /run/ssh.log")
    assert "root" in log and "there" in log, log
    card = machine.cards()[0]
    assert "done" in guest.check(f"{ctl} create {card}")
    assert machine.regions()
    guest.check(f"{ctl} destroy {machine.regions()[0]['region']}")
    assert not machine.regions()
    status, output = guest.sh("PATH=/run/there:$PATH cxlmemctl -H root@there eject mem77")
    assert status == 1 and "mem77" in output, output
