# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU: its command line for a topology, and the process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import GuestError
from .topologies import Card, Speed, Topology

MEMORY_MIB = 2048
PROCESSORS = 2
GUEST_ADDRESS = "10.0.2.15"       # what QEMU's own network calls its guest
# Room for the windows above the guest's own memory. That it is set also makes QEMU describe
# NUMA nodes, without which the kernel gives the windows none.
MAXMEM_GIB = 32
# Of the guest's own memory, where firmware tells.
LOCAL_SPEED = Speed(80, 90, 40960, 20480)
# The hypervisor bit is hidden: with it the kernel refuses to commit a region ("Failed to
# synchronize CPU cache state").
CPU = {"tcg": "Nehalem,-hypervisor", "kvm": "max,-hypervisor"}
ACCEL = {"tcg": "tcg,thread=multi,tb-size=256", "kvm": "kvm"}
# Each instruction takes a nanosecond of the guest's time, on whichever of its processors; what it waits for
# with nothing to do takes the host's time.
COUNTED = ("-accel", "tcg,thread=single,tb-size=256", "-icount", "shift=0,sleep=on")
# Kernel messages go to the serial console, which is kept in a file. Nothing here says how the
# kernel should online new memory: the product has to cope with what a machine does by itself.
KERNEL_ARGUMENTS = ("console=ttyS0", "panic=-1", "rw", "tsc=reliable", "no_timer_check",
                    "mitigations=off", "random.trust_cpu=on", "cryptomgr.notests",
                    "audit=0", "nokaslr", "lsm=landlock,yama", "systemd.show_status=0")


@dataclass
class Machine:
    """Everything that is on one QEMU command line."""
    topology: Topology
    vmlinux: Path
    initrd: Path
    layers: list[Path]
    disk: Path
    directory: Path
    accel: str = "tcg"
    counted: bool = False           # the guest's clock counts its instructions
    cards: list[Card] = field(default_factory=list)
    kernel_arguments: tuple[str, ...] = ()
    memory_mib: int = MEMORY_MIB
    incoming: Path | None = None    # a snapshot to start from
    patience: float = 1.0           # how much slower than others its kernel may be
    hold: bool = False              # leave the CXL hardware alone, for a snapshot
    ports: tuple[int, ...] = ()     # of the guest, that this machine can connect to

    @property
    def console(self) -> Path:
        """The log of the serial console; a restarted machine goes on in the same file."""
        return self.directory / "console.log"


def backend(card: Card, backend_id: str) -> dict[str, object]:
    """Memory of a card as an object of QEMU's."""
    return {"qom-type": "memory-backend-ram", "id": backend_id, "size": card.mib << 20,
            "share": True}


def network_arguments(ports: tuple[int, ...]) -> list[str]:
    """For a guest whose `ports` can be reached over 127.0.0.1; no network when there are none.

    QEMU is the other end. Nothing of the guest gets out (`restrict`), and QEMU takes port numbers
    that are free: network.find_port() asks for them.
    """
    if not ports:
        return []
    forward = "".join(f",hostfwd=tcp:127.0.0.1:0-{GUEST_ADDRESS}:{port}" for port in ports)
    return ["-netdev", f"user,id=net,restrict=on{forward}",
            "-device", "virtio-net-pci,bus=pcie.0,addr=5,netdev=net,romfile="]


def hmat_arguments(topology: Topology, memory_mib: int) -> list[str]:
    """What firmware tells about speed: nothing at all when it tells it of no bridge.

    Node 0 has processors and memory, each bridge a node with neither.
    """
    told = [bridge for bridge in topology.bridges if bridge.speed]
    if not told:
        return []
    result = ["-M", "hmat=on", "-object", f"memory-backend-ram,id=ram,size={memory_mib}M",
              "-numa", f"node,nodeid=0,cpus=0-{PROCESSORS - 1},memdev=ram"]
    for node, bridge in enumerate(told, 1):
        result += ["-numa", f"node,nodeid={node}",
                   "-object", f"acpi-generic-port,id=gp{node},pci-bus={bridge.name},node={node}"]
    for node, speed in enumerate((LOCAL_SPEED, *(bridge.speed for bridge in told))):
        for what, value in asdict(speed).items():
            kind = what.replace("_", "-")
            number = f"latency={value}" if kind.endswith("latency") else f"bandwidth={value}M"
            result += ["-numa", f"hmat-lb,initiator=0,target={node},hierarchy=memory,"
                                f"data-type={kind},{number}"]
    return result


