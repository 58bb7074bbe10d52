# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cards come, and the machine follows its owner's profiles and wishes; nobody types anything."""

from __future__ import annotations

from guest.cycles import cycles
from guest.hotplug import PROFILES, WISHES, Yard
from lab.testing import only, timeout

KERNELS = ("debian-6.12", "debian-7.3")
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("slots",)
# A serial of its own for each test: what one leaves behind is no other's business.
FIRST, SECOND, THIRD, FOURTH = 0x3001, 0x3002, 0x3003, 0x3004
EACH = "[Match]\nPath=*\n"


@timeout(600)
def test_two_of_a_set(guest):
    """A set of two is made when the second card is there, late or first; with fewer after the wait."""
    yard = Yard(guest)
    members = f"[Region]\nMembers={FIRST:#x} {SECOND:#x}\n"
    devdax = "[Memory]\nMode=devdax\n"
    yard.profiles(pair=members)
    yard.plug(("rp0", FIRST))
    [report] = yard.until(lambda: yard.wishes()["reports"], "the first card waits")
    assert "waits for 1 more card to make a set of 2" in report, report
    assert "waits for 1 more card" in yard.ctl("status")
    yard.stays(1)
    yard.plug(("rp1", SECOND))
    regions = yard.made((FIRST, SECOND))
    [region] = regions.values()
    assert region["size"] == 1 << 30 and region["origin"] == "profile pair", region
    yard.until(lambda: yard.zones(region["region"]) == {("online", "Movable")}, "all of it movable")
    assert yard.wishes()["reports"] == []

    # The other order, at once; the position of a card does not depend on when it came.
    yard.profiles(pair=members + devdax)
    yard.eject(FIRST, SECOND)
    yard.ctl("forget all")
    yard.plug(("rp1", SECOND), ("rp0", FIRST))
    again = yard.made((FIRST, SECOND))
    assert list(again) == list(regions), (again, regions)

    # A person takes it away, and it stays away, until they say otherwise.
    yard.profiles(pair=f"{EACH}[Region]\nWays=4\nWaitSec=1\nFewer=less\n{devdax}")
    yard.ctl("destroy " + again[next(iter(again))]["region"])
    assert yard.states() == [("leave", "left")] * 2
    yard.stays()
    yard.ctl("forget all")
    [less] = yard.made((FIRST, SECOND)).values()
    assert less["interleave_ways"] == 2

    yard.profiles(pair=f"{members}WaitSec=3\nFewer=separate\n{devdax}")
    yard.eject(FIRST, SECOND)
    yard.ctl("forget all")
    yard.plug(("rp0", FIRST))
    yard.until(lambda: yard.wishes()["reports"], "it waits for the other one first")
    yard.made((FIRST,))
    yard.clear()


@timeout(600)
def test_left_and_forgotten(guest):
    """What is destroyed stays away over restarts; forget, export, import and adopt; the daemon is killed."""
    yard = Yard(guest)
    yard.profiles(each=EACH + "[Memory]\nMode=devdax\n")
    yard.plug(("rp0", FIRST))
    [region] = yard.made((FIRST,)).values()
    yard.ctl("export /run/wishes.json")
    assert "\\/" not in guest.check(f"cat /run/wishes.json {WISHES}")
    yard.ctl(f"destroy {region['region']}")
    guest.check("systemctl restart cxlmemd")
    assert yard.states() == [("leave", "left")]
    yard.stays()
    assert yard.by_serial() == {}
    yard.ctl(f"forget {FIRST:#x}")
    [region] = yard.made((FIRST,)).values()

    # Killed and started again by systemd, it finds things as they are and does nothing.
    before, state = yard.ctl("wishes"), yard.state()
    pid = guest.check("systemctl show -P MainPID cxlmemd").strip()
    guest.check(f"kill -KILL {pid}")
    guest.wait_for(f"[ $(systemctl show -P MainPID cxlmemd) != {pid} ] && "
                   "systemctl is-active cxlmemd", timeout=60)
    yard.stays()
    assert yard.ctl("wishes") == before
    yard.assert_state(state)

    yard.ctl(f"destroy {region['region']}")
    assert "1 wish" in yard.ctl("import /run/wishes.json")
    [region] = yard.made((FIRST,)).values()
    assert yard.states() == [("region", "there")] and region["origin"] == "profile each"
    yard.refused("import /proc/version", "it is no JSON")

    # Made by somebody else, it is theirs until it is adopted.
    yard.profiles()
    yard.ctl("forget all")
    assert "origin" not in yard.regions()[0]
    yard.ctl(f"destroy {region['region']}")
    window, card = yard.picture()["windows"][0]["decoder"], yard.card(FIRST)["memdev"]
    policy = "/sys/devices/system/memory/auto_online_blocks"
    guest.check(f"echo offline > {policy}; cxl create-region -t ram -d {window} -m {card}; "
                f"udevadm settle; echo online > {policy}")
    [theirs] = yard.made((FIRST,)).values()
    assert "origin" not in theirs and yard.states() == []
    yard.ctl(f"adopt {theirs['region']}")
    assert yard.regions()[0]["origin"] == "adopted" and yard.states() == [("region", "there")]
    yard.eject(FIRST)
    assert yard.states() == [("region", "missing")]
    assert "not there: serial 0x3001 (last at pci" in yard.ctl("wishes")
    yard.clear()


