# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each kind of error that QEMU injects: seen, logged, and the card evacuated where its profile asks for that."""

from __future__ import annotations

import json

from guest.card_errors import PROFILE, failing, inject, record, unmask, wait_counted, wait_logged
from guest.machine import Machine
from lab.testing import expect_kernel_log, fresh, timeout

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("switch4",)
# In logs that would be no reason: what they say is. General media is in test_health.py.
DRAM = {"log": "informational", "flags": 1, "dpa": 0x2000, "descriptor": 1, "type": 3, "sub_type": 2,
        "transaction_type": 4}
MODULE = {"log": "warning", "flags": 1, "type": 3, "sub_type": 2, "health_status": 4, "media_status": 0,
          "additional_status": 0, "life_used": 3, "temperature": 40, "dirty_shutdown_count": 4,
          "corrected_volatile_error_count": 5, "corrected_persistent_error_count": 6}
ASKED = "asks for its memory to be taken offline"


def _evacuate_all(machine: Machine) -> dict[str, str]:
    """Every card asks to be evacuated; the region of each memdev."""
    guest = machine.guest
    guest.check("mkdir -p /etc/cxlmem/profiles.d")
    guest.write(PROFILE, "[Match]\nPath=*\n[Region]\nWays=1\n[Remove]\nDeadlineSec=2min\nOnFailure=evacuate\n")
    guest.check("cxlmemctl profiles check && systemctl reload cxlmemd && cxlmemctl settle 2min")
    regions = {region["mappings"][0]["memdev"]: region["region"] for region in machine.regions()}
    assert len(regions) == len(guest.cards()), regions
    return regions


def _asked(machine: Machine, memdev: str) -> bool:
    return machine.guest.sh(f"journalctl -u cxlmemd | grep '{memdev} .*{ASKED}'")[0] == 0


def _evacuated(machine: Machine, memdev: str, region: str) -> None:
    machine.guest.wait_for(f"cxlmemctl operations | grep -q 'offline.*done.*take offline {region}'", timeout=120)
    assert _asked(machine, memdev)
    assert all(state in ("offline", "gone") for state, _ in machine.zones(region)), machine.zones(region)


@fresh
@timeout(900)
def test_kinds(guest):
    """A DRAM error that lost data, a module that asks to be replaced, poison alone: each is evacuated, others stay."""
    machine = Machine(guest)
    regions = _evacuate_all(machine)
    cards = {card: guest.memdev(card) for card in guest.cards()}
    data = {card: machine.hold(machine.dax(regions[memdev])["target_node"], "16M") for card, memdev in cards.items()}
    online = {("online", "Movable")}

    # What was corrected is no reason.
    inject(guest, "card0", "dram-event", **(DRAM | {"descriptor": 0}))
    wait_counted(guest, cards["card0"], "dram")
    inject(guest, "card1", "memory-module-event", **(MODULE | {"health_status": 1}))
    wait_counted(guest, cards["card1"], "memory-module")
    assert not any(failing(machine, memdev) or _asked(machine, memdev) for memdev in cards.values())
    assert all(machine.zones(region) == online for region in regions.values())

    inject(guest, "card0", "dram-event", **DRAM)
    _evacuated(machine, cards["card0"], regions[cards["card0"]])
    assert "data lost" in failing(machine, cards["card0"])
    inject(guest, "card1", "memory-module-event", **MODULE)
    _evacuated(machine, cards["card1"], regions[cards["card1"]])
    assert "replaced" in failing(machine, cards["card1"])
    # A card says nothing of it by itself: it is found by who looks.
    inject(guest, "card2", "poison", start=0x20000, length=256)
    wait_counted(guest, cards["card2"], "poison")
    _evacuated(machine, cards["card2"], regions[cards["card2"]])
    assert "poison at device address 0x20000" in failing(machine, cards["card2"])
    counts = record(machine, cards["card2"])["counts"]
    assert counts == {"poison": 1}, counts

    for kind in ("dram", "memory-module", "poison"):
        wait_logged(guest, kind)
    assert machine.zones(regions[cards["card3"]]) == online
    offline = [one for one in json.loads(machine.ctl("operations --json")) if one["verb"] == "offline"]
    assert len(offline) == 3, offline
    for holder in data.values():
        holder.verify()


@fresh
@timeout(900)
@expect_kernel_log(r"AER:|Bus Error|cxl_pci .*error|removing memory fails|stuck online|device recovery")
def test_protocol_errors(guest):
    """A protocol error that was corrected is no reason; with one that was not the kernel takes the card away itself."""
    machine = Machine(guest)
    memdev = unmask(guest, machine, "card3")
    region = _evacuate_all(machine)[memdev]
    inject(guest, "card3", "correctable-error", type="cache-data-ecc")
    wait_counted(guest, memdev, "correctable")
    assert not failing(machine, memdev) and not _asked(machine, memdev)
    assert machine.zones(region) == {("online", "Movable")}

    inject(guest, "card3", "uncorrectable-errors", errors=[{"type": "cache-address-parity", "header": [3, 4]}])
    guest.wait_for("journalctl -u cxlmemd | grep -q 'Cache Address Parity'", timeout=60)
    wait_logged(guest, "uncorrectable")
    # cxl_error_detected() of drivers/cxl/core/ras.c unbinds the card before anybody hears of it: no time for an
    # evacuation. What became of the memory is told, and nothing is done to it that is not possible.
    guest.wait_for("journalctl -u cxlmemd | grep -q 'left while its memory was online'", timeout=60)
    guest.wait_for("cxlmemctl health | grep -q 'failing: .*Cache Address Parity'", timeout=60)
    assert not any(one["verb"] == "offline" for one in json.loads(machine.ctl("operations --json")))
    others = [other["region"] for other in machine.regions() if other["region"] != region]
    assert len(others) == 3 and all(machine.zones(other) == {("online", "Movable")} for other in others)
