# SPDX-License-Identifier: LGPL-2.1-or-later
"""Errors that cards report, injected by QEMU: shown, logged, and answered as the profile says."""

from __future__ import annotations

import json
import re

from guest.machine import Machine
from lab.testing import expect_kernel_log, fresh

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)
PROFILE = "/etc/cxlmem/profiles.d/10-evacuate.profile"
# The extended capability of AER: errors inside the card are masked until somebody wants them.
UNMASK = r"""
import struct, sys
for path in sys.argv[1:]:
    with open(path, "r+b", buffering=0) as config:
        at = 0x100
        while at:
            config.seek(at)
            header = struct.unpack("<I", config.read(4))[0]
            if header & 0xffff == 1:
                for mask in (8, 0x14):
                    config.seek(at + mask)
                    config.write(struct.pack("<I", 0))
            at = header >> 20
"""
# Linux 7.3 leaves the masks of the card's RAS capability as they are: cxl_ras_unmask() of drivers/cxl/port.c
# looks for the PCI device of an endpoint where there is a memdev, and finds none.
UNMASK_RAS = "/usr/libexec/cxlmem-tests/cxlmem-unmask"


def _inject(guest, card: str, what: str, **arguments) -> None:
    guest.qmp(f"cxl-inject-{what}", path=f"/machine/peripheral/{card}", **arguments)


def _media(guest, card: str, log: str, descriptor: int) -> None:
    _inject(guest, card, "general-media-event", log=log, flags=1, dpa=0x1000, descriptor=descriptor, type=3,
            sub_type=2, transaction_type=4)


def _record(machine: Machine, memdev: str) -> dict:
    cards = json.loads(machine.ctl("health --json"))["cards"]
    return next((card for card in cards if card["memdev"] == memdev), {"counts": {}, "events": []})


def _wait(guest, memdev: str, kind: str) -> None:
    guest.wait_for(f"cxlmemctl health {memdev} | grep -q '{kind} [1-9]'", timeout=60)


def _logged(guest, kind: str) -> None:
    guest.wait_for(f"journalctl -u cxlmemd -o json CXLMEM_EVENT={kind} | grep -q MESSAGE_ID", timeout=30)


def _failing(machine: Machine, memdev: str) -> str | None:
    return next(m for m in machine.picture()["memdevs"] if m["memdev"] == memdev).get("failing")


def test_records_and_poison(guest):
    """Each kind of record is counted, logged and told; only lost data makes a card failing."""
    machine = Machine(guest)
    memdev = guest.memdev("card0")
    assert "nothing speaks against it" in machine.ctl(f"health {memdev}")
    _media(guest, "card0", "informational", 0)
    _wait(guest, memdev, "general-media")
    _inject(guest, "card0", "memory-module-event", log="warning", flags=1, type=3, sub_type=2, health_status=3,
            media_status=0, additional_status=0, life_used=3, temperature=40, dirty_shutdown_count=4,
            corrected_volatile_error_count=5, corrected_persistent_error_count=6)
    _wait(guest, memdev, "memory-module")
    assert not _failing(machine, memdev), machine.ctl("health")
    _inject(guest, "card0", "dram-event", log="failure", flags=1, dpa=0x2000, descriptor=3, type=3, sub_type=2,
            transaction_type=4)
    _wait(guest, memdev, "dram")
    assert "data lost" in (_failing(machine, memdev) or ""), machine.ctl("health")
    _inject(guest, "card0", "poison", start=0x20000, length=256)
    _wait(guest, memdev, "poison")
    text = machine.ctl(f"health {memdev}")
    assert "failing" in text and "poison at device address 0x20000" in text, text
    assert "DRAM error at device address 0x2000, data lost" in text, text
    # Looking again reads the list of poison again, and counts nothing twice.
    counts = _record(machine, memdev)["counts"]
    assert counts["poison"] == 1, counts
    assert f"{memdev} is failing" in machine.ctl("status")
    for kind in ("general-media", "memory-module", "dram", "poison"):
        _logged(guest, kind)
    other = guest.memdev("card1")
    assert not _failing(machine, other) and not _record(machine, other)["events"]
    machine.refused("health mem77", "mem77", "list cards")


