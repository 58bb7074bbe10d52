# SPDX-License-Identifier: LGPL-2.1-or-later
"""Create-and-online, offline-and-destroy: cxlmemctl beside the commands a person would type.

All do the same work on the same card of one guest, in turn, so that whatever else the machine does
hits all; each begins when udev, and the daemon's look at what changed, are through with the one
before. The policy for new memory is "offline" for all: with the kernel's own default the commands
cannot bring memory online as movable at all.

An emulator takes ten times as long over a program as over waiting, so all of it is measured again in a
guest whose clock counts instructions, a nanosecond each: a slow processor, but one that is slow to all alike.
"""

from __future__ import annotations

import json
import os
import statistics

ROUNDS = int(os.environ.get("CXLMEM_BENCH_ROUNDS", "9"))
# Of the card in the guest that counts; what the kernel does grows with it, what others do does not.
COUNTED_MIB = [int(mib) for mib in os.environ.get("CXLMEM_BENCH_MIB", "512,2048").split(",")]
PORT, SERIAL = "rp0", 0x5002

# Ends on the first command that fails and shows what was said; prints the microseconds all took.
TIMED = """set -e
exec 3>&1 >/tmp/bench.log 2>&1 9<>/run/pause
trap 'cat /tmp/bench.log >&3' ERR
start=$EPOCHREALTIME
%s
end=$EPOCHREALTIME
echo $(( ${end/./} - ${start/./} )) >&3
"""

# The memory comes up a moment after `cxl` has ended; a person takes longer to type the next. Names are found
# by the shell itself, here and below: a person knows them.
COMMANDS_UP = """cxl create-region -t ram -d {window} -m {card}
until [ -d /sys/devices/system/memory/memory{blocks[1]} ]; do read -t 0.01 -u 9 || :; done
dax=(/sys/bus/dax/devices/*)
daxctl online-memory ${{dax##*/}}"""
COMMANDS_DOWN = """dax=(/sys/bus/dax/devices/*)
region=(/sys/bus/cxl/devices/region*)
daxctl offline-memory ${{dax##*/}}
cxl disable-region ${{region##*/}}
cxl destroy-region ${{region##*/}}"""
# What nobody can be faster than with the same kernel: its own work, asked for by one shell that is
# there already, with nothing looked up, checked, waited for or started.
BARE_UP = """cd /sys/bus/cxl/devices
echo 1 >/sys/kernel/rcu_expedited
read -r region <{window}/create_ram_region
echo $region >{window}/create_ram_region
echo {granularity} >$region/interleave_granularity
echo 1 >$region/interleave_ways
echo {size} >$region/size
echo ram >{decoder}/mode
echo {size} >{decoder}/dpa_size
echo {decoder} >$region/target0
echo 1 >$region/commit
echo 0 >/sys/bus/dax/drivers_autoprobe
echo $region >../drivers/cxl_region/bind
echo dax_$region >../drivers_probe
until read -r size <$region/dax_$region/dax_region/available_size; do :; done
until [ -e $region/dax_$region/dax[0-9]*.[0-9]* ]; do :; done
echo 1 >/sys/bus/dax/drivers_autoprobe
echo online_movable >/sys/devices/system/memory/auto_online_blocks
for dax in $region/dax_$region/dax[0-9]*.[0-9]*; do
  echo ${{dax##*/}} >/sys/bus/dax/drivers/kmem/bind
done
echo offline >/sys/devices/system/memory/auto_online_blocks
echo 0 >/sys/kernel/rcu_expedited"""
BARE_DOWN = """cd /sys/bus/cxl/devices
echo 1 >/sys/kernel/rcu_expedited
for region in region*; do :; done
for dax in $region/dax_$region/dax[0-9]*.[0-9]*; do :; done
if [ -e $dax/state ]; then
  echo unplugged >$dax/state
else
  for ((n = {blocks[1]}; n >= {blocks[0]}; n--)); do
    echo offline >/sys/devices/system/memory/memory$n/state
  done
fi
echo ${{dax##*/}} >/sys/bus/dax/drivers/kmem/unbind
echo $region >../drivers/cxl_region/unbind
echo 0 >$region/commit
echo >$region/target0
echo 0 >{decoder}/dpa_size
echo $region >{window}/delete_region
echo 0 >/sys/kernel/rcu_expedited"""
# What a command costs that does nothing, and a client that makes one call and is told no.
NOTHING = {"process": "/bin/true", "call": "cxlmemctl cancel 4294967295 || true"}
OURS_UP = "cxlmemctl create --quiet --zone movable {card}"
OURS_DOWN = """region=(/sys/bus/cxl/devices/region*)
cxlmemctl destroy --quiet ${{region##*/}}"""


def _timed(guest, command: str) -> float:
    """Milliseconds a command takes in the guest, once that is at rest."""
    guest.check("udevadm settle && sleep 0.6")
    return int(guest.check(TIMED % command).split()[-1]) / 1000


def _expect(guest, online: bool) -> None:
    """All blocks of the region movable and online; or no region at all."""
    picture = guest.json("cxlmemctl status --json")
    if online:
        runs = [run for run in picture["memory"] if run.get("region")]
        assert runs and all(r["state"] == "online" and r["zone"] == "movable" for r in runs), runs
    else:
        assert not picture["regions"], picture["regions"]


