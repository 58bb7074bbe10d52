# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page in Cockpit, in a real browser: what it shows is so, and what it offers is done."""

from __future__ import annotations

import re

from guest.cockpit_page import ADMIN, WATCHER, Page
from guest.machine import Machine
from lab.testing import expect_kernel_log, timeout

KERNELS = ("debian-7.3",)
TOPOLOGIES = ("slots",)
SUITE = "cockpit"
IMAGE = "cockpit"
PIN = "/usr/libexec/cxlmem-tests/cxlmem-pin"
# What the kernel says of pages that it cannot move.
REFUSAL = r"page dumped because: (unmovable page|migration failure)"
GIB = 1 << 30
SIZES = {0: "0", 1023: "1023", 1024: "1K", 1025: "1025", 256 << 20: "256M", GIB: "1G",
         GIB + (256 << 20): "1.25G", GIB + (128 << 20): "1152M", GIB + 1: "1G", 1431655765: "1.33G",
         3 << 40: "3T"}
# What any page in Cockpit could try in the name of who has logged in.
FORCE = """
const client = cockpit.dbus("org.cxlmem1", { bus: "system", superuser: "try" });
return client.call("/org/cxlmem1", "org.cxlmem1.Manager", "Start", arguments[0]).then(
    () => "done", error => `${error.name}: ${error.message}`);
"""
# What the page asks a daemon that says it has changed and is gone in the same moment: how often before, and after.
ASKED_AFTER_STOP = """
const [text] = arguments;
return Promise.all([import("./machine.js"), import("./model/json.js")]).then(([{ Machine }, json]) => new Promise(done => {
    let heard, asked = 0;
    const answer = value => async () => (asked++, value());
    new Machine({
        listen: functions => { heard = functions },
        operations: answer(() => []), operation: answer(() => ({})),
        picture: answer(() => json.parse(text)), wishes: answer(() => ({})), rivals: answer(() => ({})),
    }, () => {});
    heard.owner(":1.1");
    setTimeout(() => {
        const before = asked;
        heard.picture();
        heard.owner(null);
        heard.finished("/org/cxlmem1/operation/1");
        setTimeout(() => done([before, asked]), 500);
    }, 500);
}));
"""


def _page(guest, user: str = ADMIN) -> Page:
    """The tests that share a guest share a login, too."""
    pages = guest.__dict__.setdefault("pages", {})
    if user not in pages:
        pages[user] = Page(guest, user)
    return pages[user]


def _words(text: str) -> str:
    """Without the sizes in it."""
    return re.sub(r"[\d.]+[KMG]", "", text)


def _operation(machine: Machine) -> int:
    return max(int(line.split()[0]) for line in machine.ctl("operations").splitlines()[1:])


@timeout(900)
def test_shows_the_machine(guest):
    """Every window, bridge, card and slot is drawn; tables say what cxlmemctl says; it can be read by all."""
    machine, page = Machine(guest), _page(guest)
    cards = machine.cards()
    page.wait("all cards", f"document.querySelectorAll('#topology .box.card').length === {len(cards)}")
    drawn = page.names("#topology .box")
    for memdev in machine.picture()["memdevs"]:
        label = next(name for name in drawn if name.startswith(f"card {memdev['memdev']}:"))
        assert f"serial 0x{memdev['serial']:x}" in label and f"slot {memdev['slot']}" in label, label
        row = page.text(f"#cards tr:has(#eject-{memdev['memdev']})")
        assert "512M" in row and memdev["host"] in row and "free" in row, row
    for window in machine.picture()["windows"]:
        assert any(name.startswith(f"window {window['decoder']}:") for name in drawn), drawn
    assert f"{len(cards)} cards with 2G" in page.text("#machine")
    for style in ("dark", "light"):
        page.dark(style == "dark")
        page.assert_accessible()
        page.picture(f"machine-{style}")
    page.assert_quiet()


