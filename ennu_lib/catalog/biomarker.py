"""One biomarker of the metric table, and how its row is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from ennu_lib.catalog.ranges import Range, parse_range, split_pressure_range
from ennu_lib.catalog.units import IDENTITY, Conversion, parse_conversions

Sex = Literal["male", "female", "unknown"]
SEXES: tuple[Sex, Sex] = ("male", "female")
SIGNIFICANCE_CLASSES = ("critical", "significant", "moderate")
CATEGORIES = (
    "Hormones",
    "Thyroid",
    "Metabolic",
    "Lipids",
    "Cardiac",
    "Inflammation",
    "Liver",
    "Kidney",
    "CBC",
    "Iron",
    "Vitamins",
    "Body Composition",
    "Vitals",
)
PRESSURE_CODES = ("sbp", "dbp")
ZERO_FIELDS = ("zero_low_male", "zero_high_male", "zero_low_female", "zero_high_female")

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_LOINC = re.compile(r"([0-9]{1,7})-([0-9])")


@dataclass(frozen=True)
class ZeroPoints:
    """Where the sub-score reaches 0 below and above the optimum; None: that side is never penalised."""

    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True)
class Biomarker:
    """A row of the metric table. Bounds, limits and zero points are in `unit` (UCUM).

    `optimum[sex]` is None where the metric does not apply to that sex. `zero_points` is None when the table has no
    zero-point columns at all, which leaves them to the preset.
    """

    metric_id: int
    code: str
    name: str
    category: str
    unit: str
    weight: Decimal
    significance: str
    optimum: Mapping[Sex, Range | None]
    reference: Mapping[Sex, Range | None]
    zero_points: Mapping[Sex, ZeroPoints] | None
    plausible: Range
    critical: Range
    conversions: Mapping[str, Conversion | None]
    loinc: str
    lab_codes: tuple[str, ...]
    aliases: tuple[str, ...]
    panels: tuple[str, ...]
    specimen_context: str
    clinical_significance: str

    def conversion_from(self, unit: str) -> Conversion | None:
        """How values in `unit` become canonical; None when no fixed factor exists. Raises KeyError if not listed."""
        return IDENTITY if unit == self.unit else self.conversions[unit]

    @property
    def is_sex_neutral(self) -> bool:
        """True when optimum and zero points are the same for both sexes."""
        same_zero = self.zero_points is None or self.zero_points["male"] == self.zero_points["female"]
        return self.optimum["male"] == self.optimum["female"] and same_zero


class RowReader:
    """Reads the cells of one row and keeps every mistake instead of stopping at the first."""

    def __init__(self, row: Mapping[str, str]):
        self.row = row
        self.mistakes: list[str] = []

    def text(self, column: str) -> str:
        return self.row.get(column, "")

    def filled(self, column: str) -> str:
        if not self.text(column):
            self.mistakes.append(f"{column} is blank")
        return self.text(column)

    def many(self, column: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(column).split("|") if part.strip())

    def number(self, column: str) -> Decimal | None:
        if not self.text(column):
            return None
        try:
            value = Decimal(self.text(column))
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite():
            self.mistakes.append(f"{column} '{self.text(column)}' is not a number")
            return None
        return value

    def range(self, column: str) -> Range | None:
        """The range of a cell; a blood pressure range gives its systolic or diastolic half, whichever the row is."""
        text = self.text(column)
        halves = split_pressure_range(text)
        if halves and self.text("metric_code") in PRESSURE_CODES:
            text = halves[PRESSURE_CODES.index(self.text("metric_code"))]
        try:
            return parse_range(text)
        except ValueError as problem:
            self.mistakes.append(f"{column}: {problem}")
            return None


def read_biomarker(row: Mapping[str, str]) -> tuple[Biomarker, list[str]]:
    """Turn a row of the metric table into a Biomarker; the list holds every mistake of the row."""
    cells = RowReader(row)
    optimum = {sex: cells.range(f"optimal_range_{sex}") for sex in SEXES}
    biomarker = Biomarker(
        metric_id=_positive_whole(cells, "metric_id"),
        code=_matching(cells, "metric_code", _CODE),
        name=cells.filled("metric_name"),
        category=_one_of(cells, "metric_type", CATEGORIES),
        unit=cells.filled("measurement_unit"),
        weight=_weight(cells),
        significance=_significance(cells),
        optimum=optimum,
        reference={sex: _optional_range(cells, f"reference_range_{sex}") for sex in SEXES},
        zero_points=_zero_points(cells, optimum),
        plausible=_limits(cells, "plausible_min", "plausible_max", required=True),
        critical=_limits(cells, "critical_low", "critical_high", required=False),
        conversions=_conversions(cells),
        loinc=_loinc(cells),
        lab_codes=cells.many("labcorp_codes"),
        aliases=cells.many("aliases"),
        panels=cells.many("panel"),
        specimen_context=cells.text("specimen_context"),
        clinical_significance=cells.text("clinical_significance"),
    )
    return biomarker, cells.mistakes


def _positive_whole(cells: RowReader, column: str) -> int:
    text = cells.filled(column)
    if text and not (text.isascii() and text.isdigit() and int(text) > 0):
        cells.mistakes.append(f"{column} '{text}' is not a positive whole number")
        return 0
    return int(text or 0)


def _matching(cells: RowReader, column: str, shape: re.Pattern[str]) -> str:
    text = cells.filled(column)
    if text and not shape.fullmatch(text):
        cells.mistakes.append(f"{column} '{text}' is not lower case letters, digits and underscores")
    return text


def _one_of(cells: RowReader, column: str, allowed: tuple[str, ...]) -> str:
    text = cells.filled(column)
    if text and text not in allowed:
        cells.mistakes.append(f"{column} '{text}' is none of {', '.join(allowed)}")
    return text


def _weight(cells: RowReader) -> Decimal:
    weight = cells.number("metric_weight")
    if weight is None or weight <= 0:
        cells.mistakes.append("metric_weight must be a number above 0")
        return Decimal(1)
    return weight


def _significance(cells: RowReader) -> str:
    """The class column, else the first word of clinical_significance (one-column tables)."""
    leading = cells.text("clinical_significance").partition(":")[0].strip().lower()
    named = cells.text("significance_class").lower() or leading
    if named not in SIGNIFICANCE_CLASSES:
        cells.mistakes.append(f"significance class '{named}' is none of {', '.join(SIGNIFICANCE_CLASSES)}")
    elif leading in SIGNIFICANCE_CLASSES and leading != named:
        cells.mistakes.append(f"significance_class is '{named}' but clinical_significance begins with '{leading}'")
    return named


def _optional_range(cells: RowReader, column: str) -> Range | None:
    return cells.range(column) if cells.text(column) else None


def _zero_points(cells: RowReader, optimum: Mapping[Sex, Range | None]) -> dict[Sex, ZeroPoints] | None:
    if not any(field in cells.row for field in ZERO_FIELDS):
        return None
    found: dict[Sex, ZeroPoints] = {}
    for sex in SEXES:
        unreadable = any(mistake.startswith(f"optimal_range_{sex}:") for mistake in cells.mistakes)
        zero = ZeroPoints(cells.number(f"zero_low_{sex}"), cells.number(f"zero_high_{sex}"))
        bounds = optimum[sex] or Range(None, None)
        if not unreadable and zero.low is not None and (bounds.low is None or zero.low >= bounds.low):
            cells.mistakes.append(f"zero_low_{sex} must lie below the lower bound of the optimum")
        if not unreadable and zero.high is not None and (bounds.high is None or zero.high <= bounds.high):
            cells.mistakes.append(f"zero_high_{sex} must lie above the upper bound of the optimum")
        found[sex] = zero
    return found


def _limits(cells: RowReader, low_column: str, high_column: str, *, required: bool) -> Range:
    low, high = cells.number(low_column), cells.number(high_column)
    for column, value in ((low_column, low), (high_column, high)):
        if required and value is None and not cells.text(column):
            cells.mistakes.append(f"{column} is blank")
    if low is not None and high is not None and low >= high:
        cells.mistakes.append(f"{low_column} must be below {high_column}")
    return Range(low, high)


def _conversions(cells: RowReader) -> dict[str, Conversion | None]:
    try:
        found = parse_conversions(cells.text("unit_alternatives"))
    except ValueError as problem:
        cells.mistakes.append(f"unit_alternatives: {problem}")
        return {}
    if cells.text("measurement_unit") in found:
        cells.mistakes.append("unit_alternatives lists the canonical unit itself")
    return found


def _loinc(cells: RowReader) -> str:
    """A blank code is allowed: HOMA-IR has none."""
    code = cells.text("loinc_code")
    match = _LOINC.fullmatch(code)
    if code and not (match and luhn_digit(match[1]) == int(match[2])):
        cells.mistakes.append(f"loinc_code '{code}' has a wrong check digit")
    return code


def luhn_digit(digits: str) -> int:
    """The mod-10 check digit that LOINC appends to its numbers (LOINC Users' Guide, appendix C)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10
