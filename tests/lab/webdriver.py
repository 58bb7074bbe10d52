# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real browser, without a screen, that tests drive over WebDriver (W3C) with plain HTTP."""

from __future__ import annotations

import base64
import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable

from . import chroot
from .errors import LabError
from .qemu import Spawner

START_TIMEOUT = 60.0
CALL_TIMEOUT = 180.0
# In a process namespace of their own: when the first ends, all end.
NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
ARGUMENTS = ["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-extensions", "--disable-background-networking", "--no-first-run",
             "--disable-sync", "--hide-scrollbars"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class BrowserError(LabError):
    """The browser could not do what was asked."""


class Browser:
    """One browser with one window. Close it when done."""

    def __init__(self, spawner: Spawner, root: Path, log: Path,
                 size: tuple[int, int] = (1280, 900)):
        """Start it; what it and its driver print goes to `log`."""
        self.log = log
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._session = ""
        log.write_bytes(b"")
        argv = chroot.script(root, ["chromedriver", "--port=0"], {})
        self._child = spawner.start([*NAMESPACE, *argv], dict(chroot.ENVIRONMENT), log)
        try:
            self._base = f"http://127.0.0.1:{self._port()}"
            options = {"args": [*ARGUMENTS, f"--window-size={size[0]},{size[1]}"]}
            value = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"}}}})
            self._session = f"/session/{value['sessionId']}"
            self.version = f"{value['capabilities']['browserName']} " \
                           f"{value['capabilities']['browserVersion']}"
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and all it started."""
        if self._session:
            try:
                self._call("DELETE", self._session)
            except BrowserError:
                pass
            self._session = ""
        self._child.kill()
        self._child.wait()

    def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self.do("POST", "/url", {"url": url})

    def script(self, text: str, *arguments: Any) -> Any:
        """Run JavaScript in the page (the current frame); what it returns."""
        return self.do("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def frame(self, css: str | None) -> None:
        """Go into a frame of the page, or out of all with None."""
        self.do("POST", "/frame", {"id": self._find(css) if css else None})

    def click(self, css: str) -> None:
        """Click on the one element, as a person would: it must be visible and nothing over it."""
        self._on_element(css, "click", {})

    def type(self, css: str, text: str) -> None:
        """Type into the one element."""
        self._on_element(css, "value", {"text": text})

    def press(self, *keys: str) -> None:
        """Press keys one after another, wherever the focus is (WebDriver's codes for special ones)."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.do("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def devtools(self, command: str, **parameters: Any) -> Any:
        """A command of Chromium's DevTools protocol."""
        return self.do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels."""
        self.do("POST", "/window/rect", {"width": width, "height": height})

    def console(self) -> list[dict]:
        """What the pages wrote to the console since the last call."""
        return self.do("POST", "/se/log", {"type": "browser"})

    def screenshot(self, path: Path) -> None:
        """A picture of what the window shows, as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.do("GET", "/screenshot")))

    def wait(self, what: str, condition: Callable[[], Any], timeout: float = 60) -> Any:
        """Repeat `condition` until it is true; what it returned. An error in it is "not yet"."""
        end = time.monotonic() + timeout
        problem = ""
        while True:
            try:
                value = condition()
                if value:
                    return value
                problem = ""
            except BrowserError as error:
                problem = f" ({error})"
            if time.monotonic() > end:
                raise BrowserError(f"after {timeout:g} s there is no {what}{problem}")
            time.sleep(0.1)

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """A WebDriver command of this session."""
        return self._call(method, f"{self._session}{path}", body)

    def _find(self, css: str) -> dict:
        found = self.do("POST", "/elements", {"using": "css selector", "value": css})
        if len(found) != 1:
            raise BrowserError(f"{css} is there {len(found)} times")
        return found[0]

    def _on_element(self, css: str, action: str, body: Any) -> None:
        self.do("POST", f"/element/{self._find(css)[ELEMENT]}/{action}", body)

    def _port(self) -> int:
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end and self._child.poll() is None:
            text = self.log.read_text(encoding="utf-8", errors="replace")
            match = re.search(r"started successfully on port (\d+)", text)
            if match:
                return int(match[1])
            time.sleep(0.05)
        text = self.log.read_text(encoding="utf-8", errors="replace")
        raise BrowserError(f"the browser's driver does not start:\n{text[-2000:]}")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._base + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with self._opener.open(request, timeout=CALL_TIMEOUT) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error).get("value") or {}
            message = str(value.get("message", error)).split("\n  (Session info")[0]
            raise BrowserError(f"{value.get('error', 'error')}: {message}") from None
        except OSError as error:
            raise BrowserError(f"the browser does not answer ({error})") from error
