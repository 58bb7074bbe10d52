# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what: every method that changes something is refused to others, and polkit can allow it."""

from __future__ import annotations

import re
import shlex
from xml.etree import ElementTree

from guest import polkit
from guest.machine import Machine
from lab.testing import timeout

KERNELS = ("debian-7.3",)
BUILT_KERNELS = ("patched",)
TOPOLOGIES = ("one",)

# Whatever is not named here must not be done for everybody; a new method is refused until it is.
READ_ONLY = {"GetPicture", "Plan", "ListOperations", "GetRivals", "GetProfiles", "GetWishes",
             "GetBlockers", "GetHealth", "GetMetrics", "Export"}
RULES = "/etc/polkit-1/rules.d/10-cxlmem-test.rules"
CHALLENGED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
DENIED = "org.cxlmem1.Error.NotAuthorized"
USER = "nobody"
OPERATION = "/org/cxlmem1/operation/1"
# Something to say for each type of an argument.
VALUES = {"s": "create", "as": "0", "a{ss}": "0", "t": "1", "u": "1", "b": "true"}


class Bus:
    """org.cxlmem1 as another user sees it."""

    def __init__(self, guest):
        self.guest = guest

    def methods(self, path: str) -> list[tuple[str, str, list[str]]]:
        """Interface, name and types of the arguments of each method of ours."""
        xml = self.guest.check(f"busctl introspect --xml-interface org.cxlmem1 {path}")
        root = ElementTree.fromstring(xml[xml.index("<node"):])
        return [(interface.get("name"), method.get("name"),
                 [arg.get("type") for arg in method.findall("arg")
                  if arg.get("direction", "in") == "in"])
                for interface in root.findall("interface")
                if interface.get("name").startswith("org.cxlmem1.")
                for method in interface.findall("method")]

    def error(self, path: str, interface: str, method: str, types: list[str],
              values: list[str]) -> tuple[str, str]:
        """Call it as another user → (name of the error or "", its sentence)."""
        words = ["busctl", "call", "org.cxlmem1", path, interface, method]
        if types:
            words += ["".join(types), *values]
        status, output = self.guest.sh(
            f"SYSTEMD_LOG_LEVEL=debug runuser -u {USER} -- {shlex.join(words)}")
        if status == 0:
            return "", ""
        names = re.findall(r"error-name=(\S+) error-message=(.*)", output)
        assert names, output
        return names[-1]

    def start(self, verb: str, *objects: str) -> tuple[str, str]:
        """Start something as another user."""
        return self.error("/org/cxlmem1", "org.cxlmem1.Manager", "Start", ["s", "as", "a{ss}"],
                          [verb, str(len(objects)), *objects, "0"])

    def calls(self) -> list[tuple[str, str, str, list[str]]]:
        """Path, interface, name and types of the arguments of each method that changes something."""
        return [(path, *method) for path in ("/org/cxlmem1", OPERATION) for method in self.methods(path)
                if method[1] not in READ_ONLY]

    def verbs(self) -> list[str]:
        """What Start can be asked for, in the daemon's own words."""
        name, sentence = self.start("nonesuch")
        assert name == "org.cxlmem1.Error.BadRequest", (name, sentence)
        verbs = re.findall(r"[a-z-]+", sentence.split(": it is ")[1].replace(" or ", " "))
        assert {"create", "destroy"} <= set(verbs), verbs
        return verbs


def _rule(guest, condition: str, result: str) -> None:
    guest.write(RULES, "polkit.addRule(function(action, subject) {\n"
                       f'    if (subject.user == "{USER}" && {condition})\n'
                       f"        return polkit.Result.{result};\n"
                       "});\n")
    polkit.restart(guest)


def _no_rule(guest) -> None:
    guest.check(f"rm -f {RULES}")
    polkit.restart(guest)


def _as_user(guest, command: str) -> tuple[int, str]:
    return guest.sh(f"runuser -u {USER} -- cxlmemctl {command}")


