# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a machine that is on to a guest that can be worked with."""

from __future__ import annotations

import time
from pathlib import Path

from .errors import GuestError
from .session import Session
from .topologies import Card

SERVICE = "cxlmemd.service"

# Ends when exactly these serial numbers are listed, each card with a driver, and as many
# endpoint ports, each with a driver too.
_WAIT_CARDS = """\
shopt -s nullglob
wanted=" %s "
while :; do
    found=0
    for mem in /sys/bus/cxl/devices/mem*; do
        [ -e "$mem/driver" ] && read -r serial <"$mem/serial" || continue
        case $wanted in *" $((serial)) "*) found=$((found + 1)) ;; esac
    done 2>/dev/null
    endpoints=(/sys/bus/cxl/devices/endpoint*/driver)
    [ $found -eq %d ] && [ ${#endpoints[@]} -eq %d ] && break
    sleep 0.1
done
"""

# The driver's link is there while its probe makes the endpoint port, without which a card is of no use. One that
# comes to none has some five seconds.
_WAIT_SERIAL = """\
has_endpoint() {
    for endpoint in /sys/bus/cxl/devices/endpoint*; do
        [ "$endpoint/uport" -ef "$1" ] && [ -e "$endpoint/driver" ] && ls -d "$endpoint"/decoder* && return
    done >/dev/null
    return 1
}
patience=50
while :; do
    for mem in /sys/bus/cxl/devices/mem*; do
        [ -e "$mem/driver" ] && read -r serial <"$mem/serial" || continue
        [ $((serial)) -eq %d ] || continue
        if has_endpoint "$mem" || [ $((patience--)) -eq 0 ]; then
            echo "${mem##*/}"
            exit 0
        fi
    done 2>/dev/null
    sleep 0.1
done
"""

# The root ports were removed before the snapshot: what the guest knows of the machine's CXL
# hardware begins here, as it would in a boot. The root ports have to be there when the driver of
# the host bridges looks for them, so that comes last.
_THAW = """\
date -s @%d >/dev/null
rm -f /run/modprobe.d/lab-hold.conf
echo 1 >/sys/bus/pci/rescan
modprobe -a cxl_pci cxl_mem cxl_acpi
"""

_INSTALL = """\
set -e
tar -x --no-same-owner -C / -f -
for path in /usr/lib/sysusers.d/cxlmem*; do [ -e "$path" ] && systemd-sysusers; done
for path in /usr/lib/tmpfiles.d/cxlmem*; do
    [ -e "$path" ] && systemd-tmpfiles --create "$path"
done
for path in /usr/lib/udev/rules.d/*cxlmem*; do [ -e "$path" ] && udevadm control --reload; done
busctl --quiet call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig &
sync
wait
"""


def wait_memdev(session: Session, serial: int, timeout: float) -> str:
    """Wait until the guest lists a card with this serial, ready for use; returns its memdev's name."""
    try:
        return session.check(_WAIT_SERIAL % serial, timeout).strip()
    except GuestError as error:
        seen = session.run("cxl list -M", 30).output if session.alive() else "it is off"
        raise GuestError(f"the guest does not list a card with serial {serial:#x} within "
                         f"{timeout:g} s; it lists:\n{seen}") from error


def wait_cards(session: Session, cards: list[Card], timeout: float) -> None:
    """Wait until the guest lists these cards, and udev has nothing left to do."""
    serials = " ".join(str(card.serial) for card in cards)
    count = len(cards)
    try:
        session.check(f"{_WAIT_CARDS % (serials, count, count)}udevadm settle", timeout)
    except GuestError as error:
        seen = session.run("cxl list -MPE", 30).output if session.alive() else "it is off"
        raise GuestError(f"the guest does not list its {count} cards within {timeout:g} s "
                         f"({error}); it lists:\n{seen}") from error


def thaw_script() -> str:
    """What thaw() runs, for the key of the snapshots."""
    return _THAW


def thaw(session: Session) -> None:
    """Let a guest that was started from a snapshot discover its CXL hardware."""
    session.check(_THAW % int(time.time()), 60)


def install(session: Session, archive: Path) -> None:
    """Install the project from a tar archive into a running guest."""
    session.feed(_INSTALL, archive.read_bytes(), 120)


def start_service(session: Session, timeout: float) -> None:
    """Start the service and wait until it is ready; a guest may be without it."""
    script = f"[ ! -e /usr/lib/systemd/system/{SERVICE} ] || systemctl start {SERVICE}"
    command = session.run(script, timeout)
    if command.status != 0:
        raise GuestError(f"{SERVICE} does not start: {command.output.strip()}\n"
                         f"{journal(session, 60)}")


def journal(session: Session, lines: int) -> str:
    """The end of the service's journal."""
    return session.run(f"journalctl --no-pager -o short-monotonic -n {lines} -u {SERVICE}",
                       30).output
