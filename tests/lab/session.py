# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run of a machine: QEMU, its QMP connection and the agent's, from power-on to power-off."""

from __future__ import annotations

import time
from pathlib import Path

from .agent import Agent, Command
from .errors import CommandFailed, GuestError
from .qemu import Machine, Process, Spawner
from .qmp import Qmp

INCOMING_TIMEOUT = 60.0
SAVE_TIMEOUT = 120.0


class Session:
    """A running QEMU and the two connections to it."""

    def __init__(self, spawner: Spawner, tools: Path, machine: Machine):
        """Switch the machine on; the guest's agent may not answer yet."""
        self.machine = machine
        self.process = Process(spawner, tools, machine)
        self.qmp: Qmp | None = None
        self.agent: Agent | None = None
        try:
            self.qmp = Qmp(machine.directory / "qmp")
            self.agent = Agent(machine.directory / "agent", machine.patience)
            if machine.incoming:
                self._go_on()
        except OSError as error:
            self.close()
            raise GuestError(f"QEMU did not start: {self.process.last_words()}") from error
        except BaseException:
            self.close()
            raise

    def _go_on(self) -> None:
        """Wait until a snapshot is loaded, and let the guest run."""
        assert self.qmp is not None
        end = time.monotonic() + INCOMING_TIMEOUT
        while self.qmp.command("query-status")["status"] == "inmigrate":
            if time.monotonic() > end:
                raise GuestError(f"QEMU did not load the snapshot in {INCOMING_TIMEOUT:g} s")
            time.sleep(0.02)
        self.qmp.command("cont")

    def alive(self) -> bool:
        """Whether QEMU runs; a connection that it closed tells before the process does."""
        if (self.qmp and self.qmp.closed) or (self.agent and self.agent.closed):
            return False
        return self.process.alive()

    def status(self) -> str:
        """What QEMU says of the machine: running, paused, internal-error, ..."""
        assert self.qmp is not None
        try:
            return self.qmp.command("query-status")["status"]
        except GuestError:
            return "gone"

    def run(self, cmd: str, timeout: float) -> Command:
        """Run a bash command in the guest to its end."""
        assert self.agent is not None
        return self.agent.run(["bash", "-c", cmd], timeout, text=cmd)

    def check(self, cmd: str, timeout: float) -> str:
        """As run(), but the command must succeed; returns its standard output."""
        command = self.run(cmd, timeout)
        if command.status != 0:
            raise CommandFailed(cmd, command.status or 0, command.output)
        return command.stdout

    def feed(self, script: str, data: bytes, timeout: float) -> None:
        """Run a bash command that must succeed, with `data` as its input."""
        assert self.agent is not None
        command = self.agent.start(["bash", "-c", script], text=script)
        command.write(data, timeout)
        command.close_stdin()
        self.agent.finish(command, timeout)
        if command.status != 0:
            raise CommandFailed(script, command.status or 0, command.output)

    def save(self, path: Path) -> None:
        """Stop the guest and write its state to a file; it does not go on afterwards."""
        assert self.qmp is not None
        self.qmp.command("stop")
        self.qmp.command("migrate-set-parameters", max_bandwidth=1 << 40)
        self.qmp.command("migrate", uri=f"file:{path}")
        end = time.monotonic() + SAVE_TIMEOUT
        while True:
            state = self.qmp.command("query-migrate")
            if state.get("status") == "completed":
                return
            if state.get("status") == "failed" or time.monotonic() > end:
                why = state.get("error-desc") or state.get("status")
                raise GuestError(f"QEMU could not save the guest: {why}")
            time.sleep(0.05)

    def close(self) -> None:
        """Switch off, as a power cut would."""
        self.process.kill()
        if self.agent:
            self.agent.close()
        if self.qmp:
            self.qmp.close()
