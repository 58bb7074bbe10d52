# SPDX-License-Identifier: GPL-2.0
"""Runs ndctl's own tests of CXL and device-dax on unpatched and patched, and compares.

    NDCTL_SOURCE=…/ndctl-81 ./lab run --bare --kernel patched --script kernel/ndctl/run.py

The directory is the source of Debian's ndctl. The programs are Debian's, as installed in the guest;
the CXL hardware is the kernel's own mock-up, tools/testing/cxl, built with each of the kernels. The
guest that the lab started is not used: the mock-up needs two NUMA nodes, and a machine that has no
CXL of its own, or the kernel takes both for one hierarchy. The tests that are programs (device-dax,
dax-dev) are built from the source: they need persistent memory that is no mock-up, which the kernel
makes of a part of the guest's memory (memmap=), and run with a clock that is slower, because
device-dax takes memory that an emulated processor reads for memory that is not cached.

NDCTL_ONLY=NAME,… runs some of them, NDCTL_KERNELS=NAME,… on some of the kernels.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from lab import chroot, kernelbuild, qemu, roots
from lab.assets import Assets
from lab.errors import GuestError
from lab.guest import Guest
from lab.topologies import TOPOLOGIES, Topology

KERNELS = tuple(os.environ.get("NDCTL_KERNELS", "unpatched,patched").split(","))
PLACE = "/opt/ndctl"
RESULTS = {0: "pass", 77: "skip"}
DIED = "the guest hung or died"
TESTS = ("cxl-*.sh", "daxctl-*.sh", "dax-dev", "device-dax")
PROGRAMS = ("dax-dev", "device-dax")
# What ndctl is built with, and what its tests want and the lab's guests do not have.
PACKAGES = ("gcc", "libc6-dev", "meson", "ninja-build", "pkgconf", "libkmod-dev", "libudev-dev",
            "uuid-dev", "libjson-c-dev", "libiniparser-dev", "systemd-dev", "bash-completion",
            "uuid-runtime", "libfaketime")
BROUGHT = {"usr/bin/uuidgen": "/usr/bin/uuidgen",
           "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1": f"{PLACE}/libfaketime.so.1"}
OPTIONS = ("docs", "asciidoctor", "libtracefs", "systemd", "keyutils")
# A hundredth of the time that has passed.
SLOW_CLOCK = f"LD_PRELOAD={PLACE}/libfaketime.so.1 FAKETIME='+0 x0.01'"
CPU = "Nehalem,-hypervisor,+pdpe1gb"
# Memory lies at 0 to 2 GiB and at 4 to 10 GiB, half of it on each node.
MEMORY_MIB = 8192
PMEM = "memmap=3G!7G"
# There is no memory behind the mock-up's addresses: a kernel that brings it online dies of it sooner or later.
OFFLINE = "memhp_default_state=offline"
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


def tools(assets: Assets) -> Path:
    """A root with PACKAGES."""
    inputs = {"version": 1, "sources": assets.apt.mirror.lines(roots.SUITES),
              "packages": PACKAGES, "points": roots.TOOLS_POINTS, "trim": roots.TRIM}

    def build(entry: Path) -> None:
        root = entry / "root"
        root.mkdir()
        roots.mmdebstrap(root, assets.apt.lines(), PACKAGES, "apt", roots.TRIM,
                         "making the root that builds ndctl")
        for point in roots.TOOLS_POINTS:
            (root / point).mkdir(exist_ok=True)

    return assets.cache.step("ndctl-tools", inputs, build, need_mib=900) / "root"


def collect(assets: Assets, source: Path, place: Path) -> None:
    """Fill a directory with the tests of ndctl's source, the programs among them built."""
    root = tools(assets)
    shutil.copytree(source / "test", place, dirs_exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cxlmem-ndctl-") as name:
        build = Path(name)
        binds = {"/src": (source, False), "/build": (build, True)}
        chroot.check(root, ["meson", "setup", "/build", "/src", "-Ddefault_library=static",
                            "-Dtest=enabled", "-Diniparserdir=/usr/include/iniparser",
                            *(f"-D{option}=disabled" for option in OPTIONS)], binds=binds)
        chroot.check(root, ["meson", "compile", "-C", "/build", *PROGRAMS], binds=binds)
        for program in PROGRAMS:
            shutil.copy(build / "test" / program, place)


def prepare(guest: Guest, kernel: str, tests: Path) -> None:
    """Put the mock-up in the place of the modules that it replaces, and the tests into the guest."""
    version = guest.check("uname -r").strip()
    built = kernelbuild.built(guest.assets.cache, guest.assets.apt, kernel)
    guest.push(built / "mock", f"/usr/lib/modules/{version}/updates")
    guest.check("modprobe -ra cxl_acpi cxl_pmem cxl_pci cxl_mem cxl_port dax_cxl cxl_core; "
                "depmod -a; ! lsmod | grep -q ^cxl_core", 60)
    guest.push(tests, PLACE)
    root = tools(guest.assets)
    for path, target in BROUGHT.items():
        guest.push((root / path).resolve(), target)


def wanted(tests: Path) -> list[Path]:
    """The tests to run, in their order."""
    only = os.environ.get("NDCTL_ONLY")
    found = [path for pattern in TESTS for path in sorted(tests.glob(pattern))]
    return [path for path in found if not only or path.name in only.split(",")]


def run_test(guest: Guest, path: Path) -> tuple[str, str]:
    """How a test ended, and what is to be said about it."""
    how = "bash" if path.suffix else f"env {SLOW_CLOCK}"
    try:
        guest.check("dmesg -C >/dev/null")
        status, output = guest.sh(f"cd {PLACE} && export NDCTL=ndctl DAXCTL=daxctl CXL=cxl && "
                                  f"timeout -k 5 {LIMIT} {how} ./{path.name}", LIMIT + 60)
        log = [line for line in guest.check("dmesg").splitlines()
               if "Call Trace" in line or "WARNING" in line or "BUG" in line]
    except GuestError as error:
        return DIED, "\n".join([str(error), *guest.console().splitlines()[-40:]])
    story = [] if status in RESULTS else output.splitlines()[-12:]
    return RESULTS.get(status, f"fail ({status})"), "\n".join(story + log)


def run(template: Guest, kernel: str, tests: Path) -> dict[str, str]:
    """Results of all tests on a kernel; who kills it costs a guest."""
    options = dataclasses.replace(template.options, kernel=kernel, topology=NO_CXL.name, bare=True,
                                  boot=True, memory_mib=MEMORY_MIB,
                                  kernel_arguments=(PMEM, OFFLINE))
    results: dict[str, str] = {}
    left = wanted(tests)
    while left:
        with Guest(template.assets, options) as guest:
            prepare(guest, kernel, tests)
            while left:
                path = left.pop(0)
                start = time.monotonic()
                results[path.name], story = run_test(guest, path)
                print(f"{kernel} {path.name}: {results[path.name]} "
                      f"({time.monotonic() - start:.0f} s)", flush=True)
                if story:
                    print(story, flush=True)
                if results[path.name] == DIED:
                    break
    return results


def main(guest: Any) -> int:
    """Run the tests on the kernels; the status is 0 when the last does all that the first does."""
    source = Path(os.environ["NDCTL_SOURCE"])
    TOPOLOGIES[NO_CXL.name] = NO_CXL
    qemu.CPU["tcg"] = CPU
    two_nodes()
    with tempfile.TemporaryDirectory(prefix="cxlmem-ndctl-") as name:
        collect(guest.assets, source, Path(name))
        found = {kernel: run(guest, kernel, Path(name)) for kernel in KERNELS}
    print(f"| test | {' | '.join(KERNELS)} |\n|---|{'---|' * len(KERNELS)}")
    for name in found[KERNELS[0]]:
        print(f"| {name} | {' | '.join(results[name] for results in found.values())} |")
    if len(KERNELS) == 1:
        return 0
    old, new = found[KERNELS[0]], found[KERNELS[-1]]
    worse = [name for name in old if old[name] == "pass" and new[name] != "pass"]
    print(f"worse on {KERNELS[-1]}: {', '.join(worse) or 'nothing'}")
    return 1 if worse else 0
