# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job with the daemon under valgrind; the lab fails the test on any error or leak."""

from __future__ import annotations

from guest.jobs import whole_job
from guest.machine import Machine
from lab.testing import timeout

BUILD = "valgrind"
KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)


@timeout(1500)
def test_main_job(guest):
    """No error and no leak over the whole main job."""
    whole_job(Machine(guest))
