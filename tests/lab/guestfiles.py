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
# machine (udev, D-Bus, polkit, the journal, tmpfiles, sysctl) stays as Debian has it.
MASKED = (
    "systemd-firstboot.service", "systemd-update-done.service", "systemd-hwdb-update.service",
    "systemd-journal-catalog-update.service", "systemd-machine-id-commit.service",
    "systemd-pcrmachine.service", "systemd-pcrphase.service", "systemd-pcrphase-sysinit.service",
    "systemd-tpm2-setup.service", "systemd-tpm2-setup-early.service",
    "systemd-boot-random-seed.service", "systemd-random-seed.service",
    "systemd-hibernate-clear.service", "systemd-udev-load-credentials.service",
    "systemd-timesyncd.service", "systemd-networkd.service", "systemd-resolved.service",
    "systemd-network-generator.service", "systemd-binfmt.service", "ldconfig.service",
    "systemd-pstore.service", "systemd-logind.service", "systemd-user-sessions.service",
    "systemd-hostnamed.socket", "systemd-sysext.socket", "systemd-creds.socket",
    "systemd-initctl.socket", "systemd-pcrextend.socket", "systemd-pcrlock.socket",
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer",
    "e2scrub_all.timer", "e2scrub_reap.service", "systemd-tmpfiles-clean.timer",
    "getty.target", "serial-getty@ttyS0.service", "getty@tty1.service", "console-getty.service",
    "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "dev-mqueue.mount",
    "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "run-lock.mount",
    "systemd-vconsole-setup.service", "remote-fs.target", "modprobe@drm.service",
    "modprobe@efi_pstore.service", "modprobe@fuse.service", "modprobe@configfs.service",
    "cxl-monitor.service", "ndctl-monitor.service", "systemd-growfs-root.service",
    "systemd-remount-fs.service", "systemd-ask-password-wall.path",
    "systemd-ask-password-console.path",
)
# Nothing that these look for is in the guest.
MASKED_GENERATORS = (
    "systemd-cryptsetup-generator", "systemd-debug-generator", "systemd-fstab-generator",
    "systemd-getty-generator", "systemd-gpt-auto-generator", "systemd-hibernate-resume-generator",
    "systemd-integritysetup-generator", "systemd-rc-local-generator", "systemd-run-generator",
    "systemd-ssh-generator", "systemd-system-update-generator", "systemd-sysv-generator",
    "systemd-tpm2-generator", "systemd-veritysetup-generator",
)
# Rules for devices that the guest does not have; those for memory, dax and drivers stay.
MASKED_RULES = (
    "60-autosuspend", "60-cdrom_id", "60-dmi-id", "60-drm", "60-evdev", "60-fido-id",
    "60-infiniband", "60-input-id", "60-persistent-alsa", "60-persistent-input",
    "60-persistent-storage-mtd", "60-persistent-storage-tape", "60-persistent-storage",
    "60-persistent-v4l", "60-sensor", "60-serial", "64-btrfs", "70-camera", "70-joystick",
    "70-mouse", "70-power-switch", "70-touchpad", "70-uaccess", "71-seat", "73-seat-late",
    "73-special-net-names", "75-net-description", "75-probe_mtd", "78-sound-card",
    "80-net-setup-link", "81-net-dhcp", "90-iocost",
)

# Terminals and the like make most of the events of a cold plug; these are the subsystems that
# a driver of the guest or a rule of the product may care about.
TRIGGER = """\
# SPDX-License-Identifier: LGPL-2.1-or-later
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=subsystems --action=add
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=pci \
    --subsystem-match=acpi --subsystem-match=platform --subsystem-match=cxl \
    --subsystem-match=dax --subsystem-match=nd --subsystem-match=node --subsystem-match=memory \
    --subsystem-match=memory_tiering --subsystem-match=virtio --subsystem-match=block \
    --subsystem-match=virtio-ports --subsystem-match=misc --subsystem-match=mem
"""

FILES = {
    "etc/systemd/system/cxlmem-lab-agent.service": AGENT_UNIT,
    "etc/systemd/system/systemd-udev-trigger.service.d/lab.conf": TRIGGER,
    # ndctl's file runs `ndctl load-keys` whenever libnvdimm is loaded: seconds, for no key.
    "etc/modprobe.d/nvdimm-security.conf": "",
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
    return [file_digest(AGENT_SOURCE), AGENT_BUILD, MASKED, MASKED_GENERATORS, MASKED_RULES, FILES]


def install(tools: Path, root: Path) -> None:
    """Put the lab's files below `root`."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    units = root / "etc/systemd/system"
    for name in MASKED:
        os.symlink("/dev/null", units / name)
    for directory, names in (("etc/systemd/system-generators", MASKED_GENERATORS),
                             ("etc/udev/rules.d", [f"{name}.rules" for name in MASKED_RULES])):
        (root / directory).mkdir(parents=True, exist_ok=True)
        for name in names:
            os.symlink("/dev/null", root / directory / name)
    os.symlink("/usr/lib/systemd/system/multi-user.target", units / "default.target")
    (root / "root").chmod(0o700)
    wants = units / "sysinit.target.wants"
    wants.mkdir()
    os.symlink("../cxlmem-lab-agent.service", wants / "cxlmem-lab-agent.service")
    place = root / "usr/lib/cxlmem-lab"
    place.mkdir(parents=True)
    chroot.check(tools, AGENT_BUILD, binds={"/in": (AGENT_SOURCE.parent, False),
                                            "/out": (place, True)})
