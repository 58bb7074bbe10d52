# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon writes into the journal: ids, and texts that explain them."""

from __future__ import annotations

import re
from pathlib import Path

from guest.machine import Machine

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)
IDS = Path(__file__).resolve().parents[2] / "daemon/messages.h"


def test_messages_are_explained(guest):
    """Each id has its text in the catalog, with the fields of the message filled in."""
    ids = re.findall(r"MESSAGE_ID=([0-9a-f]{32})", IDS.read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids)) >= 8, ids
    guest.check("journalctl --update-catalog")
    listed = guest.check("journalctl --list-catalog " + " ".join(ids))
    for number in ids:
        assert number in listed, f"{number} has no text:\n{listed}"
    machine = Machine(guest)
    machine.ctl(f"create {machine.cards()[0]}")
    machine.ctl("destroy " + machine.regions()[0]["region"])
    text = guest.check("journalctl -x -u cxlmemd --no-hostname -n 200")
    assert "An operation on CXL memory is done" in text, text
    assert re.search(r'"cxlmemctl operations \d+" lists them', text), text
