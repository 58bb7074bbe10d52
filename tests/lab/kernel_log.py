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


def complaints(text: str, expected: Iterable[str] = ()) -> list[str]:
    """Lines of a kernel log that nobody expected, at most 20."""
    allowed = [re.compile(pattern) for pattern in expected]
    found = []
    for line in text.splitlines():
        if BAD.search(line) and not HARMLESS.search(line):
            if not any(pattern.search(line) for pattern in allowed):
                found.append(line.strip())
    return found[:20]
