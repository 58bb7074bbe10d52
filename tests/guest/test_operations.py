# SPDX-License-Identifier: LGPL-2.1-or-later
"""Operations against real obstacles: refused or rolled back, the machine as it was, the reason told."""

from __future__ import annotations

import json

from guest.machine import Machine, Refused, USE
from lab.testing import expect_kernel_log

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)
# What the kernel says of pages that it cannot move.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
POLICY = "/sys/devices/system/memory/auto_online_blocks"


def _name(machine: Machine) -> str:
    return machine.regions()[0]["region"]


def _destroy_all(machine: Machine) -> None:
    names = " ".join(region["region"] for region in machine.regions())
    if names:
        machine.ctl(f"destroy {names}")


def test_dry_runs_change_nothing(guest):
    """plan and --dry-run show the steps and leave the machine alone."""
    machine = Machine(guest)
    before = machine.state()
    card = machine.cards()[0]
    plan = json.loads(machine.ctl(f"plan create {card} --json"))
    assert plan["steps"][0]["step"] == "create-region", plan
    assert "make region" in machine.ctl(f"create --dry-run {card}")
    machine.assert_state(before)
    machine.ctl(f"create {card}")
    made = machine.state()
    assert "delete" in machine.ctl(f"destroy --dry-run {_name(machine)}")
    machine.assert_state(made)
    _destroy_all(machine)


def test_zone_is_the_one_asked_for(guest):
    """Whatever the kernel's policy and a distribution's rule say, memory is in the zone asked for."""
    machine = Machine(guest)
    card = machine.cards()[0]
    rule = "/etc/udev/rules.d/40-redhat.rules"
    guest.write(rule, 'SUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", '
                      'ATTR{state}="online"\n')
    guest.check("udevadm control --reload")
    try:
        for policy in ("online", "offline", "online_kernel", "online_movable"):
            guest.check(f"echo {policy} > {POLICY}")
            machine.ctl(f"create --zone movable {card}")
            guest.check("udevadm settle")
            assert machine.zones(_name(machine)) == {("online", "Movable")}, policy
            assert guest.check(f"cat {POLICY}").strip() == policy
            _destroy_all(machine)
        guest.check(f"echo online_movable > {POLICY}")
        machine.ctl(f"create --zone kernel --size 256M {card}")
        assert machine.zones(_name(machine)) == {("online", "Normal")}
    finally:
        guest.check(f"rm {rule}; udevadm control --reload; echo online > {POLICY}")


@expect_kernel_log(REFUSAL)
def test_kernel_zone_may_not_give_way(guest):
    """Memory in the kernel's zone that is in use: offline says so and leaves all blocks online."""
    machine = Machine(guest)
    if not machine.regions():
        machine.ctl(f"create --zone kernel --size 256M {machine.cards()[0]}")
    name = _name(machine)
    before = machine.state()
    try:
        machine.ctl(f"offline {name}")
    except Refused as refusal:
        assert refusal.status == 1 and "in use" in refusal.output, refusal.output
        machine.assert_state(before)
        assert machine.zones(name) == {("online", "Normal")}
    else:
        # The kernel had not put anything there yet: then it did give way, wholly.
        assert all(state in ("offline", "gone") for state, _ in machine.zones(name))
    # The region may be stuck for as long as this kernel runs: the tests after this one get a new guest,
    # and it is not to be made again there.
    machine.ctl("forget all")
    guest.power_cut()


@expect_kernel_log(REFUSAL)
def test_pinned_page_keeps_memory_online(guest):
    """A page pinned by a pipe cannot move: offline fails, what it had done is taken back."""
    machine = Machine(guest)
    before = machine.state()
    machine.ctl(f"create {machine.cards()[0]}")
    name = _name(machine)
    node = machine.dax(name)["target_node"]
    online = machine.state()
    guest.check(f"setsid {USE} pin {node} 2M > /run/pin 2>&1 & echo $! > /run/pin.pid")
    guest.wait_for("grep -q pinned /run/pin", timeout=60)
    operation = guest.run_async(f"cxlmemctl offline {name}")
    try:
        status = operation.wait(timeout=20)
    except Exception:  # the kernel retries for ever on some versions: then it is cancelled
        machine.ctl(f"cancel {_last(machine)}")
        status = operation.wait(timeout=60)
    assert status in (1, 4), status
    machine.assert_state(online)
    guest.check("kill $(cat /run/pin.pid); while kill -0 $(cat /run/pin.pid) 2>/dev/null; do "
                "sleep 0.1; done")
    machine.ctl(f"offline {name}")
    _destroy_all(machine)
    machine.assert_state(before)


def _last(machine: Machine) -> int:
    lines = machine.ctl("operations").splitlines()[1:]
    return max(int(line.split()[0]) for line in lines)


def test_devdax_in_use_is_not_destroyed(guest):
    """A process has the device open: destroy and set-mode name it and change nothing."""
    machine = Machine(guest)
    before = machine.state()
    machine.ctl(f"create --mode devdax {machine.cards()[0]}")
    name = _name(machine)
    path = "/dev/" + machine.dax(name)["chardev"]
    guest.check(f"setsid sleep 1000 < {path} > /dev/null 2>&1 & echo $! > /run/open.pid")
    machine.refused(f"destroy {name}", "sleep", "in use")
    machine.refused(f"set-mode --mode system-ram {name}", "sleep", "in use")
    guest.check("kill $(cat /run/open.pid)")
    guest.wait_for("! kill -0 $(cat /run/open.pid) 2>/dev/null", timeout=20)
    _destroy_all(machine)
    machine.assert_state(before)


