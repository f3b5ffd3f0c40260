"""The load on a live database: when it may be read, and how many rows a second at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from ennu_lib.clock import Clock
from ennu_lib.config import ReadingParams
from ennu_lib.config.windows import closing, opening
from ennu_lib.errors import OutsideWindow

LOOK_SECONDS = 60.0


class WindowClosed(Exception):
    """The hours in which the database may be read are over for now."""


class Pace:
    """Waits where reading has to wait. `rows` is the most that should be read at once under the cap."""

    def __init__(self, reading: ReadingParams, clock: Clock):
        self._reading = reading
        self._clock = clock
        self._due = clock.monotonic()
        self._closes: dt.datetime | None = None

    def rows(self, chunk_rows: int) -> int:
        """Rows to read at once: no more than a second's worth, so that the load is even."""
        return min(chunk_rows, self._reading.max_rows_per_second or chunk_rows)

    def wait_until_open(self, waiting: Callable[[str], None]) -> None:
        """Return within a window, having told `waiting` until when one waits.

        Raises OutsideWindow where the parameters say to stop and not to wait.
        """
        params = self._reading
        while (now := self._clock.now()) < (opens := opening(params.windows, params.zone, now)):
            local = f"{opens.astimezone(params.zone):%A %H:%M} ({params.time_zone})"
            if params.outside_windows == "stop":
                raise OutsideWindow(
                    f"source.windows allow reading again from {local}; start the same run then, finished tables stay"
                )
            waiting(f"waiting until {local}")
            self._clock.sleep(min(LOOK_SECONDS, (opens - now).total_seconds()))
        self._closes = closing(params.windows, params.zone, now) if params.windows else None
        self._due = self._clock.monotonic()

    def took(self, rows: int) -> None:
        """`rows` have been read: wait as long as the cap asks. Raises WindowClosed when the window is over."""
        if cap := self._reading.max_rows_per_second:
            now = self._clock.monotonic()
            self._due = max(self._due, now) + rows / cap
            self._clock.sleep(self._due - now)
        if self._closes is not None and self._clock.now() >= self._closes:
            raise WindowClosed
