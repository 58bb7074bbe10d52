# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's own disk: a sparse ext4 image that holds what it writes."""

from __future__ import annotations

from pathlib import Path
import subprocess

from . import chroot
from .cache import Cache
from .errors import LabError

SIZE_MIB = 4096
# A journal, because a power cut has to leave a file system that can be used; all tables are
# written now, so that no guest spends time on them.
MKFS = ("mke2fs", "-q", "-t", "ext4", "-J", "size=16", "-m", "0", "-N", "65536",
        "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0", "-F")


def template(cache: Cache, tools: Path) -> Path:
    """An empty file system, made once."""

    def build(entry: Path) -> None:
        image = entry / "upper.img"
        with open(image, "wb") as file:
            file.truncate(SIZE_MIB << 20)
        chroot.check(tools, [*MKFS, "/out/upper.img"], binds={"/out": (entry, True)})

    return cache.step("disk", {"size": SIZE_MIB, "mkfs": MKFS}, build, need_mib=64) / "upper.img"


def copy(source: Path, target: Path) -> None:
    """Copy an image; its holes stay holes, and blocks are shared where the host can do that."""
    done = subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(target)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"cannot copy the guest's disk: {done.stderr.strip()}")