def test_same_words_as_cxlmemctl(guest):
    """Sizes, serials and what is in the way are worded as in C; long numbers keep all digits."""
    machine, page = Machine(guest), _page(guest)
    sizes = page.browser.script("return import('./model/format.js').then(m => arguments[0].map(m.size))",
                                list(SIZES))
    assert sizes == list(SIZES.values()), sizes
    number = page.browser.script(
        "return Promise.all([import('./model/json.js'), import('./model/format.js')]).then("
        "([json, format]) => format.serial(json.parse(arguments[0]).serial))",
        '{"name": "1234567890123456789", "serial": 18446744073709551615}')
    assert number == "0xffffffffffffffff", number
    machine.ctl(f"create {machine.cards()[0]}")
    name = machine.regions()[0]["region"]
    node = machine.dax(name)["target_node"]
    guest.check(f"setsid {PIN} mlock {node} 2M > /run/mlock 2>&1 & echo $! > /run/mlock.pid")
    guest.wait_for("grep -q ready /run/mlock", timeout=60)
    text = machine.ctl(f"blockers {name} --json")
    lines = page.browser.script(
        "return import('./model/blockers.js').then(m => m.blocker_lines(arguments[0]))", text)
    assert lines and lines[0].startswith("cxlmem-pin (pid "), lines
    # What the kernel has there changes from one look to the next: its words are compared, and the process.
    shown = machine.ctl(f"blockers {name}")
    assert lines[0] in shown, (lines, shown)
    for line in lines[1:]:
        assert _words(line) in _words(shown), (line, shown)
    guest.check("kill $(cat /run/mlock.pid)")
    machine.ctl(f"destroy {name}")


@timeout(600)
def test_create_and_change(guest):
    """A region is planned, made, taken offline, brought online and destroyed; each is seen going on."""
    machine, page = Machine(guest), _page(guest)
    first, second = machine.cards()[:2]
    page.click("#create")
    page.wait_text("dialog", "Choose a card")
    page.click(f"dialog input[value={first}]")
    page.click(f"dialog input[value={second}]")
    page.browser.type("dialog input[name=size]", "100G")
    page.wait_text("dialog .alert.bad", "100G")
    page.picture("create-refused")
    assert page.value("document.querySelector('#dialog-confirm').disabled")
    for _ in range(4):
        page.browser.press("\ue003")    # backspace
    page.wait_text("dialog ol.plan", "region")
    page.assert_accessible()
    page.picture("create-plan")
    assert not machine.regions()
    page.click("#dialog-confirm")
    page.wait("the operation, in sight", "document.activeElement.matches('#operations .operation')", 30)
    page.wait_text("#operations", "done", 120)
    region = machine.regions()[0]
    name = region["region"]
    assert [m["memdev"] for m in region["mappings"]] and len(region["mappings"]) == 2, region
    page.wait_text(f"#regions tr:has(#destroy-{name})", "online")
    label = page.wait("the region", f"[...document.querySelectorAll('#topology .box.region')]"
                                    f".map(e => e.getAttribute('aria-label'))"
                                    f".find(text => text.startsWith('region {name}:'))")
    assert first in label and second in label and "2 ways" in label, label
    page.picture("created")
    for verb, state in (("offline", "offline"), ("online", "online")):
        page.click(f"#{verb}-{name}")
        page.click("#dialog-confirm")
        page.wait_text(f"#regions tr:has(#destroy-{name}) .badge", state, 120)
    assert machine.zones(name) == {("online", "Movable")}, machine.zones(name)
    page.click(f"#destroy-{name}")
    page.click("#dialog-confirm")
    page.wait_text("#regions", "There is no region", 120)
    assert not machine.regions()
    page.assert_quiet()


@expect_kernel_log(REFUSAL)
@timeout(600)
def test_eject_blocked_and_cancelled(guest):
    """The plan names the other member; who is in the way is named; a cancel takes all of it back."""
    machine, page = Machine(guest), _page(guest)
    first, second = machine.cards()[:2]
    machine.ctl(f"create {first} {second}")
    name = machine.regions()[0]["region"]
    node = machine.dax(name)["target_node"]
    before = machine.state()
    guest.check(f"setsid {PIN} vmsplice {node} 64K > /run/splice 2>&1 & echo $! > /run/splice.pid")
    guest.wait_for("grep -q ready /run/splice", timeout=60)
    pid = int(guest.check("cat /run/splice.pid"))
    page.wait_text(f"#cards tr:has(#eject-{first})", name)
    page.click(f"#eject-{first}")
    plan = page.wait_text("dialog", "also uses")
    assert second in plan and f"destroy {name}" in plan and "no way back" in plan, plan
    page.assert_accessible()
    page.picture("eject-plan")
    page.click("#dialog-confirm")
    page.wait_text("#operations .blockers", f"cxlmem-pin (pid {pid})", 120)
    assert float(page.value("document.querySelector('#operations progress').value")) < 1
    assert page.text("#operations .step").startswith("Step "), page.text("#operations")
    # Where it is in bytes; an offline that nobody is in the way of may be over before it is told.
    assert re.search(r"[\dKMG.]+ of 1G", page.text("#operations")), page.text("#operations")
    page.assert_accessible()
    page.picture("eject-blocked")
    number = _operation(machine)
    page.click(f"#operation-{number}-cancel")
    page.wait_text(f"#operation-{number} .badge", "cancelled", 120)
    assert "may be pulled" not in page.text(f"#operation-{number}")
    machine.assert_state(before)
    guest.check(f"kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done")
    page.picture("eject-cancelled")
    page.click(f"#operation-{number}-dismiss")
    assert page.value(f"!document.querySelector('#operation-{number}')")
    machine.ctl(f"destroy {name}")
    page.assert_quiet()


