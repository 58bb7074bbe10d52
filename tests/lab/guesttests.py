# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests that need a guest: finding them, and running those that share one."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Callable

from . import kernel_log, kernels, topologies
from .assets import Assets
from .errors import LabError, Skip
from .guest import Guest, Options
from .results import Results
from .run import load_script

DEFAULT_TIMEOUT = 600.0
BUILT_SUITE = "kernel"
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                   "SUMMARY: UndefinedBehaviorSanitizer")
VALGRIND_OK = "ERROR SUMMARY: 0 errors"


@dataclass(frozen=True)
class Case:
    """One test function."""
    name: str
    function: Callable[[Guest], object]

    @property
    def fresh(self) -> bool:
        """Whether it wants a guest of its own."""
        return getattr(self.function, "lab_fresh", False)

    @property
    def timeout(self) -> float:
        """Seconds it may take."""
        return getattr(self.function, "lab_timeout", DEFAULT_TIMEOUT)

    @property
    def expected(self) -> tuple[str, ...]:
        """Kernel messages it means to cause."""
        return getattr(self.function, "lab_expected", ())

    @property
    def about(self) -> str:
        """First line of its description."""
        return (self.function.__doc__ or "").strip().split("\n")[0]


@dataclass(frozen=True)
class Group:
    """Tests of one file on one kind of guest."""
    name: str
    suite: str
    options: Options
    cases: tuple[Case, ...]
    always: bool = True  # also when nothing is asked for by name


def _matrix(module: ModuleType) -> list[tuple[str, str, str]]:
    """(suite, kernel, topology) of each group."""
    suite = getattr(module, "SUITE", "guest")
    names = getattr(module, "KERNELS", tuple(kernels.DEFAULTS))
    machines = getattr(module, "TOPOLOGIES", (topologies.DEFAULT,))
    pairs = getattr(module, "MATRIX", [(name, machine) for machine in machines for name in names])
    built = getattr(module, "BUILT_KERNELS", ())
    return ([(suite, *pair) for pair in pairs]
            + [(BUILT_SUITE, name, machine) for machine in machines for name in built])


def _here(function: Callable, kernel: str, topology: str) -> bool:
    wanted_kernels = getattr(function, "lab_kernels", ())
    wanted_topologies = getattr(function, "lab_topologies", ())
    return ((not wanted_kernels or kernel in wanted_kernels)
            and (not wanted_topologies or topology in wanted_topologies))


def discover(directory: Path) -> list[Group]:
    """All groups of tests/guest, in the order of the files' names."""
    groups = []
    for path in sorted(directory.glob("test_*.py")):
        module = load_script(path)
        stem = path.stem.removeprefix("test_")
        functions = [(name, value) for name, value in vars(module).items()
                     if name.startswith("test_") and callable(value)
                     and getattr(value, "__module__", "") == module.__name__]
        for suite, kernel, topology in _matrix(module):
            name = f"{suite}/{stem}/{kernel}/{topology}"
            options = Options(
                kernel=kernel, topology=topology, build=getattr(module, "BUILD", "plain"),
                bare=getattr(module, "BARE", False), boot=getattr(module, "BOOT", False),
                image=getattr(module, "IMAGE", Options.image),
                kernel_arguments=tuple(getattr(module, "KERNEL_ARGUMENTS", ())),
                memory_mib=getattr(module, "MEMORY_MIB", Options.memory_mib))
            always = suite == "guest" or kernel in getattr(module, "ALWAYS", ())
            cases = tuple(Case(f"{name}/{test}", function) for test, function in functions
                          if _here(function, kernel, topology))
            if cases:
                groups.append(Group(name, suite, options, cases, always))
    return groups


