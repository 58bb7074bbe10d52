# SPDX-License-Identifier: LGPL-2.1-or-later
"""The KUnit suite of the series, and after it a look for leaks."""

from __future__ import annotations

from guest.kernel_guest import check_leaks
from lab.testing import only, timeout

SUITE = "kernel"
ALWAYS = ("patched",)
KERNELS = ("patched", "patched-debug")
TOPOLOGIES = ("one",)
BARE = True
RESULTS = "/sys/kernel/debug/kunit/pgmap_folio/results"


@timeout(1800)
def test_pgmap_folio(guest):
    """Every case of pgmap_folio passes."""
    guest.check("modprobe pgmap_folio_kunit", 1700)
    status, results = guest.sh(f"cat {RESULTS}")
    if status:
        results = guest.check("dmesg | grep -A1000 'pgmap_folio' || true")
    lines = [line.split("] ")[-1].strip() for line in results.splitlines()]
    cases = [line for line in lines if line.startswith(("ok ", "not ok "))]
    failed = [line for line in cases if line.startswith("not ok")]
    assert not failed, "\n".join(lines)
    assert len(cases) >= 14, "\n".join(lines)
    guest.check("modprobe -r pgmap_folio_kunit")


@only(kernels=("patched-debug",))
@timeout(600)
def test_no_leak(guest):
    """kmemleak finds nothing of ours."""
    assert check_leaks(guest)
