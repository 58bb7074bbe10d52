# SPDX-License-Identifier: LGPL-2.1-or-later
"""--force: devdax memory is taken away from who uses it, for whom polkit allows that, and it is said whose it was."""

from __future__ import annotations

import json

from guest import polkit
from guest.machine import USE, Machine
from lab.testing import timeout

KERNELS = ("debian-6.12", "debian-7.3")
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("one",)

RULES = "/etc/polkit-1/rules.d/10-cxlmem-test.rules"
USER = "nobody"
SIGBUS = 128 + 7


class Used:
    """A devdax region that one process has open and another mapped."""

    def __init__(self, guest):
        self.guest = guest
        self.machine = Machine(guest)
        self.machine.ctl("create --mode devdax " + self.machine.cards()[0])
        self.region = self.machine.regions()[0]["region"]
        dax = self.machine.dax(self.region)
        self.drains = "drain" in dax
        path = "/dev/" + dax["chardev"]
        guest.check(f"setsid sleep 1000 < {path} >/dev/null 2>&1 & echo $! > /run/open.pid")
        guest.check(f"setsid bash -c '{USE} dax {path} 16M hold & echo $! > /run/mapped.pid; wait $!; "
                    "echo ended with $?' > /run/mapped 2>&1 &")
        guest.wait_for("grep -q filled /run/mapped", timeout=120)
        self.opener = f"sleep (pid {guest.check('cat /run/open.pid').strip()}, open)"
        self.mapper = f"cxlmem-use (pid {guest.check('cat /run/mapped.pid').strip()}, open)"

    def refuse(self, command: str) -> None:
        """Without force nothing is done, and those who use it are named."""
        if self.drains:
            text = self.machine.refused(f"{command} --deadline 2s", "still in use")
        else:
            text = self.machine.refused(command, "is in use by", self.opener)
        assert self.mapper in text, text

    def assert_told(self, output: str) -> None:
        """What was risked, and whom it was taken from."""
        assert "taken away from every process" in output and "SIGBUS" in output, output
        assert ("may crash" in output) != self.drains, output
        if not self.drains:
            assert self.opener in output and self.mapper in output, output
            self.guest.check("journalctl -u cxlmemd | grep -q 'is taken away all the same'")

    def assert_taken(self) -> None:
        """Whoever touches it is killed; whoever has it open closes it without harm."""
        self.guest.check("kill -USR1 $(cat /run/mapped.pid)")
        self.guest.wait_for("grep -q 'ended with' /run/mapped", timeout=60)
        log = self.guest.check("cat /run/mapped")
        assert f"ended with {SIGBUS}" in log, log
        self.guest.check("kill $(cat /run/open.pid)")
        self.guest.wait_for("! kill -0 $(cat /run/open.pid) 2>/dev/null", timeout=20)


def _forced(guest, command: str) -> str:
    return guest.check(f"cxlmemctl {command} 2>&1", timeout=200)


@timeout(600)
def test_destroy(guest):
    """Refused with their names; with force it is destroyed, its users get SIGBUS, and the card is as before."""
    before = Machine(guest).state()
    used = Used(guest)
    used.refuse(f"destroy {used.region}")
    plan = json.loads(used.machine.ctl(f"plan --json destroy --force {used.region}"))
    steps = [step["step"] for step in plan["steps"]]
    assert steps[0] == ("revoke" if used.drains else "check-unused"), steps
    used.assert_told(_forced(guest, f"destroy --force {used.region}"))
    used.assert_taken()
    used.machine.assert_state(before)


@timeout(600)
def test_set_mode(guest):
    """Taken away and made memory of the system while who had it still lives; that memory is good."""
    used = Used(guest)
    used.refuse(f"set-mode system-ram {used.region}")
    used.assert_told(_forced(guest, f"set-mode --force system-ram {used.region}"))
    used.machine.use(used.machine.dax(used.region)["target_node"], "64M")
    used.assert_taken()
    used.machine.ctl(f"destroy {used.region}", timeout=400)
    used.machine.refused("offline --force region0", "--force", status=2)


def _rule(guest, *actions: str) -> None:
    names = ", ".join(f'"org.cxlmem1.{action}"' for action in actions)
    guest.write(RULES, "polkit.addRule(function(action, subject) {\n"
                       f'    if (subject.user == "{USER}" && [{names}].indexOf(action.id) >= 0)\n'
                       "        return polkit.Result.YES;\n"
                       "});\n")
    polkit.restart(guest)


@timeout(600)
def test_who_may(guest):
    """The action of the verb and that of force are needed, both."""
    used = Used(guest)
    command = f"runuser -u {USER} -- cxlmemctl destroy --force {used.region} 2>&1"
    try:
        for allowed, missing in (((), "destroy"), (("destroy",), "force"), (("force",), "destroy")):
            before = used.machine.state()
            _rule(guest, *allowed)
            status, output = guest.sh(command)
            assert status == 1 and f"org.cxlmem1.{missing}" in output, (allowed, output)
            used.machine.assert_state(before)
        _rule(guest, "destroy", "force")
        used.assert_told(guest.check(command, timeout=200))
    finally:
        guest.check(f"rm -f {RULES}")
        polkit.restart(guest)
    used.assert_taken()
