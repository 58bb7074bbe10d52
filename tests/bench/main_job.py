# SPDX-License-Identifier: LGPL-2.1-or-later
"""Create-and-online, offline-and-destroy: cxlmemctl beside the commands a person would type.

Both do the same work on the same card of one guest, in turn, so that whatever else the machine does
hits both. The policy for new memory is "offline" for both: with the kernel's own default the commands
cannot bring memory online as movable at all.
"""

from __future__ import annotations

import json
import os
import statistics

ROUNDS = int(os.environ.get("CXLMEM_BENCH_ROUNDS", "9"))

# Ends on the first command that fails; prints the microseconds all of them took.
TIMED = """set -e
start=$EPOCHREALTIME
{ %s; } >/tmp/bench.log 2>&1 || { cat /tmp/bench.log; exit 1; }
end=$EPOCHREALTIME
echo $(( ${end/./} - ${start/./} ))
"""

# The dax device comes up a moment after `cxl` has ended; a person takes longer to type the next line.
COMMANDS_UP = ("cxl create-region -t ram -d {window} -m {card} && "
               "until ls -d /sys/bus/dax/devices/*/driver; do sleep 0.01; done && "
               "daxctl online-memory $(ls /sys/bus/dax/devices)")
COMMANDS_DOWN = ("dax=$(ls /sys/bus/dax/devices) && region=$(basename "
                 "/sys/bus/cxl/devices/region*) && daxctl offline-memory $dax && "
                 "cxl disable-region $region && cxl destroy-region $region")
OURS_UP = "cxlmemctl create --quiet --zone movable {card}"
OURS_DOWN = "cxlmemctl destroy --quiet $(basename /sys/bus/cxl/devices/region*)"


def _timed(guest, command: str) -> float:
    """Milliseconds a command takes in the guest."""
    return int(guest.check(TIMED % command).split()[-1]) / 1000


def _expect(guest, online: bool) -> None:
    """All blocks of the region movable and online; or no region at all."""
    picture = guest.json("cxlmemctl status --json")
    if online:
        runs = [run for run in picture["memory"] if run.get("region")]
        assert runs and all(r["state"] == "online" and r["zone"] == "movable" for r in runs), runs
    else:
        assert not picture["regions"], picture["regions"]


def _share(guest) -> tuple[float, float]:
    """Total and kernel microseconds of the daemon's last operation."""
    number = max(int(line.split()[0]) for line in
                 guest.check("cxlmemctl operations").splitlines()[1:])
    path = f"/org/cxlmem1/operation/{number}"
    words = guest.check(f"busctl get-property org.cxlmem1 {path} org.cxlmem1.Operation "
                        "TotalUsec KernelUsec").split()
    return float(words[1]), float(words[3])


def main(guest) -> int:
    """Measure and print."""
    policy = "/sys/devices/system/memory/auto_online_blocks"
    guest.check(f"echo offline > {policy}")
    picture = guest.json("cxlmemctl status --json")
    card = picture["memdevs"][0]["memdev"]
    plan = json.loads(guest.check(f"cxlmemctl plan create {card} --json"))
    window = next(step["window"] for step in plan["steps"] if step["step"] == "create-region")
    names = {"card": card, "window": window}

    times: dict[str, list[float]] = {key: [] for key in ("our up", "our down", "up", "down")}
    shares: dict[str, list[float]] = {"up": [], "down": []}
    own: dict[str, list[float]] = {"up": [], "down": []}

    def ours() -> None:
        for way, command, online in (("up", OURS_UP, True), ("down", OURS_DOWN, False)):
            times[f"our {way}"].append(_timed(guest, command.format(**names)))
            total, kernel = _share(guest)
            shares[way].append((total - kernel) / total)
            own[way].append((total - kernel) / 1000)
            _expect(guest, online)

    def theirs() -> None:
        for way, command, online in (("up", COMMANDS_UP, True), ("down", COMMANDS_DOWN, False)):
            times[way].append(_timed(guest, command.format(**names)))
            _expect(guest, online)

    # Not counted: modules are loaded, caches are warm.
    theirs()
    ours()
    for series in (*times.values(), *shares.values(), *own.values()):
        series.clear()
    for number in range(ROUNDS):
        for run in ((ours, theirs) if number % 2 else (theirs, ours)):
            run()

    print(f"{ROUNDS} rounds in turn, one {guest.options.topology} guest on "
          f"{guest.options.kernel}; medians in ms (minimum to maximum)")
    print(f"{'':22}{'cxlmemctl':>24}{'cxl + daxctl':>24}{'ratio':>8}"
          f"{'daemon alone':>15}{'share':>8}")
    for way, title in (("up", "create and online"), ("down", "offline and destroy")):
        our, their = times[f"our {way}"], times[way]
        cells = [f"{statistics.median(s):.0f} ({min(s):.0f} to {max(s):.0f})" for s in (our, their)]
        print(f"{title:22}{cells[0]:>24}{cells[1]:>24}"
              f"{statistics.median(our) / statistics.median(their):>8.2f}"
              f"{statistics.median(own[way]):>12.1f} ms"
              f"{100 * statistics.median(shares[way]):>6.1f} %")
    guest.check(f"echo online > {policy}")
    return 0
