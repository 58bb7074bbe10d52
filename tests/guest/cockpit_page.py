# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page in Cockpit as somebody sees it who has logged in, in a real browser on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.webdriver import BrowserError

PASSWORD = "a word that nobody guesses"
# An administrator, who can use sudo, and somebody who is none.
ADMIN, WATCHER = "admin", "watcher"
FRAME = "iframe[name$='/cxlmem']"
LOGIN_TIMEOUT = 180.0
PAGE_TIMEOUT = 120.0

_PREPARE = f"""\
id {ADMIN} >/dev/null 2>&1 || {{
    useradd -m -s /bin/bash -G sudo {ADMIN}
    useradd -m -s /bin/bash {WATCHER}
    printf '%s:%s\\n' {ADMIN} '{PASSWORD}' {WATCHER} '{PASSWORD}' | chpasswd
    # A browser that does not come over TLS, as this one, is sent away unless it is told otherwise.
    printf '[WebService]\\nAllowUnencrypted = true\\n' > /etc/cockpit/cockpit.conf
    # systemd-user-sessions would, and the lab's guests have it not.
    rm -f /run/nologin
    systemctl start cockpit.socket
}}
"""

# What has to have a name, by its role as Chromium tells it to a screen reader.
NAMED = {"button", "link", "checkbox", "combobox", "textbox", "dialog", "progressbar", "region",
            "image", "img", "table"}

# Text against what is painted behind it (WCAG 2.2, 1.4.3: 4.5 to 1); of a drawing, against the box.
CONTRAST = """
function parts(colour) {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
}
function luminance(rgb) {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
    const box = element.closest("g.box");
    const rect = box && box.querySelector("rect");
    if (rect && getComputedStyle(rect).fill !== "none")
        return parts(getComputedStyle(rect).fill).rgb;
    for (let at = element; at; at = at.parentElement) {
        const { rgb, a } = parts(getComputedStyle(at).backgroundColor);
        if (a === 1)
            return rgb;
    }
    return parts(getComputedStyle(document.body).backgroundColor).rgb;
}
const found = [];
for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    if (!own || !element.getClientRects().length || element.closest(".spoken, title, option") ||
        element.disabled || style.visibility === "hidden")
        continue;
    const text = parts(element.closest("svg") ? style.fill : style.color).rgb;
    const [light, dark] = [luminance(text), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5)
        found.push(`${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 40)}`);
}
return found;
"""


