# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job on every topology and kernel: create, use, offline, set-mode, destroy; then as it was."""

from __future__ import annotations

from guest.machine import Machine
from lab.testing import timeout

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("one", "two-ports", "two-bridges", "switch2", "switch4", "slots", "big")


def _movable(machine: Machine, name: str) -> None:
    assert machine.zones(name) == {("online", "Movable")}, machine.zones(name)


def _offline(machine: Machine, name: str) -> None:
    assert all(state in ("offline", "gone") for state, _ in machine.zones(name))


@timeout(900)
def test_region_on_each_card(guest):
    """A 1-way region on each card: movable, real, offline while in use, devdax and back, destroyed."""
    machine = Machine(guest)
    cards = machine.cards()
    machine.ctl(f"create {cards[0]}")
    machine.ctl(f"destroy {machine.regions()[0]['region']}")
    before, open_before = machine.state(), machine.descriptors()

    machine.ctl(f"create --ways 1 {' '.join(cards)}", timeout=300)
    regions = machine.regions()
    assert len(regions) == len(cards)
    for region in regions:
        assert region["size"] == 512 << 20 and region["interleave_ways"] == 1
        _movable(machine, region["region"])
    members = {region["mappings"][0]["memdev"] for region in regions}
    assert members == set(cards), f"regions are on {members}"

    # The node belongs to the window: on a machine with one window all regions are on it.
    last = regions[-1]["region"]
    node = machine.dax(last)["target_node"]
    machine.use(node, "256M")
    holder = machine.hold(node, "128M")
    machine.ctl(f"offline {last}", timeout=300)
    _offline(machine, last)
    holder.verify()

    machine.ctl(f"online --zone movable {last}")
    _movable(machine, last)
    machine.ctl(f"set-mode --mode devdax {last}")
    path = "/dev/" + machine.dax(last)["chardev"]
    machine.use_dax(path, "64M")
    machine.ctl(f"set-mode --mode system-ram {last}")
    _movable(machine, last)

    machine.ctl("destroy " + " ".join(region["region"] for region in regions), timeout=300)
    machine.assert_state(before)
    machine.assert_descriptors(open_before)


@timeout(900)
def test_all_cards_in_one_region(guest):
    """One region across all cards of the machine, whatever order they are named in."""
    machine = Machine(guest)
    cards = machine.cards()
    before = machine.state()

    machine.ctl(f"create --mode devdax {' '.join(reversed(cards))}")
    [region] = machine.regions()
    assert region["interleave_ways"] == len(cards)
    assert region["size"] == len(cards) * (512 << 20)
    name = region["region"]
    # Interleaved memory is emulated access by access: a little of it proves as much as all.
    machine.use_dax("/dev/" + machine.dax(name)["chardev"], "2M")

    machine.ctl(f"set-mode --mode system-ram --zone movable {name}")
    _movable(machine, name)
    machine.ctl(f"offline {name}")
    _offline(machine, name)
    machine.ctl(f"destroy {name}")
    machine.assert_state(before)


def test_offline_region_can_be_destroyed(guest):
    """--no-online leaves the memory offline, whatever the kernel's policy; destroy takes it as it is."""
    machine = Machine(guest)
    before = machine.state()
    machine.ctl(f"create --no-online --size 256M {machine.cards()[0]}")
    [region] = machine.regions()
    assert region["size"] == 256 << 20
    _offline(machine, region["region"])
    machine.ctl(f"destroy {region['region']}")
    machine.assert_state(before)


def test_second_region(guest):
    """A second region on a card: where decoders allow it, in order; on a pass-through bridge refused."""
    machine = Machine(guest)
    before = machine.state()
    card = machine.cards()[0]
    machine.ctl(f"create --size 256M {card}")
    first = machine.regions()[0]["region"]
    if guest.options.topology == "one":
        machine.refused(f"create --size 256M {card}", "single decoder", first)
        machine.ctl(f"destroy {first}")
    else:
        machine.ctl(f"create --size 256M --no-online {card}")
        second = next(r["region"] for r in machine.regions() if r["region"] != first)
        # Capacity is given back in reverse only: cxl_dpa_free().
        machine.refused(f"destroy {first}", second)
        machine.ctl(f"destroy {first} {second}")
    machine.assert_state(before)
