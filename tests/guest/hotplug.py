# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with empty slots and a service that follows profiles: cards come, go, and are waited for."""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Iterable

from guest.machine import Machine, Refused

PROFILES = "/etc/cxlmem/profiles.d"
WISHES = "/var/lib/cxlmem/wishes.json"


class Yard(Machine):
    """Slots, cards by serial, profiles; nothing is in them and nothing is wished for at the start."""

    plugs = 0

    def __init__(self, guest: Any):
        # Not Machine's: that one fills the slots.
        self.guest = guest
        self.names: dict[int, str] = {}

    def ctl(self, command: str, timeout: float = 400) -> str:
        """As Machine's, with more patience: a hundred cycles meet every hiccup of the host."""
        return super().ctl(command, timeout)

    def profiles(self, **texts: str) -> None:
        """These profiles and no others; `_` in a name stands for `-`."""
        self.guest.check(f"rm -rf {PROFILES}; mkdir -p {PROFILES}")
        for name, text in texts.items():
            self.guest.write(f"{PROFILES}/{name.replace('_', '-')}.profile", text)
        self.guest.check("systemctl reload cxlmemd")

    def plug(self, *cards: tuple[str, int]) -> None:
        """Plug cards, (port, serial) each, one right after the other, and wait for none of them."""
        for port, serial in cards:
            Yard.plugs += 1
            self.names[serial] = f"hot{Yard.plugs}"
            self.guest.plug(self.names[serial], port, serial=serial, wait=False)

    def eject(self, *serials: int) -> None:
        """Eject cards by their serials, and wait until they have left the machine."""
        self.ctl("eject " + " ".join(hex(serial) for serial in serials), timeout=200)
        for serial in serials:
            self.guest.wait_removed(self.names.pop(serial), 60)

    def clear(self) -> None:
        """Take out what is in, and forget what there was."""
        self.profiles()
        self.ctl("forget all")
        names = [region["region"] for region in self.regions()]
        if names:
            self.ctl(f"destroy {' '.join(names)}", timeout=200)
        if self.names:
            self.eject(*self.names)
        self.until(lambda: not self.picture()["memdevs"], "the slots are empty")

    def wishes(self) -> dict:
        """What the service wants, waits for and cannot do."""
        return json.loads(self.ctl("wishes --json"))

    def states(self) -> list[tuple[str, str]]:
        """(kind, state) of each wish."""
        return [(wish["kind"], wish["state"]) for wish in self.wishes()["wishes"]]

    def by_serial(self) -> dict[tuple[int, ...], dict]:
        """The regions by the serials of their cards, in the order of their positions.

        One that is just being made or taken away has a mapping without a card: serial 0.
        """
        picture = self.picture()
        serials = {memdev["memdev"]: memdev["serial"] for memdev in picture["memdevs"]}
        return {tuple(serials.get(mapping.get("memdev"), 0) for mapping in
                      sorted(region["mappings"], key=lambda m: m.get("position", 0))): region
                for region in picture["regions"]}

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 90) -> Any:
        """Wait until something is true; returns it."""
        end = time.monotonic() + seconds
        while True:
            try:
                found = condition()
            except Refused as refusal:
                # On a starved machine a look may take longer than the service waits for it.
                found, what = None, f"{what} ({refusal})"
            if found:
                return found
            if time.monotonic() > end:
                _, now = self.guest.sh("cxlmemctl status; cxlmemctl wishes")
                raise AssertionError(f"not after {seconds} s: {what}\n{now}\n"
                                     f"{self.guest.service_journal(40)}")
            time.sleep(0.5)

    def idle(self) -> bool:
        """No operation is under way."""
        lines = json.loads(self.ctl("operations --json"))
        return all(line["state"] in ("done", "failed", "cancelled", "stuck", "settled") for line in lines)

    def made(self, *sets: Iterable[int], seconds: float = 90) -> dict[tuple[int, ...], dict]:
        """Wait until the regions are on these sets of cards and no others, and nothing is at work."""
        wanted = {tuple(sorted(cards)) for cards in sets}

        def look() -> dict | None:
            there = {tuple(sorted(cards)) for cards in self.by_serial()} == wanted
            # Looked at again: the first look may have come in the middle of the operation.
            return self.by_serial() if there and self.idle() else None

        return self.until(look, f"regions on {wanted}", seconds)

    def stays(self, seconds: float = 2.5) -> None:
        """Nothing happens by itself: the operations and the regions are the same after a while."""
        before = self.ctl("operations --json"), sorted(self.by_serial())
        time.sleep(seconds)
        after = self.ctl("operations --json"), sorted(self.by_serial())
        assert before == after, (before, after)

    def card(self, serial: int) -> dict:
        """The memdev with a serial."""
        return next(m for m in self.picture()["memdevs"] if m["serial"] == serial)
