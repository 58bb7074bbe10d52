# SPDX-License-Identifier: GPL-2.0
"""Runs ndctl's own tests of CXL and device-dax on unpatched and patched, and compares.

    NDCTL_TESTS=…/ndctl-81/test ./lab run --bare --kernel patched --script kernel/ndctl/run.py

The directory is `test` of the source of Debian's ndctl. The programs are Debian's, as installed in
the guest; the CXL hardware is the kernel's own mock-up, tools/testing/cxl, built with each of the
kernels. The guest that the lab started is not used: the mock-up needs two NUMA nodes, and a machine
that has no CXL of its own, or the kernel takes both for one hierarchy. The tests that are programs
(device-dax, dax-dev) run when they were built and are in the directory: they need persistent memory
that is no mock-up, which the kernel makes of a part of the guest's memory (memmap=).
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

from lab import kernelbuild, qemu
from lab.guest import Guest
from lab.topologies import TOPOLOGIES, Topology

KERNELS = ("unpatched", "patched")
PLACE = "/opt/ndctl"
RESULTS = {0: "pass", 77: "skip"}
TESTS = ("cxl-*.sh", "daxctl-*.sh", "dax-dev", "device-dax")
CPU = "Nehalem,-hypervisor,+pdpe1gb"
# Memory lies at 0 to 2 GiB and at 4 to 10 GiB, half of it on each node.
MEMORY_MIB = 8192
PMEM = "memmap=3G!7G"
NO_CXL = Topology("no-cxl", "no CXL hardware", bridges=(), windows=())
LIMIT = 900


def two_nodes() -> None:
    """From here on, guests have two NUMA nodes."""
    one_node = qemu.arguments

    def arguments(machine: qemu.Machine) -> list[str]:
        result = one_node(machine)
        for node in range(2):
            result += ["-object", f"memory-backend-ram,id=node{node},"
                                  f"size={machine.memory_mib // 2}M",
                       "-numa", f"node,nodeid={node},cpus={node},memdev=node{node}"]
        return result

    qemu.arguments = arguments


def prepare(guest: Guest, kernel: str, tests: Path) -> None:
    """Put the mock-up in the place of the modules that it replaces, and the tests into the guest."""
    version = guest.check("uname -r").strip()
    built = kernelbuild.built(guest.assets.cache, guest.assets.apt, kernel)
    guest.push(built / "mock", f"/usr/lib/modules/{version}/updates")
    guest.check("modprobe -ra cxl_acpi cxl_pmem cxl_pci cxl_mem cxl_port dax_cxl cxl_core; "
                "depmod -a; ! lsmod | grep -q ^cxl_core", 60)
    guest.push(tests, PLACE)


def run(template: Guest, kernel: str, tests: Path) -> dict[str, str]:
    """Results of all tests on a kernel."""
    options = dataclasses.replace(template.options, kernel=kernel, topology=NO_CXL.name, bare=True,
                                  boot=True, memory_mib=MEMORY_MIB, kernel_arguments=(PMEM,))
    results: dict[str, str] = {}
    with Guest(template.assets, options) as guest:
        prepare(guest, kernel, tests)
        for pattern in TESTS:
            for path in sorted(tests.glob(pattern)):
                guest.check("dmesg -C >/dev/null")
                start = time.monotonic()
                status, output = guest.sh(
                    f"cd {PLACE} && export NDCTL=ndctl DAXCTL=daxctl CXL=cxl && "
                    f"timeout -k 5 {LIMIT} {'bash ' if path.suffix else ''}./{path.name}",
                    LIMIT + 60)
                results[path.name] = RESULTS.get(status, f"fail ({status})")
                print(f"{kernel} {path.name}: {results[path.name]} "
                      f"({time.monotonic() - start:.0f} s)", flush=True)
                if status not in RESULTS:
                    print("\n".join(output.splitlines()[-12:]), flush=True)
                log = [line for line in guest.check("dmesg").splitlines()
                       if "Call Trace" in line or "WARNING" in line or "BUG" in line]
                if log:
                    print("\n".join(log), flush=True)
    return results


def main(guest: Any) -> int:
    """Run the tests on both kernels; the status is 0 when patched does all that unpatched does."""
    tests = Path(os.environ["NDCTL_TESTS"])
    TOPOLOGIES[NO_CXL.name] = NO_CXL
    qemu.CPU["tcg"] = CPU
    two_nodes()
    old, new = (run(guest, kernel, tests) for kernel in KERNELS)
    worse = [name for name in old if old[name] == "pass" and new[name] != "pass"]
    print(f"| test | {' | '.join(KERNELS)} |\n|---|---|---|")
    for name in old:
        print(f"| {name} | {old[name]} | {new[name]} |")
    print(f"worse on {KERNELS[1]}: {', '.join(worse) or 'nothing'}")
    return 1 if worse else 0
