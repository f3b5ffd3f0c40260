"""How long a load will take, by arithmetic; `rehearsal` finds it out with the real limiter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ennu_lib.hubspot.batches import BATCH_INPUTS
from ennu_lib.hubspot.limit_params import Family, LimitParams
from ennu_lib.hubspot.links import CREATE_INPUTS, READ_INPUTS
from ennu_lib.hubspot.volumes import LinkVolume

SECONDS_PER_HOUR = 3600.0
SECONDS_PER_DAY = 86_400.0


@dataclass(frozen=True)
class PortalLimits:
    """The true limits of a subscription (Enterprise by default): HubSpot's usage guidelines and association limits."""

    burst: int = 190
    burst_seconds: float = 10.0
    day: int = 1_000_000
    association_burst: int = 150
    association_day: int = 500_000

    def window(self, family: Family) -> int:
        """Requests per rolling window."""
        return self.association_burst if family == "associations" else self.burst

    def daily(self, family: Family) -> int:
        """Requests from midnight to midnight."""
        return self.association_day if family == "associations" else self.day


@dataclass(frozen=True)
class Forecast:
    """Calls by family, and how long they take."""

    calls: Mapping[Family, int]
    hours: float
    days: int

    def __str__(self) -> str:
        calls = ", ".join(f"{count:,} {family}" for family, count in self.calls.items())
        days = f"{self.days} calendar day{'s' if self.days > 1 else ''}"
        return f"{self.hours:.1f} hours over {days}; calls: {calls}"


def calls_of(records: Mapping[str, int], links: Mapping[str, LinkVolume]) -> dict[Family, int]:
    """Requests that a load into an empty portal takes, by family; searches are never asked.

    A batch of 100 records is upserted and read back. A batch of links, of 2,000 pairs and at most 1,000 records that
    they start from, is read (sending labels replaces those that a pair has), sent, and read back.
    """
    upserts = sum(math.ceil(count / BATCH_INPUTS) for count in records.values())
    batches = sum(math.ceil(max(held.pairs / CREATE_INPUTS, held.sources / READ_INPUTS)) for held in links.values())
    return {"objects": 2 * upserts, "associations": 3 * batches, "search": 0}


def forecast(
    records: Mapping[str, int],
    links: Mapping[str, LinkVolume],
    limits: LimitParams,
    portal: PortalLimits | None = None,
    latency: float = 0.4,
    workers: int = 8,
) -> Forecast:
    """Hours and days of a load that begins at midnight, one family after the other.

    Business hours are averaged over the week.

    `latency` is the seconds that an answer takes, `workers` how many requests may be under way at once.
    """
    portal = portal or PortalLimits()
    calls = calls_of(records, links)
    seconds = 0.0
    for family, count in calls.items():
        ceiling = limits.families[family].burst_ceiling or portal.window(family)
        window = min(ceiling, portal.window(family)) * (1 - limits.left_for_others.burst) * _average_share(limits)
        rate = min(window / (portal.burst_seconds + latency), workers / latency if latency else math.inf)
        day = min(limits.families[family].day_ceiling or portal.daily(family), portal.daily(family))
        day_budget = day * (1 - limits.left_for_others.day)
        full_days = max(0, math.ceil(count / day_budget) - 1)
        seconds += full_days * SECONDS_PER_DAY + (count - full_days * day_budget) / rate
    return Forecast(calls, seconds / SECONDS_PER_HOUR, max(1, math.ceil(seconds / SECONDS_PER_DAY)))


def _average_share(limits: LimitParams) -> float:
    hours = limits.business_hours
    if hours is None:
        return 1.0
    start, end = (time.hour + time.minute / 60 for time in (hours.start, hours.end))
    busy = len(hours.days) * (end - start) / (7 * 24)
    return 1 - busy + busy * hours.share
