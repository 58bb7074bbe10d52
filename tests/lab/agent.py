# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's side of the agent: commands in the guest, several at once."""

from __future__ import annotations

import secrets
import signal
import struct
import threading
import time
from pathlib import Path
from typing import Callable, Sequence

from . import wire
from .errors import GuestError
from .stream import Stream
from .wire import Type

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
}
KILL_GRACE = 10.0


class Command:
    """A command running in the guest.

    Output is collected (`output`: both streams as they came, `stdout`, `stderr`) and, when
    `sink` is given, also handed to it as sink(data, is_stderr) from the reader's thread.
    """

    def __init__(self, agent: "Agent", channel: int, text: str,
                 sink: Callable[[bytes, bool], None] | None, collect: bool):
        self.text = text
        self.status: int | None = None
        self.error: str | None = None
        self._agent = agent
        self._channel = channel
        self._sink = sink
        self._collect = collect
        self._chunks: list[tuple[bool, bytes]] = []
        self._window = wire.STDIN_WINDOW
        self._change = threading.Condition()

    @property
    def output(self) -> str:
        """Both streams together, in the order they arrived."""
        return b"".join(data for _, data in list(self._chunks)).decode(errors="replace")

    @property
    def stdout(self) -> str:
        """Standard output so far."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stdout_bytes(self) -> bytes:
        """Standard output so far, as it is."""
        return b"".join(data for is_err, data in list(self._chunks) if not is_err)

    @property
    def stderr(self) -> str:
        """Standard error so far."""
        return b"".join(data for is_err, data in list(self._chunks) if is_err).decode(
            errors="replace")

    @property
    def running(self) -> bool:
        """Whether the command has not ended yet."""
        return self.status is None and self.error is None

    def wait(self, timeout: float | None = None) -> int:
        """Status of the command; 128 + N when signal N ended it.

        Raises GuestError when it does not end in `timeout` seconds (it is left running) or
        when the guest is gone.
        """
        if timeout is not None:
            timeout *= self._agent.patience
        with self._change:
            if not self._change.wait_for(lambda: not self.running, timeout):
                raise GuestError(f"`{self.text}` did not end within {timeout:g} s; its output:\n"
                                 f"{self.output[-4000:]}")
        if self.error is not None:
            raise GuestError(f"`{self.text}`: {self.error}")
        assert self.status is not None
        return self.status

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the command's process group."""
        self._agent.send(wire.encode(Type.SIGNAL, self._channel, struct.pack("<I", number)))

    def write(self, data: bytes, timeout: float = 60) -> None:
        """Feed standard input; blocks while the command is not reading."""
        view = memoryview(data)
        while view and self.running:
            with self._change:
                if not self._change.wait_for(lambda: self._window > 0 or not self.running,
                                             timeout):
                    raise GuestError(f"`{self.text}` reads nothing for {timeout:g} s")
                size = min(len(view), wire.CHUNK, self._window)
                self._window -= size
            if size > 0:
                self._agent.send(wire.encode(Type.STDIN, self._channel, bytes(view[:size])))
            view = view[size:]

    def close_stdin(self) -> None:
        """End of standard input."""
        self._agent.send(wire.encode(Type.STDIN, self._channel))

    def resize(self, rows: int, columns: int) -> None:
        """New size of the command's terminal."""
        self._agent.send(wire.encode(Type.RESIZE, self._channel,
                                     struct.pack("<HH", rows, columns)))

    def _receive(self, frame: wire.Frame) -> None:
        if frame.type in (Type.STDOUT, Type.STDERR):
            is_err = frame.type == Type.STDERR
            if self._collect:
                self._chunks.append((is_err, frame.payload))
            if self._sink:
                self._sink(frame.payload, is_err)
            return
        with self._change:
            if frame.type == Type.CREDIT:
                self._window += struct.unpack("<I", frame.payload)[0]
            elif frame.type == Type.EXIT:
                code, number = struct.unpack("<II", frame.payload)
                self.status = 128 + number if number else code
            elif frame.type == Type.FAILED:
                self.error = frame.payload.decode(errors="replace")
            self._change.notify_all()

    def _lost(self, why: str) -> None:
        with self._change:
            if self.running:
                self.error = why
            self._change.notify_all()