class GroupRun:
    """Runs the tests of one group."""

    def __init__(self, assets: Assets, group: Group, results: Results,
                 stop: threading.Event | None = None, make: Callable[..., Guest] = Guest):
        self.assets = assets
        self.group = group
        self.results = results
        self.stop = stop or threading.Event()
        self.make = make
        self.guest: Guest | None = None
        self._guests = 0

    def run(self) -> None:
        """Run them all; every test gets exactly one result."""
        used = False
        for case in self.group.cases:
            if self.stop.is_set():
                break
            if case.fresh and used:
                self._close()
            used = self._one(case)
            if case.fresh or not used:
                self._close()
                used = False
        if self.guest and not self.stop.is_set():
            self._final()
        self._close()

    def _open(self) -> Guest:
        if self.guest is None:
            self._guests += 1
            keep = self.results.place(f"{self.group.name}/guest-{self._guests}")
            self.guest = self.make(self.assets, self.group.options, keep=keep)
        return self.guest

    def _close(self) -> None:
        if self.guest:
            self.guest.close()
        self.guest = None

    def _one(self, case: Case) -> bool:
        """Run one test; returns whether its guest is fit for another."""
        start = time.monotonic()
        try:
            guest = self._open()
        except Exception as error:
            if not self.stop.is_set():
                story = str(error) if isinstance(error, LabError) else traceback.format_exc()
                self.results.add(case.name, "FAIL", time.monotonic() - start,
                                 f"no guest: {story}")
            return False
        offset = len(guest.console())
        late = threading.Event()

        def give_up() -> None:
            late.set()
            guest.switch_off()

        limit = case.timeout * kernels.patience(self.group.options.kernel)
        timer = threading.Timer(limit, give_up)
        timer.daemon = True
        timer.start()
        outcome, text = "PASS", ""
        try:
            case.function(guest)
        except Skip as reason:
            outcome, text = "SKIP", str(reason)
        except Exception:
            outcome, text = "FAIL", traceback.format_exc()
        finally:
            timer.cancel()
        if self.stop.is_set():
            return False
        if late.is_set():
            outcome, text = "FAIL", f"switched off after {limit:g} s\n{text}"
        console = guest.console()[offset:]
        bad = kernel_log.complaints(console, case.expected)
        if bad and outcome != "FAIL":
            outcome, text = "FAIL", "the kernel complained:\n" + "\n".join(bad)
        self._keep(case, guest, console, outcome, text, start)
        return outcome != "FAIL" and guest.alive()

    def _keep(self, case: Case, guest: Guest, console: str, outcome: str, text: str,
              start: float) -> None:
        """Write the logs of a test, and print its result."""
        seconds = time.monotonic() - start
        place = self.results.place(case.name)
        (place / "console.log").write_text(console, encoding="utf-8")
        (place / "commands.log").write_text(guest.take_transcript(), encoding="utf-8")
        if outcome == "FAIL":
            journal = guest.service_journal(400) if guest.alive() else "(the guest is off)"
            (place / "journal.log").write_text(journal, encoding="utf-8")
            (place / "failure.txt").write_text(text, encoding="utf-8")
            tail = "\n".join(console.splitlines()[-20:])
            last = "\n".join(journal.splitlines()[-25:])
            text = f"{text.rstrip()}\n--- console\n{tail}\n--- journal of the service\n{last}"
        self.results.add(case.name, outcome, seconds, text)

    def _final(self) -> None:
        """After the last test: with a checking build, stop the service and read its reports."""
        guest = self.guest
        if guest is None or not guest.alive() or self.group.options.build == "plain":
            return
        start = time.monotonic()
        name = f"{self.group.name}/reports"
        try:
            reports = guest.checker_reports()
        except LabError as error:
            self.results.add(name, "FAIL", time.monotonic() - start, str(error))
            return
        place = self.results.place(name)
        (place / "reports.txt").write_text(reports, encoding="utf-8")
        if self.group.options.build == "asan":
            bad = [line for line in reports.splitlines()
                   if any(mark in line for mark in SANITIZER_MARKS)]
        else:
            totals = [line for line in reports.splitlines() if "ERROR SUMMARY:" in line]
            bad = [line for line in totals if VALGRIND_OK not in line]
            if not totals:
                bad = ["valgrind wrote no report"]
        outcome = "FAIL" if bad else "PASS"
        text = "\n".join([*bad, *reports.splitlines()[-60:]]) if bad else ""
        self.results.add(name, outcome, time.monotonic() - start, text)
