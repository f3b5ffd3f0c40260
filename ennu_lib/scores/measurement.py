"""One measurement and one person as the scores see them, and how dates and specimen remarks are read."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import NamedTuple

from ennu_lib.catalog.biomarkers import Sex

# Systems write 0001-01-01, 1900-01-01 or the Unix epoch where they have no date.
LAST_SENTINEL = dt.date(1970, 1, 1)

# Blanks and the shape of a moment are spelt out, so that Python and Polars read the same text the same way.
BLANKS = " \t\r\n"
MOMENT = (
    r"[ \t\r\n]*([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?[ \t\r\n]*"
)
WHOLE_ID = r"[0-9]{1,18}"
UNKNOWN_TIMES = frozenset(["", "00:00", "00:00:00"])

MALE_WORDS = frozenset(["male", "m", "man"])
FEMALE_WORDS = frozenset(["female", "f", "woman"])
LAST_BIRTH_SENTINEL = dt.date(1900, 1, 1)

_MOMENT = re.compile(MOMENT)


@dataclass(frozen=True)
class Measurement:
    """A reported value, all fields as the source has them.

    `metric_code` is blank where the name resolved to nothing. `context` holds words joined by `;`: fasting,
    non_fasting, morning, not_morning, cycle_day, calculated.
    `source_rank`: of two measurements of one day the lower rank wins (a laboratory's own row over a copy of it).
    """

    metric_code: str
    value: str
    unit: str
    measured_on: str
    status: str = ""
    entered_at: str = ""
    context: str = ""
    test_code: str = ""
    source_table: str = ""
    source_id: str = ""
    source_rank: int = 0


@dataclass(frozen=True)
class Person:
    """What has to be known about a patient. A clinician's `scoring_sex` decides over the recorded sex."""

    sex: Sex
    birth_date: dt.date | None = None
    pregnant: bool = False
    on_hormone_therapy: bool = False

    @property
    def basis(self) -> str:
        """Which column of the metric table is used: male, female or neutral."""
        return "neutral" if self.sex == "unknown" else self.sex


class Moment(NamedTuple):
    """A calendar day, and the local time of day as text where the source gives one."""

    day: dt.date
    time: str


def parse_moment(text: str) -> Moment | None:
    """Read ISO date text with an optional time; None for zero dates, sentinels and anything else."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    try:
        day = dt.date.fromisoformat(match[1])
    except ValueError:
        return None
    return Moment(day, match[2] or "") if day > LAST_SENTINEL else None


def parse_birth_date(text: str) -> dt.date | None:
    """A birth date from ISO text; people are older than the systems, so only 0001 and 1900-01-01 are sentinels."""
    match = _MOMENT.fullmatch(text)
    try:
        day = dt.date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None
    return day if day and day > LAST_BIRTH_SENTINEL else None


def parse_sex(text: str) -> Sex:
    """The recorded sex as one of the columns of the metric table, else unknown."""
    word = text.strip(BLANKS).lower()
    return "male" if word in MALE_WORDS else "female" if word in FEMALE_WORDS else "unknown"


def age_in_years(birth_date: dt.date, on: dt.date) -> int:
    """Completed years; a birthday on 29 February is kept on 1 March."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))
