# SPDX-License-Identifier: LGPL-2.1-or-later
"""cxlmemd, or its worker, killed at a chosen record of its journal, and what became of the machine."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from guest.machine import SLOT_SERIAL, Machine

STATE = "/var/lib/cxlmem"
FATE = f"{STATE}/fate"
PRELOAD = "/usr/libexec/cxlmem-tests/die-at-record.so"
DROP_IN = "/run/systemd/system/cxlmemd.service.d/fate.conf"
BUSY = ("queued", "running", "undoing")
CARD_SERIAL = 0x1001
PORT = "rp0"
# What lasts as long as this has a middle to be killed in.
MIDDLE_USEC = 2000


@dataclass(frozen=True)
class Job:
    """A verb on a machine that is ready for it, and the way back."""
    name: str
    command: str          # with {card} and {region}
    prepare: str | None   # what is done once, first
    again: str | None     # what makes the machine ready again when the promise was kept; None: a plug


JOBS = (
    Job("create", "create {card}", None, "destroy {region}"),
    Job("destroy", "destroy {region}", "create {card}", "create {card}"),
    Job("offline", "offline {region}", "create {card}", "online {region}"),
    Job("set-mode", "set-mode --mode devdax {region}", "create {card}",
        "set-mode --mode system-ram {region}"),
)
EJECT = Job("eject", "eject {first}", "create {card}", None)


@dataclass(frozen=True)
class Known:
    """What a job does when nobody is killed."""
    before: str
    done: str
    wishes: int           # once it is done
    times: list[int]      # of its writes into the journal until its end, in microseconds
    kinds: list[str]      # of those

    @property
    def records(self) -> int:
        """That the wishes are saved comes after the end, unless they are as they were."""
        return len(self.times) + 1


def settle(machine: Machine) -> None:
    """Until a daemon is there and nothing is at work."""
    for _ in range(600):
        status, text = machine.guest.sh(f"[ ! -e {FATE}.armed ] && systemctl is-active -q cxlmemd && "
                                        "cxlmemctl operations")
        if status == 0 and not any(line.split()[2] in BUSY for line in text.splitlines()[1:]):
            return
        time.sleep(0.1)
    raise AssertionError(f"the daemon does not come to rest: {text}")


class Crash(Machine):
    """A machine whose cxlmemd can be told where to die."""

    plugs = 0

    def __init__(self, guest: Any):
        super().__init__(guest)
        # That it was taken away may not have come to the disk before the power failed.
        guest.check(f"rm -f {FATE} {FATE}.armed")
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
        cards = self.card_words()
        return command.format(card=cards, region=region, first=cards.split(maxsplit=1)[0])

    def make_ready(self, job: Job) -> None:
        """The job was done: the machine as it was before it."""
        if job.again:
            self.ctl(self.fill(job.again), timeout=400)
            return
        # Its region is wished for, and comes with it.
        Crash.plugs += 1
        slots = self.guest.options.topology == "slots"
        self.guest.plug(f"again{Crash.plugs}", PORT, serial=SLOT_SERIAL if slots else CARD_SERIAL)
        self.settled()

    def settled(self) -> None:
        """Until all is there that is wished for."""
        self.ctl("settle 2min", timeout=130)
        settle(self)

    def picture_text(self, made_anew: bool = False) -> str:
        """The machine without the numbers that the kernel hands out in turns, or in the order of a boot.

        Made anew from a wish, memory that is to be offline has blocks that are, instead of none.
        """
        state = self.without_offline(self.state()) if made_anew else self.state()
        names = {}
        for port in state["ports"]:
            names[port["port"]] = f"port@{port['host']}"
        for memdev in state["memdevs"]:
            names[memdev["memdev"]] = f"card@{memdev['serial']:x}"
            names[memdev["endpoint"]] = f"endpoint@{memdev['serial']:x}"
        for port in state["ports"]:
            port["dports"].sort(key=lambda dport: dport["id"])
            for decoder in port["decoders"]:
                names[decoder["decoder"]] = f"{names[port['port']]}.{decoder['id']}"

        def name(found: re.Match) -> str:
            return names.get(found.group(), found.group())

        pattern = r"\b(?:mem\d+|(?:port|endpoint)\d+|decoder\d+\.\d+)\b"
        settings = [re.sub(pattern, name, line) for line in state["settings"].splitlines()]
        state["settings"] = sorted(settings)
        state["memdevs"].sort(key=lambda memdev: memdev["serial"])
        state["ports"].sort(key=lambda port: names[port["port"]])
        text = re.sub(pattern, name, json.dumps(state, sort_keys=True))
        text = re.sub(r"region\d+", "region", text)
        return re.sub(r"dax\d+\.\d+", "dax", text)

    def wishes(self) -> int:
        """How many."""
        return len(json.loads(self.ctl("wishes --json"))["wishes"])

    def doom(self, nth: int, when: str, who: str) -> None:
        """From now on, at the nth record."""
        self.guest.write(FATE, f"{nth} {when} {who}\n")

    def spared(self) -> bool:
        """Whether it did not come to that; then it never will."""
        return self.guest.sh(f"rm {FATE}")[0] == 0

    def learn(self, job: Job, made_anew: bool = False) -> Known:
        """Do a job once in peace."""
        before = self.picture_text(made_anew)
        self.guest.check(f"rm -f {FATE}.times")
        self.doom(0, "never", "nobody")
        self.ctl(self.fill(job.command), timeout=400)
        self.guest.check(f"rm {FATE}")
        times, kinds = [], []
        for line in self.guest.check(f"cat {FATE}.times").splitlines():
            usec, kind = line.split()
            times.append(int(usec))
            kinds.append(kind)
            if kind == "end":
                break
        return Known(before, self.picture_text(made_anew), self.wishes(), times, kinds)

    @staticmethod
    def cases(known: Known) -> Iterator[tuple[int, str, str]]:
        """Before and after each record, and in the middle of what lasts: the nth record, when, who."""
        for nth in range(1, known.records + 1):
            lasts = known.times[nth] - known.times[nth - 1] if nth < len(known.times) else 0
            moments = ["before", "after"]
            if lasts >= MIDDLE_USEC:
                moments.append(str(lasts // 2))
            for when in moments:
                for who in ("daemon", "worker"):
                    yield nth, when, who

    def matrix(self, job: Job, choose: Callable[[int, str, str], bool]) -> Iterator[str]:
        """Each case that is chosen; yields what it came to."""
        if job.prepare:
            self.ctl(self.fill(job.prepare), timeout=400)
        wishes_before = self.wishes()
        known = self.learn(job)
        self.make_ready(job)
        assert self.picture_text() == known.before, f"{known.before}\n{self.picture_text()}"
        for nth, when, who in self.cases(known):
            if not choose(nth, when, who):
                continue
            moment = f"{when} usec after" if when.isdigit() else when
            where = f"{job.name}, {who} killed {moment} record {nth} of {known.records}"
            self.doom(nth, when, who)
            self.guest.sh(f"cxlmemctl {self.fill(job.command)}", timeout=400)
            settle(self)
            # A worker writes some of them only; the last may come when nobody waits for it.
            if self.spared():
                assert who == "worker" or nth == known.records, f"{where}: it was not"
            now = self.picture_text()
            assert now in (known.before, known.done), \
                f"{where}:\nbefore {known.before}\nnow    {now}\ndone   {known.done}"
            if now == known.done:
                assert self.wishes() == known.wishes, where
                yield "as promised"
                self.make_ready(job)
            else:
                assert self.wishes() == wishes_before, where
                yield "as before"
