"""Time as something that is passed in, so that a rehearsal of hours takes seconds and a test never waits."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """What the rest of the library may know about time."""

    def now(self) -> datetime:
        """The wall clock: an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed instant; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock; at once when they are zero or less."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class VirtualClock:
    """A clock that stands still until somebody sleeps on it, and then is there at once.

    Safe to share by threads: those that sleep from the same moment on sleep side by side, not one after the other.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 5, tzinfo=UTC)):
        if start.utcoffset() is None:
            raise ValueError("a virtual clock starts at an aware datetime")
        self._start = start.astimezone(UTC)
        self._elapsed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            ends = self._elapsed + seconds
            with self._lock:
                self._elapsed = max(self._elapsed, ends)