@expect_kernel_log(r"PCIe Bus Error|AER:|cxl_pci .*error|device recovery failed")
def test_protocol_errors(guest):
    """A protocol error that was corrected is counted, one that was not makes the card failing."""
    machine = Machine(guest)
    memdev = guest.memdev("card1")
    host = next(m for m in machine.picture()["memdevs"] if m["memdev"] == memdev)["host"]
    guest.write("/run/unmask.py", UNMASK)
    # While a driver has them, nobody else may map the registers.
    guest.check(f"cd /sys/bus/pci/drivers/cxl_pci && echo {host} > unbind && "
                f"echo 1 > ../../devices/{host}/enable && {UNMASK_RAS} ../../devices/{host}/resource0 && "
                f"echo 0 > ../../devices/{host}/enable && echo {host} > bind")
    guest.wait_for(f"cxlmemctl list cards --json | grep -q {host}", timeout=60)
    [memdev] = [m["memdev"] for m in machine.picture()["memdevs"] if m["host"] == host]
    guest.check(f"d=$(readlink -f /sys/bus/pci/devices/{host}); python3 /run/unmask.py $d/config "
                "$(dirname $d)/config")
    _inject(guest, "card1", "correctable-error", type="cache-data-ecc")
    _wait(guest, memdev, "correctable")
    _wait(guest, memdev, "pcie")
    assert not _failing(machine, memdev)
    _inject(guest, "card1", "uncorrectable-errors", errors=[{"type": "cache-address-parity", "header": [3, 4]}])
    guest.wait_for(f"cxlmemctl health {memdev} | grep -q 'Cache Address Parity'", timeout=60)
    assert "Cache Address Parity" in (_failing(machine, memdev) or ""), machine.ctl("health")
    for kind in ("correctable", "uncorrectable", "pcie"):
        _logged(guest, kind)


@fresh
def test_evacuation(guest):
    """OnFailure=evacuate: the memory of a failing card goes offline, its data stays; others are left alone."""
    machine = Machine(guest)
    serials = [m["serial"] for m in sorted(machine.picture()["memdevs"], key=lambda m: m["serial"])]
    guest.check("mkdir -p /etc/cxlmem/profiles.d")
    guest.write(PROFILE, f"[Match]\nSerial={serials[0]}\n[Remove]\nDeadlineSec=2min\nOnFailure=evacuate\n")
    guest.check("cxlmemctl profiles check && systemctl reload cxlmemd")
    guest.wait_for("cxlmemctl list regions | grep -q region", timeout=60)
    machine.ctl(f"create {guest.memdev('card1')}")
    first, second = (next(r["region"] for r in machine.regions()
                          if r["mappings"][0]["memdev"] == guest.memdev(card)) for card in ("card0", "card1"))
    data = machine.hold(machine.dax(first)["target_node"], "64M")
    _media(guest, "card0", "warning", 0)
    _wait(guest, guest.memdev("card0"), "general-media")
    assert machine.zones(first) == {("online", "Movable")}
    _media(guest, "card1", "fatal", 1)
    _media(guest, "card0", "fatal", 1)
    guest.wait_for("journalctl -u cxlmemd | grep -q 'asks for its memory to be taken offline'", timeout=60)
    guest.wait_for("cxlmemctl operations | grep -q 'offline.*done'", timeout=120)
    assert all(state in ("offline", "gone") for state, _ in machine.zones(first)), machine.zones(first)
    assert machine.zones(second) == {("online", "Movable")}
    data.verify()
    assert "failing" in machine.ctl("list cards")
    # Brought online again by a person who knows better, it is not taken away a second time.
    machine.ctl(f"online {first}")
    _media(guest, "card0", "fatal", 1)
    _wait(guest, guest.memdev("card0"), "general-media")
    assert machine.zones(first) == {("online", "Movable")}


@fresh
def test_devdax_is_not_evacuated(guest):
    """What is in devdax only its users can save: it stays, and the log says so with what to type, once."""
    machine = Machine(guest)
    memdev = guest.memdev("card0")
    serial = next(m["serial"] for m in machine.picture()["memdevs"] if m["memdev"] == memdev)
    guest.check("mkdir -p /etc/cxlmem/profiles.d")
    guest.write(PROFILE, f"[Match]\nSerial={serial}\n[Remove]\nDeadlineSec=2min\nOnFailure=evacuate\n")
    guest.check("systemctl reload cxlmemd")
    guest.wait_for("cxlmemctl list regions | grep -q online", timeout=60)
    name = machine.regions()[0]["region"]
    machine.ctl(f"set-mode devdax {name}")
    _media(guest, "card0", "fatal", 1)
    words = f"journalctl -u cxlmemd | grep 'but {name} on it is devdax'"
    guest.wait_for(words, timeout=60)
    _media(guest, "card0", "fatal", 1)
    guest.check("udevadm settle; cxlmemctl settle")
    said = guest.check(words).splitlines()
    assert len(said) == 1, said
    assert machine.dax(name)["driver"] == "device_dax"
    # What it says works as it is typed.
    for command in re.findall(r"`cxlmemctl ([^`]+)`", said[0]):
        machine.ctl(command)
    assert not machine.regions()
