# SPDX-License-Identifier: LGPL-2.1-or-later
"""Grace periods of RCU are made short while memory comes or goes: for a moment, and whatever happens in it."""

from __future__ import annotations

import time

from guest.crash import settle
from guest.machine import USE, Machine
from lab.testing import expect_kernel_log, timeout

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("one",)
SETTING = "/sys/kernel/rcu_expedited"
# Without a pause or a process: it may be a matter of milliseconds.
UNTIL_SET = f"echo ready; until read -r now < {SETTING} && [ $now = 1 ]; do :; done"
IS_BACK = f"grep -q 0 {SETTING}"
# What the kernel says of pages that it cannot move.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"


def _watch(guest, then: str = "true", first: str = "true"):
    """Somebody who waits for the setting, and looks already."""
    command = guest.run_async(f"{first}; {UNTIL_SET}; {then}")
    while "ready" not in command.output:
        assert command.running, command.output
        time.sleep(0.05)
    return command


@timeout(300)
def test_while_memory_comes_and_goes(guest):
    """Set meanwhile, and as it was after; not where the machine wants none of it."""
    machine = Machine(guest)
    before = machine.state()
    [card] = machine.cards()

    def is_set_by(command: str) -> None:
        watch = _watch(guest)
        machine.ctl(command)
        assert watch.wait(timeout=60) == 0, command
        guest.check(IS_BACK)

    is_set_by(f"create {card}")
    is_set_by(f"destroy {machine.regions()[0]['region']}")
    guest.check("echo 1 > /sys/kernel/rcu_normal")
    watch = _watch(guest)
    machine.ctl(f"create {card}")
    machine.ctl(f"destroy {machine.regions()[0]['region']}")
    guest.check(IS_BACK)
    assert watch.running
    # Who has it set keeps it.
    guest.check(f"echo 0 > /sys/kernel/rcu_normal; echo 1 > {SETTING}")
    assert watch.wait(timeout=60) == 0
    machine.ctl(f"create {card}")
    machine.ctl(f"destroy {machine.regions()[0]['region']}")
    guest.check(f"grep -q 1 {SETTING} && echo 0 > {SETTING}")
    machine.assert_state(before)


@expect_kernel_log(REFUSAL)
@timeout(300)
def test_what_hangs_does_not_keep_it(guest):
    """A step that the kernel never ends has it for seconds; a daemon that is killed meanwhile leaves it to the next."""
    machine = Machine(guest)
    [card] = machine.cards()
    machine.ctl(f"create {card}")
    [region] = machine.regions()
    online = machine.state()
    node = machine.dax(region["region"])["target_node"]
    pin = guest.run_async(f"exec {USE} pin {node} 2M > /run/pin 2>&1")
    guest.wait_for("grep -q pinned /run/pin", timeout=60)

    watch = _watch(guest)
    client = guest.run_async(f"cxlmemctl offline {region['region']}")
    assert watch.wait(timeout=60) == 0
    guest.wait_for(IS_BACK, timeout=60)
    assert client.running, client.output
    guest.check("cxlmemctl cancel $(cxlmemctl operations | awk 'END { print $1 }')", 60)
    assert client.wait(timeout=60) == 4, client.output

    kill = _watch(guest, first="pid=$(systemctl show -P MainPID cxlmemd)",
                  then=f"kill -9 $pid; read -r now < {SETTING}; echo $now")
    client = guest.run_async(f"cxlmemctl offline {region['region']}")
    assert kill.wait(timeout=60) == 0 and kill.output.split()[-1] == "1", kill.output
    client.wait(timeout=60)
    guest.wait_for(IS_BACK, timeout=60)
    guest.check("pkill -KILL -f 'pin [0-9]+ 2M'")
    pin.wait(timeout=60)
    settle(machine)
    machine.assert_state(online)
    machine.ctl(f"destroy {region['region']}")
