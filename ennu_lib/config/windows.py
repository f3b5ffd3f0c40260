"""Hours of the week during which something may be done, in a place's own time."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from ennu_lib.config.yaml_model import Strict

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = dt.timedelta(days=7)
Interval = tuple[dt.datetime, dt.datetime]


class Window(Strict):
    """From `from` to `to` on each of `days`; a window that ends at or before its beginning ends on the next day."""

    days: tuple[Day, ...] = DAYS
    start: dt.time = Field(alias="from")
    end: dt.time = Field(alias="to")

    @field_validator("start", "end", mode="before")
    @classmethod
    def _clock_time(cls, value: object) -> object:
        if isinstance(value, str) and len(value) == 5:
            return value
        raise ValueError('write a time of day as "20:00", in quotes')


def intervals(windows: Sequence[Window], zone: ZoneInfo, begin: dt.datetime, end: dt.datetime) -> list[Interval]:
    """When the windows are open between two moments, in UTC, in order and merged. No windows at all: always."""
    if not windows:
        return [(begin, end)]
    found: list[Interval] = []
    day = begin.astimezone(zone).date() - dt.timedelta(days=1)
    while day <= end.astimezone(zone).date():
        for window in windows:
            if DAYS[day.weekday()] in window.days:
                last = day if window.end > window.start else day + dt.timedelta(days=1)
                opens = dt.datetime.combine(day, window.start, zone).astimezone(dt.UTC)
                closes = dt.datetime.combine(last, window.end, zone).astimezone(dt.UTC)
                if closes > begin and opens < end:
                    found.append((max(opens, begin), min(closes, end)))
        day += dt.timedelta(days=1)
    return _merged(sorted(found))


def closing(windows: Sequence[Window], zone: ZoneInfo, now: dt.datetime) -> dt.datetime | None:
    """When the window that is open at `now` closes; None when none is. Looks a week ahead."""
    opens, closes = next(iter(intervals(windows, zone, now, now + WEEK)), (None, None))
    return closes if opens == now else None


def opening(windows: Sequence[Window], zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """When the next window opens: `now` when one is open."""
    return intervals(windows, zone, now, now + 2 * WEEK)[0][0]


def longest_pause(windows: Sequence[Window]) -> dt.timedelta:
    """The longest time between two windows of a week."""
    start = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    opened = intervals(windows, ZoneInfo("UTC"), start, start + 3 * WEEK)
    pauses = (later[0] - earlier[1] for earlier, later in itertools.pairwise(opened))
    return max(pauses, default=dt.timedelta())


def _merged(found: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for opens, closes in found:
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return merged