@timeout(600)
def test_eject(guest):
    """Memory in use moves elsewhere with progress; that the card may be pulled is said when it is so."""
    machine, page = Machine(guest), _page(guest)
    card = machine.cards()[3]
    machine.ctl(f"create {card}")
    name = machine.regions()[0]["region"]
    holder = machine.hold(machine.dax(name)["target_node"], "64M")
    page.browser.script("""
        window.seen = [];
        new MutationObserver(() => document.querySelectorAll("#operations .operation").forEach(e =>
            window.seen.push([e.dataset.state, e.querySelector("progress").value, e.innerText])))
            .observe(document.querySelector("#operations"),
                     { subtree: true, childList: true, attributes: true, characterData: true });
    """)
    page.wait_text(f"#cards tr:has(#eject-{card})", name)
    page.click(f"#eject-{card}")
    page.click("#dialog-confirm")
    page.wait_text("#operations .alert.good", "may be pulled", 180)
    page.picture("ejected")
    seen = page.value("window.seen")
    running = [entry for entry in seen if entry[0] == "running"]
    values = [value for _, value, _ in running]
    assert values == sorted(values) and values[0] < 1, running
    assert not any("may be pulled" in text for state, _, text in seen if state != "done")
    assert f"{card} (serial" in page.text("#operations .alert.good")
    assert "may be pulled" in page.value("document.querySelector('#spoken').textContent")
    guest.wait_removed("card3", 30)
    page.wait(f"{card} to go", f"!document.querySelector('#eject-{card}')")
    page.wait("an empty slot", "document.querySelectorAll('#topology .box.empty').length === 1")
    holder.verify()
    page.assert_quiet()


@timeout(600)
def test_who_may_not(guest):
    """Somebody else sees everything and is told why nothing can be done; the daemon refuses all the same."""
    machine = Machine(guest)
    before = machine.state()
    page = _page(guest, WATCHER)
    card = machine.cards()[0]
    page.wait_text("#cards", card)
    page.click(f"#eject-{card}")
    page.wait_text("dialog ol.plan", "disable")
    said = page.wait_text("dialog #dialog-reason", "administrative access")
    assert "org.cxlmem1.destroy" in said, said
    assert page.value("document.querySelector('#dialog-confirm').disabled")
    assert page.value("document.querySelector('#dialog-confirm').getAttribute('aria-describedby')") \
        == "dialog-reason"
    page.assert_accessible()
    page.picture("not-allowed")
    page.click("#dialog-close")
    answer = page.browser.script(FORCE, ["eject", [card], {}])
    assert "needs an administrator" in answer, answer
    machine.assert_state(before)
    page.assert_quiet()
    page.close()


@timeout(600)
def test_daemon_stops(guest):
    """A daemon that was stopped is said to be, and stays stopped until somebody reloads the page."""
    machine = Machine(guest)
    page = _page(guest)
    before, after = page.browser.script(ASKED_AFTER_STOP, machine.ctl("status --json"))
    assert before > 0 and after == before, (before, after)
    guest.check("systemctl stop cxlmemd")
    page.wait_text("#trouble", "cxlmemd was stopped")
    page.assert_accessible()
    assert guest.sh("systemctl is-active cxlmemd")[1].strip() != "active"
    page.reload()
    guest.wait_for("systemctl is-active cxlmemd", timeout=30)
    page.wait("no trouble", "document.querySelector('#trouble').innerText === ''")
    guest.check("systemctl kill -s KILL cxlmemd")
    page.wait("the page to go on", "document.querySelectorAll('#topology .box.card').length && "
                                   "document.querySelector('#trouble').innerText === ''", 120)
    page.assert_quiet()
    assert machine.cards()
