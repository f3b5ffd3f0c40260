"""Virtual time shared with an emulator: whoever sleeps moves the portal's clock as well, and nobody waits."""

from __future__ import annotations

import json
import threading
import urllib.request
from datetime import datetime

TIMEOUT_SECONDS = 10


class SharedVirtualClock:
    """The clock of an emulator that runs in virtual time. Safe to share by threads."""

    def __init__(self, base_url: str):
        self._url = f"{base_url.rstrip('/')}/_clock"
        self._lock = threading.Lock()
        self._note(self._ask(None))

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            with self._lock:
                self._note(self._ask({"advance": seconds}))

    def _ask(self, body: dict[str, float] | None) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self._url, data), timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)

    def _note(self, told: dict[str, object]) -> None:
        self._now = datetime.fromisoformat(str(told["now"]))
        self._monotonic = float(str(told["monotonic"]))
