# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory is not taken away when the rest of the machine cannot take what is in it."""

from __future__ import annotations

import re

from guest.machine import USE, Machine

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)


def _node(guest, node: int) -> dict[str, int]:
    text = guest.check(f"cat /sys/devices/system/node/node{node}/meminfo")
    return {name: int(kib) >> 10 for name, kib in re.findall(r"(\S+): +(\d+) kB", text)}


def test_too_full_to_go_offline(guest):
    """Refused in a sentence and before anything is done; nobody is killed; done when there is room."""
    machine = Machine(guest)
    machine.ctl(f"create {machine.cards()[0]}")
    name = machine.regions()[0]["region"]
    node = machine.dax(name)["target_node"]
    data = machine.hold(node, "400M")
    home = _node(guest, 0)
    # On the node that stays less is left than the 400M that would have to move there.
    size = home["MemFree"] + home["Active(file)"] + home["Inactive(file)"] - 250
    hog = machine.hold(0, f"{size}M")
    machine.refused(f"offline {name}", "does not fit", "missing")
    machine.refused(f"destroy {name}", "does not fit", "missing")
    assert "does not fit" in machine.refused(f"plan offline {name}", "missing")
    assert not guest.check("dmesg | grep -i 'out of memory' || true"), "somebody was killed"
    hog.verify()
    # The picture is the same as before, what is free is not.
    machine.ctl(f"offline {name}")
    data.verify()
    machine.ctl(f"destroy {name}")


def test_cgroups(guest):
    """The owner's limit and cpuset do not keep pages from moving; with a cpuset of cxlmemd's own it is refused."""
    machine = Machine(guest)
    for card in machine.cards():
        machine.ctl(f"create {card}")
    names = [region["region"] for region in machine.regions()]
    node, other = (machine.dax(name)["target_node"] for name in names)
    group = "/sys/fs/cgroup/system.slice"
    guest.check("systemd-run --unit=held -p MemoryMax=330M -p MemorySwapMax=0 "
                f"-p AllowedMemoryNodes={node} -p StandardOutput=file:/run/held "
                f"{USE} node {node} 300M hold")
    guest.wait_for("grep -q filled /run/held", timeout=120)
    assert guest.check(f"cat {group}/held.service/cpuset.mems.effective").strip() == str(node)
    # There is not enough room on the node that is not a card's.
    home = _node(guest, 0)
    hog = machine.hold(0, f"{home['MemFree'] + home['Active(file)'] + home['Inactive(file)'] - 200}M")
    guest.check("systemctl set-property --runtime cxlmemd.service AllowedMemoryNodes=0")
    said = machine.refused(f"offline {names[0]}", "nodes that cxlmemd may not use")
    before = _node(guest, other)["AnonPages"]
    # What it says helps when it is typed.
    for command in re.findall(r"`(systemctl [^`]+)`", said):
        guest.check(command)
    machine.ctl(f"offline --deadline 2min {names[0]}", timeout=200)
    assert _node(guest, other)["AnonPages"] >= before + 100, _node(guest, other)
    events = guest.check(f"cat {group}/held.service/memory.events")
    assert "oom 0" in events and "oom_kill 0" in events, events
    assert not guest.check("dmesg | grep -i 'out of memory' || true"), "somebody was killed"
    hog.verify()
    guest.check("systemctl kill --signal=USR1 held.service")
    guest.wait_for("! systemctl is-active -q held.service", timeout=120)
    assert "still as written" in guest.check("cat /run/held")
    for name in names:
        machine.ctl(f"destroy {name}")
