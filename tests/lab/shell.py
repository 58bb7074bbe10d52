# SPDX-License-Identifier: LGPL-2.1-or-later
"""`lab shell`: an interactive root shell in a guest; Ctrl-] leaves."""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import sys
import termios
import tty

from .assets import Assets
from .errors import LabError
from .guest import Guest
from .progress import say
from .run import guest_options

LEAVE = b"\x1d"


def _write(data: bytes, _is_err: bool) -> None:
    os.write(sys.stdout.fileno(), data)


def interact(guest: Guest) -> int:
    """Connect this terminal to a login shell in the guest; returns the shell's status."""
    size = shutil.get_terminal_size()
    shell = guest.run_async("exec bash --login", sink=_write,
                            terminal=(size.lines, size.columns),
                            environment={"TERM": os.environ.get("TERM", "linux")})

    def resized(*_) -> None:
        now = shutil.get_terminal_size()
        shell.resize(now.lines, now.columns)

    before = termios.tcgetattr(sys.stdin)
    old_handler = signal.signal(signal.SIGWINCH, resized)
    try:
        tty.setraw(sys.stdin)
        while shell.running:
            ready, _, _ = select.select([sys.stdin], [], [], 0.2)
            if not ready:
                continue
            data = os.read(sys.stdin.fileno(), 4096)
            if not data or LEAVE in data:
                shell.kill(signal.SIGHUP)
                return 0
            shell.write(data)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, old_handler)
        print()
    return shell.wait(5)


def shell(options: argparse.Namespace) -> int:
    """The verb."""
    if not sys.stdin.isatty():
        raise LabError("./lab shell needs a terminal: use `./lab run -- COMMAND` in a script")
    with Assets() as assets, Guest(assets, guest_options(options)) as guest:
        say(f"root shell on {options.topology} with {options.kernel}; Ctrl-] leaves and "
            "switches the guest off")
        return interact(guest)
