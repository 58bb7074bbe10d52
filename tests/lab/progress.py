# SPDX-License-Identifier: LGPL-2.1-or-later
"""One line about a long step: what, how long, how far. Plain lines when not a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Callable

QUIET_SECONDS = 1.0     # a step that is done sooner is not worth a line
PLAIN_INTERVAL = 15.0
TERMINAL_INTERVAL = 0.5


def tree_mib(path: Path) -> str:
    """Size of what was written below `path` so far, for a step that fills a directory."""
    total = 0
    for base, dirs, files in os.walk(path):
        if base == str(path):
            dirs[:] = [d for d in dirs if d not in ("proc", "sys", "dev")]
        for name in files:
            try:
                total += os.lstat(os.path.join(base, name)).st_blocks * 512
            except OSError:
                pass
    return f"{total >> 20} MiB"


class Progress:
    """Context manager: says that a step runs, and how far it is, until it is done.

    `measure` is called now and then and returns a short text (MiB so far, the current file).
    """

    def __init__(self, what: str, measure: Callable[[], str] | None = None):
        self.what = what
        self.measure = measure
        self.detail = ""
        self.start = time.monotonic()
        self._end = threading.Event()
        self._terminal = sys.stderr.isatty()
        self._shown = False
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def step(self, detail: str) -> None:
        """Say which part of the work is being done now."""
        self.detail = detail

    def __enter__(self) -> "Progress":
        self.start = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind, value, trace) -> None:
        self._end.set()
        self._thread.join()
        took = time.monotonic() - self.start
        word = "done" if kind is None else "failed"
        if not self._shown and kind is None:
            return
        self._show(f"lab: {self.what}: {word} in {took:.1f} s", last=True)

    def _tick(self) -> None:
        if self._end.wait(QUIET_SECONDS):
            return
        self._shown = True
        self._show(f"lab: {self.what} ...")
        interval = TERMINAL_INTERVAL if self._terminal else PLAIN_INTERVAL
        while not self._end.wait(interval):
            detail = self.detail
            if self.measure:
                detail = f"{detail} {self.measure()}".strip()
            took = time.monotonic() - self.start
            self._show(f"lab: {self.what}: {took:.0f} s {detail}".rstrip())

    def _show(self, text: str, last: bool = False) -> None:
        if not self._terminal:
            print(text, file=sys.stderr, flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r\033[K" + text[:width] + ("\n" if last else ""))
        sys.stderr.flush()


def say(text: str) -> None:
    """One line for the person at the terminal; never mixed into a command's own output."""
    print(f"lab: {text}", file=sys.stderr, flush=True)
