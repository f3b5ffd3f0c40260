"""A load rehearsed in virtual time: every request passes the real limiter and a portal that counts as HubSpot does."""

from __future__ import annotations

import datetime as dt
import heapq
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from ennu_lib.clock import VirtualClock
from ennu_lib.hubspot.forecast import SECONDS_PER_HOUR, Forecast, PortalLimits, calls_of
from ennu_lib.hubspot.limit_params import Family, LimitParams
from ennu_lib.hubspot.limits import PREFIX, Limiter, Permit
from ennu_lib.hubspot.volumes import LinkVolume, Volume, VolumeFile


@dataclass
class Rehearsal:
    """What a rehearsal in virtual time came to."""

    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    began: dt.datetime | None = None
    ended: dt.datetime | None = None

    @property
    def forecast(self) -> Forecast:
        """The rehearsed load as a forecast."""
        if self.began is None or self.ended is None:
            raise ValueError("the rehearsal has not run")
        seconds = (self.ended - self.began).total_seconds()
        days = (self.ended.date() - self.began.date()).days + 1
        return Forecast(dict(self.calls), seconds / SECONDS_PER_HOUR, days)  # type: ignore[arg-type]


def rehearse(
    records: Mapping[str, int],
    links: Mapping[str, LinkVolume],
    limits: LimitParams,
    portal: PortalLimits | None = None,
    latency: float = 0.4,
    workers: int = 8,
    start: dt.datetime = dt.datetime(2026, 1, 5, 22, tzinfo=dt.UTC),
    time_zone: str = "America/New_York",
) -> Rehearsal:
    """Send every request of a load, without its body, through the real limiter to a simulated portal.

    Time is virtual: `workers` requests are under way at once, each is answered after `latency` seconds, and the
    portal counts them as HubSpot does. `refused` counts what it would have answered 429.
    """
    clock = VirtualClock(start)
    limiter = Limiter(limits, clock, time_zone, wait_for_midnight=True)
    simulation = _Simulation(clock, limiter, portal or PortalLimits(), time_zone, latency, workers)
    done = Rehearsal(began=clock.now().astimezone(ZoneInfo(time_zone)))
    for family, count in calls_of(records, links).items():
        simulation.send(family, count, done)
    done.ended = clock.now().astimezone(ZoneInfo(time_zone))
    return done


@dataclass(frozen=True)
class Rehearsed:
    """One volume, what its rehearsal came to, and the seconds of real time that it took."""

    name: str
    volume: Volume
    outcome: Rehearsal
    real_seconds: float

    def __str__(self) -> str:
        links = sum(held.pairs for held in self.volume.links.values())
        return (
            f"{self.name}: {self.volume.note}\n"
            f"  {sum(self.volume.records.values()):,} records, {links:,} links\n"
            f"  {self.outcome.forecast}\n"
            f"  {sum(self.outcome.refused.values())} requests answered 429; rehearsed in {self.real_seconds:.0f} s"
        )


def rehearse_volumes(held: VolumeFile, limits: LimitParams, workers: int) -> Iterator[Rehearsed]:
    """Rehearse every volume, one after the other."""
    for name, volume in held.volumes.items():
        began = time.monotonic()
        outcome = rehearse(volume.records, volume.links, limits, latency=held.latency_seconds, workers=workers)
        yield Rehearsed(name, volume, outcome, time.monotonic() - began)


class _Simulation:
    """Workers and a portal on one virtual clock, one event after the other."""

    def __init__(
        self,
        clock: VirtualClock,
        limiter: Limiter,
        portal: PortalLimits,
        time_zone: str,
        latency: float,
        workers: int,
    ):
        self._clock = clock
        self._limiter = limiter
        self._portal = _SimulatedPortal(clock, portal, ZoneInfo(time_zone))
        self._latency = latency
        self._workers = workers
        self._under_way: list[tuple[float, int, Permit, dict[str, str]]] = []

    def send(self, family: Family, count: int, done: Rehearsal) -> None:
        done.calls[family] = 0
        for number in range(count):
            while len(self._under_way) >= self._workers:
                self._next_answer()
            permit = self._permit(family)
            headers = self._portal.count(family)
            done.calls[family] += 1
            done.refused[family] += headers is None
            answered = self._clock.monotonic() + self._latency
            heapq.heappush(self._under_way, (answered, number, permit, headers or {}))
        while self._under_way:
            self._next_answer()

    def _permit(self, family: Family) -> Permit:
        """As `Limiter.acquire`, but answers that arrive during the wait are taken note of in time."""
        while isinstance(granted := self._limiter.try_acquire(family), float):
            ends = self._clock.monotonic() + granted
            if self._under_way and self._under_way[0][0] <= ends:
                self._next_answer()
            else:
                self._clock.sleep(granted)
        return granted

    def _next_answer(self) -> None:
        at, _, permit, headers = heapq.heappop(self._under_way)
        self._clock.sleep(at - self._clock.monotonic())
        self._limiter.release(permit, headers)


class _SimulatedPortal:
    """Counts requests as the portal does: when they arrive, half of the latency being neglected."""

    def __init__(self, clock: VirtualClock, limits: PortalLimits, zone: ZoneInfo):
        self._clock = clock
        self._limits = limits
        self._zone = zone
        self._windows: dict[Family, deque[float]] = {}
        self._day: dt.date | None = None
        self._today: Counter[str] = Counter()

    def count(self, family: Family) -> dict[str, str] | None:
        """The limit headers of the answer, or None for a 429."""
        now, limits = self._clock.monotonic(), self._limits
        window = self._windows.setdefault(family, deque())
        while window and window[0] <= now - limits.burst_seconds:
            window.popleft()
        self._turn_the_day()
        if len(window) >= limits.window(family) or self._today[family] >= limits.daily(family):
            return None
        window.append(now)
        self._today[family] += 1
        return {
            PREFIX + "max": str(limits.window(family)),
            PREFIX + "remaining": str(limits.window(family) - len(window)),
            PREFIX + "interval-milliseconds": str(int(limits.burst_seconds * 1000)),
            PREFIX + "daily": str(limits.daily(family)),
            PREFIX + "daily-remaining": str(limits.daily(family) - self._today[family]),
        }

    def _turn_the_day(self) -> None:
        if (today := self._clock.now().astimezone(self._zone).date()) != self._day:
            self._day = today
            self._today.clear()
