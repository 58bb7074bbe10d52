# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the lab adds to the guest's root: its agent, and settings that make a boot short."""

from __future__ import annotations

import os
from pathlib import Path

from . import chroot
from .cache import file_digest

AGENT_SOURCE = Path(__file__).with_name("agent.c")
AGENT_BUILD = ("gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
               "-o", "/out/cxlmem-lab-agent", "/in/agent.c", "-lutil")

AGENT_UNIT = """\
# SPDX-License-Identifier: LGPL-2.1-or-later
[Unit]
Description=Agent of the cxlmem lab
DefaultDependencies=no
IgnoreOnIsolate=yes

[Service]
ExecStart=/usr/lib/cxlmem-lab/cxlmem-lab-agent
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KillMode=process
OOMScoreAdjust=-1000
OOMPolicy=continue
TasksMax=infinity
LimitCORE=infinity
"""

# Units that a guest of a few minutes has no use for. What the product could meet on a real
# machine (udev, D-Bus, polkit, the journal, tmpfiles) stays as Debian has it.
MASKED = (
    "systemd-firstboot.service", "systemd-update-done.service", "systemd-hwdb-update.service",
    "systemd-journal-catalog-update.service", "systemd-machine-id-commit.service",
    "systemd-pcrmachine.service", "systemd-boot-random-seed.service",
    "systemd-timesyncd.service", "systemd-networkd.service", "systemd-resolved.service",
    "systemd-network-generator.service", "systemd-binfmt.service", "ldconfig.service",
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "systemd-tmpfiles-clean.timer",
    "getty.target", "serial-getty@ttyS0.service", "getty@tty1.service", "console-getty.service",
    "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "dev-mqueue.mount",
    "sys-kernel-config.mount", "systemd-vconsole-setup.service", "remote-fs.target",
    "ndctl-monitor.service", "systemd-growfs-root.service", "systemd-remount-fs.service",
    "systemd-ask-password-wall.path", "systemd-ask-password-console.path",
)

FILES = {
    "etc/systemd/system/cxlmem-lab-agent.service": AGENT_UNIT,
    "etc/hostname": "cxlmem-lab\n",
    "etc/hosts": "127.0.0.1 localhost cxlmem-lab\n",
    "etc/fstab": "",
    "etc/machine-id": "c0ffee00c0ffee00c0ffee00c0ffee00\n",
    "etc/systemd/system.conf.d/lab.conf":
        "[Manager]\nDefaultTimeoutStopSec=20s\nRuntimeWatchdogSec=off\n",
    "etc/systemd/journald.conf.d/lab.conf":
        "[Journal]\nStorage=persistent\nSystemMaxUse=64M\nForwardToSyslog=no\n"
        "RateLimitIntervalSec=0\n",
    "root/.bashrc": "PS1='lab:\\w# '\nalias ls='ls --color=auto'\n",
    "root/.profile": ". /root/.bashrc\n",
}


def inputs() -> object:
    """What the files are made from."""
    return [file_digest(AGENT_SOURCE), AGENT_BUILD, MASKED, FILES]


def install(tools: Path, root: Path) -> None:
    """Put the lab's files below `root`."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    units = root / "etc/systemd/system"
    for name in MASKED:
        os.symlink("/dev/null", units / name)
    wants = units / "sysinit.target.wants"
    wants.mkdir()
    os.symlink("../cxlmem-lab-agent.service", wants / "cxlmem-lab-agent.service")
    place = root / "usr/lib/cxlmem-lab"
    place.mkdir(parents=True)
    chroot.check(tools, AGENT_BUILD, binds={"/in": (AGENT_SOURCE.parent, False),
                                            "/out": (place, True)})
