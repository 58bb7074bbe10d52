# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the kernel series share: their programs, and a device-dax to use them on."""

from __future__ import annotations

import re
import shlex
import tempfile
import time
from pathlib import Path
from typing import Any

from lab import chroot, kernelbuild

PROGRAMS = Path(__file__).parent / "kernel"
UAPI = Path(__file__).parent.parent.parent / "kernel" / "uapi"
PLACE = "/opt/kernel-tests"
PAGE = 4096


def install(guest: Any) -> None:
    """Compile the programs of tests/guest/kernel and put them into the guest."""
    if guest.sh(f"test -e {PLACE}/done")[0] == 0:
        return
    assets = guest.assets
    with tempfile.TemporaryDirectory(prefix="cxlmem-kernel-") as name:
        out = Path(name)
        for source in sorted(PROGRAMS.glob("*.c")):
            chroot.check(assets.tools(),
                         ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread",
                          "-isystem", "/src", "-o", f"/out/{source.stem}", f"/in/{source.name}"],
                         binds={"/in": (PROGRAMS, False), "/src": (UAPI, False),
                                "/out": (out, True)})
        guest.push(out, PLACE)
    if guest.options.kernel.startswith("patched"):
        selftest = kernelbuild.selftests(assets.cache, assets.apt) / "dax-drain"
        guest.push(selftest, f"{PLACE}/dax-drain")
    guest.check(f"touch {PLACE}/done")


def check_leaks(guest: Any) -> bool:
    """Let kmemleak look for leaks of ours; False when the kernel does not have it."""
    place = "/sys/kernel/debug/kmemleak"
    if guest.sh(f"test -e {place}")[0]:
        return False
    # What was freed a moment ago is only settled by the second scan.
    guest.check(f"echo scan >{place}; sleep 6; echo scan >{place}", 300)
    report = guest.check(f"cat {place}")
    assert not re.search(r"\] \w*(?:pgmap|dax|pciehp)\w*\+", report), report
    return True


class Devdax:
    """A region on one card, with its memory as a device-dax."""

    def __init__(self, guest: Any, align: int = PAGE, orders: str = "align", card: str = "mem0"):
        """Make the region; align and folio_orders as the attributes of the dax device."""
        self.guest = guest
        install(guest)
        self.region = guest.json(f"cxl create-region -t ram -d decoder0.0 -w 1 -m {card}")["region"]
        guest.wait_for("ls /sys/bus/dax/devices/dax*.*/driver")
        self.name = guest.check("basename /sys/bus/dax/devices/dax*.*").strip()
        self.sysfs = f"/sys/bus/dax/devices/{self.name}"
        self.node = f"/dev/{self.name}"
        guest.check("udevadm settle")
        guest.check(f"""
            [ ! -e {self.sysfs}/state ] || echo unplugged >{self.sysfs}/state || exit 1
            echo {self.name} >/sys/bus/dax/drivers/kmem/unbind
            modprobe device_dax""", 60)
        self.set_align(align, orders)

    def set_align(self, align: int, orders: str = "align") -> None:
        """(Re)bind the device with another alignment."""
        guest, name = self.guest, self.name
        if guest.sh(f"test -e {self.sysfs}/driver")[0] == 0:
            self.unbind()
        guest.check(f"echo {align} >{self.sysfs}/align")
        if guest.sh(f"test -e {self.sysfs}/folio_orders")[0] == 0:
            guest.check(f"echo {orders} >{self.sysfs}/folio_orders")
        driver = "/sys/bus/dax/drivers/device_dax"
        guest.check(f"echo {name} >{driver}/new_id 2>/dev/null || echo {name} >{driver}/bind; "
                    f"test -e {self.sysfs}/driver || echo {name} >{driver}/bind")
        guest.wait_for(f"test -c {self.node}", 10)

    def unbind(self, timeout: float = 30) -> None:
        """Take the driver away; waits for whoever uses the memory."""
        self.guest.check(f"echo {self.name} >/sys/bus/dax/drivers/device_dax/unbind", timeout)

    def start_unbind(self) -> Any:
        """The same, not waited for."""
        return self.guest.run_async(f"echo {self.name} >/sys/bus/dax/drivers/device_dax/unbind")

    def attribute(self, name: str) -> str:
        """Value of an attribute."""
        return self.guest.check(f"cat {self.sysfs}/{name}").strip()

    def active(self) -> int:
        """Number of active pages."""
        return int(self.attribute("active_pages"))

    def drain(self, word: str) -> int:
        """Write to the drain attribute; returns the status of the write."""
        return self.guest.sh(f"echo {word} >{self.sysfs}/drain")[0]

    def wait_drain(self, state: str, timeout: float = 30) -> None:
        """Wait for a state of the drain."""
        self.guest.wait_for(f"[ $(cat {self.sysfs}/drain) = {state} ]", timeout)

    def program(self, name: str, *arguments: object) -> str:
        """Run one of the programs to its end; returns its output."""
        return self.guest.check(f"{PLACE}/{name} {shlex.join(map(str, arguments))}", 300)

    def destroy(self) -> None:
        """Remove the region."""
        if self.guest.sh(f"test -e {self.sysfs}/driver")[0] == 0:
            self.unbind()
        self.guest.check(f"cxl disable-region {self.region} && cxl destroy-region {self.region}", 60)


class Running:
    """A program that says a word, waits for standard input, and ends."""

    def __init__(self, guest: Any, *command: object, word: str):
        self.guest = guest
        self.command = guest.run_async(
            f"exec {PLACE}/{shlex.join(map(str, command))}", stdin=True)
        self.wait_word(word)

    def wait_word(self, word: str, timeout: float = 60) -> None:
        """Wait until it has said a word."""
        end = time.monotonic() + timeout
        while word not in self.command.output:
            if not self.command.running or time.monotonic() > end:
                raise AssertionError(f"it did not say {word!r}: {self.command.output!r}")
            time.sleep(0.1)

    def finish(self, timeout: float = 60) -> str:
        """Let it go on, and wait for its end; returns its output."""
        self.command.write(b"\n")
        self.command.close_stdin()
        status = self.command.wait(timeout)
        assert status == 0, f"it ended with {status}: {self.command.output}"
        return self.command.output
