# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's own unit tests (tests/lab/unit), run in this process."""

from __future__ import annotations

import time
import unittest
from pathlib import Path
from typing import Iterator, Sequence

from .results import Results
from .selection import selected

DIRECTORY = Path(__file__).with_name("unit")


def _flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _flat(item)
        else:
            yield item


def _name(test: unittest.TestCase) -> str:
    module, _, method = test.id().split(".")[-3:]
    return f"lab/{module.removeprefix('test_')}/{method}"


def tests() -> list[tuple[str, unittest.TestCase]]:
    """(name, test) of all of them."""
    found = unittest.TestLoader().discover(str(DIRECTORY), top_level_dir=str(DIRECTORY))
    result = []
    for test in _flat(found):
        name = _name(test) if len(test.id().split(".")) >= 3 else f"lab/{test.id()}"
        result.append((name, test))
    return result


def run(patterns: Sequence[str], results: Results) -> None:
    """Run the chosen ones."""
    for name, test in tests():
        if not selected(name, patterns):
            continue
        start = time.monotonic()
        outcome = unittest.TestResult()
        test.run(outcome)
        seconds = time.monotonic() - start
        problems = [text for _, text in (*outcome.failures, *outcome.errors)]
        if problems:
            results.add(name, "FAIL", seconds, "\n".join(problems))
        elif outcome.skipped:
            results.add(name, "SKIP", seconds, outcome.skipped[0][1])
        else:
            results.add(name, "PASS", seconds)
