# SPDX-License-Identifier: LGPL-2.1-or-later
"""The drain of a device-dax: seen, waited for, cancelled, revoked; folios held and asked for."""

from __future__ import annotations

import re
import time

from guest.kernel_guest import PAGE, PLACE, Devdax, Running, check_leaks, install
from lab.testing import only, timeout

SUITE = "kernel"
ALWAYS = ("patched",)
KERNELS = ("patched", "patched-debug")
TOPOLOGIES = ("one",)
BARE = True
KERNEL_ARGUMENTS = ("memhp_default_state=offline",)
HUGE = 2 << 20
ROUNDS = 1000
UNBINDS = 25
UDEV = "systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udevd.service"


def test_drained_unbinds_at_once(guest):
    """A drain ends when the last page comes back, with a notification; unbind returns at once."""
    device = Devdax(guest)
    user = Running(guest, "dax_hold", device.node, "map", 0, HUGE, "touch", 0, "touch", PAGE,
                   "wait", "poll", 0, "unmap", word="waiting")
    assert device.active() == 2
    watch = guest.run_async("timeout 30 udevadm monitor --kernel --property --subsystem-match=dax")
    guest.wait_for("pgrep udevadm")
    assert device.drain("begin") == 0
    assert device.attribute("drain") == "draining"
    output = user.finish()
    assert "poll PRI" in output, output
    device.wait_drain("drained", 5)
    guest.wait_for("true")
    watch.kill()
    assert "DRAIN=draining" in watch.output, watch.output
    assert "DRAIN=drained" in watch.output, watch.output
    device.unbind(5)
    device.destroy()


def test_cancel(guest):
    """Drain, cancel, and the same process maps and faults again; drain, revoke, cancel too."""
    device = Devdax(guest)
    user = Running(guest, "dax_hold", device.node, "map", 0, HUGE, "touch", 0, "wait",
                   "touch", 0, "touch", PAGE, "map", 0, HUGE, "wait",
                   "touch", PAGE, "map", HUGE, HUGE, "touch", HUGE, "wait",
                   "touch", HUGE, "wait", "touch", HUGE, "wait", word="waiting")
    assert device.drain("begin") == 0

    def step() -> str:
        before = len(user.command.output)
        user.command.write(b"\n")
        guest.wait_for("true")
        end = time.monotonic() + 120
        while "waiting" not in user.command.output[before:]:
            assert time.monotonic() < end, user.command.output
            time.sleep(0.05)
        return " ".join(user.command.output[before:].split())

    # Draining: what is mapped works, all else does not.
    assert step() == "touch ok touch SIGBUS map ESHUTDOWN waiting"
    assert device.drain("cancel") == 0
    assert device.attribute("drain") == "live"
    assert step() == "touch ok map ok touch ok waiting"
    assert device.drain("begin") == 0
    assert device.drain("revoke") == 0
    assert step() == "touch SIGBUS waiting"
    assert device.attribute("drain") == "drained"
    assert device.drain("cancel") == 0
    assert step() == "touch ok waiting"
    user.finish()
    assert device.active() == 0
    device.destroy()


@timeout(1200)
def test_cancel_races_faults(guest):
    """Rounds of drain and cancel, every fifth with a revoke, against four faulting threads."""
    device = Devdax(guest)
    user = Running(guest, "dax_fault", device.node, HUGE, PAGE, 4, word="running")
    # It would have to look at thousands of announcements.
    guest.check(f"systemctl stop {UDEV}")
    guest.check(f"""
        for i in $(seq {ROUNDS}); do
            echo begin >{device.sysfs}/drain || exit 1
            [ $((i % 5)) -ne 0 ] || echo revoke >{device.sysfs}/drain || exit 1
            echo cancel >{device.sysfs}/drain || exit 1
        done""", 1000)
    output = user.finish(120)
    assert "touched" in output, output
    assert device.active() == 0, device.active()
    assert device.attribute("drain") == "live"
    assert device.program("dax_hold", device.node, "query").strip() == "query ok"
    guest.check(f"systemctl start {UDEV}")
    device.destroy()


@timeout(1200)
def test_unbind_races_faults(guest):
    """The driver is taken away under four faulting threads, again and again: none gets a page."""
    device = Devdax(guest)
    driver = "/sys/bus/dax/drivers/device_dax"
    guest.check(f"systemctl stop {UDEV}")
    output = guest.check(f"""
        for i in $(seq {UNBINDS}); do
            mkfifo /run/go
            : >/run/said  # what the last one said is not said by this one
            {PLACE}/dax_fault {device.node} {HUGE} {PAGE} 4 </run/go >/run/said &
            exec 3>/run/go
            until grep -q running /run/said; do sleep 0.05; done
            sleep 0.$((i % 4))
            echo {device.name} >{driver}/unbind || exit 1
            sleep 0.1
            exec 3>&-
            wait $! || exit 1
            grep touched /run/said
            rm /run/go
            echo {device.name} >{driver}/bind || exit 1
        done""", 1000)
    counts = [list(map(int, re.findall(r"\d+", line))) for line in output.splitlines()]
    assert len(counts) == UNBINDS, output
    assert all(refused for _, refused in counts), output
    assert sum(touched for touched, _ in counts), output
    assert device.active() == 0
    guest.check(f"systemctl start {UDEV}")
    device.destroy()


