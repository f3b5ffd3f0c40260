"""Request limits: a rolling window and a day for objects, the same for associations, a second for searches.

A refused request uses up nothing [assumed]. The windows run on the monotonic clock, the day on the wall clock in
the account's time zone.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from ennu_lib.clock import Clock
from ennu_lib.emulator.errors import ApiError
from ennu_lib.emulator.settings import EmulatorSettings

OBJECTS, ASSOCIATIONS, SEARCH, UNLIMITED = "objects", "associations", "search", "unlimited"
DAILY_FAMILIES = {OBJECTS: OBJECTS, SEARCH: OBJECTS, ASSOCIATIONS: ASSOCIATIONS}
GROUP = "publicapi:private-apps:api-calls"


def limit_reached(policy: str, retry_after: float | None = None) -> ApiError:
    """The 429 of one policy: TEN_SECONDLY_ROLLING, SECONDLY or DAILY."""
    error = ApiError(
        429, f"You have reached your {policy.lower()} limit.", None,
        errorType="RATE_LIMIT", policyName=policy, groupName=GROUP,
    )  # fmt: skip
    if policy == "DAILY":
        error.body["requestId"] = uuid4().hex
    if retry_after is not None:
        error.headers["Retry-After"] = str(max(1, round(retry_after)))
    return error


class Limiter:
    """Counts the requests of the one app and the one account that an emulated portal has."""

    def __init__(self, clock: Clock, settings: EmulatorSettings, kept: dict[str, Any] | None = None):
        self.clock = clock
        self.settings = settings
        self.windows: dict[str, deque[float]] = {OBJECTS: deque(), ASSOCIATIONS: deque(), SEARCH: deque()}
        self.today: dict[str, int] = {OBJECTS: 0, ASSOCIATIONS: 0}
        self.answered_today = self.errors_today = 0
        self.day = self.today_key()
        if kept and kept["day"] == self.day:
            self.today |= kept["requests"]
            self.answered_today, self.errors_today = kept["answered"], kept["errors"]

    def count(self) -> dict[str, Any]:
        """The day's counts, for the state file."""
        return {"day": self.day, "requests": self.today, "answered": self.answered_today, "errors": self.errors_today}

    def take(self, family: str) -> None:
        """Let one request pass. Raises the 429 of the policy that it would break."""
        if family == UNLIMITED:
            return
        self._turn_the_day()
        limit, seconds = self._window_limit(family)
        window = self._slide(family, seconds)
        if self.settings.limits_enforced:
            self._refuse_over_limit(family, window, limit, seconds)
        window.append(self.clock.monotonic())
        self.today[DAILY_FAMILIES[family]] += 1

    def _refuse_over_limit(self, family: str, window: deque[float], limit: int, seconds: float) -> None:
        hint = self.settings.retry_after_header
        if self.today[DAILY_FAMILIES[family]] >= self.daily_limit(family):
            raise limit_reached("DAILY", self.seconds_to_midnight() if hint else None)
        if len(window) >= limit:
            wait = window[0] + seconds - self.clock.monotonic() if window else seconds
            raise limit_reached("SECONDLY" if family == SEARCH else "TEN_SECONDLY_ROLLING", wait if hint else None)

    def headers(self, family: str) -> dict[str, str]:
        """What a response says about the limits; nothing on searches, or when no limit is enforced."""
        if family in (SEARCH, UNLIMITED) or not self.settings.limits_enforced:
            return {}
        limit, seconds = self._window_limit(family)
        daily = self.daily_limit(family)
        return {
            "X-HubSpot-RateLimit-Daily": str(daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, daily - self.today[family])),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(seconds * 1000)),
            "X-HubSpot-RateLimit-Max": str(limit),
            "X-HubSpot-RateLimit-Remaining": str(max(0, limit - len(self.windows[family]))),
        }

    def answered(self, status: int) -> None:
        """Count an answer; error answers should stay under 5 % of a day's [documented]."""
        self._turn_the_day()
        self.answered_today += 1
        self.errors_today += status >= 400

    @property
    def error_ratio(self) -> float:
        """Error answers in proportion to all answers of the day."""
        return self.errors_today / self.answered_today if self.answered_today else 0.0

    def daily_limit(self, family: str) -> int:
        """Requests a day."""
        return self.settings.association_daily if family == ASSOCIATIONS else self.settings.daily_limit

    def midnight(self) -> datetime:
        """When the day's count starts again."""
        zone = ZoneInfo(self.settings.time_zone)
        local = self.clock.now().astimezone(zone)
        return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)

    def seconds_to_midnight(self) -> float:
        """How long the day still lasts."""
        return self.midnight().timestamp() - self.clock.now().timestamp()

    def reset(self) -> None:
        """Forget every count."""
        for window in self.windows.values():
            window.clear()
        self.today = dict.fromkeys(self.today, 0)
        self.answered_today = self.errors_today = 0

    def _window_limit(self, family: str) -> tuple[int, float]:
        if family == SEARCH:
            return self.settings.search_per_second, 1.0
        burst = self.settings.association_burst_limit if family == ASSOCIATIONS else self.settings.burst_limit
        return burst, self.settings.burst_seconds

    def _slide(self, family: str, seconds: float) -> deque[float]:
        window = self.windows[family]
        horizon = self.clock.monotonic() - seconds
        while window and window[0] <= horizon:
            window.popleft()
        return window

    def today_key(self) -> str:
        """The account's calendar day."""
        return self.clock.now().astimezone(ZoneInfo(self.settings.time_zone)).date().isoformat()

    def _turn_the_day(self) -> None:
        if (day := self.today_key()) != self.day:
            self.day = day
            self.today = dict.fromkeys(self.today, 0)
            self.answered_today = self.errors_today = 0
