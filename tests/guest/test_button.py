# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attention button on kernels that cannot be kept from powering the slot off: five seconds, well used."""

from __future__ import annotations

import time
from typing import Any, Callable

from guest.machine import Holder, Machine, USE
from lab.testing import Test, expect_kernel_log, fresh, only, timeout

# Those that do not ask; on the others tests/guest/test_kernel_service.py shows what becomes of a press.
KERNELS = STOCK = ("debian-6.12", "debian-7.3")
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("slots",)
PROFILE = "/etc/cxlmem/profiles.d/50-button.profile"
# What the kernel says when a card leaves under memory in use, or devdax under its users.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
LOSS = r"(stuck online until reboot|mapping0: .* could not reserve|failed to (offline|unregister))"

# The kernel waits as long as a block is being freed.
NOT_FOR_EVER = "[Match]\\nSerial=0x5ffe\\n[Remove]\\nDeadlineSec=8\\n"


def stock(*log: str) -> Callable[[Test], Test]:
    """A test of kernels that do not ask, in a guest of its own; the kernel may say this."""

    def mark(test: Test) -> Test:
        return only(kernels=STOCK)(timeout(600)(fresh(expect_kernel_log(*log)(test))))

    return mark


class Slots(Machine):
    """Cards that come and go by a profile, and what the daemon says about it."""

    plugs = 0

    def __init__(self, guest: Any, profile: str):
        """With this one profile, as printf takes it, and no other."""
        self.guest = guest  # with empty slots: no cards of Machine's
        self.since = guest.check("date +%s.%N").strip()
        guest.check(f"mkdir -p $(dirname {PROFILE}); printf '{profile}' > {PROFILE}; "
                    "systemctl reload cxlmemd")

    def insert(self, port: str, state: str) -> str:
        """Plug a card and wait until its region is used as its profile says; the card's name."""
        Slots.plugs += 1
        name = f"button{Slots.plugs}"
        self.guest.plug(name, port, serial=0x5000 + Slots.plugs)
        self.guest.wait_for(f"cxlmemctl list regions | grep -q '{state}'", timeout=120)
        return name

    def plain(self, port: str) -> str:
        """Plug a card, serial 0x5ffe; its name."""
        self.guest.plug("plain", port, serial=0x5ffe)
        return "plain"

    def other(self, port: str) -> str:
        """Plug a card, serial 0x5fff, and make a devdax region on it; the region's name.

        All system-ram of the window is one node: a second region of that kind could not be told apart.
        """
        self.guest.plug("other", port, serial=0x5fff)
        self.ctl("create --mode devdax 0x5fff")
        return self.regions()[0]["region"]

    def pin(self, node: int) -> None:
        """A page that cannot move, as long as the process lives."""
        self.guest.check(f"setsid {USE} pin {node} 2M > /run/pin 2>&1 & echo $! > /run/pin.pid")
        self.guest.wait_for("grep -q pinned /run/pin", timeout=60)

    def node(self, other: str) -> int:
        """The node of the region that is not this one."""
        return next(dax for dax in self.picture()["daxes"] if dax["region"] != other)["target_node"]

    def stuck(self) -> None:
        """The card's memory that could not be freed is there until the next boot, and that is said."""
        for _ in range(60):
            if "stuck until the machine is rebooted" in self.ctl("status"):
                return
            time.sleep(0.5)
        raise AssertionError(self.ctl("status"))

    def only_other(self, region: str) -> None:
        """Of the card that left nothing is left but its wish; the other one's region works."""
        for _ in range(40):
            picture = self.picture()
            if [r["region"] for r in picture["regions"]] == [region] and not picture["memory"]:
                break
            time.sleep(0.5)
        else:
            raise AssertionError((picture["regions"], picture["memory"]))
        assert len(picture["memdevs"]) == 1, picture["memdevs"]
        self.use_dax("/dev/" + self.dax(region)["chardev"], "16M")

    def said(self, words: str) -> bool:
        """Whether the daemon wrote this into the journal since the test began."""
        return self.guest.sh(f"journalctl -u cxlmemd -o cat --since=@{self.since} | "
                             f"grep -q '{words}'")[0] == 0

    def verify(self, holder: Holder) -> None:
        """The data is as written, unless this machine was too slow for five seconds: then it was told."""
        if self.said("the five seconds were over"):
            print("the data was not moved within five seconds, and it was said so")
        else:
            holder.verify()

    def settled(self) -> None:
        """No operation is under way."""
        self.guest.wait_for("! cxlmemctl operations | grep -qE 'running|undoing|queued'", timeout=120)

    def nothing_left(self) -> None:
        """No region, dax device or memory of the card is there any more."""
        self.settled()
        for _ in range(40):
            picture = self.picture()
            if not picture["regions"] and not picture["daxes"] and not picture["memory"]:
                return
            time.sleep(0.5)
        raise AssertionError((picture["regions"], picture["daxes"], picture["memory"]))


