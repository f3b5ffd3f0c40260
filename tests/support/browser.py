"""A real Chromium that a test drives by keyboard, over its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import websocket

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
         "--remote-allow-origins=*", "--window-size=1100,900"]  # fmt: skip
PATIENCE = 20.0


class Page:
    """One tab. `requests` are the URLs it asked for, `complaints` what its console said."""

    def __init__(self, url: str):
        self._socket = websocket.create_connection(url, timeout=PATIENCE)
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Go to `url`."""
        self._call("Page.navigate", url=url)

    def see(self, text: str) -> str:
        """Wait until the page is whole and shows `text`; return all that it shows."""
        end = time.monotonic() + PATIENCE
        while text not in (shown := self.run("document.readyState === 'complete' ? document.body.innerText : ''")):
            assert time.monotonic() < end, f"{text!r} did not come; the page shows: {shown}"
            time.sleep(0.02)
        return shown

    def press(self, keys: str) -> None:
        """Press keys one after the other; `\\r` is Enter and `\\x1b` Escape."""
        special = {"\r": ("Enter", 13), "\x1b": ("Escape", 27)}
        for key in keys:
            name, code = special.get(key, (key, ord(key.upper())))
            text = {} if key == "\x1b" else {"text": key}
            about = {"key": name, "windowsVirtualKeyCode": code}
            self._call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
            self._call("Input.dispatchKeyEvent", type="keyUp", **about)

    def run(self, script: str):
        """The value of a script; None while the page is changing."""
        found = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        return found.get("result", {}).get("value") or ""

    def screenshot(self, file: Path) -> None:
        """Save what the tab shows."""
        file.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method: str, **params) -> dict:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (message := json.loads(self._socket.recv())).get("id") != number:
            self._note(message)
        return message.get("result", {})

    def _note(self, message: dict) -> None:
        told = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif message.get("method") == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"]["text"])


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A headless browser with one tab, and an empty profile in the folder `profile`."""
    command = [CHROMIUM, *QUIET, f"--user-data-dir={profile}", "about:blank"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        line = next(line for line in child.stderr if "DevTools listening on" in line)
        port = line.split("ws://")[1].split("/")[0]
        yield Page(f"ws://{port}/devtools/page/{_tab(port)}")
    finally:
        child.terminate()
        child.wait(10)
        child.stderr.close()


def _tab(port: str) -> str:
    import httpx

    tabs = httpx.get(f"http://{port}/json", trust_env=False).json()
    return next(tab["id"] for tab in tabs if tab["type"] == "page")
