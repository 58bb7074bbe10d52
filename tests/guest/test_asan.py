# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job with a daemon built with ASan and UBSan; the lab fails the test on any report."""

from __future__ import annotations

from guest.jobs import whole_job
from guest.machine import Machine
from lab.testing import timeout

BUILD = "asan"
KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)


@timeout(1200)
def test_main_job(guest):
    """No address, leak or undefined behaviour report over the whole main job."""
    whole_job(Machine(guest))
