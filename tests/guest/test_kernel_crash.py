# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unbinding a device-dax whose pages are pinned: an oops without the series, a wait with it."""

from __future__ import annotations

import time

from guest.kernel_guest import Devdax, Running, check_leaks
from lab.testing import expect_kernel_log, fresh, only, timeout

SUITE = "kernel"
ALWAYS = ("debian-7.3", "patched")
KERNELS = ("debian-7.3", "unpatched", "patched", "patched-debug")
TOPOLOGIES = ("one",)
BARE = True
KERNEL_ARGUMENTS = ("memhp_default_state=offline",)
PATCHED = ("patched", "patched-debug")
PINNED_PAGES = 16


def _waits(guest, device: Devdax, holder: Running, pages: int = PINNED_PAGES) -> None:
    """The unbind waits, shows what for, and ends when the pages come back."""
    assert device.active() == pages, device.active()
    unbind = device.start_unbind()
    time.sleep(2)
    assert unbind.running, "the unbind did not wait for the pinned pages"
    assert device.active() == pages, device.active()
    assert device.attribute("drain") == "draining"
    assert "released" in holder.finish()
    assert unbind.wait(20) == 0, unbind.output
    assert device.attribute("drain") == "unbound"
    assert device.active() == 0


@only(kernels=("debian-7.3", "unpatched"))
@fresh
@timeout(300)
@expect_kernel_log(".*")
def test_pipe_oopses(guest):
    """Pages in a pipe: without the series, the kernel oopses when the pipe is closed."""
    device = Devdax(guest)
    holder = Running(guest, "dax_pin", "pipe", device.node, word="held")
    device.unbind()
    holder.command.write(b"\n")
    end = time.monotonic() + 30
    while "page_cache_pipe_buf_release" not in guest.console():
        assert time.monotonic() < end, "no oops: the console says\n" + guest.console()[-2000:]
        time.sleep(0.5)


@only(kernels=PATCHED)
@timeout(300)
def test_pipe(guest):
    """Pages in a pipe."""
    device = Devdax(guest)
    _waits(guest, device, Running(guest, "dax_pin", "pipe", device.node, word="held"))
    device.destroy()


@only(kernels=PATCHED)
@timeout(300)
def test_fork(guest):
    """Pages in a pipe that a child has inherited from a parent that let go of everything."""
    device = Devdax(guest)
    _waits(guest, device, Running(guest, "dax_pin", "fork", device.node, word="held"))
    device.destroy()


@only(kernels=PATCHED)
@timeout(300)
def test_io_uring(guest):
    """Pages registered as fixed buffers of io_uring."""
    device = Devdax(guest)
    _waits(guest, device, Running(guest, "dax_pin", "uring", device.node, word="held"))
    device.destroy()


@only(kernels=PATCHED)
@timeout(300)
def test_direct_io(guest):
    """Pages that a read with O_DIRECT is writing to."""
    device = Devdax(guest)
    disk = guest.check("for d in /sys/block/vd*; do [ $(cat $d/serial) = upper ] && "
                       "echo /dev/${d##*/}; done; true").strip()

    def throttle(rate: int) -> None:
        # Through HMP: qmp() turns the underscores of this command's arguments into dashes.
        answer = guest.qmp("human-monitor-command",
                           command_line=f"block_set_io_throttle upper {rate} 0 0 0 0 0")
        assert not answer, answer

    guest.check("sync")
    throttle(2048)
    # The first request still goes through, and makes the next one wait.
    guest.check(f"dd if={disk} of=/dev/null bs=64k count=1 iflag=direct 2>/dev/null")
    try:
        holder = Running(guest, "dax_pin", "direct", device.node, disk, word="held")
        assert device.active() == PINNED_PAGES, device.active()
        unbind = device.start_unbind()
        time.sleep(2)
        assert unbind.running, "the unbind did not wait for the I/O in flight"
        assert device.active() == PINNED_PAGES, device.active()
    finally:
        throttle(0)
    assert "released" in holder.finish()
    assert unbind.wait(20) == 0, unbind.output
    device.destroy()


@only(kernels=PATCHED)
@timeout(300)
def test_huge_pages(guest):
    """With an alignment of 2 MiB the folio that is pinned is the whole of it."""
    device = Devdax(guest, align=2 << 20)
    _waits(guest, device, Running(guest, "dax_pin", "pipe", device.node, word="held"), 512)
    device.destroy()


@only(kernels=("patched-debug",))
@timeout(600)
def test_no_leak(guest):
    """After all of this, kmemleak finds nothing of ours."""
    assert check_leaks(guest)
