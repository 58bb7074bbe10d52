# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody changes the machine between two records of an operation: cxlmemd is halted there, and goes on."""

from __future__ import annotations

import json
from typing import Callable, Iterator

from guest.crash import FATE, JOBS, Crash, Job, Known, settle

CREATE = JOBS[0]

# A region on the same card as far as it can be made by hand: what the plan of `create` counts on is
# somebody else's then. It says which one, or nothing when there was no room.
TAKE = """
cd /sys/bus/cxl/devices || exit
r=$(cat {window}/create_ram_region)
echo $r > {window}/create_ram_region || exit
give_back() {{ echo $r > {window}/delete_region; exit; }}
echo 256 > $r/interleave_granularity; echo 1 > $r/interleave_ways
echo $((256 << 20)) > $r/size || give_back
for d in $(ls -dv {decoders}*); do [ $(($(cat $d/dpa_size))) = 0 ] && break; done
echo ram > $d/mode; echo $((256 << 20)) > $d/dpa_size || give_back
echo $d > $r/target0 || {{ echo 0 > $d/dpa_size; give_back; }}
echo $r $d
"""
# Only the addresses: what is left of the window begins elsewhere, and so would the region's memory blocks.
TAKE_ADDRESSES = """
cd /sys/bus/cxl/devices || exit
r=$(cat {window}/create_ram_region)
echo $r > {window}/create_ram_region || exit
echo 256 > $r/interleave_granularity; echo 1 > $r/interleave_ways
echo $((256 << 20)) > $r/size && echo $r
"""
GIVE_BACK_ADDRESSES = "echo {region} > /sys/bus/cxl/devices/{window}/delete_region"
GIVE_BACK = ("cd /sys/bus/cxl/devices && echo > {region}/target0 && echo 0 > {decoder}/dpa_size && "
             "echo {region} > {window}/delete_region")
SHOW = "cd /sys/bus/cxl/devices && cat {region}/size {region}/target0 {decoder}/dpa_size"


class Behind(Crash):
    """A machine on which a person and cxlmemd get in each other's way."""

    def __init__(self, guest):
        super().__init__(guest)
        # What the person brings up is in the zone they say.
        guest.check("echo offline > /sys/devices/system/memory/auto_online_blocks")

    def _between(self, job: Job, nth: int, meddle: Callable[[], str]) -> tuple[dict, str]:
        """Do a job, and something else behind its record `nth`; the operation, and what that said."""
        self.doom(nth, "after", "pause")
        client = self.guest.run_async(f"cxlmemctl {self.fill(job.command)}")
        self.guest.wait_for(f"[ ! -e {FATE} ]", timeout=60)
        # Who halts itself has said before that it does.
        self.guest.wait_for("cat /proc/[0-9]*/stat 2>/dev/null | grep -q '(cxlmemd[^)]*) T'", timeout=60)
        said = meddle()
        self.guest.check("kill -CONT $(pidof cxlmemd cxlmemd-worker)")
        client.wait(timeout=120)
        settle(self)
        last = json.loads(self.ctl("operations --json"))[-1]["id"]
        return json.loads(self.ctl(f"operations {last} --json")), said

    def _records(self, job: Job) -> tuple[Known, int]:
        """What it does in peace, and how many of its records are written before its end."""
        known = self.learn(job)
        self.make_ready(job)
        assert self.picture_text() == known.before
        return known, len(known.times)

    def creates(self, choose: Callable[[int], bool]) -> Iterator[str]:
        """A region is made, and somebody takes what it needs; yields what came of it."""
        picture = self.picture()
        window = picture["windows"][0]["decoder"]
        endpoint = picture["memdevs"][0]["endpoint"]
        take = TAKE.format(window=window, decoders=endpoint.replace("endpoint", "decoder") + ".")
        known, records = self._records(CREATE)
        for nth in filter(choose, range(1, records)):
            where = f"create, {window} and its card wanted by another after record {nth} of {records}"
            operation, said = self._between(CREATE, nth, lambda: self.guest.check(take + "true"))
            if not said:
                # There was no room for the other one any more.
                assert operation["state"] == "done", (where, operation)
                assert self.picture_text() == known.done, where
                self.make_ready(CREATE)
                yield "as promised"
                continue
            names = dict(zip(("region", "decoder"), said.split()), window=window)
            assert operation["state"] == "failed", (where, operation)
            assert "somebody else" in operation["reason"], (where, operation)
            theirs = self.guest.check(SHOW.format(**names)).split()
            assert [int(theirs[0], 0), theirs[1], int(theirs[2], 0)] == [256 << 20, names["decoder"], 256 << 20]
            self.guest.check(GIVE_BACK.format(**names))
            assert self.picture_text() == known.before, where
            yield "as before"

    def moves(self, choose: Callable[[int], bool]) -> Iterator[str]:
        """A region is made, and somebody takes its place in the window; yields what came of it."""
        window = self.picture()["windows"][0]["decoder"]
        known, records = self._records(CREATE)
        for nth in filter(choose, range(1, records)):
            where = f"create, its place in {window} taken after record {nth} of {records}"
            operation, said = self._between(
                CREATE, nth, lambda: self.guest.check(TAKE_ADDRESSES.format(window=window)))
            give_back = GIVE_BACK_ADDRESSES.format(window=window, region=said.strip())
            if operation["state"] == "failed":
                assert "somebody else took" in operation["reason"], (where, operation)
                self.guest.check(give_back)
                assert self.picture_text() == known.before, where
                yield "as before"
                continue
            assert operation["state"] == "done", (where, operation)
            self.guest.check(give_back)
            assert self.picture_text() == known.done, where
            self.make_ready(CREATE)
            yield "as promised"
