# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cards that leave: freed, disabled, powered off; or refused, and nothing has changed."""

from __future__ import annotations

import json

from guest.machine import Machine, Refused, USE
from lab.testing import expect_kernel_log, timeout

KERNELS = ("debian-6.12", "debian-7.3")
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("slots",)
# What the kernel says of pages that it cannot move.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
SERIAL = 0x3001


class Slots(Machine):
    """The machine with its four slots; cards come and go by their serial."""

    plugs = 0

    def insert(self, port: str, serial: int) -> str:
        """Plug a card that was never there before; returns the memdev's name."""
        Slots.plugs += 1
        self.name = f"late{Slots.plugs}"
        return self.guest.plug(self.name, port, serial=serial)

    def forget(self) -> None:
        """What was made by hand is not to come back with its card."""
        self.ctl("forget all")

    def by_serial(self, serial: int) -> str | None:
        """The memdev with a serial, if it is there."""
        return next((m["memdev"] for m in self.picture()["memdevs"] if m["serial"] == serial), None)

    def slot_of(self, memdev: str) -> str:
        """The slot that a card is in."""
        return next(m["slot"] for m in self.picture()["memdevs"] if m["memdev"] == memdev)

    def slot(self, name: str) -> dict:
        """One slot."""
        return next(s for s in self.picture()["slots"] if s["slot"] == name)

    def eject(self, words: str, seconds: float = 120) -> tuple[str, str]:
        """Eject; its last line of output, and its error stream."""
        status, output = self.guest.sh(f"cxlmemctl eject {words} 2>/run/eject.err", timeout=seconds)
        errors = self.guest.check("cat /run/eject.err")
        if status:
            raise Refused(f"cxlmemctl eject {words}", status, output + errors)
        return output.strip().splitlines()[-1], errors

    def gone(self, card: str) -> None:
        """The emulated card has left the machine."""
        self.guest.wait_removed(card, 30)


def test_slots_are_listed(guest):
    """Each port is a slot, with the card that is in it; places and ids of cards are known."""
    machine = Slots(guest)
    picture = machine.picture()
    assert len(picture["slots"]) == 4, picture["slots"]
    assert [slot["power"] for slot in picture["slots"]] == [True] * 4
    for memdev in picture["memdevs"]:
        slot = next(s for s in picture["slots"] if s["slot"] == memdev["slot"])
        assert memdev["path"].split("/")[-2:] == [slot["port"], memdev["host"]], memdev
        assert (memdev["vendor"], memdev["device"]) == (0x8086, 0x0d93), memdev
    table = machine.ctl("list slots")
    for memdev in picture["memdevs"]:
        assert memdev["memdev"] in table, table


@timeout(600)
def test_in_use_moves_and_goes(guest):
    """A process uses the memory: its data moves, the card goes, and comes back as it was."""
    machine = Slots(guest)
    card = machine.cards()[0]
    serial = next(m["serial"] for m in machine.picture()["memdevs"] if m["memdev"] == card)
    slot = machine.slot_of(card)
    machine.ctl(f"create {card}")
    name = machine.regions()[0]["region"]
    holder = machine.hold(machine.dax(name)["target_node"], "64M")
    used = machine.state()
    plan = json.loads(machine.ctl(f"eject --dry-run --json {card}"))
    assert [s["step"] for s in plan["steps"][-2:]] == ["disable-memdev", "power-off"], plan
    assert "may be pulled" not in machine.ctl(f"plan eject {card}")
    machine.assert_state(used)

    last, _ = machine.eject(f"--deadline 5min {card}", 330)
    machine.gone("card0")
    assert last == f"{card} (serial 0x{serial:x}) in slot {slot} may be pulled", last
    assert "0 of" in holder.verify().splitlines()[-1]
    assert machine.by_serial(serial) is None
    assert machine.slot(slot)["power"] is False
    assert machine.regions() == []

    again = machine.insert("rp0", serial)
    assert machine.slot_of(again) == slot
    assert machine.slot(slot)["power"] is True
    # What was made by hand comes back with its card.
    guest.wait_for("cxlmemctl list regions | grep -q online", 60)
    machine.use(machine.dax(machine.regions()[0]["region"])["target_node"], "16M")
    machine.eject(f"slot:{slot}")
    machine.gone(machine.name)
    assert machine.regions() == []
    machine.forget()
    machine.insert("rp0", serial)
    assert machine.regions() == []


@timeout(400)
@expect_kernel_log(REFUSAL)
def test_pinned_is_refused_in_time(guest):
    """A page pinned by a pipe cannot move: refused with the reason, the machine as it was."""
    machine = Slots(guest)
    card = machine.cards()[1]
    machine.ctl(f"create {card}")
    name = machine.regions()[0]["region"]
    node = machine.dax(name)["target_node"]
    guest.check(f"setsid {USE} pin {node} 2M > /run/pin 2>&1 & echo $! > /run/pin.pid")
    guest.wait_for("grep -q pinned /run/pin", timeout=60)
    before = machine.state()
    try:
        machine.eject(f"--deadline 10s {card}", 60)
    except Refused as refusal:
        assert refusal.status == 1, refusal
        assert "the machine is as it was" in refusal.output, refusal.output
        assert "in use" in refusal.output and "cxlmem-use (pid " in refusal.output, refusal.output
        assert "may be pulled" not in refusal.output
    else:
        raise AssertionError("a card with a pinned page was ejected")
    machine.assert_state(before)
    assert "failed" in machine.ctl("operations")
    guest.check("kill $(cat /run/pin.pid); while kill -0 $(cat /run/pin.pid) 2>/dev/null; do "
                "sleep 0.1; done")
    serial = next(m["serial"] for m in machine.picture()["memdevs"] if m["memdev"] == card)
    machine.eject(card)
    machine.gone("card1")
    machine.forget()
    machine.insert("rp1", serial)