@timeout(600)
def test_every_method_is_refused(guest):
    """What the daemon itself lists, but for what only looks: refused, and nothing is changed."""
    machine, bus = Machine(guest), Bus(guest)
    machine.ctl(f"create {machine.cards()[0]}")
    machine.ctl("operations")
    before = machine.state()
    calls = bus.calls()
    for path in ("/org/cxlmem1", OPERATION):
        assert [call for call in calls if call[0] == path and call[2] == "Cancel"], calls
    for path, interface, method, types in calls:
        name, sentence = bus.error(path, interface, method, types, [VALUES[kind] for kind in types])
        assert name == CHALLENGED, f"{interface}.{method}: {name or 'done'}: {sentence}"
        assert "org.cxlmem1." in sentence and "root" in sentence, sentence
    for verb in bus.verbs():
        name, sentence = bus.start(verb, "region0")
        assert name == CHALLENGED and sentence.startswith(f"{verb} needs an administrator"), (
            verb, name, sentence)
    machine.assert_state(before)
    machine.ctl("destroy " + machine.regions()[0]["region"])


def test_client_says_who_may(guest):
    """cxlmemctl: looking works, changing ends with 1 and says how it can be allowed."""
    machine = Machine(guest)
    card = machine.cards()[0]
    for command in ("status", "list", "topology", "operations", f"plan create {card}"):
        status, output = _as_user(guest, command)
        assert status == 0, (command, output)
    status, output = _as_user(guest, f"create {card}")
    assert status == 1, output
    for word in ("create", "root", "org.cxlmem1.create", "cxlmemd(8)"):
        assert word in output, output
    assert not machine.regions()


@timeout(900)
def test_every_method_is_granted(guest):
    """The action that a refusal names is the one that is needed: with a rule for it the call is answered."""
    machine, bus = Machine(guest), Bus(guest)
    # Operation 1 is there, whoever made it.
    machine.ctl(f"create {machine.cards()[0]}")
    machine.ctl("destroy " + machine.regions()[0]["region"])
    before = machine.state()
    needed: dict[str, list] = {}
    for call in bus.calls():
        values = [VALUES[kind] for kind in call[3]]
        _, sentence = bus.error(*call, values)
        needed.setdefault(_action(sentence), []).append((*call, values))
    # Of what is not there, so that nothing is done but that is said.
    for verb in bus.verbs():
        start = ("/org/cxlmem1", "org.cxlmem1.Manager", "Start", ["s", "as", "a{ss}"],
                 [verb, "1", "mem77", "0"])
        needed.setdefault(_action(bus.error(*start)[1]), []).append(start)
    assert set(needed) == {f"org.cxlmem1.{name}" for name in ("create", "online", "destroy", "import")}
    try:
        for action, calls in needed.items():
            _rule(guest, f'action.id == "{action}"', "YES")
            for call in calls:
                name, sentence = bus.error(*call)
                assert name not in (CHALLENGED, DENIED), (action, call, sentence)
                if "mem77" in call[4]:
                    # Or that there is more to be said, as with set-mode.
                    assert name in ("org.cxlmem1.Error.NoSuchObject",
                                    "org.cxlmem1.Error.BadRequest"), (call, name, sentence)
    finally:
        _no_rule(guest)
    machine.assert_state(before)


def _action(sentence: str) -> str:
    """The action that a refusal names."""
    found = re.search(r"org\.cxlmem1\.\w+", sentence)
    assert found, sentence
    return found.group()


@timeout(600)
def test_granted_by_a_rule(guest):
    """A rule for one action gives that one, and nothing else."""
    machine = Machine(guest)
    before = machine.state()
    card = machine.cards()[0]
    try:
        _rule(guest, 'action.id == "org.cxlmem1.create"', "YES")
        status, output = _as_user(guest, f"create {card}")
        assert status == 0, output
        name = machine.regions()[0]["region"]
        status, output = _as_user(guest, f"offline {name}")
        assert status == 1 and "org.cxlmem1.online" in output, output
        _rule(guest, 'action.id == "org.cxlmem1.online"', "YES")
        status, output = _as_user(guest, f"offline {name}")
        assert status == 0, output
        status, output = _as_user(guest, f"destroy {name}")
        assert status == 1 and "org.cxlmem1.destroy" in output, output
        # What polkit is told can be used by a rule.
        _rule(guest, f'action.lookup("verb") == "destroy" && action.lookup("objects") == "{name}"',
              "YES")
        status, output = _as_user(guest, f"destroy {name}")
        assert status == 0, output
        machine.assert_state(before)
    finally:
        _no_rule(guest)


