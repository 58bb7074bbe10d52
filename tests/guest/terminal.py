# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program on a terminal in the guest, as a person has it in front of them: tmux."""

from __future__ import annotations

import re
import shlex
import time
from typing import Any

# Nothing waits for it when all is well.
PATIENCE_S = 120


class Terminal:
    """A tmux session of one window with these columns and lines."""

    def __init__(self, guest: Any, command: str, columns: int = 80, lines: int = 24,
                 environment: str = "LC_ALL=C.UTF-8"):
        self.guest = guest
        self.tmux = f"{environment} tmux -u -L cxlmem"
        guest.check(f"{self.tmux} -f /dev/null new-session -d -x {columns} -y {lines} "
                    f"{shlex.quote(command)}")
        # The screen of a program that has ended can still be looked at.
        guest.check(f"{self.tmux} set -g remain-on-exit on; {self.tmux} set -g status off; "
                    f"{self.tmux} resize-window -x {columns} -y {lines}")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.guest.sh(f"{self.tmux} kill-server")

    def type(self, text: str) -> None:
        """Type text as it is."""
        self.guest.check(f"{self.tmux} send-keys -l -- {shlex.quote(text)}")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, Tab, C-c."""
        self.guest.check(f"{self.tmux} send-keys {' '.join(keys)}")

    def screen(self) -> str:
        """What can be seen, without blanks at the ends of lines."""
        return self.guest.check(f"{self.tmux} capture-pane -p").rstrip("\n")

    def wait_for(self, pattern: str) -> str:
        """Wait until the screen matches; the screen."""
        end = time.monotonic() + PATIENCE_S
        while not re.search(pattern, screen := self.screen(), re.MULTILINE):
            assert time.monotonic() < end, f"no {pattern!r} on the screen:\n{screen}"
            time.sleep(0.2)
        return screen

    def ended(self) -> int | None:
        """The status of the program if it has ended."""
        text = self.guest.check(f"{self.tmux} display-message -p "
                                "'#{pane_dead} #{pane_dead_status}'").split()
        return int(text[1]) if text[0] == "1" else None

    def wait_end(self) -> int:
        """Wait for the end of the program; its status."""
        end = time.monotonic() + PATIENCE_S
        while (status := self.ended()) is None:
            assert time.monotonic() < end, f"it has not ended:\n{self.screen()}"
            time.sleep(0.2)
        return status
