# SPDX-License-Identifier: GPL-2.0
"""Runs ndctl's own tests of CXL and device-dax on unpatched and patched, and compares.

    NDCTL_TESTS=…/ndctl-81/test ./lab run --bare --kernel patched --script kernel/ndctl/run.py

The directory is `test` of the source of Debian's ndctl. The programs are Debian's, as installed in
the guest; the CXL hardware is the kernel's own mock-up, tools/testing/cxl, built with each of the
kernels. The guest that the lab started is not used: the mock-up needs two NUMA nodes.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

from lab import kernelbuild, qemu
from lab.guest import Guest

KERNELS = ("unpatched", "patched")
PLACE = "/opt/ndctl"
RESULTS = {0: "pass", 77: "skip"}
TESTS = ("cxl-*.sh", "daxctl-create.sh")
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


def run(template: Guest, kernel: str, tests: Path) -> dict[str, str]:
    """Results of all tests on a kernel."""
    options = dataclasses.replace(template.options, kernel=kernel, topology="slots", bare=True,
                                  boot=True, memory_mib=4096)
    results: dict[str, str] = {}
    with Guest(template.assets, options) as guest:
        version = guest.check("uname -r").strip()
        built = kernelbuild.built(template.assets.cache, template.assets.apt, kernel)
        guest.push(built / "mock", f"/usr/lib/modules/{version}/updates")
        guest.check("modprobe -r cxl_acpi cxl_pmem cxl_pci cxl_mem cxl_port cxl_core; depmod -a", 60)
        guest.push(tests, PLACE)
        for pattern in TESTS:
            for path in sorted(tests.glob(pattern)):
                guest.check("dmesg -C >/dev/null")
                start = time.monotonic()
                status, output = guest.sh(
                    f"cd {PLACE} && export NDCTL=ndctl DAXCTL=daxctl CXL=cxl && "
                    f"timeout -k 5 {LIMIT} bash ./{path.name}", LIMIT + 60)
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
    two_nodes()
    old, new = (run(guest, kernel, tests) for kernel in KERNELS)
    worse = [name for name in old if old[name] == "pass" and new[name] != "pass"]
    print(f"| test | {' | '.join(KERNELS)} |\n|---|---|---|")
    for name in old:
        print(f"| {name} | {old[name]} | {new[name]} |")
    print(f"worse on {KERNELS[1]}: {', '.join(worse) or 'nothing'}")
    return 1 if worse else 0
