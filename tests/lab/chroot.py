# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running programs inside a root file system, in a mount namespace of their own.

The mounts belong to the namespace: they are gone with the program, however it ends.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import IO, Sequence

from .errors import LabError

UNSHARE = ["unshare", "--mount", "--propagation", "private"]
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
}


def check_host() -> None:
    """Raise when this process may not do what the lab needs."""
    if os.geteuid() != 0:
        raise LabError("the lab makes root file systems and needs to be run as root: "
                       "use `sudo ./lab ...`")
    done = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError("this machine does not let root make a mount namespace "
                       f"({done.stderr.strip()}): run the lab outside the container")


def script(root: Path, command: Sequence[str], binds: dict[str, tuple[Path, bool]],
           directory: str = "/") -> list[str]:
    """The argument vector that runs `command` in `root`.

    `binds` maps a path in the root to (path on the host, writable).
    """
    lines = ["set -e"]
    for point in ("proc", "dev", "sys"):
        lines.append(f"mount --rbind /{point} {shlex.quote(str(root / point))}")
    lines.append(f"mount -t tmpfs tmpfs {shlex.quote(str(root / 'run'))}")
    for inside, (outside, writable) in binds.items():
        target = shlex.quote(str(root) + inside)
        lines.append(f"mount --bind {shlex.quote(str(outside))} {target}")
        if not writable:
            lines.append(f"mount -o remount,bind,ro {target}")
    change = shlex.join(["cd", directory]) + ' && exec "$@"'
    lines.append(shlex.join(["exec", "chroot", str(root), "sh", "-c", change, "sh", *command]))
    return [*UNSHARE, "sh", "-c", "\n".join(lines)]


def run(root: Path, command: Sequence[str], *, binds: dict[str, tuple[Path, bool]] | None = None,
        directory: str = "/", environment: dict[str, str] | None = None,
        output: IO | None = None) -> tuple[int, str]:
    """Run `command` in `root`; returns its status and its output (both streams together).

    With `output` given, the output goes there instead and the returned text is empty.
    """
    argv = script(root, command, binds or {}, directory)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=output or subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**ENVIRONMENT, **(environment or {})})
    text = done.stdout.decode(errors="replace") if done.stdout else ""
    return done.returncode, text


def check(root: Path, command: Sequence[str], **options) -> str:
    """As run(), but raises with the end of the output when the status is not 0."""
    status, text = run(root, command, **options)
    if status != 0:
        tail = "\n".join(text.splitlines()[-30:])
        raise LabError(f"`{shlex.join(command)}` failed with status {status}:\n{tail}")
    return text
