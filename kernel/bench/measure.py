# SPDX-License-Identifier: GPL-2.0
"""Measures the series: patched against unpatched, in turns, and prints a table.

    ./lab run --bare --kernel unpatched --script kernel/bench/measure.py

Both kernels have the same configuration. The guest that the lab started is not used: two of its
own have a processor with 1 GiB pages and run side by side, one measuring at a time.
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
ROUNDS = 5
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
FAULTS = ((4 * KIB, 64 * MIB, 11), (2 * MIB, 256 * MIB, 31), (GIB, GIB, 101))


class Machine:
    """A guest with a card of 2 GiB whose memory is a device-dax."""

    def __init__(self, template: Guest, kernel: str):
        self.kernel = kernel
        options = dataclasses.replace(template.options, kernel=kernel, topology="slots", bare=True,
                                      boot=True, kernel_arguments=("memhp_default_state=offline",))
        self.guest = Guest(template.assets, options)
        card = self.guest.plug("card", "rp0", size="2G")
        self.device = Devdax(self.guest, card=card)
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
            self.note(f"{name} order {order}: activate, ns", float(activate))
            self.note(f"{name} order {order}: release, ns", float(release))

    def faults(self) -> None:
        """Page faults per second, and what an unmap takes."""
        device = self.device
        device.unbind()
        start = int(device.attribute("resource"), 16)
        end = start + 2 * GIB - 1
        first = -(-start // GIB) * GIB
        for size, length, rounds in FAULTS:
            self.guest.check(f"""
                echo 0 >{device.sysfs}/size && echo 4096 >{device.sysfs}/align &&
                echo {first:x}-{first + GIB - 1:x} >{device.sysfs}/mapping""")
            device.set_align(size)
            output = device.program("dax_bench", device.node, length, size, rounds)
            fault, unmap = map(float, re.findall(r"([\d.]+) ns each", output))
            self.note(f"fault of {size // KIB} KiB, per second", 1e9 / fault)
            self.note(f"unmap of {size // KIB} KiB, ns", unmap)
            device.unbind()
        self.guest.check(f"echo 0 >{device.sysfs}/size && echo 4096 >{device.sysfs}/align && "
                         f"echo {start:x}-{end:x} >{device.sysfs}/mapping")
        device.set_align(4096)

    def binding(self) -> None:
        """Map and unmap the device, at each alignment."""
        device = self.device
        driver = "/sys/bus/dax/drivers/device_dax"
        for align in (4 * KIB, 2 * MIB):
            device.set_align(align)
            output = self.guest.check(f"""
                free() {{ awk '/^nr_memmap_pages /{{ print $2 }}' /proc/vmstat; }}
                echo {device.name} >{driver}/unbind
                a=$(free); t0=$(date +%s%N)
                echo {device.name} >{driver}/bind
                t1=$(date +%s%N); b=$(free)
                echo {device.name} >{driver}/unbind
                t2=$(date +%s%N)
                echo {device.name} >{driver}/bind
                echo $((t1-t0)) $((t2-t1)) $((b-a))""")
            mapped, unmapped, pages = map(int, output.split())
            self.note(f"map 2 GiB, aligned to {align // KIB} KiB, ms", mapped / 1e6)
            self.note(f"unmap 2 GiB, aligned to {align // KIB} KiB, ms", unmapped / 1e6)
            self.note(f"struct pages of 2 GiB, aligned to {align // KIB} KiB, KiB", pages * 4)


def table(machines: list[Machine]) -> str:
    """The medians, as Markdown."""
    lines = ["| | unpatched | patched |", "|---|---|---|"]
    names = list(dict.fromkeys(name for machine in machines for name in machine.results))
    for name in names:
        cells = []
        for machine in machines:
            values = machine.results.get(name)
            cells.append(f"{statistics.median(values):,.0f}" if values else "—")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(guest: Any) -> None:
    """Measure both kernels and print the table."""
    qemu.CPU["tcg"] = CPU
    machines = [Machine(guest, kernel) for kernel in KERNELS]
    try:
        for number in range(ROUNDS):
            for machine in machines:
                print(f"round {number + 1} of {ROUNDS}: {machine.kernel}", file=sys.stderr)
                machine.activation()
                machine.faults()
                machine.binding()
        print(table(machines))
    finally:
        for machine in machines:
            machine.guest.close()
