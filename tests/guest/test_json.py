# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every verb prints with --json on a machine follows data/schema."""

from __future__ import annotations

import json

from guest.machine import Machine
from lab import schemas
from lab.schemas import Document
from lab.testing import timeout

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)
RECORD = "\x1e"
PROFILE = "/etc/cxlmem/profiles.d/90-none.profile"


class Collector:
    """Outputs, with the schema that each is to follow."""

    def __init__(self, guest):
        self.guest = guest
        self.documents: list[Document] = []
        self.verbs: set[str] = set()

    def add(self, schema: str, name: str, text: str) -> None:
        """One output."""
        self.documents.append(Document(schema, f"{schema}/{name}", text))

    def run(self, schema: str, command: str, status: int = 0) -> str:
        """Run a command that prints JSON and nothing else on standard output."""
        got, text = self.guest.sh(f"cxlmemctl --json {command} 2>/run/stderr")
        assert got == status, f"{command}: {got}\n{text}{self.guest.check('cat /run/stderr')}"
        self.verbs.add(command.split()[0])
        self.add(schema, command, text)
        return text


def _change(collector: Collector, machine: Machine) -> None:
    """Everything that changes the machine, and is about what was changed."""
    first, second = machine.cards()
    run = collector.run
    run("plan", f"plan create {first} {second}")
    run("operation", f"create {first}")
    region = machine.regions()[0]["region"]
    for verb, more in (("plan", f"plan eject {first}"), ("operation", f"offline {region}"),
                       ("operation", f"online {region}"), ("operation", f"drain {region}"),
                       ("operation", f"set-mode devdax {region}"), ("plan", f"destroy -n {region}"),
                       ("blockers", f"blockers {region}"),
                       ("operation", f"set-mode system-ram {region}")):
        run(verb, more)
    collector.guest.check("dd if=/dev/urandom of=/dev/shm/x bs=1M count=8 2>/dev/null")
    for schema, more in (("blockers", f"blockers {region}"), ("wishes", "wishes"),
                         ("count", f"forget {region}"), ("count", f"adopt {region}"),
                         ("export", "export")):
        run(schema, more)
    collector.guest.check("cxlmemctl export /run/wishes")
    run("count", "import /run/wishes")
    run("operation", "operations 1")
    run("operations", "operations")
    for schema, more in (("picture", "status"), ("picture", "topology"), ("picture", "list"),
                         ("show", f"show {first} {region} slot:1 node0"), ("doctor", "doctor"),
                         ("health", "health"), ("capture", "capture"), ("profiles", "profiles"),
                         ("problems", "profiles check")):
        run(schema, more)
    for word in ("windows", "ports", "cards", "slots", "regions", "dax", "memory", "nodes"):
        run("list", f"list {word}")
    run("operation", f"destroy {region}")
    number = json.loads(run("operation", f"create --no-wait {first}"))["id"]
    # It may be over already: then there is nothing to cancel, and the answer is no operation.
    status, text = collector.guest.sh(f"cxlmemctl --json cancel {number} 2>/dev/null")
    collector.verbs.add("cancel")
    if text.strip():
        collector.add("operation", f"cancel ({status})", text)
    collector.guest.check("cxlmemctl settle")


@timeout(900)
def test_follow_the_schemas(guest):
    """All verbs, before and after there is anything to show; a failed one, too"""
    machine = Machine(guest)
    collector = Collector(guest)
    guest.check(f"mkdir -p {PROFILE.rsplit('/', 1)[0]}; printf '[Match]\\nSerial=1\\n' >{PROFILE}; "
                "systemctl reload cxlmemd")
    guest.check("setsid cxlmemctl monitor --json >/run/events 2>&1 & echo $! >/run/monitor.pid")
    guest.check("setsid cxlmemctl monitor --format=json-seq >/run/records 2>&1 & "
                "echo $! >/run/records.pid")
    collector.run("wishes", "wishes")
    collector.run("picture", "status")
    _change(collector, machine)
    for region in machine.regions():
        machine.ctl(f"destroy {region['region']}")
    guest.check("kill $(cat /run/monitor.pid /run/records.pid)")
    events = guest.check("cat /run/events")
    records = guest.check("cat /run/records")
    for number, line in enumerate(events.splitlines()):
        collector.add("event", f"monitor {number}", line)
    assert len(events.splitlines()) > 10, events
    # RFC 7464: each record begins with the separator, and ends its line.
    assert records.startswith(RECORD) and records.endswith("}\n"), records
    # splitlines() would take the separator for the end of a line.
    assert records.count(RECORD) == records.count("\n")
    assert {json.loads(r)["event"] for r in records.split(RECORD)[1:]} >= {"operation",
                                                                          "picture changed"}
    spoken = set(guest.check("cxlmemctl help | sed -n '/^Verbs/,/^$/s/^  \\([a-z-]*\\) .*/\\1/p'")
                 .split())
    # They print none, cannot end by themselves, or change nothing that could be compared.
    silent = {"help", "watch", "settle", "monitor", "metrics", "eject"}
    assert spoken - silent == collector.verbs, spoken ^ collector.verbs
    used = {document.schema for document in collector.documents}
    assert used == set(schemas.names()), used ^ set(schemas.names())
    schemas.check(guest.assets, collector.documents)


def test_jq(guest):
    """jq reads both forms, and one that stops reading is no noise"""
    assert guest.check("cxlmemctl --json list cards | jq -r '.[].memdev' | sort").split() == [
        "mem0", "mem1"]
    assert guest.check("cxlmemctl --format=json-seq list cards | jq --seq -c .memdev | "
                       "tr -d '\\036' | sort").split() == ['"mem0"', '"mem1"']
    for command in ("status", "list", "topology", "--json status", "--format json-seq list ports",
                    "help", "doctor"):
        status, output = guest.sh(f"cxlmemctl {command} 2>&1 | head -n 1")
        assert status == 0 and output.count("\n") == 1, f"{command}: {output}"