def test_hold_and_query(guest):
    """Folios held through the device, of the order that the device has."""
    device = Devdax(guest, align=HUGE)
    output = device.program("dax_hold", device.node, "hold", HUGE, 9, "hold", HUGE, 9,
                            "hold", 0, 0, "hold", PAGE, 9, "query", "release", HUGE, 9,
                            "query", "release", HUGE, 9)
    assert output.splitlines() == [
        "hold ok", "hold EEXIST", "hold EDOM", "hold EINVAL",
        "folio offset=0x200000 order=9 mapped=0 pinned=0 refs=1 held", "query ok",
        "release ok", "query ok", "release ENOENT"], output
    assert device.active() == 0
    device.destroy()


def test_pins_are_shown(guest):
    """A query tells mappings, pins and other references apart."""
    device = Devdax(guest)
    pinner = Running(guest, "dax_pin", "uring", device.node, word="held")
    lines = device.program("dax_hold", device.node, "query").splitlines()
    assert len(lines) == 17, lines
    assert lines[0] == "folio offset=0 order=0 mapped=0 pinned=1 refs=0", lines[0]
    pinner.finish()
    piped = Running(guest, "dax_pin", "pipe", device.node, word="held")
    lines = device.program("dax_hold", device.node, "query").splitlines()
    assert lines[0] == "folio offset=0 order=0 mapped=0 pinned=0 refs=1", lines[0]
    piped.finish()
    device.destroy()


def test_any_order(guest):
    """A device of any order: huge faults where they fit, pages where they do not."""
    device = Devdax(guest, align=PAGE, orders="any")
    output = device.program("dax_hold", device.node, "map", 0, 2 * HUGE, "touch", 0, "query",
                            "hold", HUGE + PAGE, 0, "touch", HUGE, "query",
                            "release", HUGE + PAGE, 0, "unmap", "hold", 0, 9, "query")
    orders = [word for line in output.splitlines() for word in line.split()
              if word.startswith("order=")]
    # A whole huge page; then one page held in the next, which is mapped by pages.
    assert orders[0] == "order=9", output
    assert orders[1:4] == ["order=9", "order=0", "order=0"], output
    assert orders[4:] == ["order=9"], output
    assert device.active() == 0
    device.destroy()


def test_holder_is_released_by_unbind(guest):
    """Who holds a folio and unbinds the device does not wait for itself."""
    device = Devdax(guest)
    holder = Running(guest, "dax_hold", device.node, "hold", 0, 0, "wait", "release", 0, 0,
                     "poll", 0, word="waiting")
    assert device.active() == 1
    device.unbind(10)
    output = holder.finish()
    assert "release ENXIO" in output and "HUP" in output, output
    device.destroy()


def test_watchers_are_told(guest):
    """Who sleeps in poll() of the attribute is told of every state, of unbinding and binding, too.

    It has the device open meanwhile, and closes it when the driver is bound again.
    """
    device = Devdax(guest)
    watcher = Running(guest, "dax_hold", device.node, "watch", f"{device.sysfs}/drain", "drained",
                      word="watch live")
    pinner = Running(guest, "dax_pin", "pipe", device.node, word="held")
    unbind = device.start_unbind()
    watcher.wait_word("watch draining")
    assert unbind.running, unbind.output
    pinner.finish()
    watcher.wait_word("watch unbound")
    assert unbind.wait(20) == 0, unbind.output
    guest.check(f"echo {device.name} >/sys/bus/dax/drivers/device_dax/bind")
    watcher.wait_word("watch unbound\nwatch live")
    assert device.drain("begin") == 0
    assert watcher.finish().split()[1::2] == ["live", "draining", "unbound", "live", "drained"]
    assert device.drain("cancel") == 0
    device.destroy()


@timeout(600)
def test_selftest(guest):
    """The kernel's own selftest of the series, at both alignments."""
    install(guest)
    for align in (PAGE, HUGE):
        device = Devdax(guest, align=align)
        output = guest.check(f"DAX_DEVICE={device.node} {PLACE}/dax-drain", 300)
        assert "# FAILED" not in output and "# PASSED:" in output, output
        device.destroy()


@only(kernels=("patched-debug",))
@timeout(600)
def test_no_leak(guest):
    """After all of this, kmemleak finds nothing of ours."""
    assert check_leaks(guest)
