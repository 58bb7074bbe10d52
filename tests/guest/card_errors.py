# SPDX-License-Identifier: LGPL-2.1-or-later
"""Errors that QEMU injects into cards, and where cxlmemctl and the journal have them."""

from __future__ import annotations

import json
from typing import Any

from guest.machine import Machine

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


def inject(guest: Any, card: str, what: str, **arguments) -> None:
    """Have QEMU inject an error into a card: cxl-inject-WHAT."""
    guest.qmp(f"cxl-inject-{what}", path=f"/machine/peripheral/{card}", **arguments)


def record(machine: Machine, memdev: str) -> dict:
    """What cxlmemctl says of a card's errors."""
    cards = json.loads(machine.ctl("health --json"))["cards"]
    return next((card for card in cards if card["memdev"] == memdev), {"counts": {}, "events": []})


def wait_counted(guest: Any, memdev: str, kind: str) -> None:
    """Until an error of a kind is counted."""
    guest.wait_for(f"cxlmemctl health {memdev} | grep -q '{kind} [1-9]'", timeout=60)


def wait_logged(guest: Any, kind: str) -> None:
    """Until the journal has a message about it, with an id."""
    guest.wait_for(f"journalctl -u cxlmemd -o json CXLMEM_EVENT={kind} | grep -q MESSAGE_ID", timeout=30)


def failing(machine: Machine, memdev: str) -> str | None:
    """Why a card is said to be failing, if it is."""
    return next(m for m in machine.picture()["memdevs"] if m["memdev"] == memdev).get("failing")


def unmask(guest: Any, machine: Machine, card: str) -> str:
    """Have a card report protocol errors of all kinds; its memdev, which may have another name since."""
    memdev = guest.memdev(card)
    host = next(m for m in machine.picture()["memdevs"] if m["memdev"] == memdev)["host"]
    guest.write("/run/unmask.py", UNMASK)
    # While a driver has them, nobody else may map the registers.
    guest.check(f"cd /sys/bus/pci/drivers/cxl_pci && echo {host} > unbind && "
                f"echo 1 > ../../devices/{host}/enable && {UNMASK_RAS} ../../devices/{host}/resource0 && "
                f"echo 0 > ../../devices/{host}/enable && echo {host} > bind")
    guest.wait_for(f"cxlmemctl list cards --json | grep -q {host}", timeout=60)
    guest.check(f"d=$(readlink -f /sys/bus/pci/devices/{host}); python3 /run/unmask.py $d/config "
                "$(dirname $d)/config")
    [memdev] = [m["memdev"] for m in machine.picture()["memdevs"] if m["host"] == host]
    return memdev