@expect_kernel_log(REFUSAL)
def test_regions_made_by_others(guest):
    """A region made with `cxl` is seen, kept, used by its name, and destroyed only when named."""
    machine = Machine(guest)
    before = machine.state()
    memdevs = {m["memdev"]: m for m in machine.picture()["memdevs"]}
    picture = machine.picture()
    window = picture["windows"][0]
    bridge = window["targets"][0]["port"]
    card = next(port["memdev"] for port in picture["ports"]
                if port["kind"] == "endpoint" and port["parent"] == bridge)
    guest.check(f"cxl create-region -t ram -d {window['decoder']} -m {card}")
    guest.wait_for("ls /sys/bus/dax/devices/*/driver", timeout=30)
    guest.check("udevadm settle")
    name = _name(machine)
    machine.refused(f"create {card}", card, name)
    other = next(m for m in memdevs if m != card)
    machine.ctl(f"create {other}")
    machine.ctl("destroy " + next(r["region"] for r in machine.regions() if r["region"] != name))
    assert _name(machine) == name
    # The kernel's policy put it in zone Normal; if that cannot be undone there is no more to test.
    status, _ = guest.sh(f"cxlmemctl destroy {name}")
    if status == 0:
        machine.assert_state(before)
    else:
        machine.ctl("forget all")
        guest.power_cut()


def test_two_clients_at_once(guest):
    """Requests that come together are done one after the other, each whole."""
    machine = Machine(guest)
    before = machine.state()
    cards = machine.cards()
    status, output = guest.sh(
        f"cxlmemctl create {cards[0]} & a=$!; cxlmemctl create {cards[1]} & b=$!; "
        "wait $a && wait $b")
    assert status == 0, output
    assert len(machine.regions()) == 2
    names = [region["region"] for region in machine.regions()]
    status, output = guest.sh(
        f"cxlmemctl destroy {names[0]} & a=$!; cxlmemctl destroy {names[1]} & b=$!; "
        "wait $a && wait $b")
    assert status == 0, output
    machine.assert_state(before)


def test_worker_killed_in_the_middle(guest):
    """The worker is killed while memory comes online: rolled back, and the daemon goes on."""
    machine = Machine(guest)
    before = machine.state()
    card = machine.cards()[0]
    operation = guest.run_async(f"cxlmemctl create {card}")
    guest.check("until ls /sys/bus/cxl/devices | grep -q region; do :; done; "
                "pkill -KILL -x cxlmemd-worker")
    status = operation.wait(timeout=60)
    if status == 0:
        # It was through before the signal came.
        _destroy_all(machine)
    else:
        assert status == 1, status
    machine.assert_state(before)
    machine.ctl(f"create {card}")
    _destroy_all(machine)
    machine.assert_state(before)


def test_not_for_everybody(guest):
    """Anybody may look; only an administrator may change."""
    machine = Machine(guest)
    before = machine.state()
    guest.check("runuser -u nobody -- cxlmemctl status")
    guest.check(f"runuser -u nobody -- cxlmemctl plan create {machine.cards()[0]}")
    status, output = guest.sh(f"runuser -u nobody -- cxlmemctl create {machine.cards()[0]}")
    assert status == 1 and "root" in output, (status, output)
    machine.assert_state(before)


def test_names_of_a_card(guest):
    """A card is found by memdev name, serial and PCI address."""
    machine = Machine(guest)
    card = next(m for m in machine.picture()["memdevs"])
    for word in (card["memdev"], str(card["serial"]), hex(card["serial"]), card["host"]):
        plan = json.loads(machine.ctl(f"plan create {word} --json"))
        assert any(step.get("memdev") == card["memdev"] for step in plan["steps"]), (word, plan)
    machine.refused("create mem77", "mem77")
    machine.refused("offline region99", "region99")
    machine.refused("frobnicate", "frobnicate", status=2)
    machine.refused("create --zone mobile mem0", "mobile", status=2)


def test_looked_at_while_regions_come_and_go(guest):
    """Somebody makes regions and deletes them without end: the machine can be looked at all the same."""
    machine = Machine(guest)
    before = machine.state()
    window = machine.picture()["windows"][0]["decoder"]
    guest.check(f"cd /sys/bus/cxl/devices/{window}; rm -f /run/enough; "
                "setsid sh -c 'until [ -e /run/enough ]; do r=$(cat create_ram_region); "
                "echo $r > create_ram_region; echo $r > delete_region; done; rm /run/enough' >/dev/null 2>&1 &")
    try:
        for _ in range(60):
            machine.ctl("status --json")
    finally:
        guest.check("touch /run/enough; while [ -e /run/enough ]; do sleep 0.1; done")
    said = guest.check("journalctl -u cxlmemd -o cat")
    # libcxl writes a line about each target that it cannot read, and may think there are four milliards of them.
    assert said.count("failed to read target") < 100, said[-2000:]
    machine.assert_state(before)
