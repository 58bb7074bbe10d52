# SPDX-License-Identifier: LGPL-2.1-or-later
"""Frames between the lab and its agent in the guest (agent.c), little endian.

    magic u32 | type u16 | 0 u16 | channel u32 | length u32 | payload

A side that sees anything but a header skips bytes until it finds one, so a connection that
begins in the middle of something finds its feet. HELLO carries a nonce that WELCOME repeats:
what arrives before the right WELCOME belongs to an earlier connection.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Iterator, NamedTuple, Sequence

MAGIC = 0x464c4d43
HEADER = struct.Struct("<IHHII")
PAYLOAD_MAX = 64 * 1024
CHUNK = 32 * 1024
STDIN_WINDOW = 256 * 1024
EXEC_PTY = 1


class Type(IntEnum):
    """What a frame says; the payload follows."""
    HELLO = 1       # nonce
    EXEC = 2        # flags u32, rows u16, columns u16, argc u32, envc u32, strings with NUL
    STDIN = 3       # data; empty: end of file
    SIGNAL = 4      # u32, to the command's process group
    RESIZE = 5      # rows u16, columns u16
    WELCOME = 65    # nonce, then the guest's boot id
    STDOUT = 66     # data
    STDERR = 67     # data
    EXIT = 68       # exit status u32, signal u32
    CREDIT = 69     # u32 bytes of STDIN that were taken
    FAILED = 70     # text: the command was not started


class Frame(NamedTuple):
    """One frame."""
    type: int
    channel: int
    payload: bytes


def encode(kind: Type, channel: int, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    if len(payload) > PAYLOAD_MAX:
        raise ValueError(f"a payload of {len(payload)} bytes is too long for a frame")
    return HEADER.pack(MAGIC, kind, 0, channel, len(payload)) + payload


def encode_exec(channel: int, argv: Sequence[str], environment: dict[str, str],
                size: tuple[int, int] | None = None) -> bytes:
    """An EXEC frame; with `size` (rows, columns) the command gets a terminal."""
    env = [f"{key}={value}" for key, value in environment.items()]
    rows, columns = size or (0, 0)
    head = struct.pack("<IHHII", EXEC_PTY if size else 0, rows, columns, len(argv), len(env))
    strings = b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in [*argv, *env])
    return encode(Type.EXEC, channel, head + strings)


class Decoder:
    """Bytes in, frames out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Add what was received; yields the frames that are complete."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            magic, kind, zero, channel, length = HEADER.unpack_from(self._buffer)
            if magic != MAGIC or zero != 0 or length > PAYLOAD_MAX:
                start = self._buffer.find(struct.pack("<I", MAGIC), 1)
                del self._buffer[:start if start > 0 else max(1, len(self._buffer) - 3)]
                continue
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[HEADER.size:end])
            del self._buffer[:end]
            yield Frame(kind, channel, payload)
