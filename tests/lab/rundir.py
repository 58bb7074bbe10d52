# SPDX-License-Identifier: LGPL-2.1-or-later
"""Directories for running things: short paths, as sockets want them, and none left behind."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

PREFIX = "cxlmem-lab-"
_NAME = re.compile(rf"^{PREFIX}(\d+)-")


def base() -> Path:
    """Where they are made."""
    return Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())


def make() -> Path:
    """A fresh directory; its name tells which process it belongs to."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base()))


def remove_stale() -> None:
    """Remove what labs left that were killed."""
    for path in base().glob(f"{PREFIX}*"):
        owner = _NAME.match(path.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            shutil.rmtree(path, ignore_errors=True)
