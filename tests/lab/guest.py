# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest: one emulated machine that a script or a test works with. See docs/lab.md."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import tarfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Iterator

from . import checkers, disk, kernels, network, ready, rundir, snapshot
from .agent import Agent, Command
from .assets import Assets
from .errors import CommandFailed, GuestError, LabError
from .qemu import MEMORY_MIB, Machine, backend
from .qmp import Qmp
from .ready import SERVICE
from .session import Session
from .sizes import card_mib
from .topologies import Card, TOPOLOGIES
from .webdriver import Browser

BOOT_TIMEOUT = 400.0
COMMAND_TIMEOUT = 120.0
PLUG_TIMEOUT = 60.0
UNPLUG_TIMEOUT = 60.0
BLINK_TIMEOUT = 15.0
COCKPIT_PORT = 9090
# What of a guest with an image can be reached from this machine.
PORTS = {"cockpit": (COCKPIT_PORT,)}
HOT_SERIAL = 0x2001


def _unhurried(patience: float) -> tuple[str, ...]:
    """Kernel arguments that make systemd wait longer than its 90 seconds for what is slow."""
    if patience <= 1:
        return ()
    return tuple(f"systemd.default_{what}_sec={90 * patience:g}"
                 for what in ("timeout_start", "device_timeout"))


@dataclass(frozen=True)
class Options:
    """What kind of guest is wanted."""
    kernel: str
    topology: str
    build: str = "plain"            # which build of the project: plain or asan
    bare: bool = False              # without the project
    kernel_arguments: tuple[str, ...] = ()
    memory_mib: int = MEMORY_MIB
    boot: bool = False              # never start from a snapshot
    counted: bool = False           # its clock counts instructions; such a guest boots
    image: str = "full"             # which Debian: assets.IMAGES


