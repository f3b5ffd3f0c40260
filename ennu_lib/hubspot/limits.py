"""The limiter: never one request more than the portal allows, and as few less as can be.

A request may count in the portal's rolling window at any instant between its sending and its answer. A slot is
therefore free again one window after the *answer*: whatever the network does, the portal can never see more than the
limit in any window, so no request is ever answered 429 on our account. With answers after 10 ms this uses 99.9 % of
the limit.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ennu_lib.clock import Clock
from ennu_lib.errors import TargetUnreachable
from ennu_lib.hubspot.limit_params import Family, FamilyLimits, LimitParams

log = logging.getLogger(__name__)

TICK_SECONDS = 0.01
# Clocks and floating point round: a request at the very edge of a window may count in both.
EDGE_SECONDS = 0.001
HOURS_LOOKUP_SECONDS = 30.0
PREFIX = "x-hubspot-ratelimit-"


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to send one request."""

    family: Family
    used_then: int
    number: int


class Limiter:
    """Two budgets, a rolling window and a day, for each family of endpoints. Safe to share by threads."""

    def __init__(self, params: LimitParams, clock: Clock, time_zone: str = "UTC", wait_for_midnight: bool = False):
        self._clock = clock
        self._lock = threading.Lock()
        self.zone = ZoneInfo(time_zone)
        self._wait_for_midnight = wait_for_midnight
        self._budgets = {name: _Budget(name, held, params) for name, held in params.families.items()}
        self._hours = params.business_hours
        self._looked_up = -HOURS_LOOKUP_SECONDS
        self._share = 1.0

    def acquire(self, family: Family) -> Permit:
        """Wait until one more request of `family` is allowed.

        Raises TargetUnreachable when the day's budget is used up and the limiter does not wait for midnight.
        """
        while isinstance(granted := self.try_acquire(family), float):
            self._clock.sleep(granted)
        return granted

    def try_acquire(self, family: Family) -> Permit | float:
        """A permit, or the seconds after which to ask again. Raises TargetUnreachable as `acquire` does."""
        with self._lock:
            budget = self._budgets[family]
            now, moment = self._clock.monotonic(), self._clock.now()
            budget.begin_day(moment.astimezone(self.zone).date())
            if budget.day_is_used_up():
                return self._until_midnight(family, moment)
            wait = budget.wait(now, self._share_now(now, moment))
            return budget.take() if wait is None else wait

    def release(self, permit: Permit, headers: Mapping[str, str] | None = None) -> None:
        """The request of `permit` has been answered, or given up; its headers move the limits to the truth."""
        with self._lock:
            budget = self._budgets[permit.family]
            now = self._clock.monotonic()
            budget.give_back(now)
            if headers is not None:
                budget.observe_window(permit, headers, now)
                budget.observe_day(_number(headers, "daily"), _number(headers, "daily-remaining"))

    def pause(self, family: Family, seconds: float) -> None:
        """Nobody sends a request of `family` for so long: the portal has said so."""
        with self._lock:
            budget = self._budgets[family]
            budget.paused_until = max(budget.paused_until, self._clock.monotonic() + seconds)

    def day_exhausted(self, family: Family) -> None:
        """The portal says that the day is used up, whatever we counted."""
        with self._lock:
            budget = self._budgets[family]
            budget.used_today = max(budget.used_today, budget.day_limit or 0)
            budget.day_refused = True

    def set_time_zone(self, name: str) -> None:
        """The account's time zone, in which its day begins. Raises KeyError when it is unknown."""
        self.zone = ZoneInfo(name)

    def limit(self, family: Family) -> int:
        """Requests that may be in one window now, outside business hours."""
        return self._budgets[family].allowed(1.0)

    def used_today(self, family: Family) -> int:
        """Requests of the day so far, as far as is known; those of others included."""
        return self._budgets[family].used_today

    def _share_now(self, now: float, moment: dt.datetime) -> float:
        if self._hours and now - self._looked_up >= HOURS_LOOKUP_SECONDS:
            self._looked_up = now
            self._share = self._hours.share if self._hours.now_in_force(moment, self.zone) else 1.0
        return self._share

    def _until_midnight(self, family: Family, moment: dt.datetime) -> float:
        if not self._wait_for_midnight:
            raise TargetUnreachable(
                f"the day's budget of {family} requests is used up; run again after midnight ({self.zone.key})"
            )
        log.info("the day's budget of %s requests is used up; waiting for midnight (%s)", family, self.zone.key)
        return seconds_to_midnight(moment, self.zone)


