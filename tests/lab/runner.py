# SPDX-License-Identifier: LGPL-2.1-or-later
"""`lab test` and the tests' part of `lab list`."""

from __future__ import annotations

import argparse
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Sequence

from . import checks, guesttests, mesontests, models, packagetests, schemas, selftests
from .assets import PLAIN, Assets
from .errors import LabError
from .guesttests import Group, GroupRun
from .progress import say
from .project import checkout
from .results import Results
from .selection import selected

DEFAULT_JOBS = 2


def guest_groups() -> list[Group]:
    """All groups: the project's guest tests, and those of the lab itself."""
    top = checkout() / "tests"
    return [*guesttests.discover(top / "guest"), *guesttests.discover(top / "lab/guest")]


def chosen_groups(patterns: Sequence[str]) -> list[Group]:
    """The groups to run; without patterns those of the suite "guest", and who says ALWAYS."""
    result = []
    for group in guest_groups():
        if not patterns and not group.always:
            continue
        cases = tuple(case for case in group.cases if selected(case.name, patterns))
        if cases:
            result.append(replace(group, cases=cases))
    return result


def _run_groups(assets: Assets, groups: list[Group], results: Results, jobs: int) -> None:
    """Run the groups, `jobs` guests side by side."""
    if not groups:
        return
    # Everything slow is made before the first guest, by one thread.
    for options in {group.options for group in groups}:
        assets.kernel(options.kernel)
        assets.image(options.image)
        if options.image == PLAIN:
            assets.packages.all()
            assets.project.built("plain")
        if not options.bare:
            assets.project.built(options.build)
        if options.image == "cockpit":
            assets.browser()
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="guest") as pool:
        futures = [pool.submit(GroupRun(assets, group, results, stop).run) for group in groups]
        try:
            for future in futures:
                future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            assets.spawner.stop()
            raise


def test(options: argparse.Namespace) -> int:
    """The verb; returns 1 when a test failed or none was chosen."""
    patterns = options.names
    groups = chosen_groups(patterns)
    with Assets() as assets:
        results = Results(assets.cache)
        start = time.monotonic()
        try:
            selftests.run(patterns, results)
            for suite in mesontests.SUITES:
                if wants(suite.name, patterns):
                    _guarded(results, suite.name,
                             lambda s=suite: mesontests.run(assets, s, patterns, results))
            _guarded(results, schemas.SUITE, lambda: schemas.run(assets, patterns, results))
            _guarded(results, models.SUITE,
                     lambda: models.run_all(assets, patterns, results))
            _guarded(results, checks.SUITE,
                     lambda: checks.run_all(assets, patterns, results))
            _guarded(results, packagetests.SUITE,
                     lambda: packagetests.run_all(assets, patterns, results))
            _guarded(results, "guest",
                     lambda: _run_groups(assets, groups, results, options.jobs))
        finally:
            say(f"{time.monotonic() - start:.0f} s; logs are in {results.directory}")
            if results.results:
                print(results.summary(), flush=True)
        if not results.results:
            raise LabError(f"no test is called {' or '.join(patterns)}: see ./lab list")
        return 1 if results.count("FAIL") else 0


def _guarded(results: Results, name: str, work) -> None:
    """A suite that cannot even start is one failure, and the others go on."""
    start = time.monotonic()
    try:
        work()
    except LabError as error:
        results.add(name, "FAIL", time.monotonic() - start, str(error))


def wants(suite: str, patterns: Sequence[str]) -> bool:
    """Whether a meson suite could have tests that match; their names need a build."""
    if not patterns:
        return True
    for pattern in patterns:
        first = pattern.split("/")[0]
        if first == suite or first.startswith("*") or selected(suite, [first]):
            return True
    return False