@only(kernels=("debian-7.3",))  # no kernel has a part in it
@timeout(300)
def test_damaged_memory(guest):
    """Wishes that cannot be read: nothing happens by itself, it is said, and mended without a restart."""
    yard = Yard(guest)
    yard.profiles(each=EACH + "[Memory]\nMode=devdax\n")
    guest.check(f"systemctl stop cxlmemd; mkdir -p $(dirname {WISHES}); "
                f"echo '{{\"version\": 1, \"wishes\": [' > {WISHES}; systemctl start cxlmemd")
    yard.plug(("rp0", FIRST))
    yard.until(lambda: yard.picture()["memdevs"], "the card is seen")
    yard.stays()
    assert yard.by_serial() == {}
    for verb in ("status", "wishes"):
        assert f"{WISHES} cannot be used" in yard.ctl(verb)
    yard.refused("forget all", "cannot be used")
    assert guest.read(WISHES) == b'{"version": 1, "wishes": [\n'
    guest.check(f"rm {WISHES}; systemctl reload cxlmemd")
    yard.made((FIRST,))
    assert "cannot be used" not in yard.ctl("status")
    yard.clear()


@timeout(400)
def test_few_cycles(guest):
    """Plug and eject three times; nothing is left of it. The suite `long` does that a hundred times."""
    cycles(guest, 3)


@timeout(900)
def test_each_as_its_profile_says(guest):
    """Zone, mode, offline, beside a broken profile; after a reboot; missing, back, and in another slot."""
    yard = Yard(guest)
    match = "[Match]\nSerial={:#x}\n[Memory]\n{}\n"
    profiles = {"10_broken": EACH + "[Memory]\nZone=frozen\n",
                "20_movable": match.format(FIRST, "Zone=movable"),
                "30_kernel": match.format(SECOND, "Zone=kernel"),
                "40_devdax": match.format(THIRD, "Mode=devdax"),
                "50_offline": match.format(FOURTH, "Online=no")}
    yard.profiles(**profiles)
    # The one that cannot be ejected has the bridge's first decoder: those are given back in order only.
    yard.plug(("rp1", SECOND))
    yard.made((SECOND,))
    yard.plug(("rp3", FOURTH), ("rp2", THIRD), ("rp0", FIRST))
    _as_they_say(yard, yard.made((FIRST,), (SECOND,), (THIRD,), (FOURTH,)))
    assert "10-broken.profile:4: Zone= is \"frozen\"" in guest.check(
        "journalctl -u cxlmemd -o cat --no-pager")
    slot = yard.card(THIRD)["slot"]

    # One is away while the machine restarts; the others come up in whatever order, with other names.
    yard.eject(THIRD)
    before = yard.by_serial()
    guest.reboot()
    after = yard.made((FIRST,), (SECOND,), (FOURTH,), seconds=180)
    for cards, region in before.items():
        for key in ("size", "window", "origin"):
            assert region.get(key) == after[cards].get(key), (key, region, after[cards])
    assert "not there: serial 0x3003 (last at pci" in yard.ctl("wishes")
    assert "not there: serial 0x3003" in yard.ctl("status")
    yard.plug(("rp2", THIRD))
    _as_they_say(yard, yard.made((FIRST,), (SECOND,), (THIRD,), (FOURTH,)))

    # The movable one takes the place of the devdax one, and that place has a profile of its own.
    yard.eject(FIRST, THIRD, FOURTH)
    yard.profiles(**profiles, **{"15_slot": f"[Match]\nPath=slot:{slot}\n[Memory]\nZone=kernel\n"})
    yard.plug(("rp2", FIRST))
    region = yard.made((FIRST,), (SECOND,))[(FIRST,)]
    assert region["origin"] == "profile 15-slot", region
    assert yard.zones(region["region"]) == {("online", "Normal")}
    assert sorted(yard.states()) == [("region", "missing")] * 2 + [("region", "there")] * 2
    guest.check(f"rm -r {PROFILES}")


def _as_they_say(yard: Yard, regions: dict) -> None:
    """All four cards are used as their profiles want it."""
    names = {cards[0]: region["region"] for cards, region in regions.items()}
    assert [regions[(serial,)]["origin"] for serial in (FIRST, SECOND, THIRD, FOURTH)] == [
        "profile 20-movable", "profile 30-kernel", "profile 40-devdax", "profile 50-offline"]
    assert yard.zones(names[FIRST]) == {("online", "Movable")}
    assert yard.zones(names[SECOND]) == {("online", "Normal")}
    assert yard.dax(names[THIRD])["driver"] == "device_dax"
    assert yard.zones(names[FOURTH]) == {("offline", None)}
    assert yard.wishes()["reports"] == [] and yard.states() == [("region", "there")] * 4
    yard.use_dax("/dev/" + yard.dax(names[THIRD])["chardev"], "4M")
    yard.use(yard.dax(names[FIRST])["target_node"], "16M")