def seconds_to_midnight(moment: dt.datetime, zone: ZoneInfo) -> float:
    """Seconds from `moment` to the next midnight of `zone`, and one more; a day may have 23 or 25 hours."""
    tomorrow = moment.astimezone(zone).date() + dt.timedelta(days=1)
    midnight = dt.datetime.combine(tomorrow, dt.time(), zone)
    return (midnight.astimezone(dt.UTC) - moment).total_seconds() + 1.0


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(PREFIX + name)
    return int(value) if value and value.isascii() and value.isdigit() else None


class _Budget:
    """The state of one family; the limiter holds the lock."""

    def __init__(self, name: Family, held: FamilyLimits, params: LimitParams):
        self.name = name
        self._held = held
        self._burst_share = 1.0 - params.left_for_others.burst
        self._day_share = 1.0 - params.left_for_others.day
        self.window = held.burst_seconds
        self.limit = _smaller(held.burst_seed, held.burst_ceiling)
        self.day_limit = _smaller(held.day_seed, held.day_ceiling) if held.day_seed else held.day_ceiling
        self._busy_until: deque[float] = deque()
        self._in_flight = 0
        self._taken = 0
        self.paused_until = 0.0
        self.used_today = 0
        self.day_refused = False
        self._day: dt.date | None = None

    def allowed(self, share: float) -> int:
        return max(1, int(self.limit * self._burst_share * share + 1e-9))

    def wait(self, now: float, share: float) -> float | None:
        """Seconds until it is worth asking again; None when a request may go now."""
        if now < self.paused_until:
            return self.paused_until - now
        while self._busy_until and self._busy_until[0] <= now:
            self._busy_until.popleft()
        excess = self._in_flight + len(self._busy_until) - self.allowed(share)
        if excess < 0:
            return None
        return self._busy_until[excess] - now if excess < len(self._busy_until) else TICK_SECONDS

    def take(self) -> Permit:
        self._in_flight += 1
        self._taken += 1
        self.used_today += 1
        return Permit(self.name, self._in_flight + len(self._busy_until), self._taken)

    def give_back(self, now: float) -> None:
        self._in_flight -= 1
        free_at = now + self.window + EDGE_SECONDS
        self._busy_until.append(max(free_at, self._busy_until[-1] if self._busy_until else 0.0))

    def observe_window(self, permit: Permit, headers: Mapping[str, str], now: float) -> None:
        limit, remaining = _number(headers, "max"), _number(headers, "remaining")
        if interval := _number(headers, "interval-milliseconds"):
            self.window = interval / 1000
        if limit:
            self.limit = _smaller(limit, self._held.burst_ceiling)
            if remaining is not None:
                self._block_for_others(limit - remaining - permit.used_then - (self._taken - permit.number), limit, now)

    def _block_for_others(self, others: int, limit: int, now: float) -> None:
        """Give up the slots that others have used beyond what is left for them anyway."""
        room = self.allowed(1.0) - self._in_flight - len(self._busy_until)
        blocked = min(others - (limit - self.allowed(1.0)), room)
        if blocked > 0:
            self._busy_until.extend([now + self.window + EDGE_SECONDS] * blocked)

    def observe_day(self, limit: int | None, remaining: int | None) -> None:
        if limit:
            self.day_limit = _smaller(limit, self._held.day_ceiling)
            if remaining is not None:
                self.used_today = limit - remaining + self._in_flight

    def begin_day(self, today: dt.date) -> None:
        if today != self._day:
            self._day, self.used_today, self.day_refused = today, 0, False

    def day_is_used_up(self) -> bool:
        return self.day_refused or (
            self.day_limit is not None and self.used_today >= max(1, int(self.day_limit * self._day_share + 1e-9))
        )


def _smaller(value: int, ceiling: int | None) -> int:
    return value if ceiling is None else min(value, ceiling)
