# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who and what is in the way of memory that is to go, by process and size."""

from __future__ import annotations

import json
import re

from guest.machine import Machine
from lab.testing import expect_kernel_log

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)
PIN = "/usr/libexec/cxlmem-tests/cxlmem-pin"
# What the kernel says of pages that it cannot move.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
MIB = 1 << 20
POOL = "/sys/devices/system/node/node{}/hugepages/hugepages-2048kB/nr_hugepages"


def _region(machine: Machine, options: str = "") -> tuple[str, int]:
    machine.ctl(f"create {options} {machine.cards()[0]}")
    name = machine.regions()[0]["region"]
    return name, machine.dax(name)["target_node"]


def _start(guest, kind: str, node: int, size: str) -> int:
    guest.check(f"setsid {PIN} {kind} {node} {size} > /run/{kind} 2>&1 & echo $! > /run/{kind}.pid")
    guest.wait_for(f"grep -q ready /run/{kind}", timeout=60)
    return int(guest.check(f"cat /run/{kind}.pid"))


def _stop(guest, pid: int) -> None:
    guest.check(f"kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done")


def _blockers(machine: Machine, name: str) -> dict:
    return json.loads(machine.ctl(f"blockers {name} --json"))


def _process(blockers: dict, pid: int) -> dict:
    found = [process for process in blockers["processes"] if process["pid"] == pid]
    assert found, f"process {pid} is not in {blockers}"
    return found[0]


def _sum(blockers: dict, kind: str) -> int:
    return sum(block.get(kind, 0) for block in blockers["blocks"])


def test_kinds_in_movable_memory(guest):
    """mlock, a pipe, pages that only a pipe has, hugetlb: each by process and size, or by block."""
    machine = Machine(guest)
    name, node = _region(machine)
    before = _blockers(machine, name)
    assert not before["processes"] and before["node"] == node, before
    assert "nothing" in machine.ctl(f"blockers {name}") or before["blocks"]

    pid = _start(guest, "mlock", node, "2M")
    seen = _blockers(machine, name)
    process = _process(seen, pid)
    assert process["name"] == "cxlmem-pin" and process["bytes"] == 2 * MIB, process
    assert process["locked"] == 2 * MIB and _sum(seen, "locked") == 2 * MIB, seen
    text = machine.ctl(f"blockers node{node}")
    assert re.search(rf"cxlmem-pin \(pid {pid}\): 2M on node {node}.*2M locked", text), text
    _stop(guest, pid)

    pid = _start(guest, "vmsplice", node, "64K")
    assert _process(_blockers(machine, name), pid)["bytes"] == 64 << 10
    _stop(guest, pid)

    pid = _start(guest, "unmapped", node, "64K")
    seen = _blockers(machine, name)
    assert _sum(seen, "held") == 64 << 10, seen
    assert not [p for p in seen["processes"] if p["pid"] == pid], seen
    _stop(guest, pid)

    guest.check(f"echo 2 > {POOL.format(node)}")
    pid = _start(guest, "hugetlb", node, "4M")
    seen = _blockers(machine, name)
    assert _process(seen, pid)["huge"] == 4 * MIB and _sum(seen, "huge") == 4 * MIB, seen
    _stop(guest, pid)
    guest.check(f"echo 0 > {POOL.format(node)}")
    machine.ctl(f"destroy {name}")


@expect_kernel_log(REFUSAL)
def test_named_while_it_runs(guest):
    """An offline that a pipe holds up says who it is and how far it is, to who waits and to who asks."""
    machine = Machine(guest)
    name, node = _region(machine)
    pid = _start(guest, "vmsplice", node, "64K")
    start = int(guest.check("date +%s%N"))
    operation = guest.run_async(f"cxlmemctl offline {name}")
    try:
        # Some kernels give up by themselves after a few seconds.
        guest.wait_for(f"cxlmemctl blockers {name} --json | grep -q '\"pid\": *{pid}'", timeout=60)
        seconds = (int(guest.check("date +%s%N")) - start) / 1e9
        print(f"{guest.options.kernel}: named {seconds:.2f} s after the offline was asked for")
        size = machine.region(name)["size"]
        guest.wait_for(f"busctl get-property org.cxlmem1 /org/cxlmem1/operation/{_last(machine)} "
                       f"org.cxlmem1.Operation Progress | grep -q ' {size}$'", timeout=10)
        status = None
        try:
            status = operation.wait(timeout=15)
        except Exception:  # the kernel retries for ever on some versions: then it is cancelled
            machine.ctl(f"cancel {_last(machine)}")
            status = operation.wait(timeout=60)
        assert status in (1, 4), (status, operation.output)
        line = rf"in the way: cxlmem-pin \(pid {pid}\): \d+K on node {node}"
        assert re.search(line, operation.output), operation.output
    finally:
        _stop(guest, pid)
    machine.ctl(f"destroy {name}")


def _last(machine: Machine) -> int:
    return max(int(line.split()[0]) for line in machine.ctl("operations").splitlines()[1:])


def test_devdax(guest):
    """Open and mapped devices by process; the kernel's own count only where it counts."""
    machine = Machine(guest)
    name, _ = _region(machine, "--mode devdax")
    path = "/dev/" + machine.dax(name)["chardev"]
    guest.check(f"setsid sleep 1000 < {path} > /dev/null 2>&1 & echo $! > /run/open.pid")
    pid = int(guest.check("cat /run/open.pid"))
    seen = _blockers(machine, name)
    assert _process(seen, pid)["open"] and "active" not in seen, seen
    text = machine.ctl(f"blockers {name}")
    assert f"sleep (pid {pid}) has {machine.dax(name)['chardev']} open" in text, text
    assert "does not say" in text, text
    _stop(guest, pid)
    machine.ctl(f"destroy {name}")
    machine.refused("blockers region77", "region77", "list regions")


def test_fixed_buffers(guest):
    """io_uring's fixed buffers: the kernel moves them out of movable memory, elsewhere they are pinned."""
    machine = Machine(guest)
    name, node = _region(machine, "--zone kernel --size 256M")
    pid = _start(guest, "io_uring", node, "1M")
    seen = _blockers(machine, name)
    process = _process(seen, pid)
    assert process["bytes"] == MIB and process["pinned"] == MIB, process
    text = machine.ctl(f"blockers {name}")
    assert re.search(rf"cxlmem-pin \(pid {pid}\): 1M on node {node}; in all 1M pinned", text), text
    _stop(guest, pid)
    # The kernel may have put pages of its own there, and then it stays until the machine is started anew.
    machine.ctl("forget all")
    guest.power_cut()
