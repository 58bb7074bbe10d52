# SPDX-License-Identifier: LGPL-2.1-or-later
"""cxlmemctl watch on a real terminal, narrow and wide."""

from __future__ import annotations

from guest.machine import Machine
from guest.terminal import Terminal

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)
SIZES = ((80, 24), (200, 50))


def test_watch(guest):
    """What changes is drawn without being asked for; q, Ctrl-C and the daemon's restart"""
    machine = Machine(guest)
    for columns, lines in SIZES:
        with Terminal(guest, "cxlmemctl watch", columns, lines) as terminal:
            terminal.wait_for(r"^regions +none")
            machine.ctl(f"create {machine.cards()[0]}")
            terminal.wait_for(r"^region\d.* online ")
            # A region that went leaves nothing of its line behind.
            machine.ctl(f"destroy {machine.regions()[0]['region']}")
            screen = terminal.wait_for(r"^regions +none")
            assert "movable" not in screen, screen
            assert len(screen.splitlines()) <= lines
            guest.check("systemctl restart cxlmemd")
            machine.ctl(f"create {machine.cards()[0]}")
            terminal.wait_for(r"^region\d.* online ")
            machine.ctl(f"destroy {machine.regions()[0]['region']}")
            terminal.press("q" if columns == 80 else "C-c")
            assert terminal.wait_end() == 0


def test_terminal_is_given_back(guest):
    """The shell behind it echoes what is typed, and has its screen as it was"""
    with Terminal(guest, "bash --norc --noprofile") as terminal:
        terminal.type("echo be''fore; cxlmemctl watch; echo af''ter\n")
        terminal.wait_for(r"^cards ")
        terminal.press("q")
        screen = terminal.wait_for(r"^after$")
        assert "before" in screen and "windows" not in screen, screen
        terminal.type("echo seen")
        terminal.wait_for(r"echo seen$")


def test_no_terminal(guest):
    """Into a pipe it says what to use"""
    status, output = guest.sh("set -o pipefail; cxlmemctl watch | cat")
    assert status == 1 and "cxlmemctl monitor" in output, output
