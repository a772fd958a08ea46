"""A browser without a screen, driven through the W3C WebDriver protocol of chromedriver; no package is needed.

Widgets of Bokeh stand in shadow roots, one in another: ``find`` looks through all of them.
"""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
MISSING = None if CHROMIUM and DRIVER else "needs chromium and chromedriver on the path"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
# the first element, also within shadow roots, that a selector finds and whose text contains another
_FIND = """
const [selector, part] = arguments;
function* all(root) {
  for (const each of root.querySelectorAll('*')) {
    if (each.matches(selector) && (each.textContent || each.value || '').includes(part)) yield each;
    if (each.shadowRoot) yield* all(each.shadowRoot);
  }
}
return all(document).next().value || null;
"""


class Browser:
    """A session of a browser."""

    def __init__(self, driver: str, profile: Path) -> None:
        self._driver = driver
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}
        found = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{found['sessionId']}"

    def _call(self, method: str, path: str, content: Any = None) -> Any:
        data = None if method != "POST" else json.dumps(content or {}).encode()
        request = urllib.request.Request(self._driver + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        return self._call(method, self._session + path, content)

    def open(self, address: str) -> None:
        self.ask("POST", "/url", {"url": address})

    @property
    def address(self) -> str:
        return str(self.ask("GET", "/url"))

    def run(self, script: str, *arguments: Any) -> Any:
        return self.ask("POST", "/execute/sync", {"script": script, "args": arguments})

    def find(self, selector: str, part: str = "") -> dict[str, str]:
        return self.until(lambda: self.run(_FIND, selector, part), f"{selector} {part}")  # type: ignore[no-any-return]

    def text(self, selector: str, part: str = "") -> str:
        return str(self.run("return arguments[0].textContent", self.find(selector, part)))

    def click(self, selector: str, part: str = "", *, at: tuple[int, int] = (0, 0)) -> None:
        """Click on the middle of an element, or beside it by ``at`` pixels."""
        found = self.find(selector, part)
        self.run("arguments[0].scrollIntoView({block: 'center'})", found)
        moves = [
            {"type": "pointerMove", "origin": found, "x": at[0], "y": at[1]},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self.ask("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": moves}]})

    def press(self, keys: str) -> None:
        """Press keys, one after the other, where the focus is."""
        moves = [{"type": kind, "value": each} for each in keys for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": moves}]})

    def until(self, condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
        """The first value of the condition that is true. Raises AssertionError after so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds:g} s: {what}")

    def resize(self, width: int, height: int) -> None:
        """The size of the page, which a window cannot have where it is as narrow as a telephone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics})

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        width, height = self.run("return [window.innerWidth, document.documentElement.scrollHeight]")
        self.resize(width, height)
        # figures draw themselves anew
        time.sleep(1.0)
        asked = {"cmd": "Page.captureScreenshot", "params": {}}
        path.write_bytes(base64.b64decode(self.ask("POST", "/goog/cdp/execute", asked)["data"]))

    def requests(self) -> set[str]:
        """The addresses that the pages have asked for since the last call, and those of websockets."""
        messages = [
            json.loads(each["message"])["message"] for each in self.ask("POST", "/se/log", {"type": "performance"})
        ]
        found = {
            "Network.requestWillBeSent": lambda each: each["request"]["url"],
            "Network.webSocketCreated": lambda each: each["url"],
        }
        return {found[each["method"]](each["params"]) for each in messages if each["method"] in found}

    def complaints(self) -> list[str]:
        """What the pages have written to the console as errors."""
        return [
            each["message"] for each in self.ask("POST", "/se/log", {"type": "browser"}) if each["level"] == "SEVERE"
        ]

    def close(self) -> None:
        self.ask("DELETE", "")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in ``folder``."""
    assert DRIVER is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    try:
        found = Browser(answering(f"http://127.0.0.1:{port}"), folder / "profile")
        try:
            yield found
        finally:
            found.close()
    finally:
        process.terminate()
        process.wait()


def answering(driver: str) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{driver}/status", timeout=5):
                return driver
        except OSError:
            time.sleep(0.1)
    raise AssertionError("chromedriver does not answer")