@stock()
def test_idle_memory_is_saved(guest):
    """Movable memory that nobody uses is offline and its region gone before the slot loses power."""
    machine = Slots(guest, "[Match]\\nPath=*\\n")
    card = machine.insert("rp0", "movable")
    guest.unplug(card)
    assert machine.said("its button was pressed, and this kernel powers it off")
    machine.nothing_left()
    assert machine.said("may be pulled; nothing was lost")
    assert "stuck online" not in guest.check("dmesg")
    # It is wished for, and comes back with a card of that serial only.
    assert "missing" in machine.ctl("wishes")
    machine.ctl("forget all")


@stock()
def test_memory_in_use_moves(guest):
    """A process's pages are moved within the five seconds, and the process goes on."""
    machine = Slots(guest, "[Match]\\nPath=*\\n")
    card = machine.insert("rp1", "movable")
    holder = machine.hold(machine.dax(machine.regions()[0]["region"])["target_node"], "32M")
    guest.unplug(card)
    machine.nothing_left()
    assert machine.said("may be pulled; nothing was lost\\|the five seconds were over")
    machine.verify(holder)
    machine.ctl("forget all")


@stock(LOSS)
def test_devdax_in_use_is_named(guest):
    """Devdax that a process has mapped is lost: the log says so and whose it is; the rest is cleared."""
    machine = Slots(guest, "[Match]\\nPath=*\\n[Memory]\\nMode=devdax\\n")
    card = machine.insert("rp2", "devdax")
    path = "/dev/" + machine.picture()["daxes"][0]["chardev"]
    guest.check(f"setsid {USE} dax {path} 16M hold > /run/mapped 2>&1 & echo $! > /run/mapped.pid")
    guest.wait_for("grep -q filled /run/mapped", timeout=120)
    guest.unplug(card)
    machine.settled()
    assert machine.said("the card goes with what could not be saved: .*cxlmem-use"), \
        guest.sh("journalctl -u cxlmemd -o cat | tail -20")[1]
    # It has lost its memory, and hears of it when it looks.
    guest.check("kill -USR1 $(cat /run/mapped.pid)")
    guest.wait_for("! kill -0 $(cat /run/mapped.pid) 2>/dev/null", timeout=60)
    assert "still as written" not in guest.check("cat /run/mapped")
    machine.nothing_left()
    machine.ctl("forget all")


@timeout(600)
@fresh
@expect_kernel_log(LOSS)
def test_in_the_middle_of_create(guest):
    """The button while a region is being made: it ends one way or the other, and nothing is left."""
    machine = Slots(guest, "")
    guest.plug("middle", "rp3", serial=0x5fff)
    operation = guest.run_async("cxlmemctl create 0x5fff")
    guest.unplug("middle")
    assert operation.wait(timeout=120) in (0, 1, 4)
    machine.settled()
    assert not machine.picture()["memdevs"]
    try:
        machine.nothing_left()
    except AssertionError:
        # The press came too early or too late to be of use: then it has to be said.
        assert "stuck until the machine is rebooted" in machine.ctl("status"), machine.ctl("status")
    machine.ctl("forget all")


@stock(LOSS)
def test_one_in_use_keeps_no_other(guest):
    """Two regions, the devdax of one in use: the other's memory moves, all of it, before the power goes."""
    machine = Slots(guest, "")
    card = machine.plain("rp0")
    machine.ctl("create --size 256M --mode devdax 0x5ffe")
    machine.ctl("create --size 256M 0x5ffe")
    devdax = next(dax for dax in machine.picture()["daxes"] if dax.get("driver") == "device_dax")
    ram = next(region["region"] for region in machine.regions()
               if region["region"] != devdax["region"])
    holder = machine.hold(machine.dax(ram)["target_node"], "32M")
    guest.check(f"setsid sleep 1000 < /dev/{devdax['chardev']} > /dev/null 2>&1 & "
                "echo $! > /run/open.pid")
    guest.unplug(card)
    machine.settled()
    # On a slow machine it is the eject that is through with it, before it is refused.
    assert machine.said(f"the memory of {ram} is saved\\|; what was taken offline stays so")
    assert machine.said("the card goes with what could not be saved: .*sleep")
    machine.verify(holder)
    assert "stuck online" not in guest.check("dmesg")
    guest.check("kill $(cat /run/open.pid)")
    machine.nothing_left()
    machine.ctl("forget all")