def topology_arguments(topology: Topology, cards: list[Card]) -> list[str]:
    """Bridges, ports, switches, windows and cards as command line arguments."""
    result: list[str] = []
    chassis_slot = 1
    for bridge in topology.bridges:
        decoders = ",hdm_for_passthrough=on" if bridge.decoders else ""
        result += ["-device", f"pxb-cxl,bus_nr={bridge.bus},bus=pcie.0,id={bridge.name}{decoders}"]
        for number, port in enumerate(bridge.ports):
            result += ["-device", f"cxl-rp,port={number},bus={bridge.name},id={port},"
                                  f"chassis=0,slot={chassis_slot}"]
            chassis_slot += 1
    for switch in topology.switches:
        result += ["-device", f"cxl-upstream,bus={switch.port},id={switch.name}"]
        for number, port in enumerate(switch.ports()):
            result += ["-device", f"cxl-downstream,port={number},bus={switch.name},id={port},"
                                  f"chassis=0,slot={chassis_slot}"]
            chassis_slot += 1
    for card in cards:
        result += ["-object", f"memory-backend-ram,id=mem-{card.name},size={card.mib}M,share=on",
                   "-device", f"cxl-type3,bus={card.port},volatile-memdev=mem-{card.name},"
                              f"id={card.name},sn={card.serial}"]
    parts: list[str] = []
    for number, window in enumerate(topology.windows):
        parts += [f"cxl-fmw.{number}.targets.{index}={name}"
                  for index, name in enumerate(window.bridges)]
        parts.append(f"cxl-fmw.{number}.size={window.mib}M")
        if window.granularity:
            parts.append(f"cxl-fmw.{number}.interleave-granularity={window.granularity}")
    # All in one option: QEMU takes a list that is split over several for a mistake.
    return [*result, "-M", ",".join(parts)] if parts else result


def arguments(machine: Machine) -> list[str]:
    """The command line after the program's name."""
    directory = machine.directory
    result = [
        "-action", "reboot=shutdown",  # a panic is seen at once; and see Guest.reboot()
        "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none",
        "-name", f"cxlmem-{machine.topology.name}",
        "-M", "q35,cxl=on,graphics=off,vmport=off,smm=off,i8042=off",
        *(COUNTED if machine.counted else ("-accel", ACCEL[machine.accel])),
        "-cpu", CPU[machine.accel], "-smp", str(PROCESSORS),
        "-m", f"{machine.memory_mib}M,slots=8,maxmem={MAXMEM_GIB}G",
        "-kernel", str(machine.vmlinux), "-initrd", str(machine.initrd),
        "-append", " ".join((*KERNEL_ARGUMENTS, *machine.kernel_arguments)),
        "-qmp", f"unix:{directory / 'qmp'},server=on,wait=off",
        "-chardev", f"file,id=console,path={machine.console},append=on",
        "-serial", "chardev:console",
        "-device", "virtio-serial-pci,bus=pcie.0,addr=3,id=ports",
        "-chardev", f"socket,id=agent,path={directory / 'agent'},server=on,wait=off",
        "-device", "virtserialport,bus=ports.0,chardev=agent,name=cxlmem.agent",
        "-device", "virtio-rng-pci,bus=pcie.0,addr=4",
    ]
    for number, layer in enumerate(machine.layers):
        result += ["-drive", f"if=none,id=layer{number},file={layer},format=raw,readonly=on",
                   "-device", f"virtio-blk-pci,bus=pcie.0,addr={8 + number:x},"
                              f"drive=layer{number},serial=layer{number}"]
    # cache=unsafe: what the guest wrote survives QEMU's end in the host's page cache, what it
    # kept to itself does not. That is all a power cut needs, and no flush reaches the host's disk.
    result += ["-drive", f"if=none,id=upper,file={machine.disk},format=raw,cache=unsafe",
               "-device", "virtio-blk-pci,bus=pcie.0,addr=10,drive=upper,"
                          f"serial={'upper-hold' if machine.hold else 'upper'}"]
    result += network_arguments(machine.ports)
    result += hmat_arguments(machine.topology, machine.memory_mib)
    result += topology_arguments(machine.topology, machine.cards)
    if machine.incoming:
        result += ["-incoming", f"file:{machine.incoming}"]
    return result