@timeout(400)
def test_half_of_an_interleave_set(guest):
    """The other member is named beforehand, stays, and can be used again; both can go at once."""
    machine = Slots(guest)
    third, fourth = machine.cards()[2:4]
    machine.ctl(f"create --mode devdax --granularity 1024 {third} {fourth}")
    before = machine.state()
    plan = machine.ctl(f"plan eject {third}")
    assert f"also uses {fourth} (serial 0x" in plan, plan
    machine.assert_state(before)
    last, errors = machine.eject(third)
    assert f"also uses {fourth}" in errors, errors
    assert last.startswith(f"{third} (serial") and last.endswith("may be pulled"), last
    machine.gone("card2")
    assert machine.regions() == []
    machine.forget()
    machine.ctl(f"create --mode devdax {fourth}")
    machine.ctl("destroy " + machine.regions()[0]["region"])

    back = machine.insert("rp2", SERIAL)
    late = machine.name
    machine.ctl(f"create --mode devdax --granularity 1024 {fourth} {back}")
    last, errors = machine.eject(f"{back} {fourth}")
    assert "also uses" not in errors and last.count("may be pulled") == 2, (last, errors)
    machine.gone(late)
    machine.gone("card3")
    machine.forget()
    machine.insert("rp2", SERIAL)
    machine.insert("rp3", SERIAL + 1)


@timeout(300)
def test_region_of_somebody_else(guest):
    """Made with `cxl`, it is destroyed only when it is named; a devdax in use is not at all."""
    machine = Slots(guest)
    card = machine.cards()[0]
    guest.check("echo offline > /sys/devices/system/memory/auto_online_blocks")
    try:
        guest.check(f"cxl create-region -t ram -d decoder0.0 -m {card}")
        guest.wait_for("ls /sys/bus/dax/devices/*/driver", timeout=30)
        guest.check("udevadm settle")
    finally:
        guest.check("echo online > /sys/devices/system/memory/auto_online_blocks")
    name = machine.regions()[0]["region"]
    machine.refused(f"eject {card}", name, "not made by cxlmem")
    machine.refused(f"eject {name}", "is a region")
    machine.refused("eject mem77", "mem77", "slot:")
    machine.ctl(f"set-mode devdax {name}")
    path = "/dev/" + machine.dax(name)["chardev"]
    guest.check(f"setsid sleep 1000 < {path} > /dev/null 2>&1 & echo $! > /run/open.pid")
    # A kernel that can drain needs nobody to close it: that it is open is no use of its memory.
    if "drain" not in machine.dax(name):
        machine.refused(f"eject {card} {name}", "sleep", "in use")
    guest.check("kill $(cat /run/open.pid)")
    guest.wait_for("! kill -0 $(cat /run/open.pid) 2>/dev/null", timeout=20)
    last, _ = machine.eject(f"{card} {name}")
    assert last.endswith("may be pulled"), last


@timeout(300)
def test_disabled_and_empty(guest):
    """A card that is disabled already is only powered off; an empty slot is said to be off."""
    machine = Slots(guest)
    memdev = next(m for m in machine.picture()["memdevs"])
    guest.check(f"cxl disable-memdev {memdev['memdev']}")
    plan = json.loads(machine.ctl(f"plan eject {memdev['memdev']} --json"))
    assert [s["step"] for s in plan["steps"]] == ["power-off"], plan
    machine.ctl(f"eject 0x{memdev['serial']:x}")
    guest.wait_for(f"[ $(cat /sys/bus/pci/slots/{memdev['slot']}/power) = 0 ]", 20)
    output = machine.ctl(f"eject {memdev['slot']}")
    assert "is off already" in output, output


@timeout(300)
def test_walks_back_over_an_enabled_card(guest):
    """Somebody enables a card between the steps: it is not powered off, the regions are back."""
    machine = Slots(guest)
    memdevs = sorted(machine.picture()["memdevs"], key=lambda memdev: memdev["slot"])
    first, second = (memdev["memdev"] for memdev in memdevs[:2])
    machine.ctl(f"create --mode devdax --ways 1 {second} {first}")
    before = machine.state()
    # What was just disabled is enabled, until the slot is asked to go off: the first of them.
    thief = guest.run_async(
        f"until [ ! -e /sys/bus/cxl/devices/{first}/driver ]; do :; done; "
        f"while [ -e /sys/bus/cxl/devices/{first} ]; do "
        f"echo {first} > /sys/bus/cxl/drivers/cxl_mem/bind; done 2>/dev/null")
    status, output = guest.sh(f"cxlmemctl eject {first} {second}", timeout=120)
    thief.kill()
    if status == 0:
        # It came too late this time; then the cards are gone, wholly.
        assert "may be pulled" in output, output
        return
    assert "enabled again" in output and "the machine is as it was" in output, output
    after = machine.state()
    for key in ("regions", "memdevs", "slots", "memory"):
        _same(before, after, key)


def _same(before: dict, after: dict, key: str) -> None:
    """Equal but for the numbers that the kernel gives to endpoints and regions anew."""
    def plain(value: list) -> list:
        text = json.loads(json.dumps(value))
        for entry in text:
            entry.pop("endpoint", None)
            entry.pop("region", None)
            # On a patched kernel cxlmemd has the slots with cards ask, whatever operations there are.
            entry.pop("button_policy", None)
            for mapping in entry.get("mappings", []):
                mapping.pop("decoder", None)
        return sorted(text, key=json.dumps)
    assert plain(before[key]) == plain(after[key]), (before[key], after[key])
