# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attention button on a kernel that asks: cxlmemd frees the card, or refuses, or is told to stop."""

from __future__ import annotations

import time

from guest.test_button import Slots as Cards
from lab.testing import expect_kernel_log, timeout

SUITE = "kernel"
ALWAYS = ("patched",)
KERNELS = ("patched", "patched-debug")
TOPOLOGIES = ("slots",)
REFUSAL = r"page dumped because: (unmovable page|migration failure)"


class Slots(Cards):
    """Slots whose kernel asks."""

    def slot(self, port: str) -> dict:
        """The slot of a root port of the topology (rp0 is the first)."""
        return self.picture()["slots"][int(port[2:])]

    def wait_slot(self, port: str, key: str, value: object, seconds: float = 60) -> None:
        """Until the slot says so."""
        for _ in range(int(seconds * 2)):
            if self.slot(port).get(key) == value:
                return
            time.sleep(0.5)
        raise AssertionError((key, value, self.slot(port)))

    def unpin(self) -> None:
        """Let go of it."""
        self.guest.check("kill $(cat /run/pin.pid); while kill -0 $(cat /run/pin.pid) 2>/dev/null; "
                         "do sleep 0.1; done")

    def node(self) -> int:
        """The node of the only region."""
        return self.dax(self.regions()[0]["region"])["target_node"]


@timeout(600)
def test_press_frees_and_removes(guest):
    """A card whose memory is in use: the data moves, then the card goes, on nobody's word but ours."""
    machine = Slots(guest, "[Match]\\nPath=*\\n")
    card = machine.insert("rp0", "movable")
    machine.wait_slot("rp0", "button_policy", "ask")
    holder = machine.hold(machine.node(), "32M")
    guest.unplug(card)
    machine.nothing_left()
    assert machine.said("may be pulled; nothing was lost")
    holder.verify()
    machine.ctl("forget all")


@timeout(600)
@expect_kernel_log(REFUSAL)
def test_refused_in_time(guest):
    """Memory that cannot be freed: refused at the deadline, the card stays and works, the indicator says so."""
    machine = Slots(guest, "[Match]\\nPath=*\\n[Remove]\\nDeadlineSec=8\\n")
    card = machine.insert("rp1", "movable")
    machine.wait_slot("rp1", "button_policy", "ask")
    machine.pin(machine.node())
    before = machine.state()
    guest.unplug(card, wait=False)
    guest.wait_for("cxlmemctl operations | grep -q 'eject.*failed'", timeout=120)
    machine.wait_slot("rp1", "attention", True)
    machine.wait_slot("rp1", "button_request", "none")
    assert machine.said("the card stays in: ")
    after = machine.state()
    before.pop("slots"), after.pop("slots")
    assert before == after, (before, after)
    machine.use(machine.node(), "16M")
    # Once it can be freed, the next press does.
    machine.unpin()
    guest.unplug(card)
    machine.nothing_left()
    machine.ctl("forget all")


@timeout(600)
@expect_kernel_log(REFUSAL)
def test_taken_back(guest):
    """Somebody says no while the memory is being freed: all is put back, and the indicator stays off.

    QEMU has no second press (it refuses one while the indicator blinks): the press is taken back by
    an administrator's answer, which the kernel tells in the same way.
    """
    machine = Slots(guest, "[Match]\\nPath=*\\n[Remove]\\nDeadlineSec=300\\n")
    card = machine.insert("rp2", "movable")
    machine.wait_slot("rp2", "button_policy", "ask")
    machine.pin(machine.node())
    guest.unplug(card, wait=False)
    machine.wait_slot("rp2", "button_request", "power-off")
    guest.wait_for("cxlmemctl operations | grep -q 'eject.*running'", timeout=60)
    slot = machine.slot("rp2")["slot"]
    guest.check(f"echo refuse > /sys/bus/pci/slots/{slot}/button_request")
    guest.wait_for("cxlmemctl operations | grep -q 'eject.*cancelled'", timeout=120)
    machine.wait_slot("rp2", "button_request", "none")
    assert machine.slot("rp2")["attention"] is False
    assert machine.zones(machine.regions()[0]["region"]) == {("online", "Movable")}
    machine.unpin()
    guest.unplug(card)
    machine.nothing_left()
    machine.ctl("forget all")


@timeout(600)
def test_policy_is_handed_back(guest):
    """The daemon that stops, or the one behind one that was killed, leaves the button to the kernel."""
    machine = Slots(guest, "[Match]\\nPath=*\\n")
    card = machine.insert("rp3", "movable")
    machine.wait_slot("rp3", "button_policy", "ask")
    slot = machine.slot("rp3")["slot"]
    policy = f"cat /sys/bus/pci/slots/{slot}/button_policy"
    guest.check("systemctl stop cxlmemd")
    assert guest.check(policy).strip() == "power-off"
    guest.check("systemctl start cxlmemd")
    machine.wait_slot("rp3", "button_policy", "ask")
    # One that was killed could not; the next one does.
    guest.check("systemctl kill -s KILL cxlmemd && systemctl stop cxlmemd")
    assert guest.check(policy).strip() == "ask"
    guest.check("systemctl start cxlmemd && cxlmemctl status > /dev/null && systemctl stop cxlmemd")
    assert guest.check(policy).strip() == "power-off"
    guest.check("systemctl start cxlmemd")
    machine.wait_slot("rp3", "button_policy", "ask")
    guest.unplug(card)
    machine.nothing_left()
    machine.ctl("forget all")
