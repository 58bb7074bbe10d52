# SPDX-License-Identifier: LGPL-2.1-or-later
"""Errors that cards report, injected by QEMU: shown, logged, and answered as the profile says."""

from __future__ import annotations

import re

from guest.card_errors import PROFILE, failing, inject, record, unmask, wait_counted, wait_logged
from guest.machine import Machine
from lab.testing import expect_kernel_log, fresh

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)


def _media(guest, card: str, log: str, descriptor: int) -> None:
    inject(guest, card, "general-media-event", log=log, flags=1, dpa=0x1000, descriptor=descriptor, type=3,
           sub_type=2, transaction_type=4)


def test_records_and_poison(guest):
    """Each kind of record is counted, logged and told; only lost data makes a card failing."""
    machine = Machine(guest)
    memdev = guest.memdev("card0")
    assert "nothing speaks against it" in machine.ctl(f"health {memdev}")
    _media(guest, "card0", "informational", 0)
    wait_counted(guest, memdev, "general-media")
    inject(guest, "card0", "memory-module-event", log="warning", flags=1, type=3, sub_type=2, health_status=3,
            media_status=0, additional_status=0, life_used=3, temperature=40, dirty_shutdown_count=4,
            corrected_volatile_error_count=5, corrected_persistent_error_count=6)
    wait_counted(guest, memdev, "memory-module")
    assert not failing(machine, memdev), machine.ctl("health")
    inject(guest, "card0", "dram-event", log="failure", flags=1, dpa=0x2000, descriptor=3, type=3, sub_type=2,
            transaction_type=4)
    wait_counted(guest, memdev, "dram")
    assert "data lost" in (failing(machine, memdev) or ""), machine.ctl("health")
    inject(guest, "card0", "poison", start=0x20000, length=256)
    wait_counted(guest, memdev, "poison")
    text = machine.ctl(f"health {memdev}")
    assert "failing" in text and "poison at device address 0x20000" in text, text
    assert "DRAM error at device address 0x2000, data lost" in text, text
    # Looking again reads the list of poison again, and counts nothing twice.
    counts = record(machine, memdev)["counts"]
    assert counts["poison"] == 1, counts
    assert f"{memdev} is failing" in machine.ctl("status")
    for kind in ("general-media", "memory-module", "dram", "poison"):
        wait_logged(guest, kind)
    other = guest.memdev("card1")
    assert not failing(machine, other) and not record(machine, other)["events"]
    machine.refused("health mem77", "mem77", "list cards")


@expect_kernel_log(r"PCIe Bus Error|AER:|cxl_pci .*error|device recovery failed")
def test_protocol_errors(guest):
    """A protocol error that was corrected is counted, one that was not makes the card failing."""
    machine = Machine(guest)
    memdev = unmask(guest, machine, "card1")
    inject(guest, "card1", "correctable-error", type="cache-data-ecc")
    wait_counted(guest, memdev, "correctable")
    wait_counted(guest, memdev, "pcie")
    assert not failing(machine, memdev)
    inject(guest, "card1", "uncorrectable-errors", errors=[{"type": "cache-address-parity", "header": [3, 4]}])
    guest.wait_for(f"cxlmemctl health {memdev} | grep -q 'Cache Address Parity'", timeout=60)
    assert "Cache Address Parity" in (failing(machine, memdev) or ""), machine.ctl("health")
    for kind in ("correctable", "uncorrectable", "pcie"):
        wait_logged(guest, kind)


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
    wait_counted(guest, guest.memdev("card0"), "general-media")
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
    wait_counted(guest, guest.memdev("card0"), "general-media")
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
