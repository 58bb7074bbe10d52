# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory in a window that firmware set aside by itself: shown as what it is, and worked around."""

from __future__ import annotations

from guest.machine import Machine

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)
# The first 256 MiB of the first window become "Soft Reserved" as if EFI had said so. There is nothing
# behind them in this machine, so the kernel must not bring them online.
KERNEL_ARGUMENTS = ("memmap=256M%0xa90000000+0xefffffff", "memhp_default_state=offline")
BOOT = True  # a snapshot for one test would cost more than it saves
RESERVED = 256 << 20


def test_soft_reserved_memory(guest):
    """It is listed as unmanaged with its size, and a new region finds a place beside it."""
    machine = Machine(guest)
    before = machine.state()
    picture = machine.picture()
    window = min(picture["windows"], key=lambda w: w["resource"])
    assert window["resource"] == 0xa90000000, "the window has moved: adapt KERNEL_ARGUMENTS"
    [unmanaged] = picture["unmanaged"]
    assert (unmanaged["resource"], unmanaged["size"]) == (window["resource"], RESERVED), unmanaged
    assert "unmanaged" in machine.ctl("status")
    assert "mapped by firmware" in machine.ctl("topology")

    bridge = window["targets"][0]["port"]
    card = next(port["memdev"] for port in picture["ports"]
                if port["kind"] == "endpoint" and port["parent"] == bridge)
    machine.ctl(f"create --window {window['decoder']} {card}")
    [region] = machine.regions()
    assert region["resource"] == window["resource"] + RESERVED, region
    assert machine.zones(region["region"]) == {("online", "Movable")}
    machine.ctl(f"destroy {region['region']}")
    machine.assert_state(before)