def test_denied_by_a_rule(guest):
    """A rule that says no is a no without a question; looking can be taken away too."""
    machine, bus = Machine(guest), Bus(guest)
    try:
        _rule(guest, 'action.id.indexOf("org.cxlmem1.") == 0', "NO")
        name, sentence = bus.start("create", machine.cards()[0])
        assert name == DENIED and "create is not allowed to this user" in sentence, (name, sentence)
        status, output = _as_user(guest, "status")
        assert status == 1 and "org.cxlmem1.view" in output, output
    finally:
        _no_rule(guest)
    assert not machine.regions()


def test_without_polkit(guest):
    """polkit cannot be started: root works, everybody looks, nobody else changes anything."""
    machine = Machine(guest)
    before = machine.state()
    card = machine.cards()[0]
    guest.check("systemctl mask --runtime --now polkit")
    try:
        assert _as_user(guest, "status")[0] == 0
        status, output = _as_user(guest, f"create {card}")
        assert status == 1 and "polkit.service" in output, output
        machine.ctl(f"create {card}")
        machine.ctl("destroy " + machine.regions()[0]["region"])
    finally:
        guest.check("systemctl unmask --runtime polkit")
    machine.assert_state(before)


@timeout(600)
def test_agent_on_a_terminal(guest):
    """On a terminal cxlmemctl gives polkit an agent that can ask for a password, and takes it away again.

    That it is asked cannot be seen here: polkit of a guest without logind asks nobody's agent, not
    systemctl's either.
    """
    machine = Machine(guest)
    log = "journalctl -b -u polkit -o cat | grep -c 'Registered Authentication Agent .*pkttyagent'"
    guest.check("systemctl start polkit")
    before = int(guest.sh(log)[1])
    asking = f"runuser -u {USER} -- cxlmemctl create {machine.cards()[0]}"
    assert guest.run_async(asking, terminal=(30, 200)).wait(timeout=200) == 1
    assert int(guest.sh(log)[1]) == before + 1
    guest.check("! pgrep -x pkttyagent")
    # Without a terminal there is nobody to ask.
    assert guest.sh(asking)[0] == 1
    assert int(guest.sh(log)[1]) == before + 1
    assert not machine.regions()


def test_caller_that_goes_away(guest):
    """A caller that is gone when polkit has made up its mind gets nothing done."""
    machine = Machine(guest)
    card = machine.cards()[0]
    before = machine.state(), machine.ctl("operations")
    try:
        guest.write("/usr/local/bin/think", "#!/bin/sh\nsleep 4\n", mode=0o755)
        guest.write(RULES, "polkit.addRule(function(action, subject) {\n"
                           '    if (action.id == "org.cxlmem1.create") {\n'
                           '        polkit.spawn(["/usr/local/bin/think"]);\n'
                           "        return polkit.Result.YES;\n    }\n});\n")
        polkit.restart(guest)
        guest.check(f"(runuser -u {USER} -- cxlmemctl create {card} > /run/gone 2>&1 &)")
        guest.wait_for("pgrep -x think", timeout=30)
        guest.check("pkill -KILL -x cxlmemctl")
        guest.wait_for("! pgrep -x think", timeout=30)
        # polkit answers in the order of the questions: with this one, that one is over.
        _as_user(guest, "status")
        assert machine.ctl("operations") == before[1]
        machine.assert_state(before[0])
        status, output = _as_user(guest, f"create {card}")
        assert status == 0, output
        machine.ctl("destroy " + machine.regions()[0]["region"])
    finally:
        _no_rule(guest)
