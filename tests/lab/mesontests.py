# SPDX-License-Identifier: LGPL-2.1-or-later
"""The project's unit tests, run by meson in the tools root: plain, with sanitizers, in valgrind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from .assets import Assets
from .results import Results
from .selection import selected

VALGRIND = ("valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible "
            "--errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 "
            "--track-fds=no --trace-children=no")
SKIPPED = ("SKIP",)
PASSED = ("OK", "EXPECTEDFAIL")


@dataclass(frozen=True)
class Suite:
    """One way to run them."""
    name: str
    about: str
    build: str
    arguments: tuple[str, ...] = ()


SUITES = (
    Suite("unit", "the project's unit tests", "plain"),
    Suite("unit-asan", "the same with AddressSanitizer and UBSan", "asan",
          ("--timeout-multiplier=5",)),
    Suite("unit-valgrind", "the same in valgrind, with leak check", "plain",
          (f"--wrapper={VALGRIND}", "--timeout-multiplier=20")),
)


def run(assets: Assets, suite: Suite, patterns: Sequence[str], results: Results) -> None:
    """Run one suite; each of meson's tests is a result."""
    project = assets.project
    place = results.place(suite.name)
    if not project.has_meson():
        results.add(suite.name, "SKIP", 0, "the checkout has no meson.build")
        return
    known = project.unit_tests(suite.build)
    names = [name for name in known if selected(f"{suite.name}/{name}", patterns)]
    if not names:
        return
    log = place / "meson.log"
    records, text = project.test(suite.build, [*suite.arguments, *names], log)
    seen = set()
    for record in records:
        name = record["name"].split(" / ")[-1]
        seen.add(name)
        if record["result"] in PASSED:
            outcome, story = "PASS", ""
        elif record["result"] in SKIPPED:
            outcome, story = "SKIP", _last_line(record.get("stdout", ""))
        else:
            outcome = "FAIL"
            output = f"{record.get('stdout', '')}\n{record.get('stderr', '')}".strip()
            story = f"{record['result']}\n" + "\n".join(output.splitlines()[-60:])
            Path(results.place(f"{suite.name}/{name}"), "output.txt").write_text(
                output, encoding="utf-8")
        results.add(f"{suite.name}/{name}", outcome, float(record.get("duration", 0)), story)
    for name in sorted(set(names) - seen):
        results.add(f"{suite.name}/{name}", "FAIL", 0, f"meson did not run it:\n{text[-3000:]}")


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "the test gave no reason"

