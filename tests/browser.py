"""A headless Chromium, driven by the DevTools protocol over a pipe: no package and no port is needed."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--force-color-profile=srgb", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip

_START = """
import fcntl, os, sys
for place, number in zip((3, 4), [fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3]]):
    os.dup2(number, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Gives the pipe the two numbers on which Chromium expects it."""


class Browser:
    """One tab.

    Attributes
    ----------
    events
        All that the browser has told, in order.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", to: int, answers: int) -> None:
        self.process, self._to, self._from = process, to, answers
        self._left, self._number, self._session = b"", 0, None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser has gone"
            self._left += more
        text, _, self._left = self._left.partition(b"\0")
        return json.loads(text)

    def open(self, path: Path, width: int = 1000, height: int = 800, *, dark: bool = False) -> None:
        self.size(width, height, dark=dark)
        self.events.clear()
        self.call("Page.navigate", url=path.absolute().as_uri())
        self.until("document.readyState === 'complete'")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def do(self, expression: str) -> Any:
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.do(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        codes = {"ArrowRight": 39, "ArrowLeft": 37, "End": 35, "Home": 36, "Tab": 9, "Enter": 13}
        for kind in ("keyDown", "keyUp"):
            code = codes.get(key, ord(key[0].upper()))
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        for kind, (x, y), buttons in (
            ("mousePressed", start, 1), ("mouseMoved", end, 1), ("mouseReleased", end, 0),
        ):  # fmt: skip
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, buttons=buttons, button="left", clickCount=1)

    def screenshot(self, *, whole: bool = False, kind: str = "png") -> bytes:
        found = self.call("Page.captureScreenshot", format=kind, captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    def print_pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])

    @property
    def requests(self) -> list[str]:
        """URLs that were asked for and lie not in the page itself."""
        sent = (
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        )
        return [url for url in sent if not url.startswith(("data:", "blob:"))]

    @property
    def complaints(self) -> list[str]:
        """What the page has written to the console, and exceptions that nobody caught."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in kinds]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a Chromium that leaves nothing outside `folder`, and end it."""
    assert PROGRAM is not None
    (theirs, ours), (answers, told) = os.pipe(), os.pipe()

    process = subprocess.Popen(
        [sys.executable, "-c", _START, str(theirs), str(told), PROGRAM, *_FLAGS, f"--user-data-dir={folder}"],
        pass_fds=(theirs, told), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    os.close(told)
    try:
        yield Browser(process, ours, answers)
    finally:
        process.terminate()
        process.wait(10)
        os.close(ours)
        os.close(answers)
