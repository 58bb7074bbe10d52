# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon dies in the middle, and the next one ends what it had begun."""

from __future__ import annotations

import collections

from guest.behind import Behind
from guest.crash import JOBS, STATE, Crash, settle
from guest.machine import USE, Machine
from lab.testing import expect_kernel_log, timeout

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("one",)


@timeout(1200)
def test_killed_at_records(guest):
    """Daemon or worker killed at some records of each verb: the machine is as promised or as before."""
    crash = Crash(guest)
    counts: collections.Counter[str] = collections.Counter()
    for job in JOBS:
        # Every case is one of the suite `long`; here it is one in seven, others for each verb.
        turn = iter(range(len(job.name), 10000))
        counts.update(crash.matrix(job, lambda nth, when, who: next(turn) % 7 == 0))
        if job.prepare:
            crash.ctl(crash.fill("destroy {region}"), timeout=400)
    print(f"{sum(counts.values())} cases: {dict(counts)}")
    assert counts["as promised"] and counts["as before"], counts


@timeout(900)
def test_meddled_with(guest):
    """Somebody takes what a create is about in between: noticed, walked back, and theirs is left alone."""
    behind = Behind(guest)
    # Every record is tried in the suite `long`. After the first one nothing has been begun.
    for name, cases in (("create", behind.creates), ("its place", behind.moves)):
        counts = collections.Counter(cases(lambda nth: nth == 1 or nth % 4 == 2))
        print(f"{name}: {sum(counts.values())} cases: {dict(counts)}")
        assert counts["as before"], counts


@timeout(900)
def test_destroy_meddled_with(guest):
    """Somebody changes a region that is being destroyed: done all the same, walked back, or asked what to do."""
    behind = Behind(guest)
    # Before it is taken from its driver, and before its decoders are released; all others are in the suite `long`.
    few = {("a block", 3), ("its driver", 3), ("another driver", 3), ("whether it is enabled", 5),
           ("all of it", 3), ("all of it and its capacity", 3), ("all of it and its capacity", 5)}
    counts = collections.Counter(end for _, end in behind.destroys(lambda what, nth: (what, nth) in few))
    print(f"{sum(counts.values())} cases: {dict(counts)}")
    assert counts == {"as promised": 4, "as before": 2, "asked": 1}, counts


@expect_kernel_log("page dumped because: migration failure")
def test_killed_while_the_kernel_is_at_it(guest):
    """Killed in the middle of an offline that the kernel does not end: online again, the data whole."""
    machine = Machine(guest)
    machine.ctl("create " + machine.cards()[0], timeout=400)
    before = machine.state()
    region = machine.regions()[0]["region"]
    node = machine.dax(region)["target_node"]
    holder = machine.hold(node, "64M")
    guest.check(f"setsid {USE} pin {node} 2M > /run/pin 2>&1 & echo $! > /run/pin.pid")
    guest.wait_for("grep -q pinned /run/pin", timeout=60)
    guest.check(f"setsid cxlmemctl offline {region} >/run/offline.log 2>&1 & sleep 1")
    guest.wait_for("cxlmemctl operations | grep -q running", timeout=60)
    guest.check("kill -9 $(systemctl show -P MainPID cxlmemd)")
    settle(machine)
    guest.check("kill $(cat /run/pin.pid); while kill -0 $(cat /run/pin.pid) 2>/dev/null; do "
                "sleep 0.1; done")
    holder.verify()
    machine.assert_state(before)
    machine.ctl(f"destroy {region}", timeout=400)


def test_damaged_journal(guest):
    """Rubbish in the journal is no reason to do anything, nor not to start."""
    machine = Machine(guest)
    before = machine.state()
    guest.check("systemctl stop cxlmemd; head -c 300000 /dev/urandom | "
                f"dd of={STATE}/journal conv=notrunc status=none; systemctl start cxlmemd")
    settle(machine)
    machine.assert_state(before)
    machine.ctl("create " + machine.cards()[0], timeout=400)
    machine.ctl("destroy " + machine.regions()[0]["region"], timeout=400)
    machine.assert_state(before)


def test_no_journal(guest):
    """Where it cannot be written nothing is changed, and the answer says why."""
    machine = Machine(guest)
    guest.check(f"systemctl stop cxlmemd; rm -f {STATE}/journal; mkdir {STATE}/journal; "
                "systemctl start cxlmemd")
    machine.refused("create " + machine.cards()[0], f"{STATE}/journal")
    guest.check(f"systemctl stop cxlmemd; rmdir {STATE}/journal; systemctl start cxlmemd")
    machine.ctl("create " + machine.cards()[0], timeout=400)
    machine.ctl("destroy " + machine.regions()[0]["region"], timeout=400)
