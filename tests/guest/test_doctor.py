# SPDX-License-Identifier: LGPL-2.1-or-later
"""cxlmemctl doctor on a machine that is well, and on one that is not."""

from __future__ import annotations

import json

from guest.machine import Machine, Refused

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)
RULE = "/etc/udev/rules.d/40-redhat.rules"


def test_well(guest):
    """Nothing is wrong with the lab's machine: 0, whatever is good to know"""
    machine = Machine(guest)
    assert "nothing is wrong" in machine.ctl("doctor")
    findings = json.loads(machine.ctl("doctor --json"))
    assert all(not finding["wrong"] and finding["advice"] for finding in findings), findings


def test_rule_of_a_distribution(guest):
    """A rule that brings all memory online is wrong, named with its line, and the status is 1"""
    machine = Machine(guest)
    guest.write(RULE, '# as on some\nSUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", '
                      'ATTR{state}="online"\n')
    guest.check("systemctl restart cxlmemd")
    try:
        machine.ctl("doctor")
    except Refused as refusal:
        assert refusal.status == 1 and f"!! {RULE}:2: " in refusal.output, refusal.output
    else:
        raise AssertionError("doctor found nothing")
    finally:
        guest.check(f"rm {RULE}; systemctl restart cxlmemd")
    machine.ctl("doctor --quiet")
