# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit lets the daemon touch what it needs, and says why wherever that is more than usual.

That all else works under it is what every other test shows: they run with the same unit.
"""

from __future__ import annotations

from guest.machine import Machine

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)

UNIT = "/usr/lib/systemd/system/cxlmemd.service"
# Tenths: what `systemd-analyze security` says at the end.
THRESHOLD = 25
# Each that it complains about, and what of the unit has to speak of it.
EXPLAINED = {
    "RootDirectoryOrRootImage": "RootDirectory=",
    "UserOrDynamicUser": "User=, DynamicUser=",
    "PrivateDevices": "PrivateDevices=",
    "ProtectKernelLogs": "ProtectKernelLogs=",
    "ProtectKernelTunables": "ProtectKernelTunables=",
    "ProcSubset": "ProcSubset=",
    "PrivateNetwork": "PrivateNetwork=",
    "PrivateUsers": "PrivateUsers=",
    "DeviceAllow": "DeviceAllow=char-cxl",
    "RestrictAddressFamilies_AF_NETLINK": "events of kernel and udev",
    "RestrictAddressFamilies_AF_UNIX": "The bus and the journal",
    "CapabilityBoundingSet_CAP_SYS_ADMIN": "# SYS_ADMIN:",
    "CapabilityBoundingSet_CAP_SYS_PTRACE": "SYS_PTRACE",
    "CapabilityBoundingSet_CAP_DAC_FOWNER_IPC_OWNER": "DAC_READ_SEARCH:",
    "CapabilityBoundingSet_CAP_SYSLOG": "SYSLOG:",
}


def test_what_is_left_open_is_explained(guest):
    """systemd-analyze security: not above the threshold, a reason in the unit for each complaint."""
    guest.check(f"systemd-analyze security --no-pager --threshold={THRESHOLD} cxlmemd.service")
    unit = guest.read(UNIT).decode()
    rows = guest.json("systemd-analyze security --json=short --no-pager cxlmemd.service")
    open_rows = [row for row in rows if float(row["exposure"] or 0) > 0]
    assert open_rows, rows
    for row in open_rows:
        assert row["json_field"] in EXPLAINED, f"nobody knows why: {row}"
        assert EXPLAINED[row["json_field"]] in unit, f"the unit has no reason for {row}"


def test_its_directories(guest):
    """State, configuration and run time directories are there, and only root writes in them."""
    for path in ("/var/lib/cxlmem", "/etc/cxlmem", "/run/cxlmem"):
        assert guest.check(f"stat -c '%U %a' {path}").split() == ["root", "755"], path
    pid = guest.check("systemctl show -P MainPID cxlmemd").strip()
    status, _ = guest.sh(f"nsenter -t {pid} -m touch /usr/lib/cxlmem-test")
    assert status != 0


def test_modules_are_loaded(guest):
    """The drivers of dax devices are not there yet: loaded when they are needed."""
    machine = Machine(guest)
    before = machine.state()
    card = machine.cards()[0]
    guest.check("modprobe -r kmem device_dax")
    try:
        for mode in ("system-ram", "devdax"):
            machine.ctl(f"create --mode {mode} {card}")
            machine.ctl("destroy " + machine.regions()[0]["region"])
    finally:
        guest.check("modprobe -a kmem device_dax")
    machine.assert_state(before)


def test_names_who_holds_a_device(guest):
    """Another user's process that has a device open, or only mapped, is named."""
    machine = Machine(guest)
    before = machine.state()
    machine.ctl(f"create --mode devdax {machine.cards()[0]}")
    name = machine.regions()[0]["region"]
    path = "/dev/" + machine.dax(name)["chardev"]
    guest.check(f"chmod 666 {path}; setsid runuser -u nobody -- sleep 1000 < {path} "
                "> /dev/null 2>&1 &")
    guest.wait_for("pgrep -x sleep", timeout=20)
    machine.refused(f"destroy {name}", "sleep", "in use")
    guest.check("pkill -x sleep; while pgrep -x sleep; do /bin/true; done")
    machine.ctl(f"destroy {name}")
    machine.assert_state(before)


def test_a_card_starts_the_daemon(guest):
    """Nothing runs yet; udev's event for a card brings the daemon up through cxlmem.target."""
    guest.check("systemctl stop cxlmemd.service cxlmem.target")
    guest.check("udevadm trigger --action=add --subsystem-match=cxl; udevadm settle")
    guest.wait_for("systemctl is-active cxlmemd.service", timeout=60)
    guest.check("systemctl is-active cxlmem.target")


def test_watchdog(guest):
    """systemd hears from it in time, and starts it anew when it does not."""
    drop_in = "/run/systemd/system/cxlmemd.service.d/watchdog.conf"
    main = "systemctl show -P MainPID cxlmemd"
    guest.write(drop_in, "[Service]\nWatchdogSec=4\n")
    guest.check("systemctl daemon-reload; systemctl restart cxlmemd; cxlmemctl status > /dev/null")
    try:
        pid = guest.check(main).strip()
        guest.check("sleep 9")
        assert guest.check(main).strip() == pid, "it says nothing to systemd"
        guest.check(f"kill -STOP {pid}")
        guest.wait_for(f"[ $({main}) != {pid} ] && systemctl is-active cxlmemd", timeout=60)
        assert "Watchdog timeout" in guest.check("journalctl -b -u cxlmemd -o cat")
        guest.check("cxlmemctl status > /dev/null")
    finally:
        guest.check(f"rm {drop_in}; systemctl daemon-reload; systemctl restart cxlmemd")


def test_daxctl_is_kept_away(guest):
    """No service of daxctl's is started for a dax device of a card."""
    machine = Machine(guest)
    before = machine.state()
    machine.ctl(f"create --mode devdax {machine.cards()[0]}")
    name = machine.regions()[0]["region"]
    chardev = machine.dax(name)["chardev"]
    guest.check("udevadm settle")
    facts = guest.check(f"udevadm info -q property /dev/{chardev}")
    assert "CXLMEM_MANAGED=1" in facts, facts
    assert "daxdev-reconfigure" not in facts, facts
    machine.ctl(f"destroy {name}")
    machine.assert_state(before)
