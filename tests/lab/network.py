# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network of the few guests that have one (qemu.network_arguments())."""

from __future__ import annotations

import re
from typing import Callable

from .errors import GuestError
from .qemu import GUEST_ADDRESS
from .session import Session

UP = f"""\
set -e
modprobe virtio_net
until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
ip link set lo up
ip link set eth0 up
ip address replace {GUEST_ADDRESS}/24 dev eth0
"""


def up(session: Session) -> None:
    """Give the guest its address; nothing in it would do so by itself."""
    session.check(UP, 60)


def find_port(qmp: Callable[..., str], port: int) -> int:
    """The port on 127.0.0.1 that leads to a guest's `port`; `qmp` is Guest.qmp()."""
    text = qmp("human-monitor-command", command_line="info usernet")
    for local, remote in re.findall(
            rf"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+{re.escape(GUEST_ADDRESS)}"
            r"\s+(\d+)", text):
        if int(remote) == port:
            return int(local)
    raise GuestError(f"port {port} of this guest cannot be reached; QEMU says:\n{text}")
