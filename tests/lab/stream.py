# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connection to one of QEMU's sockets, with a thread that reads it."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Callable


class Stream:
    """Calls `received(data)` for what arrives, and `ended()` when the other side is gone."""

    def __init__(self, path: Path, received: Callable[[bytes], None], ended: Callable[[], None]):
        self._received = received
        self._ended = ended
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._write = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._reader.start()

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises OSError."""
        with self._write:
            self._socket.sendall(data)

    def close(self) -> None:
        """Close the connection; `ended` has been called afterwards."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join()
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(256 * 1024)
            except OSError:
                data = b""
            if not data:
                break
            self._received(data)
        self._ended()
