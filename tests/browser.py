"""A headless Chromium that tests drive through its debugging pipe; nothing is installed for it."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

import pytest

PATIENCE = 120
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    "--remote-debugging-pipe",
)


class Browser:
    """One page of a running browser, by the Chrome DevTools Protocol.

    Attributes:
        events: what the browser told since the page was opened: method and parameters, in order.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._rest, self._number, self._session = b"", 0, ""
        self.events: list[tuple[str, dict[str, Any]]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method of the protocol and waits for its result."""
        number = self._send(method, params)
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def open(self, page: Path) -> None:
        """Opens a file and waits until all of it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            self._read()

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def show(self, width: int = 1280, colours: str = "light") -> None:
        """Sets the width of the window in pixels, and whether the user prefers light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        preferred = [{"name": "prefers-color-scheme", "value": colours}]
        self.call("Emulation.setEmulatedMedia", media="", features=preferred)

    def press(self, key: str, text: str = "") -> None:
        """Presses and releases a key, as a user would."""
        code = {"Enter": 13, "Tab": 9, " ": 32}[key]
        about = {"key": key, "windowsVirtualKeyCode": code}
        down = about | ({"text": text} if text else {})
        self.call("Input.dispatchKeyEvent", type="keyDown", **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def click(self, selector: str) -> None:
        """Clicks the middle of an element with the mouse."""
        place = self.evaluate(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)});"
            "one.scrollIntoView({block: 'center', inline: 'center'});"
            "const box = one.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        about = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **about)

    def complaints(self) -> list[str]:
        """Errors, warnings and dialogs of the page, and what it asked of anyone but itself."""
        found = []
        for method, event in self.events:
            if method == "Runtime.exceptionThrown" or (
                method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning")
            ):
                found.append(json.dumps(event))
            if method == "Log.entryAdded":
                found.append(event["entry"]["text"])
            if method == "Page.javascriptDialogOpening":
                found.append(f"dialog: {event['message']}")
            if method == "Network.requestWillBeSent":
                url = event["request"]["url"]
                if not url.startswith(("file:", "data:", "about:")):
                    found.append(f"asked for {url}")
        return found

    def _send(self, method: str, params: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        return self._number

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select([self._from], [], [], PATIENCE)[0], "the browser does not answer"
            part = os.read(self._from, 1 << 16)
            assert part, "the browser has ended"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        message = json.loads(line)
        if "method" in message:
            self.events.append((message["method"], message["params"]))
            if message["method"] == "Page.javascriptDialogOpening":
                self._send("Page.handleJavaScriptDialog", {"accept": True})
        return message


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser of its own; the test is skipped where there is none on the PATH."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs a browser on the PATH: one of {', '.join(NAMES)}")
    (read_command, write_command), (read_answer, write_answer) = os.pipe(), os.pipe()
    # The browser reads commands from descriptor 3 and answers on 4.
    redirect = f'exec "$0" "$@" 3<&{read_command} 4>&{write_answer}'
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["bash", "-c", redirect, found, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(read_command, write_answer),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_command)
        os.close(write_answer)
        try:
            yield Browser(write_command, read_answer)
        finally:
            os.close(write_command)
            process.terminate()
            process.wait(30)
            os.close(read_answer)
