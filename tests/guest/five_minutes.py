# SPDX-License-Identifier: LGPL-2.1-or-later
"""The README's commands for real hardware, and an interactive shell to type them into."""

from __future__ import annotations

import re
import time
from typing import Any

HEADING = "## On real hardware"
# bash's prompt, with the status of the last command.
PROMPT = re.compile(r"<(\d+)>\$ $")
RC_FILE = "/run/five-minutes.rc"
QUESTION = re.compile(r"\[Y/n\] $")
PATIENCE_S = 500
# What a terminal is told about colours and the like.
ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|[=>78]|\][^\x07]*\x07)")


def commands(readme: str) -> list[str]:
    """The lines of the first block of commands below the heading, as they stand there."""
    lines = readme[readme.index(f"\n{HEADING}\n") + len(HEADING) + 2:].splitlines()
    result: list[str] = []
    for line in lines:
        if line.startswith("    "):
            result.append(line.strip())
        elif result or line.startswith("## "):
            break
    assert len(result) > 5, f"the README has no commands below {HEADING!r}: {result}"
    return result


class Shell:
    """root's shell on a terminal in the guest. A question of apt's is answered with Enter."""

    def __init__(self, guest: Any, rows: int = 40, columns: int = 100):
        # bash takes no prompt from its environment when another bash has started it.
        guest.write(RC_FILE, "PS1='<$?>$ '\n")
        self._command = guest.run_async(
            f"exec bash --rcfile {RC_FILE} -i", terminal=(rows, columns),
            environment={"TERM": "xterm", "HISTFILE": ""})
        self._seen = 0
        self._wait()

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        self._command.write(b"exit\r")
        self._command.wait(60)

    def type(self, line: str) -> str:
        """Type a line that must succeed; returns what it printed."""
        self._command.write(line.encode() + b"\r")
        status, text = self._wait()
        print(f"{line}\n{text}")
        assert status == 0, f"`{line}` ended with {status}:\n{text}"
        return text

    def _wait(self) -> tuple[int, str]:
        """Until the prompt is there again: the status it shows, and what came before."""
        end = time.monotonic() + PATIENCE_S
        answered = 0
        while True:
            text = ESCAPE.sub("", self._command.output[self._seen:])
            if found := PROMPT.search(text):
                self._seen = len(self._command.output)
                return int(found[1]), text[:found.start()]
            if QUESTION.search(text) and len(text) > answered:
                answered = len(text)
                self._command.write(b"\r")
            assert time.monotonic() < end and self._command.running, f"no prompt:\n{text}"
            time.sleep(0.1)
