# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tab in bash, zsh and fish, as they are installed: verbs, options and the names of what is there."""

from __future__ import annotations

from guest.machine import Machine
from guest.terminal import Terminal
from lab.testing import timeout

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)

# How each is started so that only what the system installs is read, and ready to be typed at.
SHELLS = {
    "bash": "bash --norc --noprofile",
    "zsh": "zsh -f",
    "fish": "fish --private",
}
READY = {
    "bash": ". /usr/share/bash-completion/bash_completion; bind 'set bell-style none'",
    "zsh": "unsetopt beep; autoload -Uz compinit; compinit -u -D",
    "fish": "set -U fish_greeting",
}


def _lines(machine: Machine) -> list[tuple[str, str]]:
    """What is typed before Tab, and what stands there behind it. One way to go on, each time."""
    memdev = next(memdev for memdev in machine.picture()["memdevs"]
                  if memdev["memdev"] == machine.cards()[0])
    name, serial, host = memdev["memdev"], f"0x{memdev['serial']:x}", memdev["host"]
    region = machine.regions()[0]["region"]
    return [
        ("topol", "topology"),
        ("status --qu", "status --quiet"),
        ("create --zone ker", "create --zone kernel"),
        ("create --zone=ker", "create --zone=kernel"),
        ("plan cre", "plan create"),
        (f"create {serial}", f"create {serial}"),
        (f"create {host[:6]}", f"create {host}"),
        (f"create --dry-run {name}", f"create --dry-run {name}"),
        ("destroy reg", f"destroy {region}"),
        ("set-mode devdax dax", f"set-mode devdax {machine.dax(region)['chardev']}"),
        ("--from /etc/os-rel", "--from /etc/os-release"),
        ("--from=/etc/os-rel", "--from=/etc/os-release"),
    ]


@timeout(900)
def test_tab(guest):
    """Tab after the beginning of a verb, an option, its value, a name of each kind, a file"""
    machine = Machine(guest)
    if not machine.regions():
        machine.ctl(f"create {machine.cards()[0]}")
    lines = _lines(machine)
    for shell, command in SHELLS.items():
        with Terminal(guest, command, 160, 50) as terminal:
            terminal.type(f"{READY[shell]}; echo rea''dy\n")
            terminal.wait_for(r"^ready$")
            for number, (typed, wanted) in enumerate(lines):
                terminal.type(f"cxlmemctl {typed}\t")
                terminal.wait_for(rf"cxlmemctl {wanted}( |$)")
                # What the shell holds, not what it shows: the line is made words of.
                terminal.press("C-a")
                terminal.type(f"echo line{number}: ")
                terminal.press("C-e", "Enter")
                terminal.wait_for(rf"^line{number}: cxlmemctl {wanted}$")
    machine.ctl(f"destroy {machine.regions()[0]['region']}")


def test_no_daemon_is_started(guest):
    """Names are asked for of a daemon that runs, and of no other"""
    guest.check("systemctl stop cxlmemd")
    assert guest.check("cxlmemctl --complete create ''") == ""
    assert guest.sh("systemctl is-active cxlmemd")[1].strip() != "active"
    guest.check("systemctl start cxlmemd")
    assert "mem0" in guest.check("cxlmemctl --complete create ''")
    assert "mem0" in guest.check("su -s /bin/sh nobody -c \"cxlmemctl --complete create ''\"")
