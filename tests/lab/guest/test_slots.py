# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest object itself: commands, files, cards that come and go, power."""

import os
import tempfile
from pathlib import Path

from lab.errors import CommandFailed, GuestError
from lab.testing import expect_kernel_log, fresh

SUITE = "lab-guest"
ALWAYS = ("debian-7.3",)
TOPOLOGIES = ("slots",)
BARE = True

# Bringing the memory of a card online makes the kernel's own allocator use it.
CREATE = "cxl create-region -t ram -d decoder0.0 -m %s >/dev/null"


def _raises(kind, work) -> str:
    try:
        work()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def test_commands(guest):
    """status, both streams, several at once, a killed one"""
    assert guest.sh("echo out; echo err >&2; exit 3") == (3, "out\nerr\n")
    assert guest.check("echo a; echo b >&2") == "a\n"
    assert guest.json("echo '{\"x\": [1]}'") == {"x": [1]}
    assert "status 1" in _raises(CommandFailed, lambda: guest.check("echo no; false"))
    assert "JSON" in _raises(GuestError, lambda: guest.json("echo no"))
    slow = guest.run_async("sleep 100")
    echo = guest.run_async("read -r line; echo got $line", stdin=True)
    echo.write(b"this\n")
    assert echo.wait(30) == 0 and echo.output == "got this\n"
    assert slow.running
    slow.kill()
    assert slow.wait(30) == 128 + 9
    assert "killed after 1 s" in _raises(GuestError, lambda: guest.sh("echo x; sleep 60", 1))
    assert guest.sh("pgrep -x sleep")[0] == 1
    guest.wait_for("test -e /proc/self", 10)
    assert "wait for" in _raises(GuestError, lambda: guest.wait_for("false", 1))


def test_files(guest):
    """files and directories there and back, with modes, bigger than any buffer"""
    data = os.urandom(3 << 20)
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        (here / "big").write_bytes(data)
        (here / "big").chmod(0o750)
        guest.push(here / "big", "/var/tmp/a/big")
        assert guest.check("stat -c %a /var/tmp/a/big").strip() == "750"
        guest.pull("/var/tmp/a/big", here / "back")
        assert (here / "back").read_bytes() == data
        (here / "tree/sub").mkdir(parents=True)
        (here / "tree/sub/file").write_text("x")
        guest.push(here / "tree", "/var/tmp/tree")
        assert guest.read("/var/tmp/tree/sub/file") == b"x"
        assert "No such file" in _raises(CommandFailed,
                                         lambda: guest.pull("/nowhere", here / "none"))
        assert not (here / "none").exists()


def test_terminal(guest):
    """a command that asks for a terminal gets one, of the right size"""
    command = guest.run_async("tty; stty size", terminal=(30, 100))
    assert command.wait(30) == 0
    assert "/dev/pts/" in command.output and "30 100" in command.output


def test_plug_and_unplug(guest):
    """cards appear and go, in any slot, and a slot can be used again"""
    first = guest.plug("a", "rp0")
    second = guest.plug("b", "rp2", size="1G", serial=77)
    listed = {item["memdev"]: item for item in guest.json("cxl list -M")}
    assert listed[first]["ram_size"] == 512 << 20
    assert listed[second]["ram_size"] == 1 << 30 and listed[second]["serial"] == 77
    assert guest.memdev("b") == second
    guest.unplug("a")
    assert set(guest.cards()) == {"b"}
    assert [item["serial"] for item in guest.json("cxl list -M")] == [77]
    assert guest.plug("a", "rp0") is not None
    guest.check("for slot in /sys/bus/pci/slots/*; do read -r power <$slot/power; "
                "[ $power = 0 ] || echo 0 >$slot/power; done")
    for name in ("a", "b"):
        guest.wait_removed(name, 60)
    assert guest.cards() == {}
    assert "no card" in _raises(Exception, lambda: guest.unplug("c"))
    assert "root port" in _raises(Exception, lambda: guest.plug("c", "rp9"))
    assert "256 MiB" in _raises(Exception, lambda: guest.plug("c", "rp0", size="100M"))


def test_qmp(guest):
    """commands, their errors, events with a match"""
    assert guest.qmp("query-status")["running"] is True
    assert "QMP nonsense" in _raises(GuestError, lambda: guest.qmp("nonsense"))
    guest.qmp("stop")
    guest.wait_event("STOP", timeout=10)
    guest.qmp("cont")
    guest.wait_event("RESUME", timeout=10)
    message = _raises(GuestError, lambda: guest.wait_event("DEVICE_DELETED", timeout=0.2,
                                                           device="x"))
    assert "DEVICE_DELETED" in message


@fresh
def test_power(guest):
    """a reboot keeps disk and cards; a power cut loses what was not synced"""
    guest.plug("a", "rp1", serial=4242)
    boot = guest.check("cat /proc/sys/kernel/random/boot_id")
    guest.write("/var/tmp/kept", "kept")
    guest.reboot()
    assert guest.check("cat /proc/sys/kernel/random/boot_id") != boot
    assert guest.read("/var/tmp/kept") == b"kept"
    assert guest.json("cxl list -M")[0]["serial"] == 4242
    guest.check("echo synced >/var/tmp/synced; sync")
    guest.check("echo lost >/var/tmp/lost")
    guest.power_cut()
    assert guest.read("/var/tmp/synced") == b"synced\n"
    assert guest.sh("cat /var/tmp/lost")[1] != "lost\n"
    assert guest.json("cxl list -M")[0]["serial"] == 4242
    guest.power_cut(restart=False)
    assert not guest.alive()
    guest.remove_card("a")
    guest.insert_card("b", "rp3", serial=4343)
    guest.power_on()
    assert [item["serial"] for item in guest.json("cxl list -M")] == [4343]


@fresh
@expect_kernel_log("sysrq: Trigger a crash", "Kernel panic", "Oops", "BUG: kernel NULL")
def test_panic(guest):
    """a guest whose kernel panics is seen to be gone, its last words are kept, it can restart"""
    assert "gone" in _raises(GuestError, lambda: guest.sh("echo c >/proc/sysrq-trigger", 60))
    assert not guest.alive()
    assert "Kernel panic" in guest.console()
    guest.power_on()
    assert guest.sh("true")[0] == 0
