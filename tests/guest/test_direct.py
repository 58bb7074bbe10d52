# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root reaches the daemon without the bus; others, and who finds it not running, with it."""

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("one",)
SOCKET = "/run/cxlmem/private"
# The bus is out of reach of this command only.
NO_BUS = "unshare -m sh -c 'mount -t tmpfs none /run/dbus && {}'"
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups {}"


def test_without_the_bus(guest):
    """root needs no bus to look, to change and to see it happen; nobody else gets that far."""
    assert guest.check(f"stat -c '%a %U' {SOCKET}").strip() == "600 root"
    shown = guest.check("cxlmemctl status")
    assert guest.check(NO_BUS.format("cxlmemctl status")) == shown
    card = guest.json("cxlmemctl status --json")["memdevs"][0]["memdev"]
    output = guest.check(NO_BUS.format(f"cxlmemctl create {card} 2>&1"))
    assert "done: create" in output and "online" in output, output
    region = guest.json("cxlmemctl status --json")["regions"][0]["region"]
    guest.check(NO_BUS.format(f"cxlmemctl destroy {region}"))

    status, output = guest.sh(NO_BUS.format(NOBODY.format("cxlmemctl status")))
    assert status == 3 and "no system bus" in output, (status, output)


def test_daemon_is_down(guest):
    """A socket that nobody listens on sends the client to the bus, which starts the daemon."""
    guest.check("systemctl kill -s KILL cxlmemd && systemctl stop cxlmemd")
    status, _ = guest.sh(NO_BUS.format("cxlmemctl status"))
    assert status == 3, status
    guest.check("cxlmemctl status")
    guest.check(NO_BUS.format("cxlmemctl status"))


def test_connections_are_let_go(guest):
    """A client that is gone leaves nothing open in the daemon."""
    count = "ls /proc/$(systemctl show -P MainPID cxlmemd)/fd | wc -l"
    guest.check("cxlmemctl operations && sleep 1")
    before = int(guest.check(count))
    guest.check("for i in 1 2 3 4 5 6 7 8; do cxlmemctl operations; done && sleep 1")
    assert int(guest.check(count)) == before