class Page:
    """One login of one user, with the page of CXL memory open in Cockpit's frame."""

    def __init__(self, guest: Any, user: str):
        guest.check(_PREPARE)
        self.guest = guest
        self.user = user
        self.browser = guest.browser(f"browser-{user}.log")
        self._login(guest.url())

    def close(self) -> None:
        """End the browser."""
        self.browser.close()

    def _login(self, url: str) -> None:
        browser = self.browser
        browser.open(f"{url}/cxlmem")
        # Whether somebody becomes an administrator is a choice that Cockpit remembers in the browser.
        browser.script("localStorage.setItem(`superuser:${arguments[0]}`, 'any')", self.user)
        browser.wait("form for a login", lambda: browser.script(
            "return document.querySelector('#login-user-input').offsetWidth"), LOGIN_TIMEOUT)
        browser.type("#login-user-input", self.user)
        browser.type("#login-password-input", PASSWORD)
        browser.click("#login-button")
        self.enter(LOGIN_TIMEOUT)

    def enter(self, timeout: float = PAGE_TIMEOUT) -> None:
        """Go into the frame of the page and wait until it shows a machine."""

        def shown() -> bool:
            self.browser.frame(None)
            self.browser.frame(FRAME)
            return self.value("!window.left && document.querySelector('#page')"
                              ".getAttribute('aria-busy') === 'false'")

        try:
            self.browser.wait("page with a machine", shown, timeout)
        except BrowserError as error:
            self.picture(f"no-page-{self.user}")
            raise AssertionError(f"{error}; there is:\n{self.text('body')}\n{self.browser.console()}") from None

    def reload(self) -> None:
        """Load the page anew, in its frame."""
        self.browser.script("window.left = true; location.reload()")
        self.enter()

    def value(self, expression: str, *arguments: Any) -> Any:
        """What a JavaScript expression is in the page."""
        return self.browser.script(f"return {expression}", *arguments)

    def wait(self, what: str, expression: str, timeout: float = 60) -> Any:
        """Wait until a JavaScript expression is true in the page; what it is."""
        return self.browser.wait(what, lambda: self.value(expression), timeout)

    def text(self, css: str) -> str:
        """All that can be seen in the one element."""
        return self.value("(document.querySelector(arguments[0]) || { innerText: '' }).innerText", css)

    def wait_text(self, css: str, words: str, timeout: float = 60) -> str:
        """Wait until an element's text has these words in it; the text."""
        try:
            return self.browser.wait(f"{words!r} in {css}", lambda: words in self.text(css)
                                     and self.text(css), timeout)
        except Exception as error:
            raise AssertionError(f"{error}; there is:\n{self.text(css)}") from None

    def names(self, css: str) -> list[str]:
        """What the elements are called for a screen reader."""
        return self.value("[...document.querySelectorAll(arguments[0])].map(e => "
                          "e.getAttribute('aria-label') || e.innerText)", css)

    def click(self, css: str) -> None:
        """Click on an element once it is there and can be pressed."""
        self.wait(f"{css} to press", f"document.querySelector({css!r}) && "
                                     f"!document.querySelector({css!r}).disabled")
        self.browser.script("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", css)
        for left in range(9, -1, -1):
            try:
                self.browser.click(css)
                return
            except BrowserError as error:
                # Drawn anew between being found and being clicked.
                if not left or "stale element" not in str(error):
                    raise

    def picture(self, name: str) -> None:
        """Keep what is shown, with the test's results."""
        if self.guest.keep:
            self.browser.screenshot(Path(self.guest.keep) / f"{name}.png")

    def dark(self, dark: bool) -> None:
        """Choose a style as Cockpit's menu does."""
        self.browser.script("localStorage.setItem('shell:style', arguments[0]); window.dispatchEvent("
                            "new CustomEvent('cockpit-style', {detail: {style: arguments[0]}}))",
                            "dark" if dark else "light")

    def assert_quiet(self) -> None:
        """Nothing of ours complained on the console."""
        bad = [entry["message"] for entry in self.browser.console()
               if entry["level"] in ("SEVERE", "WARNING") and "/cxlmem/" in entry["message"]]
        assert not bad, "\n".join(bad)

    def assert_accessible(self) -> None:
        """Whatever has a role has a name, headings do not skip, ids are unique, text can be read."""
        frame = self._frame_id()
        tree = self.browser.devtools("Accessibility.getFullAXTree", frameId=frame)["nodes"]
        roles = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree
                 if not node.get("ignored") and "role" in node]
        assert len(roles) > 10, roles
        nameless = [role for role, name in roles if role in NAMED and not name.strip()]
        assert not nameless, f"without a name: {nameless}"
        levels = self.value("[...document.querySelectorAll('h1, h2, h3')].filter(e => e.offsetWidth)"
                            ".map(e => Number(e.tagName[1]))")
        assert levels.count(1) == 1, levels
        assert all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels
        double = self.value("[...document.querySelectorAll('[id]')].map(e => e.id)"
                            ".filter((id, at, all) => all.indexOf(id) !== at)")
        assert not double, double
        low = self.browser.script(CONTRAST)
        assert not low, "too little contrast:\n" + "\n".join(low)

    def _frame_id(self) -> str:
        tree = self.browser.devtools("Page.getFrameTree")["frameTree"]
        queue = [tree]
        while queue:
            at = queue.pop()
            if "/cxlmem/" in at["frame"]["url"]:
                return at["frame"]["id"]
            queue += at.get("childFrames", [])
        raise AssertionError(f"the page has no frame: {tree}")
