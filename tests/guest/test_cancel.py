# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cancelled in the middle of what the kernel may take long over: walked back as soon as the kernel gives way."""

from __future__ import annotations

import json
import time
from typing import Any

from guest.crash import settle
from guest.machine import USE, Machine
from lab.testing import expect_kernel_log, timeout

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)
# What the kernel says of pages that it cannot move.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"


def _last(machine: Machine) -> dict[str, Any]:
    number = max(one["id"] for one in json.loads(machine.ctl("operations --json")))
    return json.loads(machine.ctl(f"operations {number} --json"))


def _running(operation: dict[str, Any]) -> list[str]:
    return [step["step"] for step in operation.get("steps", []) if step["state"] == "running"]


def _wait_running(machine: Machine, kind: str, condition: str = "true") -> int:
    """Until the last operation is at such a step, and the condition holds; its number."""
    for _ in range(600):
        operation = _last(machine)
        if _running(operation) == [kind] and machine.guest.sh(condition)[0] == 0:
            return operation["id"]
        time.sleep(0.1)
    raise AssertionError(f"it does not come to {kind}: {operation}")


class Pin:
    """A page of a region is pinned: the kernel tries for ever to take its block offline."""

    names = ("pin",)

    def __init__(self, machine: Machine, region: str):
        self.guest = machine.guest
        node = machine.dax(region)["target_node"]
        self.guest.check(f"setsid {USE} pin {node} 2M > /run/pin 2>&1 & echo $! > /run/pin.pid")
        self.guest.wait_for("grep -q pinned /run/pin", timeout=60)

    def end(self) -> None:
        """Whoever it is gives up."""
        for name in self.names:
            self.guest.check(f"kill -9 $(cat /run/{name}.pid); "
                             f"while kill -0 $(cat /run/{name}.pid) 2>/dev/null; do sleep 0.1; done")


class Obstacle(Pin):
    """Somebody takes that block offline: meanwhile the kernel holds the lock that all need who change memory."""

    names = ("somebody", "pin")

    def __init__(self, machine: Machine, region: str):
        super().__init__(machine, region)
        [run] = machine.blocks(region)
        blocks = f"$(seq {run['first']} {run['first'] + run['count'] - 1})"
        self.guest.check(f"setsid sh -c 'for b in {blocks}; do "
                         "echo offline > /sys/devices/system/memory/memory$b/state; done' "
                         ">/run/somebody 2>&1 & echo $! > /run/somebody.pid")
        self.guest.wait_for("grep -q going-offline /sys/devices/system/memory/memory*/state", timeout=60)


# A worker that waits in a write.
IN_WRITE = "for p in $(pgrep -x cxlmemd-worker); do grep -q '^1 ' /proc/$p/syscall && exit 0; done; false"
# The kernel is at a block: it does not wait, but works.
GOING = "grep -q going-offline /sys/devices/system/memory/memory*/state"
# One that was killed and is not dead.
HANGS = ("for p in $(pgrep -x cxlmemd-worker); do grep -q '^State:.D' /proc/$p/status && "
         "grep -q '^SigPnd:.*1..$' /proc/$p/status && exit 0; done; false")


def _state(machine: Machine) -> dict[str, Any]:
    return machine.without_offline(machine.state())


def _cancelled(machine: Machine, command: str, kind: str, obstacle: Pin, there: str = IN_WRITE,
               told: bool = False) -> None:
    """Cancel a command when its step `kind` waits in the kernel, and end the obstacle if that does not give way.

    With `told` it must not, and the log has to have a word about it first.
    """
    guest = machine.guest
    client = guest.run_async(f"cxlmemctl {command}")
    number = _wait_running(machine, kind, f"({there})")
    # Which waits for the end.
    cancel = guest.run_async(f"cxlmemctl cancel {number}")
    over = f"cxlmemctl operations | grep -qE '^ *{number} +[a-z]+ +cancelled'"
    # It may sleep for a moment where it does give way.
    guest.wait_for(over if there == GOING else f"{over} || {{ ({HANGS}) && sleep 1 && ({HANGS}); }}", timeout=50)
    gives_way = guest.sh(over)[0] == 0
    print(f"{guest.options.kernel}: {kind} {'gives way' if gives_way else 'does not give way'} to who cancels it")
    assert not (gives_way and told), f"{kind} gives way"
    if not gives_way:
        assert client.running and cancel.running and _running(_last(machine)) == [kind], _last(machine)
        if told:
            guest.wait_for("journalctl -u cxlmemd | grep 'but the kernel does not give way'", timeout=120)
            assert client.running and cancel.running and _running(_last(machine)) == [kind], _last(machine)
    obstacle.end()
    assert client.wait(timeout=120) == 4, client.output
    assert cancel.wait(timeout=120) == 0, cancel.output
    settle(machine)
    operation = json.loads(machine.ctl(f"operations {number} --json"))
    assert operation["state"] == "cancelled" and operation["reason"] == "cancelled on request", operation


@expect_kernel_log(REFUSAL)
@timeout(900)
def test_while_the_kernel_is_at_it(guest):
    """The kernel has each such step wait for somebody else's offline, or for a page that is pinned."""
    machine = Machine(guest)
    first, second = machine.cards()[:2]
    machine.ctl(f"create {second}")
    other = machine.regions()[0]["region"]
    empty = _state(machine)

    def under_way(command: str, kind: str, before: dict[str, Any]) -> None:
        _cancelled(machine, command, kind, Obstacle(machine, other), told=kind == "bind")
        machine.ctl(f"online {other}")
        now = _state(machine)
        assert now == before, (command, kind, before, now)

    under_way(f"create {first}", "bind", empty)
    machine.ctl(f"create {first}")
    [name] = [region["region"] for region in machine.regions() if region["region"] != other]
    [run] = machine.blocks(name)
    online = _state(machine)
    machine.ctl(f"offline {name}")
    under_way(f"online {name}", "online", _state(machine))
    machine.ctl(f"online {name}")
    # As a person does it, or no block would be left that the kernel has to take from the driver.
    guest.check(f"for b in $(seq {run['first']} {run['first'] + run['count'] - 1}); do "
                "echo offline > /sys/devices/system/memory/memory$b/state; done")
    under_way(f"destroy {name}", "unbind", _state(machine))
    machine.ctl(f"online {name}")
    assert _state(machine) == online
    # Here it is the operation itself that the kernel never ends.
    _cancelled(machine, f"offline {name}", "offline", Pin(machine, name), GOING)
    assert _state(machine) == online
    machine.ctl(f"destroy {name} {other}")
