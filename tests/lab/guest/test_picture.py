# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest from a snapshot sees what a booted one sees, and memory that works."""

import json
import time

from lab import kernels, topologies
from lab.guest import Guest, Options
from lab.testing import timeout

SUITE = "lab-guest"
KERNELS = kernels.DEFAULTS
TOPOLOGIES = tuple(topologies.TOPOLOGIES)
BARE = True

# Names and places that depend on the order in which the drivers met the devices.
ORDER = ("memdev", "port", "endpoint", "decoder", "host", "bus", "id", "numa_node", "parent_dport",
         "dport", "alias", "target")


def _plain(value):
    """A picture without what the order of arrival decides; lists are sorted by what is left."""
    if isinstance(value, list):
        return sorted((_plain(item) for item in value),
                      key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        return {key.split(":")[0]: _plain(item) for key, item in value.items()
                if isinstance(item, (dict, list)) or key not in ORDER}
    return value


def _picture(guest) -> str:
    return json.dumps(_plain(guest.json("cxl list -BPEMDT", timeout=600)), sort_keys=True, indent=1)


@timeout(1800)
def test_same_as_booted(guest):
    """`cxl list` of a guest from a snapshot equals that of a booted one"""
    options = Options(**{**vars(guest.options), "boot": True})
    if guest.options.boot:
        raise AssertionError("this test compares with a snapshot")
    here = _picture(guest)
    with Guest(guest.assets, options) as other:
        there = _picture(other)
    assert here == there, f"from the snapshot:\n{here}\nbooted:\n{there}"
    cards = len(topologies.TOPOLOGIES[guest.options.topology].cards)
    assert here.count('"serial"') >= cards


def test_region(guest):
    """a region on the first card is made, used and destroyed"""
    if not guest.cards():
        guest.plug("a", "rp0")
    memdev = guest.memdev(next(iter(guest.cards())))
    guest.check(f"cxl create-region -t ram -d decoder0.0 -m {memdev}", 60)
    guest.wait_for("[ $(daxctl list | jq '.[0].online_memblocks // 0') -gt 0 ]", 30)
    node = guest.json("daxctl list")[0]["target_node"]
    start = time.monotonic()
    guest.check(f"numactl -m {node} head -c 64M /dev/zero >/dev/shm/x && rm /dev/shm/x", 100)
    assert time.monotonic() - start < 60
