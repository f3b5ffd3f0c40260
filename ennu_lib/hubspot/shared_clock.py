"""Virtual time shared with an emulator: whoever sleeps moves the portal's clock as well, and nobody waits."""

from __future__ import annotations

import json
import threading
import urllib.request
from datetime import datetime

from ennu_lib.clock import Clock, SystemClock
from ennu_lib.errors import TargetUnreachable

TIMEOUT_SECONDS = 10


def emulator_clock(base_url: str) -> Clock:
    """The clock by which the emulator at `base_url` goes, virtual or real. Raises TargetUnreachable."""
    try:
        clock = SharedVirtualClock(base_url)
    except OSError:
        raise TargetUnreachable("the emulator does not answer; start it again, or let `ennu run` start it") from None
    return clock if clock.virtual else SystemClock()


class SharedVirtualClock:
    """The clock of an emulator that runs in virtual time. Safe to share by threads, which sleep side by side."""

    def __init__(self, base_url: str):
        self._url = f"{base_url.rstrip('/')}/_clock"
        self._lock = threading.Lock()
        told = self._ask(None)
        self.virtual = bool(told["virtual"])
        self._note(told)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            ends = self._monotonic + seconds
            with self._lock:
                if self._monotonic < ends:
                    self._note(self._ask({"to": ends}))

    def _ask(self, body: dict[str, float] | None) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self._url, data), timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)

    def _note(self, told: dict[str, object]) -> None:
        self._now = datetime.fromisoformat(str(told["now"]))
        self._monotonic = float(str(told["monotonic"]))
