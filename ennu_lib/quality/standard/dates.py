"""Dates and times as legacy systems write them, brought to ISO 8601, or a reason why there is none."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.quality.standard.forms import Forms
from ennu_lib.quality.standard.outcome import Outcome, kept, refused
from ennu_lib.quality.standard.text import LONGEST_VALUE, repaired

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
MONTHS |= {name.lower(): number for number, name in enumerate(calendar.month_name) if name} | {"sept": 9}
UTC_FORM = "%Y-%m-%dT%H:%M:%SZ"

_CLOCK = r"(?:[T ,]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?([AaPp][Mm])?(?: ?(Z|[+-]\d{2}:?\d{2}))?)?"
_FORMS = tuple(
    (re.compile(form + _CLOCK, re.ASCII), order)
    for form, order in (
        (r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", "ymd"),
        (r"(\d{4})(\d{2})(\d{2})", "ymd"),
        (r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})", "mdy"),
        (r"(\d{1,2})[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4}|\d{2})", "dmy"),
        (r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})", "mdy"),
    )
)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(\.\d{1,9})? ?([AaPp][Mm])?", re.ASCII)


def date(text: str, forms: Forms, today: dt.date) -> Outcome:
    """A calendar day as YYYY-MM-DD; a time of day behind it is dropped.

    Slashes mean month first, as the clinic is American; a first number above 12 can only be the day. A two-digit year
    is the latest one that lies at most `years_ahead` years after `today`.
    """
    return _day_of(text, forms, today.year + forms.dates.years_ahead)[0]


def birth_date(text: str, forms: Forms, today: dt.date) -> Outcome:
    """A date of birth: a real day between the earliest allowed and `today` (rule PAT-04).

    A two-digit year is the latest one that makes the person `youngest` years old.
    """
    outcome, _ = _day_of(text, forms, today.year - forms.dates.youngest)
    if outcome.value is None:
        return outcome
    born = dt.date.fromisoformat(outcome.value)
    return outcome if forms.dates.earliest_birth <= born <= today else refused("OUT_OF_RANGE")


def moment(text: str, forms: Forms, today: dt.date) -> Outcome:
    """A date and time: local as `YYYY-MM-DD HH:MM:SS`, with an offset in UTC as `YYYY-MM-DDTHH:MM:SSZ`.

    A bare date stays a bare date, and parts of a second stay.
    """
    outcome, clock = _day_of(text, forms, today.year + forms.dates.years_ahead)
    if outcome.value is None or clock is None or not clock[0]:
        return outcome
    time = _time(*clock[:2])
    if time is None:
        return refused("NOT_A_TIME")
    local = dt.datetime.combine(dt.date.fromisoformat(outcome.value), time)
    if not clock[2]:
        return kept(local.isoformat(" ", "microseconds" if local.microsecond else "seconds"))
    try:
        zoned = dt.datetime.fromisoformat(f"{local.isoformat()}{clock[2]}")
        return kept(zoned.astimezone(dt.UTC).strftime(UTC_FORM).zfill(len("YYYY-MM-DDTHH:MM:SSZ")))
    except (ValueError, OverflowError):
        return refused("NOT_A_TIME")


def clock(text: str, forms: Forms) -> Outcome:
    """A time of day as HH:MM:SS."""
    match = _TIME.fullmatch(text.strip()) if len(text) <= LONGEST_VALUE else None
    time = _time(match[0].removesuffix(match[5] or "").strip(), match[5]) if match else None
    if time is None:
        return refused(
            "PLACEHOLDER" if repaired(text[:LONGEST_VALUE]).casefold() in forms.placeholders else "NOT_A_TIME"
        )
    return kept(time.isoformat("microseconds" if time.microsecond else "seconds"))


def _day_of(text: str, forms: Forms, latest: int) -> tuple[Outcome, tuple[str, str, str] | None]:
    clean = text.strip()
    if len(clean) > LONGEST_VALUE:
        return refused("NOT_A_DATE"), None
    if clean[:10] in NO_DATES or clean.startswith(("0000", "00/00")):
        return refused("NO_DATE"), None
    for shape, order in _FORMS:
        if match := shape.fullmatch(clean):
            day = _day(dict(zip(order, match.groups()[:3], strict=True)), order, latest)
            if day is None:
                return refused("NOT_A_DATE"), None
            if day.isoformat() in NO_DATES:
                return refused("NO_DATE"), None
            return kept(day.isoformat()), match.groups()[3:]
    word = repaired(clean).casefold()
    return refused("PLACEHOLDER" if word in forms.placeholders else "NOT_A_DATE"), None


def _day(parts: dict[str, str], order: str, latest: int) -> dt.date | None:
    year, day = int(parts["y"]), int(parts["d"])
    month = MONTHS.get(parts["m"].lower(), 0) if parts["m"].isalpha() else int(parts["m"])
    if len(parts["y"]) == 2:
        year += latest - latest % 100
        year -= 0 if year <= latest else 100
    if month > 12 >= day and order == "mdy":
        month, day = day, month
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _time(text: str, half: str | None) -> dt.time | None:
    hour, _, rest = text.partition(":")
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            return None
        number = number % 12 + (12 if half.lower() == "pm" else 0)
    try:
        return dt.time.fromisoformat(f"{number:02}:{rest}")
    except ValueError:
        return None
