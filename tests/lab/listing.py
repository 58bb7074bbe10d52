# SPDX-License-Identifier: LGPL-2.1-or-later
"""`lab list`: kernels, topologies, suites and tests, one line each."""

from __future__ import annotations

import argparse

from . import (checks, kernels, mesontests, models, packagetests, schemas, selftests,
               topologies)
from .guesttests import Group
from .runner import guest_groups


def _always(groups: list[Group], suite: str) -> str:
    """What of a suite runs when nothing is named."""
    return ", ".join(group.name.removeprefix(f"{suite}/")
                     for group in groups if group.suite == suite and group.always)


def show(_options: argparse.Namespace) -> int:
    """The verb. Needs neither root nor a build."""
    print("Kernels:")
    for kernel in kernels.REGISTRY.values():
        print(f"  {kernel.name:14} {kernel.about}")
    print("Topologies:")
    for topology in topologies.TOPOLOGIES.values():
        print(f"  {topology.name:14} {topology.about}")
    groups = guest_groups()
    print("Suites:")
    print(f"  {'lab':14} the lab's own parts")
    for suite in mesontests.SUITES:
        print(f"  {suite.name:14} {suite.about}")
    print(f"  {schemas.SUITE:14} what cxlmemctl --json prints, against data/schema")
    print(f"  {models.SUITE:14} the kernel side's protocol, checked with SPIN")
    print(f"  {checks.SUITE:14} what other people's programs say about what we write")
    print(f"  {packagetests.SUITE:14} Debian's and Fedora's packages, without a guest")
    print(f"  {'guest':14} the project in a guest")
    for name in sorted({group.suite for group in groups} - {"guest"}):
        print(f"  {name:14} as guest; unasked: {_always(groups, name) or 'nothing'}")
    print("Tests:")
    for name, test in selftests.tests():
        print(f"  {name:60} {(test.shortDescription() or '').strip()}".rstrip())
    print(f"  {'unit/*, unit-asan/*, unit-valgrind/*':60} what tests/unit*/meson.build defines")
    for name in schemas.names():
        print(f"  {f'{schemas.SUITE}/{name}':60} samples of the client follow data/schema/{name}.json")
    for run in models.runs():
        print(f"  {run.full_name:60} {'holds' if run.holds else 'an error is found'}")
    for name, about in [*checks.names(), *packagetests.names()]:
        print(f"  {name:60} {about}")
    for group in groups:
        for case in group.cases:
            print(f"  {case.name:60} {case.about}".rstrip())
    return 0
