# SPDX-License-Identifier: LGPL-2.1-or-later
"""KVM or not: only where a guest was really seen to boot with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .errors import LabError

if TYPE_CHECKING:
    from .assets import Assets

VARIABLE = "CXLMEM_LAB_ACCEL"


def choose(assets: "Assets") -> str:
    """The accelerator: what CXLMEM_LAB_ACCEL says, else tcg."""
    forced = os.environ.get(VARIABLE, "")
    if forced not in ("", "tcg", "kvm"):
        raise LabError(f"{VARIABLE} is {forced!r}: set it to tcg or kvm, or leave it unset")
    return forced or "tcg"
