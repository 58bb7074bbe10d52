# SPDX-License-Identifier: LGPL-2.1-or-later
"""Others that bring memory online: what one gets all the same, and who is named when they win."""

from __future__ import annotations

import json

from guest.machine import Machine
from lab.testing import expect_kernel_log, fresh, timeout

KERNELS = ("debian-6.12", "debian-7.3")
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("one",)

POLICY = "/sys/devices/system/memory/auto_online_blocks"
VENDOR = "/usr/local/lib/udev/rules.d/40-redhat.rules"
MASK = "/etc/udev/rules.d/40-redhat.rules"
SIMPLE = ('SUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", ATTR{state}="online"\n')
# As Red Hat 8 and 9 have it.
REDHAT = """\
SUBSYSTEM!="memory", GOTO="memory_hotplug_end"
ACTION!="add", GOTO="memory_hotplug_end"
ENV{.state}="online"
CONST{virt}=="none", ENV{.state}="online_movable"
ATTR{state}=="offline", ATTR{state}="$env{.state}"
LABEL="memory_hotplug_end"
"""
# Pages in zone Normal may be there to stay.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"


def _install(guest, rule: str) -> None:
    guest.check("mkdir -p /usr/local/lib/udev/rules.d")
    guest.write(VENDOR, rule)
    guest.check("udevadm control --reload")


def _remove(guest) -> None:
    guest.check(f"rm -f {VENDOR} {MASK}; udevadm control --reload; echo online > {POLICY}")


def _rivals(guest) -> dict:
    reply = guest.json("busctl --json=short call org.cxlmem1 /org/cxlmem1 org.cxlmem1.Manager GetRivals")
    return json.loads(reply["data"][0])


def _name(machine: Machine) -> str:
    return machine.regions()[0]["region"]


def _wait_overruled(guest) -> dict:
    guest.wait_for("cxlmemctl status | grep -q 'were left'", timeout=60)
    [case] = _rivals(guest)["overruled"]
    return case


@timeout(900)
def test_movable_whatever_others_do(guest):
    """Each policy of the kernel's and each kind of rule: movable memory is movable."""
    machine = Machine(guest)
    card = machine.cards()[0]
    before = machine.state()
    try:
        for rule in (SIMPLE, REDHAT):
            _install(guest, rule)
            for policy in ("online", "offline"):
                guest.check(f"echo {policy} > {POLICY}")
                machine.ctl(f"create {card}")
                guest.check("udevadm settle")
                name = _name(machine)
                assert machine.zones(name) == {("online", "Movable")}, (rule, policy)
                machine.ctl(f"destroy {name}")
        assert not _rivals(guest)["overruled"]
    finally:
        _remove(guest)
    machine.assert_state(before)


def test_rivals_are_named(guest):
    """The rule is named with its line, in the log from the start, in status, over the bus; masked: no more."""
    machine = Machine(guest)
    kernel, = [r for r in _rivals(guest)["rivals"] if r["kind"] == "kernel"]
    assert kernel["where"] == POLICY and not kernel["problem"], kernel
    assert VENDOR not in machine.ctl("status")
    try:
        _install(guest, REDHAT)
        rule, = [r for r in _rivals(guest)["rivals"] if r["kind"] == "udev"]
        assert rule["where"] == f"{VENDOR}:5" and rule["problem"], rule
        assert f"{VENDOR}:5 brings every new memory block online" in machine.ctl("status")
        guest.check("systemctl restart cxlmemd")
        guest.wait_for(f"journalctl -b -u cxlmemd CXLMEM_RIVAL={VENDOR}:5 -o cat | grep -q {MASK}")
        guest.check(f"ln -s /dev/null {MASK}")
        assert not [r for r in _rivals(guest)["rivals"] if r["kind"] == "udev"]
        assert VENDOR not in machine.ctl("status")
    finally:
        _remove(guest)


def test_memory_of_others_is_not_watched(guest):
    """What the owner does by hand a while later is no case; what a masked rule does not do, neither."""
    machine = Machine(guest)
    before = machine.state()
    try:
        _install(guest, SIMPLE)
        guest.check(f"ln -s /dev/null {MASK}; udevadm control --reload")
        machine.ctl(f"create --no-online {machine.cards()[0]}")
        guest.check("udevadm settle; sleep 2")
        name = _name(machine)
        assert all(state == "offline" or state == "gone" for state, _ in machine.zones(name))
        assert not _rivals(guest)["overruled"]
        machine.ctl(f"destroy {name}")
    finally:
        _remove(guest)
    machine.assert_state(before)


@fresh
@expect_kernel_log(REFUSAL)
@timeout(600)
def test_winner_is_named(guest):
    """Memory left offline, and a rule that brings it online behind that: the log names file and line."""
    machine = Machine(guest)
    _install(guest, SIMPLE)
    machine.ctl(f"create --no-online {machine.cards()[0]}")
    case = _wait_overruled(guest)
    assert case["culprits"] == [f"{VENDOR}:1"], case
    assert case["wanted"] == "offline" and case["found"] == "online in zone kernel", case
    log = guest.check(f"journalctl -b -u cxlmemd CXLMEM_REGION={_name(machine)} -o cat")
    assert f"that was {VENDOR}:1" in log, log
    assert case["text"] in machine.ctl("status")
    _remove(guest)
    # It may be stuck in the kernel's zone; that is why there is a word about it.
    status, _ = guest.sh(f"cxlmemctl offline {_name(machine)}", timeout=120)
    if status == 0:
        assert not _rivals(guest)["overruled"], "it is offline again, and still a problem"


@fresh
@expect_kernel_log(REFUSAL)
def test_kernel_zone_whatever_others_do(guest):
    """Memory for the kernel's zone is there, too."""
    machine = Machine(guest)
    try:
        _install(guest, REDHAT)
        guest.check(f"echo online > {POLICY}")
        machine.ctl(f"create --zone kernel --size 256M {machine.cards()[0]}")
        guest.check("udevadm settle")
        assert machine.zones(_name(machine)) == {("online", "Normal")}
        assert not _rivals(guest)["overruled"]
    finally:
        _remove(guest)
