# SPDX-License-Identifier: LGPL-2.1-or-later
"""Profiles as an administrator meets them: what is wrong with a file, and whose card is whose."""

from __future__ import annotations

import json

from guest.machine import Machine

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("one",)
DIRECTORY = "/etc/cxlmem/profiles.d"
# Neither root nor a daemon on a bus is needed.
CHECK = ("setpriv --reuid=65534 --regid=65534 --clear-groups "
         "env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere cxlmemctl profiles check")

WRONG = """\
Zone=kernel
[Match]
Serail=1
[Region]
Ways=5
[Memory]
Mode=devdax
Zone=frozen
"""
SAID = f"""\
{DIRECTORY}/10-wrong.profile:1: Zone= stands before any section: put it under [Memory]
{DIRECTORY}/10-wrong.profile:3: there is no key Serail= in [Match]: did you mean Serial=?
{DIRECTORY}/10-wrong.profile:5: Ways= is "5": it takes 1, 2, 3, 4, 6, 8, 12 or 16
{DIRECTORY}/10-wrong.profile:8: Zone= is "frozen": it takes movable or kernel
{DIRECTORY}/10-wrong.profile:8: Zone= with Mode=devdax: only system-ram is in a zone, leave it out
"""


def test_check(guest):
    """Everything that is wrong is told, to anybody and without the daemon."""
    assert guest.sh(CHECK) == (0, "there are no profiles\n")
    guest.check(f"mkdir -p {DIRECTORY}")
    guest.write(f"{DIRECTORY}/10-wrong.profile", WRONG)
    guest.write(f"{DIRECTORY}/20-good.profile", "[Match]\nSerial=0xfeed\n")
    try:
        assert guest.sh(CHECK) == (1, SAID)
        assert guest.sh(f"{CHECK} {DIRECTORY}/20-good.profile") == \
            (0, "nothing is wrong with 1 profile\n")
        problems = json.loads(guest.sh(f"{CHECK} --json")[1])
        assert [problem["line"] for problem in problems] == [1, 3, 5, 8, 8]
        # what is shipped is right, and is nowhere where it would be used
        assert guest.sh(f"{CHECK} /usr/share/doc/cxlmem/examples/*.profile") == \
            (0, "nothing is wrong with 3 profiles\n")
    finally:
        guest.check(f"rm -r {DIRECTORY}")


def test_whose_card(guest):
    """Every way to name a card finds it in the kernel's own names of its place."""
    machine = Machine(guest)
    before = machine.state()
    [card] = machine.picture()["memdevs"]
    bridge, address = card["path"].split("/")[0], card["host"]
    guest.check(f"mkdir -p {DIRECTORY}")
    try:
        for key, value in (("Serial", hex(card["serial"])), ("Serial", str(card["serial"])),
                           ("Path", card["path"]), ("Path", address), ("Path", f"{bridge}/*"),
                           ("HostBridge", bridge), ("HostBridge", "ACPI0016:*"),
                           ("Vendor", f"{card['vendor']:x}"), ("MinSize", str(card["ram_size"])),
                           ("Type", "ram")):
            guest.write(f"{DIRECTORY}/50-it.profile", f"[Match]\n{key}={value}\n")
            [profile] = json.loads(machine.ctl("profiles --json"))["profiles"]
            assert profile["cards"] == [card["memdev"]], f"{key}={value} does not match"
        for key, value in (("Serial", "1"), ("Path", "pci0000:ff"), ("HostBridge", "ACPI0017:*"),
                           ("Vendor", "ffff"), ("MinSize", "1T"), ("Type", "pmem")):
            guest.write(f"{DIRECTORY}/50-it.profile", f"[Match]\n{key}={value}\n")
            [profile] = json.loads(machine.ctl("profiles --json"))["profiles"]
            assert profile["cards"] == [], f"{key}={value} matches"
    finally:
        guest.check(f"rm -r {DIRECTORY}")
    machine.assert_state(before)
