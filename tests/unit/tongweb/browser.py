"""A headless Chromium, spoken to over a pipe in its DevTools protocol: what a reader would see of a page."""

import base64
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_ANSWER_WITHIN_BYTES = 1 << 16


class Browser:
    """One browser with one tab."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("chromium")
        assert program is not None, "chromium is missing; run: make setup"
        to_browser, self._writes = os.pipe()
        self._reads, from_browser = os.pipe()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        # The protocol has the browser read from 3 and write to 4.
        self._process = subprocess.Popen(
            [
                *("bash", "-c", 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"', "browser"),
                *(str(to_browser), str(from_browser), program, *options),
                *(f"--user-data-dir={profile}", "--window-size=1000,1000", "about:blank"),
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._number = 0
        self._buffer = b""
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "DOM", "CSS"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._writes)
        os.close(self._reads)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def open(self, url: str) -> None:
        """Go to a page and wait until it is there, fonts included."""
        self.call("Page.navigate", url=url)
        while self._next().get("method") != "Page.loadEventFired":
            pass
        self.call("Runtime.evaluate", expression="document.fonts.ready", awaitPromise=True)

    def fonts_of(self, selector: str) -> Counter[str]:
        """Return which fonts really drew the text of all elements that match, by their glyphs."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        found: Counter[str] = Counter()
        for node in self.call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]:
            for font in self.call("CSS.getPlatformFontsForNode", nodeId=node)["fonts"]:
                found[font["familyName"]] += int(font["glyphCount"])
        return found

    def text_of(self, selector: str) -> str:
        """Return the text of the first element that matches."""
        expression = f"document.querySelector({json.dumps(selector)}).innerText"
        return str(self.call("Runtime.evaluate", expression=expression)["result"]["value"])

    def screenshot(self) -> bytes:
        """Return the picture as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            more = os.read(self._reads, _ANSWER_WITHIN_BYTES)
            assert more, "the browser ended"
            self._buffer += more
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))
