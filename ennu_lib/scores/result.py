"""A score with everything that explains it, and the one place where numbers are rounded."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ennu_lib.scores.measurement import Measurement
from ennu_lib.scores.reasons import Flag, Reason, Withheld

SUBSCORE_DECIMALS = 4
CONTRIBUTION_DECIMALS = 6
VALUE_DECIMALS = 6
COVERAGE_DECIMALS = 2
DETAIL_KEYS = ("metric_id", "value", "subscore", "weight", "contribution")


def half_up(number: Fraction, decimals: int) -> Decimal:
    """Round once, halves upwards (towards plus infinity), to a Decimal with exactly `decimals` places."""
    return Decimal(rounded_units(number, 10**decimals)).scaleb(-decimals)


def rounded_units(number: Fraction, scale: int) -> int:
    """`number` in whole units of `1 / scale`, halves upwards."""
    return (2 * scale * number.numerator + number.denominator) // (2 * number.denominator)


def plain(number: Decimal) -> str:
    """Decimal text without exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class Contribution:
    """One counted measurement. `effective_weight` = weight x class factor x freshness; exact numbers are fractions.

    `points` of all contributions sum to the composite exactly. `stored_points` are those points in 1e-6, rounded so
    that they sum exactly to the composite in 1e-6. `headroom` is what the metric costs: the points it could still gain.
    """

    metric_code: str
    metric_id: int
    category: str
    measurement: Measurement
    measured_on: dt.date
    comparator: str
    value: Fraction
    unit: str
    subscore: Fraction
    weight: Fraction
    freshness: Fraction
    effective_weight: Fraction
    points: Fraction
    stored_points: Decimal
    headroom: Fraction
    optimal_status: str
    flags: tuple[Flag, ...]

    def detail(self) -> str:
        """The entry of this metric in the stored list: a JSON object of DETAIL_KEYS, numbers as decimals."""
        values = (
            str(self.metric_id),
            plain(half_up(self.value, VALUE_DECIMALS)),
            f"{half_up(self.subscore, SUBSCORE_DECIMALS):f}",
            plain(as_decimal(self.effective_weight)),
            f"{self.stored_points:f}",
        )
        return "{" + ",".join(f'"{key}":{value}' for key, value in zip(DETAIL_KEYS, values, strict=True)) + "}"


@dataclass(frozen=True)
class Exclusion:
    """A measurement that does not count, and the first check that it failed."""

    measurement: Measurement
    reason: Reason


@dataclass(frozen=True)
class Score:
    """The composite score of one patient as of one day.

    `composite`, `categories` and `band` are what is written; below the gates `composite` is None, `categories` hold
    None and `band` is `insufficient`. `exact` is the weighted mean itself, below the gates too; None if nothing counts.
    """

    as_of: dt.date
    basis: str
    status: str
    withheld: Withheld | None
    composite: Decimal | None
    band: str
    exact: Fraction | None
    categories: dict[str, Decimal | None]
    coverage: Fraction
    contributions: tuple[Contribution, ...]
    exclusions: tuple[Exclusion, ...]
    formula_version: str

    @property
    def composite_unrounded(self) -> Decimal | None:
        """The weighted mean in 1e-6; the stored points of the contributions sum to it."""
        return None if self.exact is None else half_up(self.exact, CONTRIBUTION_DECIMALS)

    @property
    def coverage_pct(self) -> Decimal:
        """Share of the applicable weight that counted, in percent."""
        return half_up(100 * self.coverage, COVERAGE_DECIMALS)

    def contribution_detail(self) -> str:
        """The contribution list as JSON, in the order of the metric table."""
        return "[" + ",".join(contribution.detail() for contribution in self.contributions) + "]"


def as_decimal(number: Fraction) -> Decimal:
    """A fraction whose denominator has only the factors 2 and 5, exactly."""
    return Decimal(number.numerator) / Decimal(number.denominator)


def telescoped(points: Sequence[Fraction], decimals: int) -> list[Decimal]:
    """Round the terms of a sum so that they sum exactly to the rounded sum: as differences of rounded partial sums."""
    partial, before, rounded = Fraction(0), Decimal(0), []
    for term in points:
        partial += term
        now = half_up(partial, decimals)
        rounded.append(now - before)
        before = now
    return rounded


def flags_text(flags: Iterable[Flag]) -> str:
    """Flags as they are written in a frame."""
    return "|".join(flags)


def read_detail(text: str) -> list[dict]:
    """The entries of a stored contribution list; numbers come back as Decimal."""
    return json.loads(text, parse_float=Decimal)
