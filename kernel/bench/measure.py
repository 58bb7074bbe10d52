# SPDX-License-Identifier: GPL-2.0
"""Measures the series: patched against unpatched, in turns, and prints two tables.

    ./lab run --bare --kernel unpatched --topology slots --script kernel/bench/measure.py

Both kernels have the same configuration. The guest that the lab started is not used: two of its
own have a processor with 1 GiB pages and run side by side, one measuring at a time. The first
table is time, and a ratio is the median of those of the rounds. On a machine that has other
things to do, a second table says more: QEMU counts instructions (-icount) and the guest's clock
is that counter, so that a nanosecond there is an instruction of the guest.
"""

from __future__ import annotations

import dataclasses
import re
import statistics
import sys
from typing import Any

from guest.kernel_guest import Devdax
from lab import qemu
from lab.guest import Guest

KERNELS = ("unpatched", "patched")
CPU = "Nehalem,-hypervisor,+pdpe1gb"
ROUNDS = 7
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# page size, length of the mapping, times that it is mapped
FAULTS = ((4 * KIB, 64 * MIB, 5), (2 * MIB, 512 * MIB, 41), (GIB, GIB, 101))
BINDINGS = 3


class Machine:
    """A guest with a card of 2 GiB whose memory is a device-dax."""

    def __init__(self, template: Guest, kernel: str):
        self.kernel = kernel
        options = dataclasses.replace(template.options, kernel=kernel, topology="slots", bare=True,
                                      boot=True, kernel_arguments=("memhp_default_state=offline",))
        self.guest = Guest(template.assets, options)
        card = self.guest.plug("card", "rp0", size="2G", wait=300)
        self.device = Devdax(self.guest, card=card)
        self.device.unbind()
        # Else it does something whenever a device comes and goes.
        self.guest.check("systemctl stop systemd-udevd-kernel.socket systemd-udevd-control.socket "
                         "systemd-udevd.service")
        self.start = int(self.device.attribute("resource"), 16)
        self.results: dict[str, list[float]] = {}

    def note(self, what: str, value: float) -> None:
        """Keep a result of this round."""
        self.results.setdefault(what, []).append(value)

    def activation(self) -> None:
        """Activate and release, in the kernel."""
        guest = self.guest
        guest.check("dmesg -C >/dev/null; modprobe pgmap_bench 2>/dev/null; true", 600)
        for name, order, activate, release in re.findall(
                r"(\w+) order (\d+) activate (\d+) release (\d+) ns", guest.check("dmesg")):
            self.note(f"{name}(), order {order}: activate", float(activate))
            self.note(f"{name}(), order {order}: release", float(release))

    def place(self, first: int, size: int) -> None:
        """Let the device begin at an address; it is not bound."""
        sysfs = self.device.sysfs
        self.guest.check(f"echo 0 >{sysfs}/size && echo 4096 >{sysfs}/align && "
                         f"echo {first:x}-{first + size - 1:x} >{sysfs}/mapping")

    def faults(self) -> None:
        """What a page fault takes, and an unmap."""
        aligned = -(-self.start // GIB) * GIB
        self.place(aligned, GIB)
        for size, length, rounds in FAULTS:
            self.device.set_align(size)
            output = self.device.program("dax_bench", self.device.node, length, size, rounds)
            fault, unmap = map(float, re.findall(r"([\d.]+) ns each", output))
            self.note(f"page fault, {text(size)}", fault)
            self.note(f"unmap of a page of {text(size)}", unmap)
            self.device.unbind()
        self.place(self.start, 2 * GIB)

    def binding(self) -> None:
        """Map and unmap the device, at each alignment."""
        device = self.device
        driver = "/sys/bus/dax/drivers/device_dax"
        for align in (4 * KIB, 2 * MIB):
            device.set_align(align)
            device.unbind()
            output = self.guest.check(f"""
                for i in $(seq {BINDINGS}); do
                    t0=$(date +%s%N)
                    echo {device.name} >{driver}/bind
                    t1=$(date +%s%N)
                    echo {device.name} >{driver}/unbind
                    t2=$(date +%s%N)
                    echo $((t1-t0)) $((t2-t1))
                done""", 300)
            times = [list(map(int, line.split())) for line in output.splitlines()]
            for what, values in zip(("map", "unmap"), zip(*times)):
                self.note(f"{what} a device of 2 GiB, aligned to {text(align)}",
                          statistics.median(values))


def text(size: int) -> str:
    """A page size as people say it."""
    return {4 * KIB: "4 KiB", 2 * MIB: "2 MiB", GIB: "1 GiB"}[size]


def table(machines: list[Machine], unit: str) -> str:
    """The medians of both, and the median of the ratios of the rounds, as Markdown."""
    lines = [f"| {unit} | {' | '.join(KERNELS)} | ratio |", "|---|---|---|---|"]
    for name in dict.fromkeys(name for machine in machines for name in machine.results):
        results = [machine.results.get(name) for machine in machines]
        cells = [f"{statistics.median(values):,.0f}" if values else "—" for values in results]
        ratio = "—"
        if all(results):
            old, new = results
            ratios = [b / a for a, b in zip(old, new)]
            ratio = f"{statistics.median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f})"
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio} |")
    return "\n".join(lines)


def faults_per_second(machines: list[Machine]) -> str:
    """The page faults once more, as rates."""
    lines = [f"| page faults per second | {' | '.join(KERNELS)} |", "|---|---|---|"]
    for size, _, _ in FAULTS:
        name = f"page fault, {text(size)}"
        cells = [f"{1e9 / statistics.median(machine.results[name]):,.0f}" for machine in machines]
        lines.append(f"| {text(size)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def measure(machine: Machine, what: str) -> None:
    """One round on one machine."""
    print(f"{what}: {machine.kernel}", file=sys.stderr)
    machine.faults()
    machine.activation()
    machine.binding()


def in_turns(guest: Guest) -> list[Machine]:
    """Boot both kernels and measure them in turns."""
    machines: list[Machine] = []
    try:
        for kernel in KERNELS:
            machines.append(Machine(guest, kernel))
        for number in range(ROUNDS):
            for machine in machines if number % 2 == 0 else machines[::-1]:
                measure(machine, f"round {number + 1} of {ROUNDS}")
        return machines
    finally:
        for machine in machines:
            machine.guest.close()


def one_by_one(guest: Guest) -> list[Machine]:
    """Boot and measure one kernel after the other: a clock that counts never lets QEMU rest."""
    machines = []
    for kernel in KERNELS:
        machine = Machine(guest, kernel)
        try:
            measure(machine, "instructions")
        finally:
            machine.guest.close()
        machines.append(machine)
    return machines


def count_instructions() -> None:
    """From here on, guests have a clock that counts their instructions."""
    with_threads = qemu.arguments

    def arguments(machine: qemu.Machine) -> list[str]:
        result = with_threads(machine)
        result[result.index("-accel") + 1] = "tcg,thread=single,tb-size=256"
        return [*result, "-icount", "shift=0,sleep=off"]

    qemu.arguments = arguments


def main(guest: Any) -> None:
    """Measure both kernels and print the tables."""
    qemu.CPU["tcg"] = CPU
    machines = in_turns(guest)
    print(table(machines, "nanoseconds"))
    print()
    print(faults_per_second(machines))
    print()
    count_instructions()
    print(table(one_by_one(guest), "instructions"), flush=True)
