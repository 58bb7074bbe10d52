# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guest tests say about a machine: its picture, its cards, and whether it is as it was."""

from __future__ import annotations

import copy
import json
import shlex
import time
from typing import Any

USE = "/usr/libexec/cxlmem-tests/cxlmem-use"
SLOT_SERIAL = 0x2001


class Refused(Exception):
    """cxlmemctl said no; its status and its words."""

    def __init__(self, command: str, status: int, output: str):
        super().__init__(f"`{command}` ended with {status}: {output}")
        self.status = status
        self.output = output


class Machine:
    """A guest as an administrator sees it, through cxlmemctl."""

    def __init__(self, guest: Any):
        self.guest = guest
        if not self.picture()["memdevs"] and guest.options.topology == "slots":
            for number in range(4):
                guest.plug(f"card{number}", f"rp{number}", size="512M", serial=SLOT_SERIAL + number)

    def ctl(self, command: str, timeout: float = 120) -> str:
        """Run cxlmemctl; raises Refused when it fails."""
        status, output = self.guest.sh(f"cxlmemctl {command}", timeout=timeout)
        if status:
            raise Refused(f"cxlmemctl {command}", status, output)
        return output

    def refused(self, command: str, *words: str, status: int = 1) -> str:
        """Run cxlmemctl, which must fail with this status and these words, and change nothing."""
        before = self.state()
        try:
            output = self.ctl(command)
        except Refused as refusal:
            assert refusal.status == status, f"{refusal}, wanted status {status}"
            for word in words:
                assert word in refusal.output, f"{word!r} is not in {refusal.output!r}"
            self.assert_state(before)
            return refusal.output
        raise AssertionError(f"`cxlmemctl {command}` was not refused: {output}")

    def picture(self) -> dict:
        """The machine's picture, read afresh."""
        return json.loads(self.ctl("status --json"))

    def cards(self) -> list[str]:
        """Names of the cards, ordered by serial (names depend on the order of arrival)."""
        memdevs = sorted(self.picture()["memdevs"], key=lambda memdev: memdev["serial"])
        return [memdev["memdev"] for memdev in memdevs]

    def regions(self) -> list[dict]:
        """The regions."""
        return self.picture()["regions"]

    def region(self, name: str) -> dict:
        """One region."""
        return next(region for region in self.regions() if region["region"] == name)

    def dax(self, region: str) -> dict:
        """The dax device of a region."""
        return next(dax for dax in self.picture()["daxes"] if dax.get("region") == region)

    def blocks(self, region: str) -> list[dict]:
        """The runs of memory blocks of a region."""
        return [run for run in self.picture()["memory"] if run.get("region") == region]

    def zones(self, region: str) -> set[tuple[str, str | None]]:
        """States and zones of a region's memory blocks, straight from sysfs of the guest."""
        picture = self.picture()
        size = picture["block_size"]
        entry = next(r for r in picture["regions"] if r["region"] == region)
        first = -(-entry["resource"] // size)
        last = (entry["resource"] + entry["size"]) // size
        text = self.guest.check(
            f"for n in $(seq {first} {last - 1}); do d=/sys/devices/system/memory/memory$n; "
            "if [ -d $d ]; then echo $(cat $d/state) $(cat $d/valid_zones); else echo gone; fi; "
            "done")
        result = set()
        for line in text.split("\n"):
            words = line.split()
            if words:
                result.add((words[0], words[1] if words[0] == "online" else None))
        return result

    def state(self) -> dict:
        """What must be the same before and after: everything but free memory and hidden leftovers."""
        picture = copy.deepcopy(self.picture())
        picture.pop("nodes", None)
        for window in picture["windows"]:
            # The kernel hands out region numbers in turns.
            window.pop("next_region", None)
        for port in picture["ports"]:
            for decoder in port["decoders"]:
                # Kernels leave the mode, ways and granularity of an idle decoder as they were.
                if not decoder.get("size"):
                    for key in ("mode", "interleave_ways", "interleave_granularity",
                                "dpa_resource", "resource"):
                        decoder.pop(key, None)
        picture["settings"] = self.guest.check(
            "cat /sys/bus/dax/drivers_autoprobe /sys/devices/system/memory/auto_online_blocks "
            "/sys/kernel/rcu_expedited; "
            "ls /sys/bus/cxl/devices /sys/bus/dax/devices; "
            "ls /sys/devices/system/node | grep node")
        picture["nodes_online"] = self.guest.check("cat /sys/devices/system/node/has_memory")
        return picture

    @staticmethod
    def without_offline(state: dict) -> dict:
        """A state() without the difference between blocks that are offline and those that kmem has taken away.

        The first are what memory is that was made to be offline, the second what becomes of memory that is
        taken offline, on kernels that have daxX.Y/state.
        """
        state = copy.deepcopy(state)
        state["memory"] = [run for run in state["memory"] if run["state"] == "online"]
        state["settings"] = "".join(line for line in state["settings"].splitlines(keepends=True)
                                    if not line.startswith("node"))
        for dax in state["daxes"]:
            dax.pop("state", None)
        return state

    def assert_state(self, before: dict) -> None:
        """The machine is as it was, down to the decoders."""
        after = self.state()
        for key in sorted(set(before) | set(after)):
            assert before.get(key) == after.get(key), (
                f"{key} differs:\nbefore {json.dumps(before.get(key))}\n"
                f"after  {json.dumps(after.get(key))}")

    def _open_files(self) -> list[str]:
        """What the daemon and its workers have open, sorted; sockets and the like without numbers."""
        text = self.guest.check("for p in $(pidof cxlmemd); do for f in /proc/$p/fd/*; do "
                                "readlink $f; done; done")
        return sorted(line.split(":[")[0] for line in text.split("\n") if line)

    def descriptors(self) -> list[str]:
        """What the daemon and its workers have open when they are at rest.

        After a change the daemon looks at the machine once more: a worker more is there meanwhile, or
        this and that of /sys is open. What is the same thrice is what is left open for good.
        """
        last: list[str] = []
        same = 0
        for _ in range(80):
            names = self._open_files()
            # The card's trace events are listened to all the time.
            busy = any(name.startswith(("/sys/", "/proc/")) and "/tracing/" not in name
                       for name in names)
            same = same + 1 if names == last and not busy else 0
            if same == 2:
                break
            last = names
            time.sleep(0.25)
        return last

    def assert_descriptors(self, before: list[str]) -> None:
        """The daemon has open what it had then, at the latest when it has come to rest again."""
        for _ in range(4):
            now = self.descriptors()
            if now == before:
                return
            time.sleep(2)
        raise AssertionError(f"open before: {before}\nopen now: {now}")

    def use(self, node: int, size: str, timeout: float = 200) -> str:
        """Fill and check memory on a node."""
        return self.guest.check(f"{USE} node {node} {size}", timeout=timeout)

    def use_dax(self, path: str, size: str, timeout: float = 200) -> str:
        """Fill and check a device-dax mapping."""
        return self.guest.check(f"{USE} dax {shlex.quote(path)} {size}", timeout=timeout)

    def hold(self, node: int, size: str) -> "Holder":
        """A process with checked data on a node."""
        return Holder(self.guest, node, size)


class Holder:
    """A process that holds data and can be asked whether it is still as written."""

    count = 0

    def __init__(self, guest: Any, node: int, size: str):
        Holder.count += 1
        self.guest = guest
        self.log = f"/run/holder{Holder.count}"
        guest.check(f"setsid {USE} node {node} {size} hold > {self.log} 2>&1 & "
                    f"echo $! > {self.log}.pid")
        guest.wait_for(f"grep -q filled {self.log}", timeout=120)

    def verify(self) -> str:
        """Have it check its data once more and end; returns what it said."""
        self.guest.check(f"kill -USR1 $(cat {self.log}.pid)")
        self.guest.wait_for(f"! kill -0 $(cat {self.log}.pid) 2>/dev/null", timeout=120)
        text = self.guest.check(f"cat {self.log}")
        assert "still as written" in text, text
        return text
