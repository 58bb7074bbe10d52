# SPDX-License-Identifier: LGPL-2.1-or-later
"""KVM or not: only where a guest was really seen to boot with it.

That /dev/kvm opens proves little: under some hypervisors it makes virtual machines whose guests
die at the first instruction that has to be emulated. So a guest is booted once, briefly, and the
outcome is kept for this kernel, processor and QEMU.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import disk, kernels, ready, rundir, topologies
from .errors import GuestError, LabError
from .progress import Progress
from .qemu import Machine
from .session import Session

if TYPE_CHECKING:
    from .assets import Assets

VARIABLE = "CXLMEM_LAB_ACCEL"
DEVICE = Path("/dev/kvm")
PROBE_TIMEOUT = 15.0


def choose(assets: "Assets") -> str:
    """The accelerator: what CXLMEM_LAB_ACCEL says, else kvm where it works, else tcg."""
    forced = os.environ.get(VARIABLE, "")
    if forced not in ("", "tcg", "kvm"):
        raise LabError(f"{VARIABLE} is {forced!r}: set it to tcg or kvm, or leave it unset")
    if forced:
        return forced
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return "tcg"
    kernel = assets.kernel(kernels.DEFAULT)
    key = {"host": os.uname().release, "processor": _processor(),
           "tools": assets.tools().parent.name, "guest": [str(kernel.vmlinux), str(kernel.initrd)]}

    def build(entry: Path) -> None:
        with Progress("trying whether guests boot with KVM here"):
            reason = _probe(assets, kernel)
        (entry / "accel").write_text("tcg" if reason else "kvm", encoding="utf-8")
        (entry / "reason").write_text(reason, encoding="utf-8")

    entry = assets.cache.step("kvm-probe", key, build)
    return (entry / "accel").read_text(encoding="utf-8")


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1] if found else "unknown"


def _probe(assets: "Assets", kernel: kernels.Kernel) -> str:
    """Boot a guest with KVM; returns why it did not work, or nothing when it did."""
    topology = topologies.TOPOLOGIES["one"]
    place = rundir.make()
    try:
        disk.copy(assets.disk(), place / "upper.img")
        machine = Machine(
            topology=topology, vmlinux=kernel.vmlinux, initrd=kernel.initrd,
            layers=[assets.image("full"), kernel.modules, assets.lab_layer()],
            disk=place / "upper.img", directory=place, accel="kvm", cards=list(topology.cards))
        session = Session(assets.spawner, assets.tools(), machine)
        try:
            assert session.agent is not None

            def running() -> bool:
                # After an instruction that KVM cannot emulate the machine is stopped for good.
                return session.alive() and session.status() == "running"

            session.agent.hello(PROBE_TIMEOUT, running)
            ready.wait_cards(session, machine.cards, PROBE_TIMEOUT)
        finally:
            session.close()
    except GuestError as error:
        return str(error)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return ""
