# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody changes the machine between two records of an operation: cxlmemd is halted there, and goes on."""

from __future__ import annotations

import itertools
import json
import re
from typing import Callable, Iterator

from guest.crash import FATE, JOBS, Crash, Job, Known, settle

CREATE, DESTROY = JOBS[:2]

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
# What a person may do to a region that is being destroyed. Each says what it did, or nothing where there was nothing
# to be done; nobody takes memory that is online from below, the kernel would lose it until the next boot.
REGION = """
cxl=/sys/bus/cxl; dax=/sys/bus/dax; mem=/sys/devices/system/memory
blocks() {{ for b in $(seq {first} {last}); do [ ! -e $mem/memory$b ] || echo $b; done; }}
in_use() {{ for b in $(blocks); do grep -q ^offline $mem/memory$b/state || return 0; done; return 1; }}
has_dax() {{ [ -e $dax/devices/{dax} ]; }}
bound() {{ [ -e $dax/devices/{dax}/driver ]; }}
enabled() {{ [ -e $cxl/devices/{region}/driver ]; }}
put() {{ (echo "$2" > $1) 2>/dev/null; }}
trap 'exit 0' EXIT
"""
# Another region with what it had; the kernel hands out names in turns.
DESTROY_BY_HAND = """
[ -e $cxl/devices/{region} ] && ! in_use || exit
! enabled || put $cxl/drivers/cxl_region/unbind {region}
put $cxl/devices/{region}/commit 0; put $cxl/devices/{region}/target0; put $cxl/devices/{decoder}/dpa_size 0
put $cxl/devices/{window}/delete_region {region} || exit
"""
MEDDLE = {
    "a block": """
        for b in $(blocks); do
            grep -q ^offline $mem/memory$b/state || continue
            put $mem/memory$b/state online_movable && echo memory$b; exit
        done
        # Some kernels take blocks away that are offline.
        if [ -n "$(blocks)" ]; then put $mem/memory{last}/state offline && echo memory{last}
        elif grep -q unplugged $dax/devices/{dax}/state; then put $dax/devices/{dax}/state online_movable && echo {dax}
        fi 2>/dev/null""",
    "its driver": """
        has_dax && ! in_use || exit
        if bound; then put $dax/drivers/kmem/unbind {dax}; else put $dax/drivers/kmem/bind {dax}; fi && echo {dax}""",
    "another driver": """
        has_dax && ! in_use || exit
        ! bound || put $dax/drivers/kmem/unbind {dax}
        put $dax/drivers/device_dax/new_id {dax}; [ ! -e $dax/drivers/device_dax/{dax} ] || echo {dax}""",
    "whether it is enabled": """
        ! enabled || {{ ! in_use && put $cxl/drivers/cxl_region/unbind {region} && echo {region}; exit; }}
        put $cxl/drivers/cxl_region/bind {region} || exit
        until bound; do sleep 0.1; done; echo {region}""",
    "all of it": DESTROY_BY_HAND + "echo {region}",
    "its capacity": TAKE,
    "all of it and its capacity": DESTROY_BY_HAND + TAKE,
}
SHOW = "cd /sys/bus/cxl/devices && cat {region}/size {region}/target0 {decoder}/dpa_size"


class Behind(Crash):
    """A machine on which a person and cxlmemd get in each other's way."""

    def __init__(self, guest):
        super().__init__(guest)
        # What the person brings up is in the zone they say.
        guest.check("echo offline > /sys/devices/system/memory/auto_online_blocks")

    def state(self) -> dict:
        """Without what kmem has noted of its memory: what is done behind its back it never learns."""
        state = super().state()
        for dax in state["daxes"]:
            dax.pop("state", None)
        return state

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
        # What is wished for may have been made again since.
        last = [one["id"] for one in json.loads(self.ctl("operations --json")) if one["verb"] == job.name][-1]
        return json.loads(self.ctl(f"operations {last} --json")), said

    def _fill_in(self, script: str) -> str:
        """With the names and numbers of the one region there is."""
        picture = self.picture()
        region, size = picture["regions"][0], picture["block_size"]
        endpoint = picture["memdevs"][0]["endpoint"]
        return (REGION + script).format(
            region=region["region"], dax=self.dax(region["region"])["chardev"],
            first=-(-region["resource"] // size), last=(region["resource"] + region["size"]) // size - 1,
            window=picture["windows"][0]["decoder"], decoder=region["mappings"][0]["decoder"],
            decoders=endpoint.replace("endpoint", "decoder") + ".")

    def _records(self, job: Job) -> tuple[Known, int]:
        """What it does in peace, and how many of its records it is halted at, the end with them.

        Not at what the daemon writes about the wishes: its worker is at work then, and nothing keeps the kernel's
        next step from falling together with what somebody does.
        """
        known = self.learn(job)
        self.make_ready(job)
        assert self.picture_text() == known.before
        return known, sum(kind != "intent" for kind in known.kinds)

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

    def destroys(self, choose: Callable[[str, int], bool]) -> Iterator[tuple[str, str]]:
        """A region is destroyed, and somebody changes something of it (MEDDLE); yields what, and what came of it."""
        self.ctl(self.fill(DESTROY.prepare), timeout=400)
        known, records = self._records(DESTROY)
        for what, nth in itertools.product(MEDDLE, range(1, records)):
            if choose(what, nth):
                # After the last record but the end its name is free.
                yield what, self._destroy(known, what, nth, gone=nth == records - 1)
        self.ctl(self.fill(DESTROY.command), timeout=400)

    def _destroy(self, known: Known, what: str, nth: int, gone: bool) -> str:
        script = self._fill_in(MEDDLE[what])
        doomed = self.regions()[0]["region"]
        window = self.picture()["windows"][0]["decoder"]
        operation, said = self._between(DESTROY, nth, lambda: self.guest.check(script))
        where = f"destroy, {what} changed after record {nth}: {said}"
        words = said.split()
        if len(words) == 2:
            names = {"region": words[0], "decoder": words[1], "window": window}
            theirs = self.guest.check(SHOW.format(**names)).split()
            assert [int(theirs[0], 0), theirs[1], int(theirs[2], 0)] == [256 << 20, names["decoder"], 256 << 20], where
            if words[0] == doomed and not gone:
                self.guest.check("journalctl -u cxlmemd | grep -q "
                                 f"'{words[0]} is another one now, which somebody else has made since'")
            self.guest.check(GIVE_BACK.format(**names))
        if operation["state"] == "failed":
            # What is said to be in the way is what they changed, or what that is a part of.
            reason = operation["reason"]
            assert words and "somebody else" in reason, (where, operation)
            assert words[0] in reason or self.regions()[0]["region"] in reason, (where, operation)
            assert self.picture_text() == known.before, where
            return "as before"
        if operation["state"] == "stuck":
            # What they made of it is in the way of the way back, too: it is left to them, who are told what to type.
            assert words and words[0] in operation["reason"], (where, operation)
            assert "somebody else" in operation["reason"], (where, operation)
            [command] = re.findall(r"`cxlmemctl (destroy [^`]+)`", operation["reason"])
            self.ctl(command, timeout=400)
        else:
            assert operation["state"] == "done", (where, operation)
        assert self.picture_text() == known.done, where
        assert self.wishes() == known.wishes, where
        self.make_ready(DESTROY)
        return "asked" if operation["state"] == "stuck" else "as promised" if words else "nothing to change"
