# SPDX-License-Identifier: LGPL-2.1-or-later
"""The packages on a Debian 13 that has nothing the project needs: five minutes, upgrade, purge.

The guest has no network: what the package brings along comes from a directory that apt takes for a
mirror. The tests go on from where the one before has left the machine.
"""

from __future__ import annotations

import json
import re
from typing import Any

from guest.crash import settle
from guest.five_minutes import Shell, commands
from guest.machine import USE, Machine
from lab.package import NEXT_VERSION
from lab.project import checkout
from lab.testing import expect_kernel_log, fresh, timeout

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-ports",)
IMAGE = "plain"
BARE = True

# What is there once the daemon runs, however it was installed.
IN_PLACE = r"""
set -e
systemctl is-active cxlmemd
systemctl stop cxlmemd
busctl call org.cxlmem1 /org/cxlmem1 org.freedesktop.DBus.Peer Ping
systemctl is-active cxlmemd
pkaction --action-id org.cxlmem1.create
cards=(/sys/bus/cxl/devices/mem*)
# udev looks for new rules every three seconds, and systemd hears of the card behind it.
until udevadm trigger --settle --action=add ${cards[0]}
      udevadm info -q property ${cards[0]} | grep SYSTEMD_WANTS=cxlmem.target &&
      systemctl is-active cxlmem.target; do
    sleep 0.5
done
journalctl --list-catalog | grep -c cxlmemd
for page in man1/cxlmemctl.1 man5/cxlmem.profile.5 man8/cxlmemd.8; do
    ls /usr/share/man/$page.gz 2>/dev/null || ls /usr/local/share/man/$page
done
"""
# Made anew by programs that others call, or written by every run of apt.
NOT_OURS = re.compile(
    r"/var/(lib/dpkg|lib/apt|cache|log|backups)/|/etc/apt/sources\.list\.d/|"
    r"/etc/(passwd|group|shadow|gshadow)-$|/etc/\.(pwd\.lock|updated)$|"
    # what the packages that came with it (polkit's, GLib's) have had made
    r"/usr/share/(mime|glib-2\.0)/|/etc/(sgml|xml|systemd/user)(/|$)|"
    r"/var/lib/(sgml-base|xml-core|pam|polkit-1)(/|$)|"
    r"/usr/local/share/(sgml|xml)(/|$)|/var/tmp/systemd-private-[0-9a-f]+-polkit\.service|"
    r"/var/lib/systemd/(catalog|deb-systemd-(user-)?helper-enabled)(/(?!.*cxlmem)|$)|"
    # the tests' own
    r"/root/|/srv/|/usr/libexec/cxlmem-tests(/|$)")
BASELINE = "/srv/before"
LIST_FILES = "find / -xdev ! -path '/proc/*' ! -path '/sys/*' | sort"
USERS = "cut -d: -f1 /etc/passwd /etc/group | sort"
# The lab's own things have the name in theirs, too.
FIND_NAMED = """
find / -xdev -iname '*cxlmem*' ! -path '/proc/*' ! -path '/sys/*' ! -path '/srv/*' \\
    ! -path '*/cxlmem-lab*' ! -path '/usr/libexec/cxlmem-tests*' ! -name 'cxlmem_*.deb' \\
    ! -path '/var/cache/apt/*' ! -path '/var/lib/apt/lists/*'
find /run /tmp -iname '*cxlmem*' ! -path '*cxlmem-lab*' ! -name '*cxlmem.agent'
"""


def _installed(guest: Any) -> bool:
    return guest.sh("dpkg-query -W -f '${Status}' cxlmem | grep -q 'ok installed'")[0] == 0


def _prepare(guest: Any) -> None:
    """Give apt something to install from, put the package where the README has it, and write down
    what there is."""
    packages = guest.assets.packages
    guest.push(packages.repository(), "/srv/packages")
    deb = packages.debs().file("cxlmem_*.deb")
    guest.push(deb, f"/root/{deb.name}")
    guest.write("/etc/apt/sources.list", "deb [trusted=yes] file:/srv/packages ./\n")
    guest.check("apt-get -q update")
    guest.check(f"{LIST_FILES} >{BASELINE}")
    guest.check(f"{{ {USERS}; }} >{BASELINE}.users")


def _install(guest: Any) -> None:
    """For a guest on which the test before has not done it."""
    if _installed(guest):
        return
    _prepare(guest)
    guest.check("apt-get -q -y install ./cxlmem_*.deb", timeout=400)


def _tools(guest: Any) -> None:
    """The program that holds memory on a node, which no package has."""
    archive = guest.assets.project.built("plain").archive
    guest.push(archive, "/srv/project.tar")
    guest.check(f"tar -x --no-same-owner -C / -f /srv/project.tar {USE.lstrip('/')}")


@timeout(1500)
def test_five_minutes(guest):
    """What the README says of real hardware, typed as it stands there; every command succeeds."""
    _prepare(guest)
    with Shell(guest) as shell:
        for command in commands((checkout() / "README.md").read_text(encoding="utf-8")):
            shell.type(command)
    guest.check(IN_PLACE)
    assert "enabled" in guest.check("systemctl is-enabled cxlmemd")


