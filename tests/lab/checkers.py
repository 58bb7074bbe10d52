# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running the service with sanitizers or in valgrind inside a guest."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import LabError

DIRECTORY = "/var/log/cxlmem-lab"
REPORTS_COMMAND = f"cat {DIRECTORY}/* 2>/dev/null; journalctl --no-pager -o cat -u cxlmemd.service"
UNIT = "cxlmemd.service"
# Succeeds when the service really runs under its checker.
ACTIVE_COMMAND = (f"pid=$(systemctl show -P MainPID {UNIT}) && "
                  "grep -qE 'libasan|/valgrind/' /proc/$pid/maps")
OVERRIDE = f"etc/systemd/system/{UNIT}.d/lab-checker.conf"

# A checker needs more of the system than the service does, so the unit's hardening is undone;
# what the unit allows is tested with the plain build.
RELAX = f"""\
# SPDX-License-Identifier: LGPL-2.1-or-later
[Service]
SystemCallFilter=
SystemCallArchitectures=
MemoryDenyWriteExecute=no
RestrictAddressFamilies=
RestrictNamespaces=no
NoNewPrivileges=no
ProtectProc=default
ProcSubset=all
ProtectSystem=no
ReadWritePaths={DIRECTORY}
LogsDirectory=cxlmem-lab
LimitCORE=0
TimeoutStartSec=300
TimeoutStopSec=120
WatchdogSec=0
"""

ASAN = f"""\
Environment=ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:log_path={DIRECTORY}/asan
Environment=UBSAN_OPTIONS=print_stacktrace=1:log_path={DIRECTORY}/ubsan
"""

# Twice the % because systemd has a %p of its own.
VALGRIND = ("/usr/bin/valgrind --tool=memcheck --leak-check=full --trace-children=yes "
            "--show-leak-kinds=definite,indirect,possible "
            "--errors-for-leak-kinds=definite,indirect,possible "
            f"--child-silent-after-fork=yes --log-file={DIRECTORY}/valgrind.%%p")


def inputs(variant: str) -> object:
    """What a variant adds to the guest."""
    return [] if variant == "plain" else [RELAX, ASAN if variant == "asan" else VALGRIND]


def command_of(unit: str) -> str:
    """The ExecStart= of a unit's text."""
    found = re.findall(r"^ExecStart=[-@:+!]*(\S.*)$", unit, re.MULTILINE)
    if len(found) != 1:
        raise LabError(f"{UNIT} has {len(found)} ExecStart= lines and the lab expects one")
    return found[0]


def install(variant: str, root: Path) -> None:
    """Put the override for a variant below `root`."""
    if variant == "plain":
        return
    text = RELAX
    if variant == "asan":
        text += ASAN
    else:
        units = [path for path in root.glob(f"usr/lib/systemd/system/{UNIT}")]
        if not units:
            return
        text += f"ExecStart=\nExecStart={VALGRIND} {command_of(units[0].read_text())}\n"
    path = root / OVERRIDE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