def _share(guest) -> tuple[float, float, float]:
    """Total, kernel and journal microseconds of the daemon's last operation."""
    number = max(int(line.split()[0]) for line in
                 guest.check("cxlmemctl operations").splitlines()[1:])
    path = f"/org/cxlmem1/operation/{number}"
    words = guest.check(f"busctl get-property org.cxlmem1 {path} org.cxlmem1.Operation "
                        "TotalUsec KernelUsec JournalUsec").split()
    return float(words[1]), float(words[3]), float(words[5])


def _names(guest) -> dict[str, object]:
    """What the commands are told: the names and numbers of the plan that cxlmemd makes."""
    picture = guest.json("cxlmemctl status --json")
    card = picture["memdevs"][0]["memdev"]
    plan = json.loads(guest.check(f"cxlmemctl plan create {card} --json"))
    steps = {step["step"]: step for step in plan["steps"]}
    blocks = steps["bind"]["blocks"]
    return {"card": card, "window": steps["create-region"]["window"],
            "decoder": steps["alloc-dpa"]["decoder"], "size": steps["alloc-dpa"]["size"],
            "granularity": steps["set-interleave"]["interleave_granularity"],
            "blocks": (blocks[0]["first"], blocks[-1]["first"] + blocks[-1]["count"] - 1)}


def _print_floor(times: dict, nothing: dict) -> None:
    process, call = (statistics.median(nothing[name]) for name in ("process", "call"))
    print(f"a process that does nothing: {process:.1f} ms; cxlmemctl with one call that does "
          f"nothing: {call:.1f} ms")
    for way, title in (("up", "create and online"), ("down", "offline and destroy")):
        bare, their = (statistics.median(times[f"{who} {way}"]) for who in ("bare", "their"))
        print(f"{title}: such a call and the bare writes would be {(call + bare) / their:.2f} "
              "of the commands")


def _print(guest, card: str, times: dict, shares: dict, own: dict, disk: dict) -> None:
    clock = "that counts instructions, 1 ns each" if guest.options.counted else "of this machine"
    print(f"{card}: {ROUNDS} rounds in turn, one {guest.options.topology} guest on "
          f"{guest.options.kernel}; medians in ms (minimum to maximum) of a clock {clock}")
    print(f"{'':20}{'cxlmemctl':>20}{'cxl + daxctl':>20}{'ratio':>7}{'bare writes':>20}"
          f"{'daemon alone':>14}{'(journal)':>11}{'share':>8}")
    for way, title in (("up", "create and online"), ("down", "offline and destroy")):
        series = [times[f"{who} {way}"] for who in ("our", "their", "bare")]
        cells = [f"{statistics.median(s):.0f} ({min(s):.0f} to {max(s):.0f})" for s in series]
        ratio = statistics.median(series[0]) / statistics.median(series[1])
        print(f"{title:20}{cells[0]:>20}{cells[1]:>20}{ratio:>7.2f}{cells[2]:>20}"
              f"{statistics.median(own[way]):>11.1f} ms{statistics.median(disk[way]):>8.1f} ms"
              f"{100 * statistics.median(shares[way]):>6.1f} %")


def _measure(guest, card: str) -> None:
    """Measure with the only card there is, and print."""
    policy = "/sys/devices/system/memory/auto_online_blocks"
    # Nobody writes into the pipe: a read of it is a pause without a process, whose end would interrupt the kernel.
    guest.check(f"echo offline > {policy}; [ -p /run/pause ] || mkfifo /run/pause")
    names = _names(guest)
    commands = {"our": (OURS_UP, OURS_DOWN), "their": (COMMANDS_UP, COMMANDS_DOWN),
                "bare": (BARE_UP, BARE_DOWN)}
    times: dict[str, list[float]] = {f"{who} {way}": [] for who in commands
                                     for way in ("up", "down")}
    shares: dict[str, list[float]] = {"up": [], "down": []}
    own: dict[str, list[float]] = {"up": [], "down": []}
    disk: dict[str, list[float]] = {"up": [], "down": []}
    nothing: dict[str, list[float]] = {name: [] for name in NOTHING}

    def run(who: str) -> None:
        for way, command, online in zip(("up", "down"), commands[who], (True, False)):
            times[f"{who} {way}"].append(_timed(guest, command.format(**names)))
            if who == "our":
                total, kernel, journal = _share(guest)
                shares[way].append((total - kernel) / total)
                own[way].append((total - kernel) / 1000)
                disk[way].append(journal / 1000)
            _expect(guest, online)

    # Not counted: modules are loaded, caches are warm.
    for who in commands:
        run(who)
    for series in (*times.values(), *shares.values(), *own.values(), *disk.values()):
        series.clear()
    turns = list(commands)
    for _ in range(ROUNDS):
        for who in turns:
            run(who)
        turns.append(turns.pop(0))
        for name, command in NOTHING.items():
            nothing[name].append(_timed(guest, command))

    _print(guest, card, times, shares, own, disk)
    _print_floor(times, nothing)
    guest.check(f"echo online > {policy}")


def main(guest) -> int:
    """Measure, and print."""
    _measure(guest, f"{guest.topology.cards[0].mib} MiB")
    with guest.another(topology="slots", counted=True) as counted:
        for mib in COUNTED_MIB:
            card = f"card{mib}"
            counted.plug(card, PORT, size=f"{mib}M", serial=SERIAL)
            counted.check("udevadm settle")
            print()
            _measure(counted, f"{mib} MiB")
            counted.unplug(card)
    return 0
