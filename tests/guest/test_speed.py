# SPDX-License-Identifier: LGPL-2.1-or-later
"""Latency and bandwidth: what firmware (HMAT), cards (CDAT) and the kernel tell is shown."""

from __future__ import annotations

import json

from guest.machine import Machine
from lab import qemu
from lab.testing import timeout
from lab.topologies import TOPOLOGIES as ALL
from lab.topologies import Speed

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("hmat",)
KEYS = ("read_latency", "write_latency", "read_bandwidth", "write_bandwidth")
# What QEMU's cards tell, all alike: ct3_build_cdat_entries_for_mr() in its hw/mem/cxl_type3.c.
CARD = Speed(150, 250, 16000, 16000)
BRIDGE = ALL["hmat"].bridges[0].speed
NODE = "/sys/devices/system/node/node{}/access1/initiators"
REGION = "/sys/bus/cxl/devices/{}/access1"
# The kernel adds the time of a flit, 68 bytes, on the link: at most what a lane of 32 GT/s takes.
LINK = 68 * 8 / 32


def _told(guest, directory: str) -> dict[str, int]:
    """The numbers in a directory of the guest's sysfs; one that is not known is not there."""
    text = guest.check(f"cd {directory} 2>/dev/null && grep -s . {' '.join(KEYS)} || :")
    return {key: int(value) for key, value in (line.split(":") for line in text.split())
            if int(value)}


def _shown(entry: dict) -> dict[str, int]:
    return {key: entry[key] for key in KEYS if key in entry}


def _text(numbers: dict[str, int]) -> dict[str, str]:
    """The lines of `show` for these numbers."""
    if not numbers:
        return {"speed": "unknown"}
    names = {"read_latency": ("read latency", "ns"), "write_latency": ("write latency", "ns"),
             "read_bandwidth": ("reads", "MB/s"), "write_bandwidth": ("writes", "MB/s")}
    return {names[key][0]: f"{value} {names[key][1]}" for key, value in numbers.items()}


def _check(machine: Machine, name: str, directory: str, tree: str = "") -> dict[str, int]:
    """All that is shown of an object is what the kernel tells, which is returned.

    `tree` is what `topology` shows, when the object is in it.
    """
    told = _told(machine.guest, directory)
    entry = json.loads(machine.ctl(f"show --json {name}"))[0]
    assert _shown(entry) == told, f"{name}: {entry} is shown, {told} told"
    picture = json.loads(machine.ctl("topology --json"))
    kind, key, value = ("nodes", "node", entry["node"]) if "node" in entry else \
        ("regions", "region", name)
    assert _shown(next(e for e in picture[kind] if e[key] == value)) == told, f"{name}: {picture}"
    # "  write latency 382 ns": the widest label and a blank are 14 columns.
    lines = {line[2:16].strip(): line[16:] for line in machine.ctl(f"show {name}").splitlines()[1:]}
    labels = {"speed", *_text(dict.fromkeys(KEYS, 1))}
    assert {k: v for k, v in lines.items() if k in labels} == _text(told), f"{name}: {lines}"
    ends = {line.partition("reads ")[2] for line in tree.splitlines() if f" {name}  " in line}
    want = f"{told['read_bandwidth'] / 1000:.1f} GB/s, {told['read_latency']} ns" if told else ""
    assert not tree or ends == {want}, f"{name}: {tree}\nis shown, {told} told"
    return told


@timeout(600)
def test_numbers(guest):
    """Of regions and nodes: the kernel's, which are QEMU's; where there are none, unknown"""
    machine = Machine(guest)
    known, unknown = machine.cards()
    assert "reads" not in machine.ctl("topology"), "the speed of what is not there"
    for card in (known, known, unknown):
        machine.ctl(f"create --size 256M {card}")
    first, second, untold = (region["region"] for card in (known, unknown)
                             for region in sorted(machine.regions(), key=lambda r: r["resource"])
                             if region["mappings"][0]["memdev"] == card)
    tree = machine.ctl("topology")

    told = _check(machine, first, REGION.format(first), tree)
    want = {key: min(getattr(CARD, key), getattr(BRIDGE, key)) for key in KEYS[2:]}
    assert {key: told[key] for key in KEYS[2:]} == want, told
    link = {told[key] - getattr(CARD, key) - getattr(BRIDGE, key) for key in KEYS[:2]}
    assert len(link) == 1 and 0 < link.pop() <= LINK, told

    assert not _check(machine, untold, REGION.format(untold), tree)
    # Linux tells of the first region of a window only, and 6.12 tells of its node, too.
    _check(machine, second, REGION.format(second), tree)
    for region in (first, untold):
        node = machine.dax(region)["target_node"]
        _check(machine, f"node{node}", NODE.format(node), tree)
    assert _check(machine, "node0", NODE.format(0)) == vars(qemu.LOCAL_SPEED)
