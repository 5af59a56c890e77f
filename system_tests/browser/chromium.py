"""Chromium without a window: what a page shows, writes to the console and loads.

This module drives it over a pipe by its DevTools protocol: JSON messages that end in a zero byte. No other package is
needed for that.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60.0
"""Seconds without a message after which the browser counts as dead."""


def executable() -> str:
    """The path of the browser."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError("There is no Chromium here. On Debian, root installs it by system_tests/browser/install.sh.")
    return found


class Chromium:
    """A browser with one page. Use it as a context manager.

    `events` is what the browser has reported: requests, messages on the console, errors, dialogs.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._rest = b""
        self._number = 0
        self._session: dict[str, str] = {}

    def __enter__(self) -> "Chromium":
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        command = [executable(), "--headless", "--remote-debugging-pipe", "--hide-scrollbars"]
        # The browser's own sandbox does not work for root. Only pages of this project are opened.
        command += ["--no-sandbox", f"--user-data-dir={self._folder.name}", "about:blank"]
        theirs_in, self._input = os.pipe()
        self._output, theirs_out = os.pipe()
        # Chromium takes commands from descriptor 3 and answers on 4, so our own descriptors must be others.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
        start = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]} 2>/dev/null'
        self._process = subprocess.Popen(["bash", "-c", start, "bash", *command], pass_fds=ends)
        for end in (theirs_in, theirs_out, *ends):
            os.close(end)
        pages = self.call("Target.getTargets")["targetInfos"]
        target = next(page["targetId"] for page in pages if page["type"] == "page")
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._input)
        os.close(self._output)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._input, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path, width: int, height: int = 1000) -> None:
        """Opens a file in a window of this size; returns when it is loaded and drawn."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not self.reported("Page.loadEventFired"):
            self.events.append(self._read())
        self.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", "the page raised"))
        return answer["result"].get("value")

    def screenshot(self, width: float, height: float) -> bytes:
        """The top of the page in this size, as PNG."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def reported(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of a kind."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def _read(self) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._output], [], [], PATIENCE)
            chunk = os.read(self._output, 1 << 16) if ready else b""
            if not chunk:
                raise RuntimeError("Chromium has ended." if ready else "Chromium does not answer.")
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded
