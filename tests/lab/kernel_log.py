# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must not be in a kernel log."""

from __future__ import annotations

import re
from typing import Iterable

BAD = re.compile(
    r"\bBUG\b|\bWARNING: (?!CPU frequency)|\bOops\b|general protection fault|Kernel panic"
    r"|unable to handle|INFO: task .* blocked|possible circular locking|possible recursive locking"
    r"|inconsistent lock state|suspicious RCU usage|\bKASAN:|\bUBSAN:|\bKCSAN:|kmemleak: .*new"
    r"|refcount_t:|list_(?:add|del) corruption|sleeping function called|stuck online until reboot"
    r"|Bad page (?:state|map)|page dumped because|stack segment:|divide error")
# Printed at every start by kernels that are in order.
HARMLESS = re.compile(r"Spectre V2 : WARNING: Unprivileged eBPF"
                      r"|WARNING: The lockdown|kernel command line parameters")

# lockdep on Linux 7.3, with the series and without, when the first card is plugged or unplugged:
# pciehp_configure_device() drops reset_lock and takes it again under pci_rescan_remove_lock.
KNOWN = re.compile(r"circular locking .*\((?:&ctrl->reset_lock at pciehp_\w+, pci_rescan_remove_lock at \w+"
                   r"|pci_rescan_remove_lock at \w+, &ctrl->reset_lock at pciehp_\w+)\)")
LOCK = re.compile(r"\((\S+)\)\{\S+\}-\{\d:\d\}, at: (\w+)")
LOCKDEP = re.compile(r"possible (?:circular|recursive) locking")


def _locks(lines: list[str]) -> str:
    """The two locks that the beginning of a report of lockdep is about: wanted, held."""
    found = [match for match in map(LOCK.search, lines) if match]
    return ", ".join(f"{match[1]} at {match[2]}" for match in found[:2])


def complaints(text: str, expected: Iterable[str] = ()) -> list[str]:
    """Lines of a kernel log that nobody expected, at most 20."""
    allowed = [re.compile(pattern) for pattern in expected]
    found = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if BAD.search(line) and not HARMLESS.search(line):
            if LOCKDEP.search(line):
                line = f"{line} ({_locks(lines[number:number + 10])})"
            if KNOWN.search(line):
                continue
            if not any(pattern.search(line) for pattern in allowed):
                found.append(line.strip())
    return found[:20]
