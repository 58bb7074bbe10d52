# SPDX-License-Identifier: LGPL-2.1-or-later
"""cxlmemctl on real terminals, narrow and wide."""

from __future__ import annotations

import re

from guest.machine import Machine
from guest.terminal import Terminal
from lab.testing import timeout

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)
SIZES = ((80, 24), (200, 50))
# {card} has a region, all of it; {other} is free. Numbers of regions are handed out in turns.
LOOK = ("status", "list", "topology", "show {card} $(region) $(dax) decoder0.0 port1 slot:1 node1",
        "health", "doctor", "operations", "operations 1", "wishes", "profiles", "profiles check",
        "blockers $(region)", "help", "help create", "help profiles")
PLAN = ("plan create {other}", "plan eject {card} {other}", "destroy --dry-run $(region)",
        "plan set-mode devdax $(region)")
WRONG = ("nonsense", "create", "create mem7", "destroy {card}", "create --size 9G {other}",
         "set-mode $(region) devdax", "list memdevs", "import /nowhere/at/all", "--from / status",
         "create --window decoder0.1 {card}", "cancel 77", "forget serial", "show nothing")
CHANGE = ("offline $(region)", "online $(region)", "set-mode devdax $(region)",
          "destroy $(region)", "create {card} {other}", "destroy  $(region)", "create {card}")
FUNCTIONS = """\
region() { cxlmemctl --json list regions | jq -r '.[0].region'; }
dax() { cxlmemctl --json list dax | jq -r '.[0].chardev'; }
"""


def _commands(machine: Machine, *kinds: tuple[str, ...]) -> list[str]:
    card, other = machine.cards()
    return [command.format(card=card, other=other) for kind in kinds for command in kind]


def _region(machine: Machine) -> str:
    """The name of a region on the first card; there is nothing else."""
    for region in machine.regions():
        machine.ctl(f"destroy {region['region']}")
    machine.ctl(f"create {machine.cards()[0]}")
    return machine.regions()[0]["region"]


@timeout(1200)
def test_no_line_is_too_long(guest):
    """What every verb prints at 80 and 200 columns: no line wraps, nothing is garbage"""
    machine = Machine(guest)
    _region(machine)
    for columns, lines in SIZES:
        # What wraps at 200 columns wraps at 80.
        kinds = (LOOK, PLAN, WRONG, CHANGE) if columns == 80 else (LOOK, PLAN, WRONG)
        commands = _commands(machine, *kinds)
        guest.write("/run/all", FUNCTIONS + "\n".join(
            f"echo '= {command}'; cxlmemctl {command}; echo \"[$?]\"" for command in commands)
            + "\ntouch /run/over; sleep infinity\n")
        guest.check("rm -f /run/over")
        with Terminal(guest, "bash /run/all", columns, lines) as terminal:
            guest.wait_for("test -e /run/over", timeout=600)
            capture = f"{terminal.tmux} capture-pane -p -S -"
            shown = guest.check(capture).splitlines()
            # Joined, a line that wrapped would be a longer one.
            joined = guest.check(f"{capture} -J").splitlines()
        assert [line.rstrip() for line in joined] == [line.rstrip() for line in shown], \
            "\n".join(line for line in joined if len(line.rstrip()) > columns)
        text = "\n".join(shown)
        assert all(len(line) <= columns for line in shown), text
        garbage = re.findall(r"[^\n -~─│├└█░]", text)
        assert not garbage, garbage
        # All of it is within tmux's 2000 lines.
        found = dict(re.findall(r"^= (.*)\n(?:(?!= ).*\n)*?\[(\d+)\]$", text, re.MULTILINE))
        assert set(found) == set(commands), (set(commands) - set(found), text)
        wrong = _commands(machine, WRONG)
        assert all(found[command] in ("1", "2") for command in wrong), found
        assert all(found[command] == "0" for command in set(commands) - set(wrong)), text
