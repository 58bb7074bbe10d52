# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attention button of a slot: asks user space when it is told to, and only then."""

from __future__ import annotations

import time

from lab.errors import GuestError
from lab.testing import expect_kernel_log, fresh, only, timeout

SUITE = "kernel"
ALWAYS = ("debian-7.3", "patched")
KERNELS = ("debian-7.3", "unpatched", "patched", "patched-debug")
PATCHED = ("patched", "patched-debug")
TOPOLOGIES = ("slots",)
BARE = True
KERNEL_ARGUMENTS = ("memhp_default_state=online_movable",)


class Card:
    """A card in rp0 whose memory is online, and its slot."""

    def __init__(self, guest):
        self.guest = guest
        memdev = guest.plug("card", "rp0")
        guest.check(f"cxl create-region -t ram -d decoder0.0 -w 1 -m {memdev}", 60)
        guest.wait_for("grep -q online /sys/bus/dax/devices/dax*/state")
        self.slot = guest.check(
            "card=$(cd -P /sys/bus/cxl/devices/%s/.. && basename $PWD); "
            "for s in /sys/bus/pci/slots/*; do "
            "grep -q \"${card%%.*}\" $s/address && echo $s; done; true"
            % memdev).split()[0]

    def attribute(self, name: str) -> str:
        """Value of an attribute of the slot."""
        return self.guest.check(f"cat {self.slot}/{name}").strip()

    def write(self, name: str, value: str) -> int:
        """Write an attribute; returns the status."""
        return self.guest.sh(f"echo {value} >{self.slot}/{name}")[0]

    def online(self) -> bool:
        """Whether its memory is online."""
        return "online" in self.guest.sh("cat /sys/bus/dax/devices/dax*/state")[1]

    def press(self, request: bool = True) -> None:
        """Press the button; with `request`, wait until user space is asked."""
        self.guest.unplug("card", wait=False)
        if request:
            self.guest.wait_for(f"[ $(cat {self.slot}/button_request) = power-off ]", 10)


@only(kernels=PATCHED)
@timeout(300)
@fresh
def test_asks_and_refuse(guest):
    """With the policy: an event, no removal; a refusal keeps the card, an acceptance removes it."""
    card = Card(guest)
    assert card.attribute("button_policy") == "power-off"
    assert card.attribute("button_request") == "none"
    assert card.write("button_policy", "nonsense") != 0
    assert card.write("button_request", "accept") != 0
    assert card.write("button_policy", "ask") == 0
    watch = guest.run_async("timeout 120 udevadm monitor --kernel --property "
                            "--subsystem-match=pci")
    guest.wait_for("pgrep udevadm")
    card.press()
    time.sleep(8)  # more than the five seconds after which the slot would be off
    assert card.attribute("button_request") == "power-off"
    assert card.online(), "the memory is gone"
    assert "card" in guest.cards()
    assert card.write("button_request", "refuse") == 0
    assert card.attribute("button_request") == "none"
    assert card.attribute("power") == "1"
    assert card.online()
    guest.wait_for("true")
    watch.kill()
    assert "BUTTON=power-off" in watch.output, watch.output
    assert "BUTTON=refused" in watch.output, watch.output


@only(kernels=PATCHED)
@timeout(300)
@fresh
def test_accept(guest):
    """Removal happens on user space's word, after the memory was taken offline."""
    card = Card(guest)
    assert card.write("button_policy", "ask") == 0
    card.press()
    guest.check("for dax in /sys/bus/dax/devices/dax*; do echo unplugged >$dax/state && "
                "echo ${dax##*/} >/sys/bus/dax/drivers/kmem/unbind; done", 120)
    region = guest.check("basename /sys/bus/cxl/devices/region*").strip()
    guest.check(f"cxl disable-region {region} && cxl destroy-region {region}", 60)
    assert "card" in guest.cards()
    assert card.write("button_request", "accept") == 0
    guest.wait_removed("card", 30)
    assert card.attribute("button_request") == "none"


@timeout(300)
@fresh
def test_default_policy(guest):
    """Without the policy a press powers the slot off, as ever."""
    memdev = guest.plug("card", "rp0")
    assert memdev
    start = time.monotonic()
    guest.unplug("card", wait=False)
    try:
        guest.wait_removed("card", 30)
    except GuestError as error:
        raise AssertionError("the slot was not powered off") from error
    assert time.monotonic() - start > 4, "it did not blink for five seconds"


@timeout(300)
@fresh
@expect_kernel_log(".*")
def test_default_policy_in_use(guest):
    """Nor does it ask when memory of the card is in use: it is lost, as on any other kernel."""
    card = Card(guest)
    assert card.online()
    start = time.monotonic()
    guest.unplug("card", wait=False)
    guest.wait_removed("card", 60)
    assert time.monotonic() - start > 4, "it did not blink for five seconds"
    assert "stuck online until reboot" in guest.kernel_log()
