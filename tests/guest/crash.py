# SPDX-License-Identifier: LGPL-2.1-or-later
"""cxlmemd, or its worker, killed at a chosen record of its journal, and what became of the machine."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from guest.machine import Machine

STATE = "/var/lib/cxlmem"
FATE = f"{STATE}/fate"
PRELOAD = "/usr/libexec/cxlmem-tests/die-at-record.so"
DROP_IN = "/run/systemd/system/cxlmemd.service.d/fate.conf"
BUSY = ("queued", "running", "undoing")


@dataclass(frozen=True)
class Job:
    """A verb on a machine that is ready for it, and the way back."""
    name: str
    command: str          # with {card} and {region}
    prepare: str | None   # what is done once, first
    again: str            # what makes the machine ready again when the promise was kept


JOBS = (
    Job("create", "create {card}", None, "destroy {region}"),
    Job("destroy", "destroy {region}", "create {card}", "create {card}"),
    Job("offline", "offline {region}", "create {card}", "online {region}"),
    Job("set-mode", "set-mode --mode devdax {region}", "create {card}",
        "set-mode --mode system-ram {region}"),
)


def settle(machine: Machine) -> None:
    """Until a daemon is there and nothing is at work."""
    for _ in range(600):
        status, text = machine.guest.sh("systemctl is-active -q cxlmemd && cxlmemctl operations")
        if status == 0 and not any(line.split()[2] in BUSY for line in text.splitlines()[1:]):
            return
        time.sleep(0.1)
    raise AssertionError(f"the daemon does not come to rest: {text}")


class Crash(Machine):
    """A machine whose cxlmemd can be told where to die."""

    def __init__(self, guest: Any):
        super().__init__(guest)
        guest.write(DROP_IN, "[Unit]\nStartLimitIntervalSec=0\n[Service]\n"
                             f"Environment=LD_PRELOAD={PRELOAD} CXLMEM_FATE={FATE}\n")
        guest.check("systemctl daemon-reload; systemctl restart cxlmemd")

    def card_words(self) -> str:
        """As many cards as one region takes here."""
        cards = self.cards()
        return " ".join(cards[:2]) if self.guest.options.topology == "two-bridges" else cards[0]

    def fill(self, command: str) -> str:
        """A command with the names of now."""
        regions = self.regions()
        region = regions[0]["region"] if regions else "region0"
        return command.format(card=self.card_words(), region=region)

    def picture_text(self) -> str:
        """The machine without the numbers that the kernel hands out in turns."""
        text = json.dumps(self.state(), sort_keys=True)
        text = re.sub(r"region\d+", "region", text)
        return re.sub(r"dax\d+\.\d+", "dax", text)

    def wishes(self) -> int:
        """How many."""
        return len(json.loads(self.ctl("wishes --json"))["wishes"])

    def records(self) -> list[tuple[int, str]]:
        """Number and kind of each record of the journal, in their order."""
        text = self.guest.sh(f"grep -a '^cxlmem1 ' {STATE}/journal | cut -c9-60")[1]
        found = re.findall(r'^([0-9a-f]{16}) \w+ {"record":"([a-z]+)"', text, re.MULTILINE)
        return sorted((int(number, 16), kind) for number, kind in found)

    def doom(self, nth: int, when: str, who: str) -> None:
        """From now on, at the nth record."""
        self.guest.write(FATE, f"{nth} {when} {who}\n")

    def spared(self) -> bool:
        """Whether it did not come to that; then it never will."""
        return self.guest.sh(f"rm {FATE}")[0] == 0

    def writes(self, command: str) -> int:
        """How often a command that succeeds writes into the journal."""
        first = max(self.records(), default=(0, ""))
        self.ctl(command, timeout=400)
        kinds = [kind for number, kind in self.records() if number > first[0]]
        # A step's result goes with the next step, the wishes with the end.
        return sum(kind in ("begin", "intent", "step", "named", "end") for kind in kinds) + 1

    def learn(self, job: Job) -> tuple[str, str, int, int]:
        """The machine before and after, the wishes after, and how many records it takes."""
        before = self.picture_text()
        number = self.writes(self.fill(job.command))
        return before, self.picture_text(), self.wishes(), number

    def matrix(self, job: Job, choose: Callable[[int, str, str], bool]) -> Iterator[str]:
        """Each case that is chosen; yields what it came to."""
        if job.prepare:
            self.ctl(self.fill(job.prepare), timeout=400)
        wishes_before = self.wishes()
        before, done, wishes_done, number = self.learn(job)
        self.ctl(self.fill(job.again), timeout=400)
        assert self.picture_text() == before
        for nth in range(1, number + 1):
            for when in ("before", "after"):
                for who in ("daemon", "worker"):
                    if not choose(nth, when, who):
                        continue
                    where = f"{job.name}, {who} killed {when} record {nth} of {number}"
                    self.doom(nth, when, who)
                    self.guest.sh(f"cxlmemctl {self.fill(job.command)}", timeout=400)
                    settle(self)
                    # A worker writes some of them only.
                    if self.spared():
                        assert who == "worker" or nth == number, f"{where}: it was not"
                    now = self.picture_text()
                    if now == done:
                        assert self.wishes() == wishes_done, where
                        yield "as promised"
                        self.ctl(self.fill(job.again), timeout=400)
                    else:
                        assert now == before, f"{where}:\nbefore {before}\nnow    {now}\ndone   {done}"
                        assert self.wishes() == wishes_before, where
                        yield "as before"