@stock(LOSS, REFUSAL)
def test_one_that_cannot_be_freed_keeps_no_other(guest):
    """Two regions of memory, a page in one cannot move: the other is saved, and what is stuck is named."""
    machine = Slots(guest, NOT_FOR_EVER + "[Region]\\nSize=256M\\n")
    card = machine.plain("rp1")
    guest.wait_for("cxlmemctl list regions | grep -q movable", timeout=120)
    machine.ctl("create --size 256M 0x5ffe")
    machine.pin(machine.dax(machine.regions()[0]["region"])["target_node"])
    guest.unplug(card)
    machine.settled()
    assert machine.said("the memory of region.* is not free yet")
    assert machine.said("the card goes with what could not be saved: ")
    machine.stuck()
    left = machine.picture()["memory"]
    assert len({run["region"] for run in left if run.get("region")}) == 1, left
    machine.ctl("forget all")


@stock()
def test_in_the_middle_of_eject(guest):
    """The button while a card is ejected with its memory in use: the data moves, nothing is left."""
    machine = Slots(guest, "")
    card = machine.plain("rp2")
    other = machine.other("rp3")
    machine.ctl("create 0x5ffe")
    holder = machine.hold(machine.node(other), "64M")
    operation = guest.run_async("cxlmemctl eject 0x5ffe 2>&1")
    guest.wait_for("cxlmemctl operations | grep -q 'eject.*running'", timeout=30)
    guest.unplug(card)
    assert operation.wait(timeout=120) in (0, 1, 4), operation.output
    machine.settled()
    machine.verify(holder)
    machine.only_other(other)
    machine.ctl("forget all")


@stock(LOSS, REFUSAL)
def test_in_the_middle_of_an_eject_that_hangs(guest):
    """A page cannot move and the eject waits for it without end: it ends with the card, and says so."""
    machine = Slots(guest, NOT_FOR_EVER)
    other = machine.other("rp3")
    card = machine.plain("rp2")
    guest.wait_for("cxlmemctl list regions | grep -q movable", timeout=120)
    machine.pin(machine.node(other))
    operation = guest.run_async("cxlmemctl eject --deadline infinity 0x5ffe 2>&1")
    guest.wait_for("cxlmemctl operations | grep -q 'eject.*running'", timeout=30)
    guest.unplug(card)
    assert operation.wait(timeout=120) in (1, 4), operation.output
    assert "its card goes, and it was not through with" in operation.output, operation.output
    assert "what was taken offline stays so" in operation.output, operation.output
    machine.settled()
    machine.stuck()
    # The other card is as it was, and the daemon does what it is asked.
    machine.use_dax("/dev/" + machine.dax(other)["chardev"], "16M")
    machine.ctl(f"destroy {other}")
    machine.ctl("forget all")


@stock(REFUSAL)
def test_while_another_card_is_waited_for(guest):
    """An eject of another card waits for a page that cannot move: it is walked back, and what goes is saved."""
    machine = Slots(guest, "")
    machine.plain("rp2")
    machine.ctl("create 0x5ffe")
    [region] = [region["region"] for region in machine.regions()]
    machine.pin(machine.dax(region)["target_node"])
    guest.plug("goes", "rp3", serial=0x5fff)
    machine.ctl("create 0x5fff")
    operation = guest.run_async("cxlmemctl eject --deadline infinity 0x5ffe 2>&1")
    guest.wait_for("grep -q going-offline /sys/devices/system/memory/memory*/state", timeout=60)
    guest.unplug("goes")
    assert operation.wait(timeout=120) in (1, 4), operation.output
    assert "goes, and its memory has to be saved first" in operation.output, operation.output
    machine.settled()
    assert machine.said("the card in it may be pulled; nothing was lost")
    assert "stuck online" not in guest.check("dmesg")
    assert [one["region"] for one in machine.regions()] == [region]
    assert machine.zones(region) == {("online", "Movable")}, machine.zones(region)
    guest.check("kill $(cat /run/pin.pid); while kill -0 $(cat /run/pin.pid) 2>/dev/null; do sleep 0.1; done")
    machine.ctl(f"destroy {region}")
    machine.ctl("forget all")
