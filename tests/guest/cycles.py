# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugging and ejecting a card again and again, and what must not be left of it."""

from __future__ import annotations

from guest.hotplug import Yard

SERIAL = 0x4001
PROFILE = "[Match]\nPath=*\n"


def _resources(yard: Yard) -> dict:
    """What a cycle could leak and what is counted exactly."""
    return {
        "machine": yard.state(),
        "files": yard.descriptors(),
        "ranges": yard.guest.check("grep -i -e cxl -e dax -e kmem -e region /proc/iomem || true"),
        "processes": yard.guest.check("pidof cxlmemd | wc -w; pidof cxlmemd-worker | wc -w"),
        "vmemmap": yard.guest.check("grep MemTotal /proc/meminfo"),
    }


# Pages that nothing of the kernel's own books accounts for, and what it keeps for itself. Free memory
# would say little: logs are mapped, processes come and go, and since Linux 6.7 each processor may
# keep an eighth of a zone at hand (mm/page_alloc.c, pcp->high_max), which counts as not free.
_MEMORY = """
FILENAME ~ /zoneinfo/ { if ($1 == "count:") kept += 4 * $2; next }
{ kib[$1] = $2 }
END {
    split("MemFree Active Inactive Unevictable Slab KernelStack PageTables Percpu", known)
    lost = kib["MemTotal:"] - kept
    for (i in known)
        lost -= kib[known[i] ":"]
    print "Lost", lost
    split("SUnreclaim VmallocUsed Percpu", kernel)
    for (i in kernel)
        print kernel[i], kib[kernel[i] ":"]
}
"""
_KERNEL = ("Lost", "SUnreclaim", "VmallocUsed", "Percpu")


def _memory(yard: Yard) -> dict[str, int]:
    """KiB of what may vary a little: what the kernel keeps or has lost, and the daemon's own."""
    text = yard.guest.check(
        "sync; echo 3 > /proc/sys/vm/drop_caches; sleep 1; "
        f"awk '{_MEMORY}' /proc/zoneinfo /proc/meminfo; for p in $(pidof cxlmemd); do "
        "awk '/^RssAnon:/ {print \"RssAnon\", $2}' /proc/$p/status; done")
    values: dict[str, int] = {}
    for name, value in (line.split() for line in text.splitlines()):
        values[name] = values.get(name, 0) + int(value)
    return values


def _memory_again(yard: Yard, most: dict[str, int]) -> dict[str, int]:
    """The same, once what is given back late has been given back."""
    values = _memory(yard)
    for _ in range(8):
        if all(values[name] < limit for name, limit in most.items()):
            break
        values = _memory(yard)
    return values


def _one(yard: Yard, use: bool) -> None:
    yard.plug(("rp0", SERIAL))
    [region] = yard.made((SERIAL,)).values()
    assert region["origin"].startswith("profile"), region
    if use:
        yard.until(lambda: yard.zones(region["region"]) == {("online", "Movable")}, "it is movable")
        yard.use(yard.dax(region["region"])["target_node"], "16M")
    yard.eject(SERIAL)
    assert yard.by_serial() == {}
    # Where the kernel asks, the button of an empty slot is handed back a moment later.
    yard.until(lambda: all(slot.get("button_policy") != "ask" for slot in yard.picture()["slots"]),
               "the button is the kernel's again")


def cycles(guest, count: int) -> None:
    """Plug, have it come online by itself, eject; what is left of `count` times is as after two."""
    yard = Yard(guest)
    yard.profiles(all=PROFILE)
    # The first ones fill what the kernel and the daemon keep for good.
    for _ in range(2):
        _one(yard, use=True)
    resources, memory = _resources(yard), _memory(yard)
    start = float(guest.check("cut -d ' ' -f 1 /proc/uptime"))
    for number in range(count):
        _one(yard, use=number % 10 == 0)
    # Journal and logs grow a little; what every cycle loses is seen among 100.
    slack = 8192 + 40 * count
    most = {name: memory[name] + slack for name in _KERNEL}
    most["RssAnon"] = memory["RssAnon"] + 512 + 4 * count
    after, later = _resources(yard), _memory_again(yard, most)
    yard.assert_state(resources.pop("machine"))
    after.pop("machine")
    assert after == resources, (resources, after)
    print(f"{count} cycles, KiB before and after: "
          + ", ".join(f"{name} {memory[name]} {later[name]}" for name in memory), flush=True)
    assert all(later[name] < limit for name, limit in most.items()), (most, later)
    errors = [line for line in guest.check("dmesg --level=emerg,alert,crit,err").splitlines()
              if float(line[1:line.index("]")]) > start]
    assert not errors, errors
    yard.clear()
