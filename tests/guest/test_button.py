# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attention button on kernels that cannot be kept from powering the slot off: five seconds, well used."""

from __future__ import annotations

import time

from guest.machine import Machine
from lab.testing import expect_kernel_log, fresh, only, timeout

# Those that do not ask; on the others tests/guest/test_kernel_service.py shows what becomes of a press.
KERNELS = STOCK = ("debian-6.12", "debian-7.3")
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("slots",)
PROFILE = "/etc/cxlmem/profiles.d/50-button.profile"
# What the kernel says when a card leaves under memory in use, or devdax under its users.
LOSS = r"(stuck online until reboot|mapping0: .* could not reserve|failed to (offline|unregister))"


class Slots(Machine):
    """Cards that come and go by a profile, and what the daemon says about it."""

    plugs = 0

    def __init__(self, guest):
        self.guest = guest
        self.since = guest.check("date +%s.%N").strip()

    def profile(self, text: str) -> None:
        """Have one profile, and only this one."""
        self.guest.check(f"mkdir -p $(dirname {PROFILE}); printf '{text}' > {PROFILE}; "
                         "systemctl reload cxlmemd")

    def insert(self, port: str, state: str) -> str:
        """Plug a card and wait until its region is used as its profile says; the card's name."""
        Slots.plugs += 1
        name = f"button{Slots.plugs}"
        self.guest.plug(name, port, serial=0x5000 + Slots.plugs)
        self.guest.wait_for(f"cxlmemctl list regions | grep -q '{state}'", timeout=120)
        return name

    def said(self, words: str) -> bool:
        """Whether the daemon wrote this into the journal since the test began."""
        return self.guest.sh(f"journalctl -u cxlmemd -o cat --since=@{self.since} | "
                             f"grep -q '{words}'")[0] == 0

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


@only(kernels=STOCK)
@timeout(600)
@fresh
def test_idle_memory_is_saved(guest):
    """Movable memory that nobody uses is offline and its region gone before the slot loses power."""
    machine = Slots(guest)
    machine.profile("[Match]\\nPath=*\\n")
    card = machine.insert("rp0", "movable")
    guest.unplug(card)
    assert machine.said("its button was pressed, and this kernel powers it off")
    machine.nothing_left()
    assert machine.said("may be pulled; nothing was lost")
    assert "stuck online" not in guest.check("dmesg")
    # It is wished for, and comes back with a card of that serial only.
    assert "missing" in machine.ctl("wishes")
    machine.ctl("forget all")


@only(kernels=STOCK)
@timeout(600)
@fresh
def test_memory_in_use_moves(guest):
    """A process's pages are moved within the five seconds, and the process goes on."""
    machine = Slots(guest)
    machine.profile("[Match]\\nPath=*\\n")
    card = machine.insert("rp1", "movable")
    holder = machine.hold(machine.dax(machine.regions()[0]["region"])["target_node"], "32M")
    guest.unplug(card)
    machine.nothing_left()
    assert machine.said("may be pulled; nothing was lost")
    holder.verify()
    machine.ctl("forget all")


@only(kernels=STOCK)
@timeout(600)
@fresh
@expect_kernel_log(LOSS)
def test_devdax_in_use_is_named(guest):
    """Devdax that a process has open cannot be saved: the log says so and by whom; the rest is cleared."""
    machine = Slots(guest)
    machine.profile("[Match]\\nPath=*\\n[Memory]\\nMode=devdax\\n")
    card = machine.insert("rp2", "devdax")
    path = "/dev/" + machine.picture()["daxes"][0]["chardev"]
    guest.check(f"setsid sleep 1000 < {path} > /dev/null 2>&1 & echo $! > /run/open.pid")
    guest.unplug(card)
    machine.settled()
    assert machine.said("the card goes with what could not be saved: .*sleep"), \
        guest.sh("journalctl -u cxlmemd -o cat | tail -20")[1]
    guest.check("kill $(cat /run/open.pid)")
    machine.nothing_left()
    machine.ctl("forget all")


@timeout(600)
@fresh
@expect_kernel_log(LOSS)
def test_in_the_middle_of_create(guest):
    """The button while a region is being made: it ends one way or the other, and nothing is left."""
    machine = Slots(guest)
    machine.profile("")
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
