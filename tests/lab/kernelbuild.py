# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels built from Debian's linux-source with the series of kernel/patches applied.

The source package is downloaded and unpacked once, the series is applied in a copy of the
tree, and each kernel is configured from the fragments in kernel/config and built in a root
that has the kernel's build needs. Every one of these is a step of the cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import chroot
from .apt import Apt
from .cache import Cache, file_digest, remove_tree
from .errors import LabError
from .progress import Progress, say, tree_mib
from .roots import SUITES, TRIM, mmdebstrap

BUILD_PACKAGES = (
    "gcc", "libc6-dev", "make", "flex", "bison", "bc", "libelf-dev", "libssl-dev", "perl",
    "python3", "kmod", "cpio", "xz-utils", "zstd", "rsync", "git", "patch", "sparse",
)
# Mount points for chroot.run() in the build root.
POINTS = ("src", "build", "out", "in")
JOBS = 2
SOURCE_SERIES = "7.3"


def build_root(cache: Cache, apt: Apt) -> Path:
    """A Debian root with what a kernel build needs."""
    inputs = {"version": 1, "sources": apt.mirror.lines(SUITES), "packages": BUILD_PACKAGES,
              "points": POINTS, "trim": TRIM}

    def build(entry: Path) -> None:
        root = entry / "root"
        root.mkdir()
        mmdebstrap(root, apt.lines(), BUILD_PACKAGES, "apt", TRIM,
                   "making the root that builds kernels")
        for point in POINTS:
            (root / point).mkdir(exist_ok=True)

    return cache.step("kernel-tools", inputs, build, need_mib=1200) / "root"
