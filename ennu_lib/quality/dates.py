"""Dates as legacy systems write them, brought to ISO 8601, or a reason why there is none."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.quality.outcome import Outcome, kept, refused

EARLIEST_BIRTH = dt.date(1905, 1, 1)
MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}

_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ](\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?$"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
_AMERICAN = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?: .*)?$")
_NAMED = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3})[a-z]*\.?,?[ -](\d{4}|\d{2})$")
_NAMED_FIRST = re.compile(r"([A-Za-z]{3})[a-z]*\.? (\d{1,2}),? (\d{4})$")


def date(text: str, today: dt.date) -> Outcome:
    """A calendar day as YYYY-MM-DD.

    Slashes mean month first, as the clinic is American; a day above 12 in first place can only be the day. Two-digit
    years are the last hundred years up to `today`.
    """
    parsed = _parse(text.strip(), today)
    if parsed is None:
        return refused("NOT_A_DATE")
    if parsed == "none":
        return refused("NO_DATE")
    return kept(parsed.isoformat())


def birth_date(text: str, today: dt.date) -> Outcome:
    """A date of birth: a real day between 1905 and `today`."""
    outcome = date(text, today)
    if outcome.value is None:
        return outcome
    born = dt.date.fromisoformat(outcome.value)
    return outcome if EARLIEST_BIRTH <= born <= today else refused("OUT_OF_RANGE")


def moment(text: str, today: dt.date) -> Outcome:
    """A local date and time as `YYYY-MM-DD HH:MM:SS`; a bare date stays a bare date."""
    match = _ISO.match(text.strip())
    outcome = date(text, today)
    if outcome.value is None or not match or not match[4]:
        return outcome
    try:
        clock = dt.time.fromisoformat(match[4].zfill(5))
    except ValueError:
        return refused("NOT_A_TIME")
    return kept(f"{outcome.value} {clock.isoformat('seconds')}{match[5] or ''}")


def _parse(text: str, today: dt.date) -> dt.date | str | None:
    if text[:10] in NO_DATES or text.startswith("0000"):
        return "none"
    if match := _ISO.match(text) or _COMPACT.match(text):
        return _none_or(_day(int(match[1]), int(match[2]), int(match[3])))
    if match := _AMERICAN.match(text):
        first, second, year = int(match[1]), int(match[2]), _year(match[3], today)
        month, day = (second, first) if first > 12 else (first, second)
        return _none_or(_day(year, month, day))
    if match := _NAMED.match(text):
        return _none_or(_day(_year(match[3], today), MONTHS.get(match[2].lower(), 0), int(match[1])))
    if match := _NAMED_FIRST.match(text):
        return _none_or(_day(int(match[3]), MONTHS.get(match[1].lower(), 0), int(match[2])))
    return None


def _none_or(day: dt.date | None) -> dt.date | str | None:
    return "none" if day and day.isoformat() in NO_DATES else day


def _year(text: str, today: dt.date) -> int:
    if len(text) == 4:
        return int(text)
    year = today.year - today.year % 100 + int(text)
    return year if year <= today.year else year - 100


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