@expect_kernel_log("page dumped because: migration failure")
@timeout(1500)
def test_upgrade(guest):
    """`apt install cxlmem` to a newer version: state, memory and an operation under way survive."""
    _install(guest)
    _tools(guest)
    machine = Machine(guest)
    # The five minutes end with a card that is ejected; its region comes back with it.
    for card in guest.topology.cards:
        if card.name not in guest.cards():
            guest.plug(f"{card.name}-again", card.port, serial=card.serial)
    machine.ctl("--quiet settle 1min")
    cards = machine.cards()
    for region in machine.regions():
        machine.ctl(f"destroy {region['region']}", timeout=300)
    machine.ctl(f"create {cards[0]}", timeout=300)
    busy = machine.regions()[0]["region"]
    node = machine.dax(busy)["target_node"]
    # Both regions are on this node: the page is in the first one, because it is the only one yet.
    guest.check(f"setsid {USE} pin {node} 2M >/run/pin 2>&1 & echo $! >/run/pin.pid")
    guest.wait_for("grep -q pinned /run/pin", timeout=60)
    machine.ctl(f"create {cards[1]}", timeout=300)
    holder = machine.hold(node, "64M")
    profile = "/etc/cxlmem/profiles.d/10-none.profile"
    guest.write(profile, "[Match]\nSerial=0x9999\n\n[Memory]\nZone=movable\n")
    guest.check("systemctl reload cxlmemd")
    wishes = json.loads(machine.ctl("wishes --json"))
    assert len(wishes["wishes"]) == 2, wishes
    pid = guest.check("systemctl show -P MainPID cxlmemd")
    before = machine.state()
    guest.check(f"setsid cxlmemctl offline {busy} >/run/offline.log 2>&1 & sleep 1")
    guest.wait_for("cxlmemctl operations | grep -q running", timeout=60)

    guest.push(guest.assets.packages.next_repository(), "/srv/next")
    guest.write("/etc/apt/sources.list.d/next.list", "deb [trusted=yes] file:/srv/next ./\n")
    guest.check("apt-get -q update")
    text = guest.check("apt-get -q -y install cxlmem", timeout=400)
    assert guest.check("dpkg-query -W -f '${Version}' cxlmem") == NEXT_VERSION, text
    assert guest.check("systemctl show -P MainPID cxlmemd") != pid, "the old daemon runs on"
    settle(machine)

    told = guest.check("journalctl --no-pager -o cat -b -u cxlmemd")
    assert re.search(rf"offline.*{busy}|{busy}.*offline", told), told
    holder.verify()
    machine.assert_state(before)
    assert json.loads(machine.ctl("wishes --json")) == wishes
    guest.check(f"test -s {profile}")
    guest.check("kill $(cat /run/pin.pid); while kill -0 $(cat /run/pin.pid) 2>/dev/null; do "
                "sleep 0.1; done")
    machine.ctl(f"offline {busy}", timeout=300)
    machine.ctl(f"online {busy}", timeout=300)


@timeout(1500)
def test_purge(guest):
    """`apt purge` with a client that is looking: nothing of it is left, and memory stays online."""
    _install(guest)
    machine = Machine(guest)
    if not machine.regions():
        machine.ctl(f"create {machine.cards()[0]}", timeout=300)
    online = "cat /sys/devices/system/memory/memory*/state | sort | uniq -c"
    before = guest.check(online)
    watch = guest.run_async("cxlmemctl watch", terminal=(24, 80), environment={"TERM": "xterm"})
    guest.wait_for("pidof cxlmemctl")
    with Shell(guest) as shell:
        shell.type("apt purge cxlmem")
    watch.kill()
    watch.wait(60)
    assert guest.check(online) == before

    files = set(guest.check(LIST_FILES).splitlines())
    new = files - set(guest.read(BASELINE).decode().splitlines())
    owned = set(guest.check("cat /var/lib/dpkg/info/*.list").splitlines())
    # /usr/lib and /lib are one directory under two names.
    owned |= {f"/usr{name}" for name in owned}
    left = sorted(name for name in new - owned if not NOT_OURS.match(f"{name}"))
    assert not left, "left behind:\n" + "\n".join(left)
    named = guest.sh(FIND_NAMED)[1]
    assert not named, named
    users = set(guest.check(USERS).split()) - set(guest.read(f"{BASELINE}.users").decode().split())
    assert users <= {"polkitd"}, users
    for command in ("systemctl list-units --all --plain --no-legend 'cxlmem*' | grep -v lab-agent",
                    "systemctl list-unit-files --no-legend 'cxlmem*' | grep -v lab-agent",
                    "pidof cxlmemd cxlmemctl", "busctl list | grep org.cxlmem1",
                    "pkaction | grep org.cxlmem1", "journalctl --list-catalog | grep cxlmemd",
                    "grep -rl cxlmemd /etc /var/lib/systemd /usr/share/dbus-1"):
        status, text = guest.sh(command)
        assert status == 1 and not text, f"`{command}` still says: {text}"


@fresh
@timeout(1500)
def test_meson_install(guest):
    """`meson install` alone, with the prefix it has by itself: all is found where it lands."""
    if not guest.sh("ldconfig -p | grep -q libtracefs")[0] == 0:
        _install(guest)
        guest.check("apt-get -q -y purge cxlmem", timeout=400)
    guest.push(guest.assets.packages.installed(), "/srv/installed.tar")
    guest.check("tar -x --no-same-owner -C / -f /srv/installed.tar; journalctl --update-catalog")
    found = guest.check("tar -t -f /srv/installed.tar").split()
    strange = [name for name in found if not name.endswith("/")
               and not name.startswith(("usr/local/", "etc/dbus-1/system.d/"))
               and name not in ("usr", "usr/local", "etc", "etc/dbus-1", "etc/dbus-1/system.d")]
    assert not strange, strange
    guest.check("systemctl daemon-reload && systemctl try-restart polkit && "
                "systemctl enable --now cxlmemd")
    guest.check(IN_PLACE)
    assert guest.check("systemctl show -P FragmentPath cxlmemd").startswith("/usr/local/lib/")
    machine = Machine(guest)
    assert len(machine.cards()) == 2