def program(tools: Path) -> tuple[list[str], dict[str, str]]:
    """How to start the tools root's QEMU on this host: its own loader, libraries, firmware.

    Unlike in a chroot, all paths on the command line are the host's.
    """
    libraries = tools / "usr/lib/x86_64-linux-gnu"
    share = tools / "usr/share"
    argv = [str(tools / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", str(libraries),
            str(tools / "usr/bin/qemu-system-x86_64"),
            "-L", str(share / "qemu"), "-L", str(share / "seabios")]
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("LD_", "QEMU_"))}
    environment["QEMU_MODULE_DIR"] = str(libraries / "qemu")
    return argv, environment


class Spawner:
    """Starts processes that die with the lab.

    The kernel sends the death signal when the *thread* that forked ends, so all are started
    by one thread that lives as long as the process.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
        self._children: list[subprocess.Popen] = []
        self._stopped = False

    def start(self, argv: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
        """Start a program; its output goes to `log`."""
        return self._pool.submit(self._start, argv, environment, log).result()

    def stop(self) -> None:
        """End everything that was started, and start nothing any more."""
        self._pool.submit(self._stop).result()

    def _start(self, argv: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
        if self._stopped:
            raise GuestError("the lab is being stopped")
        with open(log, "ab") as output:
            child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv], env=environment,
                                     stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=subprocess.STDOUT, start_new_session=True)
        self._children = [old for old in self._children if old.poll() is None] + [child]
        return child

    def _stop(self) -> None:
        self._stopped = True
        for child in self._children:
            if child.poll() is None:
                child.kill()


class Process:
    """One running QEMU."""

    def __init__(self, spawner: Spawner, tools: Path, machine: Machine):
        self.machine = machine
        self.log = machine.directory / "qemu.log"
        for name in ("qmp", "agent"):
            (machine.directory / name).unlink(missing_ok=True)
        argv, environment = program(tools)
        self._child = spawner.start([*argv, *arguments(machine)], environment, self.log)
        self._wait_sockets()

    def _wait_sockets(self, timeout: float = 30) -> None:
        end = time.monotonic() + timeout
        wanted = [self.machine.directory / name for name in ("qmp", "agent")]
        while not all(path.exists() for path in wanted):
            if not self.alive() or time.monotonic() > end:
                self.kill()
                raise GuestError(f"QEMU did not start: {self.last_words()}")
            time.sleep(0.02)

    def last_words(self) -> str:
        """The end of what QEMU itself printed."""
        text = self.log.read_text(encoding="utf-8", errors="replace").strip()
        return text[-2000:] or "it said nothing"

    def alive(self) -> bool:
        """Whether QEMU runs."""
        return self._child.poll() is None

    def wait(self, timeout: float) -> bool:
        """Wait for QEMU to end by itself; returns whether it did."""
        try:
            self._child.wait(timeout)
            return True
        except subprocess.TimeoutExpired:
            return False

    def kill(self) -> None:
        """End QEMU as a power cut would."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGKILL)
        self._child.wait()
