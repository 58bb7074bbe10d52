# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory is not taken away when the rest of the machine cannot take what is in it."""

from __future__ import annotations

import re

from guest.machine import Machine

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
