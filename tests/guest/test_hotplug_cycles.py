# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hundred cycles of plug and eject; takes long, so it runs only when asked for: `./lab test long`."""

from __future__ import annotations

from guest.cycles import cycles
from lab.testing import timeout

SUITE = "long"
KERNELS = ("debian-6.12", "debian-7.3")
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("slots",)


@timeout(3600)
def test_hundred_cycles(guest):
    """Neither the kernel nor the daemon has anything left of the cards that came and went."""
    cycles(guest, 100)