class Agent:
    """Connection to the agent of one guest; all timeouts are multiplied by `patience`."""

    def __init__(self, path: Path, patience: float = 1.0):
        self.patience = patience
        self._decoder = wire.Decoder()
        self._state = threading.Condition()
        self._commands: dict[int, Command] = {}
        self._next = 1
        self._nonce = b""
        self._welcome: str | None = None
        self._gone: str | None = None
        self._stream = Stream(path, self._received, self._ended)
        self._stream.start()

    def hello(self, timeout: float, alive: Callable[[], bool] = lambda: True,
              not_boot: str = "") -> str:
        """Wait for the guest's agent; returns the boot id, which must not be `not_boot`.

        Everything that ran through the agent is killed in the guest and fails here. `alive`
        is asked now and then whether waiting makes sense.
        """
        timeout *= self.patience
        end = time.monotonic() + timeout
        delay = 0.05
        while time.monotonic() < end:
            self._fail_all("the connection to the guest was started anew")
            with self._state:
                self._nonce = secrets.token_bytes(16)
                self._welcome = None
            self.send(wire.encode(Type.HELLO, 0, self._nonce))
            with self._state:
                self._state.wait_for(lambda: self._welcome is not None or self._gone, delay)
                if self._gone or not alive():
                    raise GuestError("the guest ended before its agent answered")
                if self._welcome is not None and self._welcome != not_boot:
                    return self._welcome
            delay = min(1.0, delay * 1.5)
        raise GuestError(f"the guest's agent did not answer within {timeout:g} s")

    def start(self, argv: Sequence[str], *, text: str | None = None,
              sink: Callable[[bytes, bool], None] | None = None, collect: bool = True,
              environment: dict[str, str] | None = None,
              terminal: tuple[int, int] | None = None) -> Command:
        """Start a command; standard input stays open until close_stdin()."""
        with self._state:
            channel = self._next
            self._next += 1
            command = Command(self, channel, text or " ".join(argv), sink, collect)
            self._commands[channel] = command
        self.send(wire.encode_exec(channel, argv, {**ENVIRONMENT, **(environment or {})},
                                   terminal))
        return command

    def run(self, argv: Sequence[str], timeout: float, **options) -> Command:
        """Run a command to its end with empty input; it is killed after `timeout` seconds."""
        command = self.start(argv, **options)
        command.close_stdin()
        self.finish(command, timeout)
        return command

    def finish(self, command: Command, timeout: float) -> None:
        """Wait for a command; kill it and raise GuestError after `timeout` seconds."""
        try:
            command.wait(timeout)
        except GuestError:
            if command.running:
                command.kill()
                try:
                    command.wait(KILL_GRACE)
                except GuestError as error:
                    late = timeout * self.patience
                    raise GuestError(f"`{command.text}` did not end within {late:g} s and "
                                     f"cannot be killed; its output:\n{command.output[-4000:]}"
                                     ) from error
                raise GuestError(f"`{command.text}` was killed after "
                                 f"{timeout * self.patience:g} s; its "
                                 f"output:\n{command.output[-4000:]}") from None
            raise

    def send(self, data: bytes) -> None:
        """Send bytes of the protocol."""
        try:
            self._stream.send(data)
        except OSError as error:
            raise GuestError(f"the connection to the guest is lost ({error.strerror})") from error

    @property
    def closed(self) -> bool:
        """Whether QEMU has ended the connection."""
        return self._gone is not None

    def close(self) -> None:
        """Close the connection; commands still running fail with "closed"."""
        self._stream.close()

    def _received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._dispatch(frame)

    def _ended(self) -> None:
        with self._state:
            self._gone = "the guest is gone"
            self._state.notify_all()
        self._fail_all("the guest is gone")

    def _dispatch(self, frame: wire.Frame) -> None:
        if frame.type == Type.WELCOME:
            with self._state:
                if self._nonce and frame.payload.startswith(self._nonce):
                    boot = frame.payload[len(self._nonce):].decode(errors="replace").strip()
                    self._welcome = boot
                    self._state.notify_all()
            return
        with self._state:
            command = self._commands.get(frame.channel)
            if command and frame.type in (Type.EXIT, Type.FAILED):
                del self._commands[frame.channel]
        if command:
            command._receive(frame)

    def _fail_all(self, why: str) -> None:
        with self._state:
            commands = list(self._commands.values())
            self._commands.clear()
        for command in commands:
            command._lost(why)


