# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every case of the crash matrix; takes hours, so it runs only when asked for: `./lab test long`."""

from __future__ import annotations

import collections
from typing import Any, Callable

from guest.crash import FATE, JOBS, Crash, settle
from lab.testing import timeout

SUITE = "long"
KERNELS = ("debian-7.3",)
TOPOLOGIES = ("one", "two-bridges", "switch2")


def _all(name: str) -> Callable[[Any], None]:
    """A test: all cases of one job."""
    job = next(job for job in JOBS if job.name == name)

    @timeout(7200)
    def test(guest: Any) -> None:
        crash = Crash(guest)
        counts = collections.Counter(crash.matrix(job, lambda nth, when, who: True))
        print(f"{job.name} on {guest.options.topology}: {sum(counts.values())} cases: {dict(counts)}")
        assert counts["as promised"] and counts["as before"], counts
        if job.prepare:
            crash.ctl(crash.fill("destroy {region}"), timeout=400)

    test.__doc__ = f"{name}, daemon and worker, before and after each record."
    return test


test_create = _all("create")
test_destroy = _all("destroy")
test_offline = _all("offline")
test_set_mode = _all("set-mode")


@timeout(7200)
def test_power_loss(guest):
    """The machine loses its power after each record of create and of destroy: a region whole, or none."""
    crash = Crash(guest)
    card = crash.card_words()
    number = crash.writes(f"create {card}")
    done = crash.picture_text()
    for nth in range(1, number + 1):
        crash.ctl("forget all")
        crash.ctl(crash.fill("destroy {region}"), timeout=400)
        before = crash.picture_text()
        crash.doom(nth, "after", "stop")
        guest.check(f"setsid cxlmemctl create {crash.card_words()} >/dev/null 2>&1 & "
                    f"for i in $(seq 600); do [ -e {FATE} ] || exit 0; sleep 0.1; done; exit 1")
        guest.power_cut()
        crash = Crash(guest)
        settle(crash)
        wished = crash.wishes()
        if wished:
            guest.wait_for("cxlmemctl list | grep -q online", timeout=120)
            settle(crash)
        now = crash.picture_text()
        # The end is on the disk, or it was not done.
        assert now == (done if wished else before), f"record {nth}: {now}"
        assert wished == 0 or nth == number, f"record {nth} of {number}: {wished}"
        if not wished:
            crash.ctl(f"create {crash.card_words()}", timeout=400)
    # Whoever was told that it is done can count on that.
    for command, promised in (("destroy {region}", before), ("create {card}", done)):
        crash.ctl(crash.fill(command), timeout=400)
        guest.power_cut()
        crash = Crash(guest)
        if promised == done:
            guest.wait_for("cxlmemctl list | grep -q online", timeout=120)
        settle(crash)
        assert crash.picture_text() == promised, command
