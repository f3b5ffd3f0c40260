"""Instants as the API writes them: milliseconds inside, ISO 8601 in UTC outside."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
DAY_MS = 86_400_000

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=65_536)
def iso(ms: int) -> str:
    """`2025-11-03T23:36:13.632Z`; without a fraction when it is zero, as Java's Instant writes it."""
    moment = EPOCH + timedelta(milliseconds=ms)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") if moment.year >= 1000 else moment.isoformat()[:19]
    fraction = ms % 1000
    return f"{text}.{fraction:03d}Z" if fraction else f"{text}Z"


def parse_instant(text: str) -> int:
    """Milliseconds of an ISO 8601 instant; a missing offset means UTC. Raises ValueError."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("not an instant")
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def parse_day(text: str) -> int:
    """Milliseconds of midnight UTC of a `YYYY-MM-DD`. Raises ValueError."""
    if len(text) != 10:
        raise ValueError("not a day")
    return (date.fromisoformat(text) - EPOCH_DAY).days * DAY_MS


def day(ms: int) -> str:
    """The calendar day in UTC. Raises OverflowError beyond the year 9999."""
    return (EPOCH_DAY + timedelta(days=ms // DAY_MS)).isoformat()
