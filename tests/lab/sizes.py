# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sizes as people write them."""

from __future__ import annotations

import re

from .errors import LabError

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
CARD_STEP = 256 << 20


def parse_size(size: int | str) -> int:
    """Bytes of 512M, 1G, 1GiB or a plain number of bytes."""
    if isinstance(size, int):
        return size
    match = re.fullmatch(r"\s*([0-9]+)\s*([KMGT]?)(?:i?B)?\s*", size, re.IGNORECASE)
    if not match:
        raise LabError(f"{size!r} is not a size: write 512M or 1G")
    return int(match[1]) << _UNITS[match[2].upper()]


def card_mib(size: int | str) -> int:
    """Size of a card in MiB; others than multiples of 256 MiB make no memdev in the guest."""
    value = parse_size(size)
    if value <= 0 or value % CARD_STEP:
        raise LabError(f"a card of {size} would not be seen by the guest: "
                       "its size has to be a multiple of 256 MiB")
    return value >> 20
