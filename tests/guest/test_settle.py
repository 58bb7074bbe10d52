# SPDX-License-Identifier: LGPL-2.1-or-later
"""Services that want their memory before they start."""

from __future__ import annotations

from guest.machine import Machine, Refused, USE
from lab.testing import expect_kernel_log, fresh, timeout

KERNELS = ("debian-6.12", "debian-7.3")
TOPOLOGIES = ("two-bridges",)
PROFILE = "/etc/cxlmem/profiles.d/50-settle.profile"
UNIT = "/etc/systemd/system/wants-memory.service"
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
FOUND = "/var/lib/wants-memory"
WANTS = f"""\
[Unit]
Wants=cxlmem-settle.service
After=cxlmem-settle.service
[Service]
Type=oneshot
ExecStart=sh -c 'cxlmemctl status --json > {FOUND}'
[Install]
WantedBy=multi-user.target
"""


@timeout(600)
@fresh
def test_memory_is_there_first(guest):
    """After a reboot a service behind cxlmem-settle.service finds all of it online."""
    machine = Machine(guest)
    guest.check(f"mkdir -p $(dirname {PROFILE})")
    guest.write(PROFILE, "[Match]\nPath=*\n[Region]\nWays=1\n")
    guest.write(UNIT, WANTS)
    guest.check("systemctl daemon-reload; systemctl enable wants-memory; systemctl reload cxlmemd; "
                "cxlmemctl settle 2min")
    assert len(machine.regions()) == 2, machine.regions()
    guest.check("sync")
    guest.reboot()
    guest.wait_for("systemctl show -P ActiveState wants-memory | grep -q inactive && "
                   f"[ -s {FOUND} ]", timeout=180)
    picture = guest.json(f"cat {FOUND}")
    assert len(picture["regions"]) == 2, picture["regions"]
    states = {(run["state"], run["zone"]) for run in picture["memory"] if run.get("region")}
    assert states == {("online", "movable")}, picture["memory"]
    assert guest.check("systemctl is-active cxlmem-settle").strip() == "active"


@timeout(300)
@expect_kernel_log(REFUSAL)
def test_says_what_it_waits_for(guest):
    """It returns at once when nothing is to be done, and names what is when the time is over."""
    machine = Machine(guest)
    guest.check("cxlmemctl settle 0s")
    # Memory that is in use and cannot be moved anywhere: the operation does not end.
    machine.ctl(f"create {machine.cards()[0]}")
    region = machine.regions()[0]["region"]
    guest.check(f"setsid {USE} pin {machine.dax(region)['target_node']} 2M > /run/pin 2>&1 & "
                "echo $! > /run/pin.pid")
    guest.wait_for("grep -q pinned /run/pin", timeout=60)
    operation = guest.run_async(f"cxlmemctl destroy {region} 2>&1")
    guest.wait_for("cxlmemctl operations | grep -q 'destroy.*running'", timeout=30)
    try:
        machine.ctl("settle 1s")
        raise AssertionError("settled with an operation under way")
    except Refused as refusal:
        assert "not settled after 1s: an operation is under way" in refusal.output, refusal.output
    guest.check("kill $(cat /run/pin.pid)")
    assert operation.wait(timeout=120) == 0, operation.output
    guest.check("cxlmemctl settle 10s")
