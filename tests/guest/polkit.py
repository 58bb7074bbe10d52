# SPDX-License-Identifier: LGPL-2.1-or-later
"""polkit in a guest."""

from __future__ import annotations

from lab.guest import Guest


def restart(guest: Guest) -> None:
    """Have it read its rules now; systemd would refuse the sixth time within ten seconds."""
    # One that has not run yet is not known to systemd, and has not been started too often.
    guest.check("systemctl reset-failed polkit 2>/dev/null; systemctl restart polkit")
