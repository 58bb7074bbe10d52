# SPDX-License-Identifier: LGPL-2.1-or-later
"""Outcomes of tests: a line for each, files for those who want to know more, a last line."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .cache import Cache

KEEP_RUNS = 20
COLOURS = {"PASS": "32", "FAIL": "31", "SKIP": "33"}


@dataclass(frozen=True)
class Result:
    """How one test ended: PASS, FAIL or SKIP."""
    name: str
    outcome: str
    seconds: float
    text: str = ""


class Results:
    """Collects results from several threads and prints each as it comes."""

    def __init__(self, cache: Cache):
        area = cache.area("results")
        self.directory = area / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        self.directory.mkdir()
        for old in sorted(path for path in area.iterdir() if path.is_dir())[:-KEEP_RUNS]:
            shutil.rmtree(old, ignore_errors=True)
        self.results: list[Result] = []
        self._lock = threading.Lock()
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def place(self, name: str) -> Path:
        """Directory for the logs of a test or of a group of tests."""
        path = self.directory / name.replace(":", "-")
        path.mkdir(parents=True, exist_ok=True)
        return path

    def add(self, name: str, outcome: str, seconds: float, text: str = "") -> None:
        """Record and print one result; `text` is the reason of a skip, the story of a failure."""
        word = f"\033[{COLOURS[outcome]}m{outcome}\033[m" if self._colour else outcome
        line = f"{word} {name} ({seconds:.1f} s)"
        if outcome == "SKIP":
            line += f": {text}"
        with self._lock:
            self.results.append(Result(name, outcome, seconds, text))
            print(line, flush=True)
            if outcome == "FAIL":
                for part in text.rstrip().splitlines():
                    print(f"     {part}", flush=True)
                print(f"     logs: {self.place(name)}", flush=True)

    def count(self, outcome: str) -> int:
        """Number of results with this outcome."""
        return sum(1 for result in self.results if result.outcome == outcome)

    def summary(self) -> str:
        """The last line."""
        return (f"{self.count('PASS')} passed, {self.count('FAIL')} failed, "
                f"{self.count('SKIP')} skipped")
