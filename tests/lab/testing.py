# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest test imports: decorators, and how to skip.

A file tests/guest/test_NAME.py may set, at module level:

    KERNELS     names of kernels (default: all Debian kernels)
    TOPOLOGIES  names of topologies (default: the lab's default)
    MATRIX      pairs (kernel, topology), instead of the two above
    SUITE       "guest" (default) or another name, e.g. "long", that runs only when asked for
    ALWAYS      names of kernels on which it runs unasked, whatever its suite
    BUILT_KERNELS  names of kernels that are built from source: these too, in the suite "kernel"
    BUILD       "plain" (default), "asan" or "valgrind"
    KERNEL_ARGUMENTS, MEMORY_MIB, BARE, BOOT, IMAGE   as in guest.Options

Every function test_*(guest) is a test. The tests of a file that run on the same kernel and
topology share one guest, in the order of the file; after a failure the rest gets a new one.
"""

from __future__ import annotations

from typing import Callable

from .errors import Skip

__all__ = ["Skip", "expect_kernel_log", "fresh", "only", "skip", "timeout"]

Test = Callable


def skip(reason: str) -> None:
    """End the running test as skipped."""
    raise Skip(reason)


def expect_kernel_log(*patterns: str) -> Callable[[Test], Test]:
    """The test causes kernel messages that match these regular expressions, and means to."""

    def mark(test: Test) -> Test:
        test.lab_expected = patterns
        return test

    return mark


def fresh(test: Test) -> Test:
    """The test gets a guest that no other test has used, and none uses it afterwards."""
    test.lab_fresh = True
    return test


def timeout(seconds: float) -> Callable[[Test], Test]:
    """The test may take this long before its guest is switched off (default 600 s)."""

    def mark(test: Test) -> Test:
        test.lab_timeout = seconds
        return test

    return mark


def only(kernels: tuple[str, ...] = (), topologies: tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """The test exists on these kernels and topologies only (it is not listed on others)."""

    def mark(test: Test) -> Test:
        test.lab_kernels = kernels
        test.lab_topologies = topologies
        return test

    return mark
