# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every case of the crash matrix; takes hours, so it runs only when asked for: `./lab test long`."""

from __future__ import annotations

import collections
from typing import Any, Callable

from guest.behind import MEDDLE, Behind
from guest.crash import EJECT, FATE, JOBS, Crash, Job, settle
from lab.testing import fresh, only, timeout

SUITE = "long"
MATRIX = [("debian-7.3", name) for name in ("one", "two-bridges", "switch2", "slots")]
MATRIX.append(("debian-6.12", "one"))
# A card behind a switch cannot be plugged again; eject has the slots instead.
REGIONS = ("one", "two-bridges", "switch2")
CARDS = ("one", "two-bridges", "slots")

create, destroy, offline, set_mode = JOBS


def _killed(job: Job) -> Callable[[Any], None]:
    """A test: all cases of one job in which a process is killed."""

    @only(topologies=CARDS if job is EJECT else REGIONS)
    @timeout(7200)
    def test(guest: Any) -> None:
        crash = Crash(guest)
        counts = collections.Counter(crash.matrix(job, lambda nth, when, who: True))
        print(f"{job.name} on {guest.options.topology}: {sum(counts.values())} cases: {dict(counts)}")
        assert counts["as promised"] and counts["as before"], counts
        if job.prepare:
            crash.ctl(crash.fill("destroy {region}"), timeout=400)

    test.__doc__ = f"{job.name}: daemon, worker; before, after each record and in the middle of steps."
    return test


def _power(job: Job) -> Callable[[Any], None]:
    """A test: the machine loses its power after each record of one job."""

    @only(topologies=CARDS if job is EJECT else REGIONS)
    @timeout(7200)
    def test(guest: Any) -> None:
        crash = Crash(guest)
        if job.prepare:
            crash.ctl(crash.fill(job.prepare), timeout=400)
        wishes_before = crash.wishes()
        known = crash.learn(job, made_anew=True)
        done = known.done
        if job is EJECT:
            # A bridge that has had no card since the machine was started lists no decoders.
            guest.power_cut()
            crash = Crash(guest)
            crash.settled()
            done = crash.picture_text(made_anew=True)
        counts: collections.Counter[str] = collections.Counter()
        promised = True
        # The last time nobody stops it: whoever was told that it is done can count on that.
        for nth in range(1, known.records + 1):
            if promised:
                crash.make_ready(job)
            where = f"{job.name}, no power after record {nth} of {known.records}"
            told = nth == known.records
            if told:
                crash.ctl(crash.fill(job.command), timeout=400)
            else:
                crash.doom(nth, "after", "stop")
                guest.check(f"setsid cxlmemctl {crash.fill(job.command)} >/dev/null 2>&1 & "
                            f"for i in $(seq 600); do [ -e {FATE} ] || exit 0; sleep 0.1; done; exit 1")
            guest.power_cut()
            crash = Crash(guest)
            settle(crash)
            crash.settled()
            now = crash.picture_text(made_anew=True)
            assert now in (known.before, done), \
                f"{where}:\nbefore {known.before}\nnow    {now}\ndone   {done}"
            promised = now == done
            assert crash.wishes() == (known.wishes if promised else wishes_before), where
            # Until its end is on the disk it was not done, unless its last step was all there is to it.
            assert promised or not told, where
            assert not promised or nth >= len(known.times) or job is EJECT, where
            counts["as promised" if promised else "as before"] += 1
        print(f"{job.name} on {guest.options.topology}, power: {sum(counts.values())} cases: {dict(counts)}")
        if job is EJECT:
            crash.make_ready(job)
        crash.ctl("forget all")
        if crash.regions():
            crash.ctl(crash.fill("destroy {region}"), timeout=400)

    test.__doc__ = f"{job.name}: the power fails after each record, and when it was told to be done."
    return test


@only(topologies=("one",))
@timeout(7200)
@fresh
def test_behind_its_back(guest: Any) -> None:
    """Somebody takes what a create is about, after each record of it."""
    behind = Behind(guest)
    for name, cases in (("create", behind.creates), ("its place", behind.moves)):
        counts = collections.Counter(cases(lambda nth: True))
        print(f"{name} meddled with: {sum(counts.values())} cases: {dict(counts)}")
        assert counts["as promised"] and counts["as before"], counts


@only(topologies=("one",))
@timeout(7200)
@fresh
def test_destroy_behind_its_back(guest: Any) -> None:
    """Somebody changes a region that is being destroyed, after each record of that."""
    behind = Behind(guest)
    counts = collections.Counter(behind.destroys(lambda what, nth: True))
    print(f"destroy meddled with: {sum(counts.values())} cases: {dict(counts)}")
    for what in MEDDLE:
        assert any(counts[what, end] for end in ("as promised", "as before", "asked")), (what, counts)


test_create = _killed(create)
test_destroy = _killed(destroy)
test_offline = _killed(offline)
test_set_mode = _killed(set_mode)
test_eject = _killed(EJECT)
test_power_create = _power(create)
test_power_destroy = _power(destroy)
test_power_offline = _power(offline)
test_power_set_mode = _power(set_mode)
test_power_eject = _power(EJECT)
