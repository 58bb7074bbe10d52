# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a monitoring system gets to see of a machine: over the socket, over the bus, in a file."""

from __future__ import annotations

import re

from guest.machine import Machine
from lab.assets import Assets
from lab.checks import Bench
from lab.rundir import make
from lab.testing import expect_kernel_log

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("two-bridges",)
PIN = "/usr/libexec/cxlmem-tests/cxlmem-pin"
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
FILE = "/var/lib/prometheus/node-exporter/cxlmem.prom"
# As `curl --unix-socket /run/cxlmem/metrics http://localhost/metrics` does it.
CURL = r"""
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("/run/cxlmem/metrics")
accept = sys.argv[1] if len(sys.argv) > 1 else "*/*"
s.sendall(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8\r\nAccept: {accept}\r\n\r\n".encode())
data = b""
while more := s.recv(65536):
    data += more
head, _, body = data.partition(b"\r\n\r\n")
assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
assert f"Content-Length: {len(body)}\r\n".encode() in head, head
sys.stdout.write(body.decode())
"""
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"


def _scrape(guest, accept: str = "*/*") -> str:
    guest.write("/run/curl.py", CURL)
    return guest.check(f"{NOBODY} python3 /run/curl.py '{accept}'")


def _value(text: str, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    assert found, f"no {sample} in\n{text}"
    return float(found[1])


def _card(guest, machine: Machine, name: str) -> str:
    memdev = guest.memdev(name)
    card = next(m for m in machine.picture()["memdevs"] if m["memdev"] == memdev)
    return f'memdev="{memdev}",host="{card["host"]}",serial="{card["serial"]:#x}"'


@expect_kernel_log(REFUSAL)
def test_operations_are_counted(guest):
    """What is done, refused and failed shows; so does the memory, by zone."""
    machine = Machine(guest)
    count = 'cxlmem_operations_total{{verb="{}",result="{}"}}'
    before = _scrape(guest)
    assert _value(before, "cxlmem_machine_read") == 1
    assert _value(before, count.format("create", "done")) == 0
    machine.ctl(f"create --size 256M {machine.cards()[0]}")
    name = machine.regions()[0]["region"]
    node = machine.dax(name)["target_node"]
    machine.refused("offline region77", "region77")
    text = _scrape(guest)
    assert _value(text, count.format("create", "done")) == 1
    assert _value(text, count.format("offline", "refused")) == 1
    assert _value(text, f'cxlmem_region_online_bytes{{region="{name}",zone="movable"}}') == 256 << 20
    assert _value(text, f'cxlmem_region_use{{region="{name}",use="online"}}') == 1
    assert _value(text, 'cxlmem_wishes{state="there"}') == 1
    assert _value(text, f'cxlmem_node_size_bytes{{node="{node}"}}') > 200 << 20
    guest.check(f"setsid {PIN} vmsplice {node} 64K > /run/pin 2>&1 & echo $! > /run/pin.pid")
    guest.wait_for("grep -q ready /run/pin", timeout=60)
    # Long enough that it is begun on a busy machine, too; the kernel may give up before.
    machine.refused(f"offline --deadline 20s {name}")
    guest.check("pid=$(cat /run/pin.pid); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done")
    machine.ctl(f"offline {name}", timeout=200)
    text = _scrape(guest)
    assert _value(text, count.format("offline", "failed")) == 1
    assert _value(text, count.format("offline", "done")) == 1
    assert _value(text, 'cxlmem_drain_duration_seconds_count{of="memory"}') == 1
    assert _value(text, 'cxlmem_operation_duration_seconds_count{verb="offline"}') == 2
    assert _value(text, 'cxlmem_operation_duration_seconds_sum{verb="offline"}') > 0.5
    assert _value(text, "cxlmem_scan_duration_seconds_count") > 3
    assert _value(text, f'cxlmem_region_use{{region="{name}",use="offline"}}') == 1
    machine.ctl(f"destroy {name}")
    assert f'region="{name}"' not in _scrape(guest)


def test_errors_show(guest):
    """An error that a card reports is an increase from 0, and a card that lost data is failing."""
    machine = Machine(guest)
    text = _scrape(guest)
    card, other = _card(guest, machine, "card0"), _card(guest, machine, "card1")
    assert _value(text, f'cxlmem_card_reports_total{{{card},kind="dram"}}') == 0
    assert _value(text, f"cxlmem_card_failing{{{card}}}") == 0
    assert _value(text, f"cxlmem_card_capacity_bytes{{{card}}}") == 512 << 20
    guest.qmp("cxl-inject-dram-event", path="/machine/peripheral/card0", log="failure", flags=1, dpa=0x2000,
              descriptor=3, type=3, sub_type=2, transaction_type=4)
    guest.wait_for("cxlmemctl health | grep -q 'dram [1-9]'", timeout=60)
    text = _scrape(guest)
    assert _value(text, f'cxlmem_card_reports_total{{{card},kind="dram"}}') == 1
    assert _value(text, f"cxlmem_card_failing{{{card}}}") == 1
    assert _value(text, f"cxlmem_card_failing{{{other}}}") == 0


def test_formats_of_a_real_machine(guest):
    """The reference parsers take what this daemon says; the bus says the same as the socket."""
    place = make()
    with Assets() as assets:
        bench = Bench(assets, place)
        bench.run("python3", "/src/tests/checks/openmetrics.py",
                  bench.write("open.txt", _scrape(guest, "application/openmetrics-text;version=1.0.0,*/*;q=0.1")),
                  bench.write("older.txt", _scrape(guest, "text/plain;version=0.0.4")), "names")
    names = set(re.findall(r"^# TYPE (\S+)", _scrape(guest), re.MULTILINE))
    for prefix in ("", NOBODY):
        assert set(re.findall(r"^# TYPE (\S+)", guest.check(f"{prefix} cxlmemctl metrics"), re.MULTILINE)) == names
    status, output = guest.sh("cxlmemctl metrics --json")
    assert status == 2 and "status --json" in output, (status, output)


def test_file_for_node_exporter(guest):
    """Not before somebody wants it; then each minute, whole, readable, and hardened."""
    assert guest.sh("systemctl is-enabled cxlmem-metrics.timer")[1].strip() == "disabled"
    guest.check(f"mkdir -p $(dirname {FILE}) && chown 65534 $(dirname {FILE})")
    guest.check("systemctl enable --now cxlmem-metrics.timer && systemctl start cxlmem-metrics.service")
    assert guest.check(f"stat -c '%a %U' {FILE}").split() == ["644", "root"]
    text = guest.read(FILE).decode()
    assert _value(text, "cxlmem_machine_read") == 1
    assert "# TYPE cxlmem_operations_total counter\n" in text and "# EOF" not in text
    assert guest.check(f"ls $(dirname {FILE})").split() == ["cxlmem.prom"]
    guest.check("systemd-analyze security --no-pager --threshold=25 cxlmem-metrics.service")
    # Without a daemon nothing is started, and nothing fails.
    guest.check("systemctl stop cxlmemd && systemctl start cxlmem-metrics.service")
    assert guest.sh("systemctl is-active cxlmemd cxlmem-metrics.service")[1].split() == ["inactive", "inactive"]
    guest.check("systemctl disable --now cxlmem-metrics.timer && systemctl start cxlmemd")


def test_socket_for_root_alone(guest):
    """As the manual page says."""
    guest.write("/run/systemd/system/cxlmemd.service.d/metrics.conf",
                "[Service]\nExecStartPost=chmod 0600 /run/cxlmem/metrics\n")
    guest.check("systemctl daemon-reload && systemctl restart cxlmemd")
    guest.write("/run/curl.py", CURL)
    guest.check("python3 /run/curl.py > /dev/null")
    status, _ = guest.sh(f"{NOBODY} python3 /run/curl.py")
    assert status != 0
