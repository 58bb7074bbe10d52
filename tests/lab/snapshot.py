# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that were booted once and start in seconds from then on.

QEMU does not save the state of CXL devices, so the guest must not have any when it is saved:
it boots with the CXL modules held back, its CXL root ports are removed, and only then it is
saved. A guest that starts from the snapshot lets the kernel find the ports, switches and cards
again; nothing distinguishes it from one that was booted, but for its uptime.

The project is not in a snapshot: it is installed after the start, so that a change of the
project costs no boot. Whether a snapshot is good is tried at once: when the guest does not list
all of its cards and windows, the entry says so and such guests are always booted.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import disk, qemu, ready, rundir
from .errors import GuestError
from .progress import Progress, say
from .qemu import Machine
from .session import Session

if TYPE_CHECKING:
    from .assets import Assets

BOOT_TIMEOUT = 400.0
CHECK_TIMEOUT = 180.0
KEEP_SECONDS = 24 * 3600.0
PORT_ID = "0x80860x7075"        # QEMU's cxl-rp

_FREEZE = f"""\
set -e
systemctl is-system-running --wait >/dev/null || :
udevadm settle
for device in /sys/bus/pci/devices/*; do
    [ -e "$device" ] || continue
    if [ "$(cat "$device/vendor")$(cat "$device/device")" = {PORT_ID} ]; then
        echo 1 >"$device/remove"
    fi
done
udevadm settle
journalctl --flush --rotate --vacuum-time=1s >/dev/null 2>&1 || :
sync
"""


@dataclass(frozen=True)
class Snapshot:
    """A saved guest: its state and its disk."""
    state: Path
    disk: Path


def inputs(machine: Machine) -> object:
    """Everything that must be the same for a saved guest to go on."""
    return {
        "version": 1,
        "topology": asdict(machine.topology),
        "files": [str(path) for path in (machine.vmlinux, machine.initrd, *machine.layers)],
        "arguments": [qemu.KERNEL_ARGUMENTS, machine.kernel_arguments, machine.memory_mib,
                      machine.accel, qemu.CPU, qemu.ACCEL, qemu.MAXMEM_GIB, qemu.PROCESSORS,
                      qemu.hmat_arguments(machine.topology, machine.memory_mib)],
        "scripts": [_FREEZE, ready.thaw_script()],
    }


def get(assets: "Assets", machine: Machine) -> Snapshot | None:
    """The snapshot for such a machine, made if needed; None when it is no good."""
    tools = assets.tools()
    key = {"tools": tools.parent.name, **inputs(machine)}

    def build(entry: Path) -> None:
        what = f"booting {machine.topology.name} once for a snapshot"
        with Progress(what) as progress:
            _save(assets, machine, entry, progress)
            progress.step("trying it")
            try:
                _try(assets, machine, entry)
            except GuestError as error:
                (entry / "state").unlink()
                (entry / "unusable").write_text(str(error), encoding="utf-8")

    new = not assets.cache.has(f"snapshot-{machine.topology.name}", key)
    entry = assets.cache.step(f"snapshot-{machine.topology.name}", key, build, need_mib=600)
    if new:  # each is 200 MiB, and a change of the lab leaves many that nobody will want again
        assets.cache.clean(prefix="snapshot-", keep=KEEP_SECONDS)
    if (entry / "unusable").exists():
        reason = (entry / "unusable").read_text(encoding="utf-8").splitlines()[0]
        say(f"no snapshot of {machine.topology.name}, booting instead: {reason}")
        return None
    return Snapshot(entry / "state", entry / "upper.img")


def _machine(machine: Machine, place: Path, **changes) -> Machine:
    values = {**vars(machine), "directory": place, "disk": place / "upper.img", **changes}
    return Machine(**values)


def _save(assets: "Assets", machine: Machine, entry: Path, progress: Progress) -> None:
    place = rundir.make()
    try:
        disk.copy(assets.disk(), place / "upper.img")
        held = _machine(machine, place, hold=True, incoming=None)
        session = Session(assets.spawner, assets.tools(), held)
        try:
            assert session.agent is not None
            session.agent.hello(BOOT_TIMEOUT, session.alive)
            progress.step("settling")
            session.check(_FREEZE, BOOT_TIMEOUT)
            progress.step("saving")
            session.save(entry / "state")
        except GuestError as error:
            tail = "\n".join(held.console.read_text(errors="replace").splitlines()[-25:])
            raise GuestError(f"{error}\nThe end of its console:\n{tail}") from None
        finally:
            session.close()
        disk.copy(place / "upper.img", entry / "upper.img")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _try(assets: "Assets", machine: Machine, entry: Path) -> None:
    """Start from the snapshot once; raises GuestError when the guest sees something else."""
    place = rundir.make()
    try:
        disk.copy(entry / "upper.img", place / "upper.img")
        thawed = _machine(machine, place, hold=False, incoming=entry / "state")
        session = Session(assets.spawner, assets.tools(), thawed)
        try:
            assert session.agent is not None
            session.agent.hello(CHECK_TIMEOUT, session.alive)
            ready.thaw(session)
            ready.wait_cards(session, machine.cards, CHECK_TIMEOUT)
            windows = session.check("cat /sys/bus/cxl/devices/decoder0.*/size", 60)
            want = sorted(window.mib << 20 for window in machine.topology.windows)
            have = sorted(int(size, 16) for size in windows.split())
            if want != have:
                raise GuestError(f"windows of {have} bytes instead of {want}")
        finally:
            session.close()
    finally:
        shutil.rmtree(place, ignore_errors=True)
