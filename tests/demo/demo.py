# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job, at a pace a person can follow: two cards on two bridges, from bare metal and back."""

from __future__ import annotations

import sys
import time

USE = "/usr/libexec/cxlmem-tests/cxlmem-use"
# Seconds to read a sentence, and what a command has printed: about a minute in all.
READ_SENTENCE = 2.0
READ_OUTPUT = 1.2


class Demo:
    """Types commands into a guest and shows what they say."""

    def __init__(self, guest):
        self.guest = guest
        self.colour = sys.stdout.isatty()
        self.failed = ""

    def say(self, text: str) -> None:
        """A line of explanation."""
        bold, plain = ("\033[1m", "\033[0m") if self.colour else ("", "")
        print(f"\n{bold}{text}{plain}", flush=True)
        time.sleep(READ_SENTENCE)

    def run(self, command: str, timeout: float = 200) -> str:
        """Show a command, run it, show what it says; one that fails ends the demo."""
        print(f"  # {command.replace(USE, 'cxlmem-use')}", flush=True)
        status, output = self.guest.sh(command, timeout=timeout)
        for line in output.splitlines():
            print(f"    {line}", flush=True)
        if status:
            raise SystemExit(f"demo: `{command}` ended with {status}")
        time.sleep(READ_OUTPUT)
        return output

    def dax(self, region: str) -> tuple[str, int]:
        """Device node and NUMA node of a region's dax device."""
        picture = self.picture()
        dax = next(d for d in picture["daxes"] if d.get("region") == region)
        return f"/dev/{dax['chardev']}", dax["target_node"]

    def picture(self) -> dict:
        """The machine's picture."""
        return self.guest.json("cxlmemctl status --json")


def main(guest) -> int:
    """The whole of it."""
    start = time.monotonic()
    demo = Demo(guest)
    before = guest.check("cxlmemctl topology")

    demo.say("Two CXL cards, each on a bridge of its own, and a window across both:")
    demo.run("cxlmemctl topology")

    demo.say("A region of its own on each card, online as movable system RAM:")
    demo.run("cxlmemctl plan create --ways 1 mem0 mem1 | head -8")
    demo.run("cxlmemctl create --quiet --ways 1 mem0 mem1")
    demo.run("cxlmemctl status")
    one, two = [region["region"] for region in demo.picture()["regions"]]

    demo.say("They are real: a process fills and checks 256 MiB on each node.")
    for region in (one, two):
        demo.run(f"{USE} node {demo.dax(region)[1]} 256M")

    demo.say(f"A process keeps 192 MiB on {one}. Take {one} offline under it:")
    node = demo.dax(one)[1]
    guest.check(f"setsid {USE} node {node} 192M hold > /run/hold 2>&1 & echo $! > /run/hold.pid")
    guest.wait_for("grep -q filled /run/hold", timeout=120)
    demo.run("cat /run/hold")
    demo.run(f"cxlmemctl offline {one}")
    guest.check("kill -USR1 $(cat /run/hold.pid)")
    guest.wait_for("! kill -0 $(cat /run/hold.pid) 2>/dev/null", timeout=120)
    output = demo.run("cat /run/hold")
    if "still as written" not in output:
        raise SystemExit("demo: the data did not survive")
    print("    The process never noticed: its pages were migrated.", flush=True)

    demo.say(f"Turn {one} to devdax and map it:")
    demo.run(f"cxlmemctl set-mode --mode devdax {one}")
    demo.run(f"{USE} dax {demo.dax(one)[0]} 128M")
    demo.run("cxlmemctl topology")

    demo.say("Destroy both, and interleave the two cards instead (the x2 window across the bridges):")
    demo.run(f"cxlmemctl destroy --quiet {one} {two}")
    demo.run("cxlmemctl create --quiet mem1 mem0")
    [both] = [region["region"] for region in demo.picture()["regions"]]
    demo.run("cxlmemctl status")
    # An interleaved region is emulated access by access: a few MiB show as much as all of it would.
    demo.run(f"{USE} node {demo.dax(both)[1]} 4M")
    demo.run(f"cxlmemctl destroy --quiet {both}")

    demo.say("And everything is back as it was:")
    after = demo.run("cxlmemctl topology")
    if after != before:
        raise SystemExit("demo: the machine is not as it was")
    print(f"\nThe same tree as at the start; {time.monotonic() - start:.0f} s.", flush=True)
    return 0
