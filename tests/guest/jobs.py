# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole main job in one go, for builds of the daemon that check themselves."""

from __future__ import annotations

from guest.machine import Machine


def whole_job(machine: Machine) -> None:
    """Every verb, both modes and zones, refusals, interleave; then as it was."""
    before = machine.state()
    first, second = machine.cards()[:2]
    machine.refused("create nonesuch", "nonesuch")
    machine.refused(f"create --size 100G {first}", "512M")
    machine.ctl(f"plan create {first} {second}")
    machine.ctl(f"create --ways 1 {first} {second}", timeout=400)
    one, two = [region["region"] for region in machine.regions()]
    machine.ctl(f"offline {one}", timeout=400)
    machine.ctl(f"online --zone movable {one}", timeout=400)
    machine.ctl(f"set-mode --mode devdax {one}", timeout=400)
    machine.ctl(f"set-mode --mode system-ram --no-online {one}", timeout=400)
    for verb in ("status", "list", "topology", "operations", f"plan destroy {one}"):
        machine.ctl(verb)
        machine.ctl(f"{verb} --json")
    machine.ctl(f"destroy {one} {two}", timeout=400)
    machine.ctl(f"create --mode devdax {second} {first}", timeout=400)
    machine.ctl(f"destroy {machine.regions()[0]['region']}", timeout=400)
    machine.assert_state(before)
