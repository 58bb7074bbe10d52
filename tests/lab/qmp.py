# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's machine protocol: commands and events."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from .errors import GuestError
from .stream import Stream


def matches(event: dict, match: dict[str, Any]) -> bool:
    """Whether the event's data has every key of `match` with that value."""
    data = event.get("data", {})
    return all(key in data and data[key] == value for key, value in match.items())


class Qmp:
    """Connection to one QEMU. Events are kept until somebody waits for them."""

    def __init__(self, path: Path):
        self._change = threading.Condition()
        self._call = threading.Lock()
        self._events: list[dict] = []
        self._replies: dict[int, dict] = {}
        self._greeting = False
        self._closed = False
        self._next = 1
        self._buffer = b""
        self._stream = Stream(path, self._received, self._ended)
        self._stream.start()
        with self._change:
            self._change.wait_for(lambda: self._greeting or self._closed, 30)
        self.command("qmp_capabilities")

    def command(self, name: str, timeout: float = 60, **arguments: Any) -> Any:
        """Run a command and return what it returns; raises GuestError with QEMU's own text.

        An underscore in the name of an argument stands for QMP's dash.
        """
        given = {key.replace("_", "-"): value for key, value in arguments.items()}
        with self._call:
            number = self._next
            self._next += 1
            text = json.dumps({"execute": name, "arguments": given, "id": number})
            try:
                self._stream.send(text.encode() + b"\n")
            except OSError as error:
                raise GuestError(f"QMP {name}: QEMU is gone ({error.strerror})") from error
        with self._change:
            self._change.wait_for(lambda: number in self._replies or self._closed, timeout)
            reply = self._replies.pop(number, None)
        if reply is None:
            why = "QEMU is gone" if self._closed else f"no answer within {timeout:g} s"
            raise GuestError(f"QMP {name}: {why}")
        if "error" in reply:
            raise GuestError(f"QMP {name}: {reply['error'].get('desc', reply['error'])}")
        return reply.get("return")

    def wait_event(self, name: str, timeout: float, **match: Any) -> dict:
        """Wait for (or take from those already seen) an event whose data contains `match`."""
        end = time.monotonic() + timeout
        with self._change:
            while True:
                for event in self._events:
                    if event.get("event") == name and matches(event, match):
                        self._events.remove(event)
                        return event
                left = end - time.monotonic()
                if self._closed or left <= 0:
                    break
                self._change.wait(left)
            seen = ", ".join(sorted({e["event"] for e in self._events})) or "none"
        why = "QEMU ended" if self._closed else f"not within {timeout:g} s"
        wanted = f"{name} {match}" if match else name
        raise GuestError(f"no QMP event {wanted}: {why} (other events seen: {seen})")

    def forget_events(self, name: str | None = None) -> None:
        """Drop the events seen so far (those called `name`), before causing a new one."""
        with self._change:
            self._events = [e for e in self._events if name is not None and e["event"] != name]

    @property
    def closed(self) -> bool:
        """Whether QEMU has ended the connection."""
        return self._closed

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def _received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._handle(json.loads(line))

    def _ended(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _handle(self, message: dict) -> None:
        with self._change:
            if "QMP" in message:
                self._greeting = True
            elif "event" in message:
                self._events.append(message)
            elif "id" in message:
                self._replies[message["id"]] = message
            self._change.notify_all()
