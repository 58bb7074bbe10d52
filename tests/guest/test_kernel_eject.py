# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ejecting devdax memory in use, on the patched kernel: drained, kept, revoked; the button."""

from __future__ import annotations

from guest.kernel_guest import Running, install
from guest.machine import Machine, Refused
from lab.testing import fresh, timeout

SUITE = "kernel"
ALWAYS = ("patched",)
KERNELS = ("patched",)
TOPOLOGIES = ("slots",)
HUGE = 2 << 20


class Devdax(Machine):
    """The card in rp0 as a device-dax, and its slot."""

    def __init__(self, guest):
        super().__init__(guest)
        install(guest)
        memdev = next(memdev for memdev in self.picture()["memdevs"]
                      if memdev["path"].endswith("0c:00.0/" + memdev["host"]))
        self.card, self.slot = memdev["memdev"], memdev["slot"]
        self.ctl(f"create --mode devdax {self.card}")
        self.region = self.regions()[0]["region"]
        self.name = self.dax(self.region)["chardev"]

    def state_of_drain(self) -> str:
        """The drain attribute of the device."""
        return self.guest.check(f"cat /sys/bus/dax/devices/{self.name}/drain").strip()

    def user(self) -> Running:
        """A process that has a page mapped, touches it again when told, and ends."""
        return Running(self.guest, "dax_hold", f"/dev/{self.name}", "map", 0, HUGE, "touch", 0,
                       "wait", "touch", 0, "unmap", word="waiting")


@timeout(400)
@fresh
def test_waits_for_users(guest):
    """It waits as long as a process has the memory mapped, and goes on when that ends."""
    machine = Devdax(guest)
    assert machine.dax(machine.region)["drain"] == "live"
    plan = machine.ctl(f"plan eject {machine.card}")
    assert "wait until nobody does" in plan and "io_uring" not in plan, plan
    user = machine.user()
    operation = guest.run_async(f"cxlmemctl eject {machine.card} 2>/dev/null")
    guest.wait_for(f"[ $(cat /sys/bus/dax/devices/{machine.name}/drain) = draining ]", 20)
    assert machine.dax(machine.region)["drain"] == "draining"
    assert operation.running
    assert "touch ok" in user.finish()
    assert operation.wait(60) == 0, operation.output
    assert operation.output.strip().splitlines()[-1].endswith("may be pulled"), operation.output
    guest.wait_removed("card0", 30)


@timeout(400)
@fresh
def test_keep(guest):
    """At the deadline it gives up, names the process, and that has its memory as before."""
    machine = Devdax(guest)
    user = machine.user()
    before = machine.state()
    machine.refused(f"eject --deadline 3s {machine.card}", "3s are over", "pages of",
                    "dax_hold (pid ")
    assert machine.state_of_drain() == "live"
    machine.assert_state(before)
    assert "touch ok" in user.finish()
    machine.ctl(f"eject --deadline 3s {machine.card}")
    guest.wait_removed("card0", 30)


@timeout(400)
@fresh
def test_revoke(guest):
    """At the deadline it is taken away: the process gets SIGBUS, the card goes."""
    machine = Devdax(guest)
    user = machine.user()
    machine.ctl(f"eject --deadline 3s --on-deadline revoke {machine.card}")
    guest.wait_removed("card0", 30)
    assert "touch SIGBUS" in user.finish()


@timeout(400)
@fresh
def test_pinned(guest):
    """Pages in a pipe are nobody's mapping: revoking does not help, and it says so."""
    machine = Devdax(guest)
    pinner = Running(guest, "dax_pin", "pipe", f"/dev/{machine.name}", word="held")
    before = machine.state()
    try:
        machine.ctl(f"eject --deadline 2s --on-deadline revoke {machine.card}")
        raise AssertionError("ejected with pages in a pipe")
    except Refused as refusal:
        assert "after it was taken away from its users" in refusal.output, refusal.output
        assert " pages of" in refusal.output and "still in use" in refusal.output, refusal.output
    machine.assert_state(before)
    assert machine.state_of_drain() == "live"
    pinner.finish()
    machine.ctl(f"eject {machine.card}")
    guest.wait_removed("card0", 30)


@timeout(400)
@fresh
def test_answers_the_button(guest):
    """A press waits, and is shown, until nobody uses the devdax memory; the eject is its answer."""
    machine = Devdax(guest)
    slot = f"/sys/bus/pci/slots/{machine.slot}"
    guest.wait_for(f"[ $(cat {slot}/button_policy) = ask ]", 20)
    user = machine.user()
    guest.unplug("card0", wait=False)
    guest.wait_for(f"[ $(cat /sys/bus/dax/devices/{machine.name}/drain) = draining ]", 20)
    assert guest.check(f"cat {slot}/button_request").strip() == "power-off"
    assert "pressed" in machine.ctl("list slots")
    assert "touch ok" in user.finish()
    guest.wait_removed("card0", 30)
    assert guest.check(f"cat {slot}/button_request").strip() == "none"
