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

_HALF, _ZONE = r"[AaPp]\.?[Mm]\.?", r"Z|[+-]\d{2}:?\d{2}|[A-Z]{2,3}T|UTC"
_CLOCK = rf"(?:[T ,]+(\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,9}})?)?) ?({_HALF})?(?: ?({_ZONE}))?)?"
# HL7's form of a time: 20260630114500-0400.
_RUN_ON = re.compile(r"(\d{8})(\d{2})(\d{2})(\d{2})?(\.\d{1,9})?(Z|[+-]\d{4})?", re.ASCII)
# Abbreviations of American zones, which name one offset each.
OFFSETS = {
    "UTC": "Z", "GMT": "Z", "AST": "-04:00", "EDT": "-04:00", "EST": "-05:00", "CDT": "-05:00", "CST": "-06:00",
    "MDT": "-06:00", "MST": "-07:00", "PDT": "-07:00", "PST": "-08:00", "AKDT": "-08:00", "AKST": "-09:00",
    "HST": "-10:00",
}  # fmt: skip
_FORMS = tuple(
    (re.compile(form + _CLOCK, re.ASCII), order)
    for form, order in (
        (r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", "ymd"),
        (r"(\d{4})(\d{2})(\d{2})", "ymd"),
        (r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})", "mdy"),
        (r"(\d{1,2})[ -]?([A-Za-z]{3,9})\.?,?[ -]?(\d{4}|\d{2})", "dmy"),
        (r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})", "mdy"),
    )
)
_TIME = re.compile(rf"(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?(\.\d{{1,9}})? ?({_HALF})?", re.ASCII)


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
    """A date and time: local as `YYYY-MM-DD HH:MM:SS`, with an offset or its name in UTC as `YYYY-MM-DDTHH:MM:SSZ`.

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
        zoned = dt.datetime.fromisoformat(f"{local.isoformat()}{OFFSETS.get(clock[2], clock[2])}").astimezone(dt.UTC)
        return kept(zoned.replace(tzinfo=None).isoformat(timespec="auto") + "Z")
    except (ValueError, OverflowError):
        return refused("NOT_A_TIME")


def _spread(text: str) -> str:
    """A time in HL7's form with its parts set apart; any other text as it is."""
    match = _RUN_ON.fullmatch(text)
    if match is None:
        return text
    day, hour, minute, second, part, offset = match.groups("")
    return f"{day} {hour}:{minute}:{second or '00'}{part}{offset}"


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
    clean = _spread(clean)
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
        number = number % 12 + (12 if half.lower().startswith("p") else 0)
    try:
        return dt.time.fromisoformat(f"{number:02}:{rest}")
    except ValueError:
        return None