class Guest:
    """A running machine. Use it as a context manager, or call close()."""

    def __init__(self, assets: Assets, options: Options, keep: Path | None = None):
        """Start a guest and wait until it is ready: agent, cards and the service.

        `keep` is a directory that gets the logs when the guest is closed.
        """
        if options.topology not in TOPOLOGIES:
            raise LabError(f"there is no topology {options.topology!r}: "
                           f"choose one of {', '.join(TOPOLOGIES)}")
        self.options = options
        self.topology = TOPOLOGIES[options.topology]
        self.assets = assets
        self.keep = keep
        self.timings: dict[str, float] = {}
        self._transcript: list[str] = []
        self._plugged = 0
        self._cards = {card.name: card for card in self.topology.cards}
        self._devices = {card.name: card.name for card in self.topology.cards}
        self._boot_id = ""
        self._browsers: list[Browser] = []
        self._closed = False
        self._session: Session | None = None
        self.directory = rundir.make()
        try:
            self.machine = self._make_machine()
            self._power_on(first=True)
        except BaseException:
            self.close()
            raise

    def another(self, **changes: Any) -> "Guest":
        """One more guest, of the same kind but for these of its Options; the caller's, close() it."""
        return Guest(self.assets, replace(self.options, **changes))

    def __enter__(self) -> "Guest":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # Commands and files

    def sh(self, cmd: str, timeout: float = COMMAND_TIMEOUT) -> tuple[int, str]:
        """Run a bash command as root; returns (status, output), both streams together.

        After `timeout` seconds its process group is killed and GuestError is raised.
        """
        command = self._run(cmd, timeout)
        return command.status or 0, command.output

    def check(self, cmd: str, timeout: float = COMMAND_TIMEOUT) -> str:
        """Run a command that must succeed; returns its standard output."""
        command = self._run(cmd, timeout)
        if command.status != 0:
            raise CommandFailed(cmd, command.status or 0, command.output)
        return command.stdout

    def _run(self, cmd: str, timeout: float) -> Command:
        start = time.monotonic()
        try:
            command = self.agent.run(["bash", "-c", cmd], timeout, text=cmd)
        except GuestError as error:
            self._transcript.append(f"$ {cmd}\n{error}\n")
            raise
        self._transcript.append(f"$ {cmd}\n{command.output.rstrip()}\n"
                                f"[{command.status}, {time.monotonic() - start:.2f} s]\n")
        return command

    def json(self, cmd: str, timeout: float = COMMAND_TIMEOUT) -> Any:
        """As check(), with the standard output parsed as JSON."""
        text = self.check(cmd, timeout)
        try:
            return json.loads(text)
        except ValueError as error:
            raise GuestError(f"`{cmd}` did not print JSON ({error}):\n{text[:2000]}") from error

    def run_async(self, cmd: str, sink: Callable[[bytes, bool], None] | None = None,
                  terminal: tuple[int, int] | None = None, stdin: bool = False,
                  environment: dict[str, str] | None = None) -> Command:
        """Start a command and return at once: it has wait(), kill(), running, output, write().

        `sink(data, is_stderr)` gets the output as it comes. `terminal` is (rows, columns) for a
        command that wants a terminal. With `stdin` the input stays open for write().
        """
        command = self.agent.start(["bash", "-c", cmd], text=cmd, sink=sink, terminal=terminal,
                                   environment=environment)
        if terminal is None and not stdin:
            command.close_stdin()
        return command

    def wait_for(self, cmd: str, timeout: float = COMMAND_TIMEOUT) -> None:
        """Repeat a command in the guest until it succeeds."""
        loop = f"until {{ {cmd}\n}} >/tmp/.lab-wait 2>&1; do sleep 0.1; done"
        try:
            self.agent.run(["bash", "-c", loop], timeout, text=f"wait for: {cmd}")
        except GuestError as error:
            _, last = self.sh("cat /tmp/.lab-wait") if self.alive() else (1, "")
            raise GuestError(f"{error}\nlast output: {last.strip()}") from None

    def push(self, local: str | Path, path: str) -> None:
        """Copy a file or a directory into the guest, with its modes."""
        source = Path(local)
        if source.is_dir():
            data = io.BytesIO()
            with tarfile.open(fileobj=data, mode="w") as archive:
                archive.add(source, arcname=".")
            name = shlex.quote(path)
            script = f"mkdir -p {name} && tar -x --no-same-owner -C {name}"
            self.session.feed(script, data.getvalue(), COMMAND_TIMEOUT)
            return
        mode = source.stat().st_mode & 0o7777
        self.write(path, source.read_bytes(), mode)

    def write(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        """Make a file in the guest; it appears whole or not at all."""
        name = shlex.quote(path)
        content = data.encode() if isinstance(data, str) else data
        script = (f"mkdir -p \"$(dirname {name})\" && cat >{name}.lab && "
                  f"chmod {mode:o} {name}.lab && mv -f {name}.lab {name}")
        self.session.feed(script, content, COMMAND_TIMEOUT)

    def pull(self, path: str, local: str | Path) -> None:
        """Copy a file out of the guest."""
        target = Path(local)
        partial = target.with_name(f"{target.name}.partial.{os.getpid()}")
        partial.write_bytes(self.read(path))
        os.replace(partial, target)

    def read(self, path: str) -> bytes:
        """Content of a file in the guest."""
        command = self.agent.run(["cat", "--", path], COMMAND_TIMEOUT)
        if command.status != 0:
            raise CommandFailed(f"cat {path}", command.status or 0, command.stderr)
        return command.stdout_bytes

    # The machine

    @property
    def session(self) -> Session:
        """The running machine."""
        if self._session is None:
            raise GuestError("the guest is switched off")
        return self._session

    @property
    def agent(self) -> Agent:
        """The connection to the guest's agent."""
        agent = self.session.agent
        assert agent is not None
        return agent

    def qmp(self, cmd: str, **arguments: Any) -> Any:
        """Run a QMP command; `_` in an argument's name stands for `-`. Raises GuestError."""
        return self._control().command(cmd, **arguments)

    def wait_event(self, name: str, timeout: float = 60, **match: Any) -> dict:
        """Wait for a QMP event whose data has these values; earlier unseen ones count."""
        return self._control().wait_event(name, timeout, **match)

    def forget_events(self, name: str | None = None) -> None:
        """Drop QMP events that were not waited for."""
        self._control().forget_events(name)

    def plug(self, card: str, port: str, size: int | str = "512M", serial: int | None = None,
             wait: bool | float = True) -> str | None:
        """Hot-add a card called `card` on root port `port`.

        Waits until the guest lists it, ready for use, and returns the memdev's name; with wait=False returns
        None at once. A number for `wait` is the timeout in seconds.
        """
        if port not in self.topology.root_ports():
            raise LabError(f"{port} is not a root port of {self.topology.name}: "
                           f"choose one of {', '.join(self.topology.root_ports())}")
        if serial is None:
            serial = HOT_SERIAL + self._plugged
        self._plugged += 1
        entry = Card(card, port, serial, card_mib(size))
        # The backend of a card that was pulled stays "mapped": a fresh one for each plug. The
        # name of a card that was pulled can be used again at once, a device id cannot.
        backend_id = f"hot-mem{self._plugged}"
        device_id = f"{card}.{self._plugged}"
        self.qmp("object-add", **backend(entry, backend_id))
        self.qmp("device_add", driver="cxl-type3", id=device_id, bus=port,
                 volatile_memdev=backend_id, sn=serial)
        self._cards[card] = entry
        self._devices[card] = device_id
        if wait is False:
            return None
        return self.wait_memdev(serial, PLUG_TIMEOUT if wait is True else wait)

    def wait_memdev(self, serial: int, timeout: float = PLUG_TIMEOUT) -> str:
        """Wait until the guest lists a card with this serial; returns its memdev's name."""
        return ready.wait_memdev(self.session, serial, timeout)

    def unplug(self, card: str, wait: bool | float = True) -> None:
        """Press the attention button of the card's slot, and wait until the card is gone.

        The kernel removes the card whatever is on it: offline, destroy and disable first. With
        wait=False returns at once (wait_removed() waits); a number is the timeout.
        """
        device = self._device(card)
        self.forget_events("DEVICE_DELETED")
        self._press(device)
        if wait is not False:
            self.wait_removed(card, UNPLUG_TIMEOUT if wait is True else wait)

    def _press(self, device: str) -> None:
        """QEMU has no press while the power indicator blinks: after a plug that takes a moment.

        Nor has it one for five seconds after another one.
        """
        deadline = time.monotonic() + BLINK_TIMEOUT
        while True:
            try:
                self.qmp("device_del", id=device)
                return
            except GuestError as error:
                if time.monotonic() > deadline or not any(
                        text in str(error)
                        for text in ("indicator blinking", "in the process of unplug")):
                    raise
            time.sleep(0.1)

    def wait_removed(self, card: str, timeout: float = UNPLUG_TIMEOUT) -> None:
        """Wait until a card is gone, by whatever way (button, slot power)."""
        device = self._device(card)
        if device in self._present():
            self.wait_event("DEVICE_DELETED", timeout, device=device)
        self._cards.pop(card, None)

    def cards(self) -> dict[str, Card]:
        """The cards that are in the machine now, by name."""
        present = self._present()
        return {name: card for name, card in self._cards.items()
                if self._devices[name] in present}

    def memdev(self, card: str) -> str:
        """Name of a card's memdev in the guest (it changes from boot to boot)."""
        return self.wait_memdev(self._cards[card].serial, 10)

    def _device(self, card: str) -> str:
        if card not in self._devices:
            raise LabError(f"there is no card {card!r}: there are {', '.join(self._devices)}")
        return self._devices[card]

    def _present(self) -> set[str]:
        return {item["name"] for item in self.qmp("qom-list", path="/machine/peripheral")}

    def _control(self) -> Qmp:
        qmp = self.session.qmp
        assert qmp is not None
        return qmp

    # Power

    def alive(self) -> bool:
        """Whether QEMU runs; a guest whose kernel panicked does not."""
        return self._session is not None and self._session.alive()

    def reboot(self, timeout: float = BOOT_TIMEOUT) -> None:
        """Shut down in an orderly way and start again; returns when the guest is ready.

        The disk and the cards stay as they are. What ran in the guest is gone. QEMU is started
        anew: its CXL cards come out of a warm reset with their ranges still enabled, and the
        kernel then refuses them ("Range register decodes outside platform defined CXL ranges").
        """
        self._cards = self.cards()
        self.agent.start(["systemctl", "reboot"])
        if not self.session.process.wait(timeout):
            raise GuestError(f"the guest did not shut down within {timeout:g} s")
        self._power_off()
        self._power_on()

    def power_cut(self, restart: bool = True) -> None:
        """Switch the machine off at once and on again: what was not synced is lost.

        The same cards are in the same slots afterwards (also after a crash of the guest). With
        restart=False the machine stays off until power_on().
        """
        if self.alive():
            self._cards = self.cards()
        self._power_off()
        if restart:
            self.power_on()

    def power_on(self) -> None:
        """Start a machine that power_cut(restart=False) or a crash switched off."""
        if self.alive():
            raise GuestError("the guest is on already")
        self._power_off()
        self._power_on()

    def remove_card(self, card: str) -> None:
        """Take a card out of a machine that is switched off."""
        if self.alive():
            raise GuestError("the guest is on: use unplug(), or power_cut(restart=False) first")
        del self._cards[card]

    def insert_card(self, card: str, port: str, size: int | str = "512M",
                    serial: int | None = None) -> None:
        """Put a card into a machine that is switched off."""
        if self.alive():
            raise GuestError("the guest is on: use plug(), or power_cut(restart=False) first")
        if serial is None:
            serial = HOT_SERIAL + self._plugged
        self._plugged += 1
        self._cards[card] = Card(card, port, serial, card_mib(size))

    def browser(self, log: str = "browser.log", size: tuple[int, int] = (1280, 900)) -> Browser:
        """A browser on this machine, of a guest with Cockpit; it ends with the guest at the latest."""
        browser = Browser(self.assets.spawner, self.assets.browser(), self.directory / log, size)
        self._browsers.append(browser)
        return browser

    def url(self, port: int = COCKPIT_PORT) -> str:
        """Where a browser on this machine reaches a TCP port of the guest; anew after a reboot."""
        return f"http://127.0.0.1:{network.find_port(self.qmp, port)}"

    def console(self) -> str:
        """What the guest wrote to its serial console so far, over all of its boots."""
        try:
            return self.machine.console.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def kernel_log(self) -> str:
        """Messages of the running kernel; what the console has when it no longer answers."""
        if self.alive():
            try:
                return self.check("dmesg", 30)
            except GuestError:
                pass
        return self.console()

    def service_journal(self, lines: int = 100) -> str:
        """The end of the journal of the service."""
        try:
            return ready.journal(self.session, lines)
        except GuestError as error:
            return f"(no journal: {error})"

    def checker_reports(self) -> str:
        """Stop the service and return what its checker (ASan, UBSan, valgrind) wrote."""
        if self.sh(checkers.ACTIVE_COMMAND)[0] != 0:
            raise GuestError(f"{SERVICE} does not run under a checker: was it restarted?")
        self.sh(f"systemctl stop {SERVICE}", 120)
        return self.check(checkers.REPORTS_COMMAND, 60)

    def take_transcript(self) -> str:
        """The commands of sh() and check() since the last call, with status and output."""
        text = "".join(self._transcript)
        self._transcript.clear()
        return text

    def switch_off(self) -> None:
        """End QEMU from another thread; what waits for the guest fails at once."""
        session = self._session
        if session:
            session.process.kill()

    def close(self) -> None:
        """Switch the guest off and remove what it was made of; its logs go to `keep`."""
        if self._closed:
            return
        self._closed = True
        for browser in self._browsers:
            browser.close()
        self._power_off()
        if self.keep:
            self.keep.mkdir(parents=True, exist_ok=True)
            for log in self.directory.glob("*.log"):
                shutil.copy(log, self.keep / log.name)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _make_machine(self) -> Machine:
        """Everything but the cards; makes what is missing in the cache."""
        options, assets = self.options, self.assets
        kernel = assets.kernel(options.kernel)
        patience = kernels.patience(options.kernel)
        machine = Machine(
            topology=self.topology, vmlinux=kernel.vmlinux, initrd=kernel.initrd,
            layers=[assets.image(options.image), kernel.modules, assets.lab_layer()],
            disk=self.directory / "upper.img", directory=self.directory,
            accel="tcg" if options.counted else assets.accel(), counted=options.counted,
            cards=list(self.topology.cards),
            kernel_arguments=(*options.kernel_arguments, *_unhurried(patience)),
            memory_mib=options.memory_mib, patience=patience,
            ports=PORTS.get(options.image, ()))
        # A network is not in the snapshots' key, and too few guests have one.
        boots = options.boot or options.counted or machine.ports
        saved = None if boots else snapshot.get(assets, machine)
        if saved:
            machine.incoming = saved.state
            disk.copy(saved.disk, machine.disk)
        else:
            if not options.bare:
                machine.layers.append(assets.project.built(options.build).layer)
            disk.copy(assets.disk(), machine.disk)
        return machine

    def _power_on(self, first: bool = False) -> None:
        """Start QEMU and wait until the guest is ready."""
        start = time.monotonic()
        self.machine.cards = list(self._cards.values())
        self._devices = {name: name for name in self._cards}
        self._session = Session(self.assets.spawner, self.assets.tools(), self.machine)
        if first and self.machine.incoming:
            self._wait_thaw(BOOT_TIMEOUT)
        else:
            try:
                self._wait_boot(BOOT_TIMEOUT)
            except GuestError as error:
                # TCG was seen to refuse the signature of a whole module, and the same one again (initramfs.py).
                if "lab initramfs: cannot load" not in str(error):
                    raise
                self._session.close()
                self._session = Session(self.assets.spawner, self.assets.tools(), self.machine)
                self._wait_boot(BOOT_TIMEOUT)
        self.machine.incoming = None  # from now on it boots like any other machine
        self.timings["ready"] = time.monotonic() - start

    def _power_off(self) -> None:
        if self._session:
            self._session.close()
        self._session = None

    def _wait_thaw(self, timeout: float) -> None:
        """A guest from a snapshot: install the project, and let it find its hardware."""
        start = time.monotonic()
        with self._explained():
            self._boot_id = self.agent.hello(timeout, self.alive)
            self.timings["agent"] = time.monotonic() - start
            if not self.options.bare:
                ready.install(self.session, self.assets.project.built(self.options.build).archive)
            self.timings["installed"] = time.monotonic() - start
            ready.thaw(self.session)
            self._wait_service(start, timeout)

    def _wait_boot(self, timeout: float) -> None:
        """A guest that boots: wait for the agent, for the cards and for the service."""
        start = time.monotonic()
        with self._explained():
            self._boot_id = self.agent.hello(timeout, self.alive, self._boot_id)
            self.timings["agent"] = time.monotonic() - start
            self._wait_service(start, timeout)

    def _wait_service(self, start: float, timeout: float) -> None:
        ready.wait_cards(self.session, list(self._cards.values()), timeout)
        self.timings["cards"] = time.monotonic() - start
        if self.machine.ports:
            network.up(self.session)
        if not self.options.bare:
            ready.start_service(self.session, timeout)
        self.timings["service"] = time.monotonic() - start

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Add the end of the console to what went wrong while starting."""
        try:
            yield
        except GuestError as error:
            tail = "\n".join(self.console().splitlines()[-25:])
            raise GuestError(f"{error}\nThe end of its console:\n{tail}") from None
