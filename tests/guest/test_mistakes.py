# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commonest mistakes of somebody new: each gets a sentence that says what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from guest.machine import Machine
from lab.testing import timeout

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)

DONE, FAILED, USAGE, NO_DAEMON = 0, 1, 2, 3
# What the C library says of an errno: no sentence is one of these and nothing else.
ERRNO = re.compile(r"Permission denied|No such file or directory|Invalid argument|[Ee]rrno|"
                   r"Device or resource busy|Input/output error|No such device|not permitted")


@dataclass(frozen=True)
class Mistake:
    """What is typed, the exit code, and what the sentence has to have in it to be of use."""
    what: str
    command: str
    status: int
    words: tuple[str, ...]


# {card} has {region}, all of it; {other} is free.
MISTAKES = (
    Mistake("a verb is misspelt", "destory {region}", USAGE, ("did you mean destroy?",)),
    Mistake("a word of cxl", "create-region {other}", USAGE, ("did you mean create?",)),
    Mistake("a word of daxctl", "reconfigure-device dax0.0", USAGE, ("did you mean set-mode?",)),
    Mistake("a word of systemctl", "stop {region}", USAGE, ("did you mean offline?",)),
    Mistake("an option is misspelt", "create --szie 256M {other}", USAGE, ("did you mean --size?",)),
    Mistake("nothing is named", "create", USAGE, ("CARD", "`cxlmemctl list cards`")),
    Mistake("a card that is not there", "create mem7", FAILED, ("there is mem0, mem1",)),
    Mistake("a region that is not there", "offline region7", FAILED, ("there is {region}",)),
    Mistake("a card where a region belongs", "destroy {card}", FAILED,
            ("a region is needed", "{region}")),
    Mistake("a region where a card belongs", "create {region}", FAILED,
            ("a card is needed", "{card}")),
    Mistake("a region is to be ejected", "eject {region}", FAILED, ("name its card", "`destroy`")),
    Mistake("more than there is", "create --size 2G {other}", FAILED, ("512M", "ask for less")),
    Mistake("a size that cannot be", "create --size 100M {other}", FAILED, ("256M",)),
    Mistake("a size that is none", "create --size lots {other}", USAGE, ("such as 512M",)),
    Mistake("a card that is used up", "create {card}", FAILED, ("{card}", "{region}")),
    Mistake("the wrong window", "create --window decoder0.0 {other}", FAILED, ("decoder0.0",)),
    Mistake("a number of ways that cannot be", "create --ways 5 {other}", USAGE, ("1, 2, 3, 4, 6",)),
    Mistake("ways without cards", "create --ways 2 {other}", FAILED, ("name 1 more",)),
    Mistake("a granularity that cannot be", "create --granularity 1000 {other}", USAGE,
            ("power of two", "16384")),
    Mistake("the kernel's word for a zone", "create --zone normal {other}", USAGE,
            ("movable or kernel",)),
    Mistake("persistent memory", "create --mode pmem {other}", USAGE, ("system-ram or devdax",)),
    Mistake("the mode comes last", "set-mode {region} devdax", USAGE,
            ("`cxlmemctl set-mode devdax {region}`",)),
    Mistake("an option of another verb", "offline --size 256M {region}", USAGE,
            ("`cxlmemctl help offline`",)),
    Mistake("a list of another tool", "list memdevs", USAGE, ("did you mean cards?",)),
    Mistake("an operation by its region", "cancel {region}", USAGE, ("`cxlmemctl operations`",)),
    Mistake("an operation that is not there", "cancel 77", FAILED, ("77",)),
    Mistake("a time that is none", "offline --deadline soon {region}", USAGE, ("30s or 2min",)),
    Mistake("a plan of what changes nothing", "plan status", USAGE, ("create, online",)),
    Mistake("a file that is not there", "import /root/wishes", FAILED, ("`cxlmemctl export`",)),
    Mistake("a file of something else", "import /etc/passwd", FAILED,
            ("is not imported", "`cxlmemctl export`")),
    Mistake("a capture that is none", "--from /etc/passwd status", FAILED,
            ("`cxlmemctl capture` writes one",)),
    Mistake("watch into a pipe", "watch | cat", FAILED, ("`cxlmemctl monitor`",)),
    Mistake("a format that is none", "status --format yaml", USAGE, ("table, json or json-seq",)),
)


def _judge(mistake: Mistake, status: int, output: str) -> str:
    """What is wrong with the answer; empty if nothing."""
    lines = output.strip().splitlines()
    if status != mistake.status:
        return f"status {status}, not {mistake.status}"
    if len(lines) != 1 or not lines[0].startswith("cxlmemctl: "):
        return "it is not one sentence"
    missing = [word for word in mistake.words if word not in output]
    if missing:
        return f"does not say {missing}"
    # "mem0: Invalid argument": what is left without the errno has to say something still.
    rest = ERRNO.sub("", lines[0].removeprefix("cxlmemctl: "))
    return "" if len(rest.split()) >= 5 else "it says little but an errno"


@timeout(900)
def test_each_gets_a_sentence(guest):
    """Thirty-three of them: exit code, one sentence, what to do; the machine is as it was"""
    machine = Machine(guest)
    card, other = machine.cards()
    assert not machine.regions()
    machine.ctl(f"create {card}")
    names = {"card": card, "other": other, "region": machine.regions()[0]["region"]}
    before = machine.state()
    wrong = []
    for mistake in MISTAKES:
        mistake = replace(mistake, command=mistake.command.format(**names),
                          words=tuple(word.format(**names) for word in mistake.words))
        status, output = guest.sh(f"set -o pipefail; cxlmemctl {mistake.command}")
        story = _judge(mistake, status, output)
        if story:
            wrong.append(f"{mistake.what} ({mistake.command}): {story}\n{output}")
    assert not wrong, "\n".join(wrong)
    machine.assert_state(before)


def test_without_rights_or_daemon(guest):
    """Not root, no daemon, memory in use: the same"""
    machine = Machine(guest)
    if not machine.regions():
        machine.ctl(f"create {machine.cards()[0]}")
    region = machine.regions()[0]["region"]
    wrong = []
    # --no-ask-password is not ours: nobody is at a terminal to be asked.
    status, output = guest.sh("runuser -u nobody -- cxlmemctl create mem1 </dev/null")
    wrong.append(_judge(Mistake("", "", FAILED, ("root",)), status, output))
    node = machine.dax(region)["target_node"]
    holder = machine.hold(node, "300M")
    guest.check("systemctl mask --runtime --now cxlmemd")
    try:
        for command in ("status", "create mem1", "monitor", "list cards"):
            status, output = guest.sh(f"cxlmemctl {command}")
            wrong.append(_judge(Mistake("", "", NO_DAEMON, ("cxlmemd", "systemctl")), status,
                                output))
    finally:
        guest.check("systemctl unmask --runtime cxlmemd; systemctl start cxlmemd")
    holder.verify()
    machine.ctl(f"destroy {region}")
    assert not any(wrong), wrong
