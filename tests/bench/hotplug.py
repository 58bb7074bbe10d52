# SPDX-License-Identifier: LGPL-2.1-or-later
"""From device_add to usable memory: cxlmemd with a profile beside a udev rule that calls cxl and daxctl.

Both bring the same card's memory online as movable, in turn in one guest. The kernel's policy for new
memory is "offline" for both: with its default the commands cannot bring memory online as movable.
"""

from __future__ import annotations

import os
import statistics
import time

ROUNDS = int(os.environ.get("CXLMEM_BENCH_ROUNDS", "7"))
PORT, SERIAL, MIB = "rp0", 0x5001, 512
POLICY = "/sys/devices/system/memory/auto_online_blocks"
PROFILE = "/etc/cxlmem/profiles.d/50-bench.profile"
RULE = "/etc/udev/rules.d/90-bench.rules"
SCRIPT = "/usr/local/sbin/bench-online"

UNIT = "/etc/systemd/system/bench-online@.service"

# Not RUN+=: `cxl create-region` waits for udev to be idle, which it is not while a rule runs. udev hears
# of a memdev before its driver's probe has ended, and `cxl` ends before a region's dax device is bound:
# somebody who writes such a rule finds out and waits.
THEIR_RULE = ('ACTION=="add", SUBSYSTEM=="cxl", KERNEL=="mem*", TAG+="systemd", '
              'ENV{SYSTEMD_WANTS}+="bench-online@%k.service"\n')
THEIR_UNIT = f"[Service]\nType=oneshot\nExecStart={SCRIPT} %i\n"
THEIR_SCRIPT = """#!/bin/sh -e
exec >/run/bench-online.log 2>&1
until ls -d /sys/bus/cxl/devices/endpoint*/driver; do sleep 0.01; done
cxl create-region -t ram -d {window} -m "$1"
until ls -d /sys/bus/dax/devices/*/driver; do sleep 0.01; done
dax=$(ls /sys/bus/dax/devices)
[ "$(basename "$(readlink "/sys/bus/dax/devices/$dax/driver")")" = kmem ] ||
    daxctl reconfigure-device --no-online --mode=system-ram "$dax"
daxctl online-memory "$dax"
"""
# Looks without starting a process: when the memdev is there, and when all of its memory is online.
WATCH = """exec 9<> <(:)
echo watching
until [ -e /sys/bus/cxl/devices/mem*/serial ]; do read -t 0.02 -u 9; done
start=$EPOCHREALTIME
until {{ read -r _ _ _ kib _ < /sys/devices/system/node/node{node}/meminfo &&
         [ "$kib" -ge {kib} ]; }} 2>/dev/null; do read -t 0.02 -u 9; done
end=$EPOCHREALTIME
echo $(( ${{end/./}} - ${{start/./}} ))
"""


def _timed(guest, card: str, node: int) -> tuple[float, float]:
    """Plug a card; milliseconds from device_add, and from the memdev's appearance, to its memory."""
    watcher = guest.run_async(WATCH.format(node=node, kib=MIB << 10))
    while "watching" not in watcher.output:
        time.sleep(0.01)
    start = time.monotonic()
    guest.plug(card, PORT, size=f"{MIB}M", serial=SERIAL, wait=False)
    if watcher.wait(60) != 0:
        raise RuntimeError(f"not online: {watcher.output}")
    whole = (time.monotonic() - start) * 1000
    return whole, int(watcher.output.split()[-1]) / 1000


def _take_out(guest, card: str) -> None:
    """All of it movable and online, or it does not count; then the card goes."""
    picture = guest.json("cxlmemctl status --json")
    runs = [run for run in picture["memory"] if run.get("region")]
    assert runs and all((run["state"], run["zone"]) == ("online", "movable") for run in runs), runs
    guest.check(f"rm -f {PROFILE} {RULE}; udevadm control --reload; systemctl reload cxlmemd")
    guest.check(f"cxlmemctl eject {picture['memdevs'][0]['memdev']} "
                f"{picture['regions'][0]['region']}")
    guest.wait_removed(card)
    guest.check("cxlmemctl forget all; udevadm settle")


def main(guest) -> int:
    """Measure and print."""
    guest.check(f"echo offline > {POLICY}; mkdir -p $(dirname {PROFILE}) $(dirname {SCRIPT})")
    window = guest.json("cxlmemctl status --json")["windows"][0]["decoder"]
    guest.write(SCRIPT, THEIR_SCRIPT.format(window=window), 0o755)
    guest.write(UNIT, THEIR_UNIT)
    guest.check("systemctl daemon-reload")
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    node = 1

    def ours(card: str) -> None:
        guest.write(PROFILE, "[Match]\nPath=*\n[Memory]\nZone=movable\n")
        guest.check("systemctl reload cxlmemd; udevadm settle")
        times["ours"].append(_timed(guest, card, node))
        _take_out(guest, card)

    def theirs(card: str) -> None:
        guest.write(RULE, THEIR_RULE)
        # It would look at the machine, too.
        guest.check("systemctl mask --runtime --now cxlmemd; udevadm control --reload; "
                    "udevadm settle")
        times["theirs"].append(_timed(guest, card, node))
        guest.check("udevadm settle; systemctl unmask --runtime cxlmemd; systemctl start cxlmemd")
        _take_out(guest, card)

    # Not counted: modules are loaded, caches are warm.
    ours("warm0")
    theirs("warm1")
    for series in times.values():
        series.clear()
    for number in range(ROUNDS):
        for run in ((ours, theirs) if number % 2 else (theirs, ours)):
            run(f"{run.__name__}{number}")

    print(f"{ROUNDS} rounds in turn, one {guest.options.topology} guest on "
          f"{guest.options.kernel}, {MIB} MiB; medians in ms (minimum to maximum)")
    print(f"{'':32}{'cxlmemd':>24}{'udev, cxl and daxctl':>24}{'ratio':>8}")
    for column, title in enumerate(("device_add to online", "memdev there to online")):
        our, their = ([values[column] for values in times[key]] for key in ("ours", "theirs"))
        cells = [f"{statistics.median(s):.0f} ({min(s):.0f} to {max(s):.0f})" for s in (our, their)]
        print(f"{title:32}{cells[0]:>24}{cells[1]:>24}"
              f"{statistics.median(our) / statistics.median(their):>8.2f}")
    guest.check(f"echo online > {POLICY}")
    return 0
