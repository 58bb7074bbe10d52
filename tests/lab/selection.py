# SPDX-License-Identifier: LGPL-2.1-or-later
"""Choosing tests by name.

A test is called SUITE/... , e.g. unit/planner or guest/create/debian-7.3/one/test_movable.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Sequence


def normalize(pattern: str) -> str:
    """A path of a test file becomes the name of its tests."""
    pattern = pattern.rstrip("/").removeprefix("./")
    match = re.fullmatch(r"(?:tests/)?(guest|lab/unit)/test_([^/]+)\.py(/.*)?", pattern)
    if match:
        suite = "lab" if match[1] == "lab/unit" else "*"
        return f"{suite}/{match[2]}{match[3] or ''}"
    return pattern


def selected(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern is the name, the beginning of it, or one of its parts.

    Without patterns everything is selected. Globs work everywhere.
    """
    if not patterns:
        return True
    parts = name.split("/")
    for raw in patterns:
        pattern = normalize(raw)
        if fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}/*"):
            return True
        if "/" not in pattern and any(fnmatchcase(part, pattern) for part in parts):
            return True
    return False
