# SPDX-License-Identifier: LGPL-2.1-or-later
"""cxlmemctl on real terminals, narrow and wide, and where there is none."""

from __future__ import annotations

import re

from guest.machine import Machine, USE
from guest.terminal import Terminal
from lab.testing import expect_kernel_log, timeout

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)
SIZES = ((80, 24), (200, 50))
ESCAPE = "\x1b"
# What the kernel says of pages that it cannot move.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
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


def _raw(guest, command: str, environment: str = "") -> str:
    """All bytes that a command prints on a terminal of 24 lines of 80."""
    running = guest.run_async(f"env TERM=xterm LC_ALL=C.UTF-8 {environment} {command}",
                              terminal=(24, 80))
    running.wait(timeout=120)
    return running.output


def test_plain_where_it_has_to_be(guest):
    """Colours on a terminal; none with NO_COLOR; no escape at all when it is dumb, or none"""
    machine = Machine(guest)
    region = _region(machine)
    for command in ("cxlmemctl status", "cxlmemctl topology", "cxlmemctl list cards",
                    "cxlmemctl help", "cxlmemctl nonsense"):
        assert f"{ESCAPE}[" in _raw(guest, command), command
        assert not re.search(rf"{ESCAPE}\[[0-9;]*m", _raw(guest, command, "NO_COLOR=1")), command
        # Set to nothing it does not count: no-color.org
        assert f"{ESCAPE}[" in _raw(guest, command, "NO_COLOR="), command
        assert ESCAPE not in _raw(guest, command, "TERM=dumb"), command
        status, output = guest.sh(f"TERM=xterm {command} 2>&1 | cat")
        assert status == 0 and ESCAPE not in output and "\r" not in output, output
    # A bar needs a cursor that can be moved: each step is a line without one.
    dumb = _raw(guest, f"cxlmemctl destroy {region}", "TERM=dumb")
    assert ESCAPE not in dumb and re.search(r"^\[1/\d+\] ", dumb, re.MULTILINE), dumb
    output = guest.check(f"cxlmemctl create {machine.cards()[0]} 2>&1 | cat")
    assert ESCAPE not in output and re.search(r"^\[1/\d+\] ", output, re.MULTILINE), output
    region = machine.regions()[0]["region"]
    output = guest.check(f"cxlmemctl destroy -q {region} 2>&1 | cat")
    assert not output, output


@timeout(900)
@expect_kernel_log(REFUSAL)
def test_ctrl_c(guest):
    """A bar on what takes long, and what is in the way; Ctrl-C asks back, then cancels"""
    machine = Machine(guest)
    region = _region(machine)
    online = machine.state()
    with Terminal(guest, "bash -c 'trap : INT; cxlmemctl monitor; echo \"ended $?\"; sleep 99'") \
            as terminal:
        guest.wait_for("pidof cxlmemctl")
        terminal.press("C-c")
        assert "cxlmemctl:" not in terminal.wait_for(r"ended 130$")
    node = machine.dax(region)["target_node"]
    guest.check(f"setsid {USE} pin {node} 2M >/run/pin 2>&1 & echo $! >/run/pin.pid")
    guest.wait_for("grep -q pinned /run/pin", timeout=60)
    with Terminal(guest, f"cxlmemctl offline {region}") as terminal:
        # How far it is, how fast, and how long still; then who keeps it from going on.
        terminal.wait_for(r"^\[1/\d+\] .*\d+%  \d.* of 512M")
        terminal.wait_for(r"^in the way: ")
        terminal.press("C-c")
        terminal.wait_for(r"offline goes on; Ctrl-C once more cancels it")
        assert terminal.ended() is None
        terminal.press("C-c")
        screen = terminal.wait_for(r"offline was cancelled, the machine is as it was")
        assert terminal.wait_end() == 4
        assert len(screen.splitlines()) <= 24
    machine.assert_state(online)
    guest.check("kill $(cat /run/pin.pid); while kill -0 $(cat /run/pin.pid) 2>/dev/null; do "
                "sleep 0.1; done")
    machine.ctl(f"destroy {region}")
