"""The metric table as it was: which version of each metric was in force on a day."""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

import polars as pl

from ennu_lib.catalog.biomarker import PRESSURE_CODES, Biomarker
from ennu_lib.catalog.biomarkers import SEXES, BiomarkerCatalogue
from ennu_lib.catalog.ranges import parse_range, split_pressure_range
from ennu_lib.scores.intake import iso_day
from ennu_lib.scores.metric_names import Columns

TABLE = "25againmetrichistory"


@dataclass(frozen=True)
class Version:
    """One version of one metric, in force from its first to its last day; None: to this day."""

    first: dt.date
    last: dt.date | None
    biomarker: Biomarker

    def holds_on(self, day: dt.date) -> bool:
        """Whether it was in force on `day`."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class MetricHistory:
    """All readable versions of each metric, the oldest first; `unreadable` counts the rows that say nothing sure."""

    catalogue: BiomarkerCatalogue
    versions: Mapping[str, tuple[Version, ...]] = field(default_factory=dict)
    unreadable: int = 0

    def eras(self) -> list[dt.date]:
        """The days on which the table changed, in order."""
        changes = set()
        for version in (v for versions in self.versions.values() for v in versions):
            changes.add(version.first)
            if version.last is not None:
                changes.add(version.last + dt.timedelta(days=1))
        return sorted(changes)

    def on(self, day: dt.date) -> BiomarkerCatalogue:
        """The table in force on `day`; a metric without a version of that day is as it is now."""
        return self._with(
            next((v for v in reversed(versions) if v.holds_on(day)), None) for versions in self.versions.values()
        )

    def nth(self, number: int) -> BiomarkerCatalogue:
        """The table with version `number` (0 is the oldest) of every metric that has so many."""
        return self._with(versions[number] if number < len(versions) else None for versions in self.versions.values())

    @property
    def most_versions(self) -> int:
        """Versions of the metric that has most of them."""
        return max(map(len, self.versions.values()), default=0)

    def _with(self, versions: Iterable[Version | None]) -> BiomarkerCatalogue:
        others = {v.biomarker.code: v.biomarker for v in versions if v is not None}
        others = {code: b for code, b in others.items() if b != self.catalogue[code]}
        if not others:
            return self.catalogue
        biomarkers = tuple(others.get(b.code, b) for b in self.catalogue)
        digest = hashlib.blake2b(repr(sorted(others.items())).encode(), digest_size=6).hexdigest()
        return replace(
            self.catalogue,
            biomarkers=biomarkers,
            version=f"{self.catalogue.version}~{digest}",
            _by_code={b.code: b for b in biomarkers},
        )


def era_of(day: dt.date, eras: list[dt.date]) -> int:
    """The number of changes up to `day`."""
    return bisect_right(eras, day)


def read_history(table: pl.LazyFrame | None, codes: Mapping[str, str], catalogue: BiomarkerCatalogue) -> MetricHistory:
    """The versions in `25againmetrichistory`; `codes`: the source's metric number, as text, to metric code.

    A row whose metric, days, ranges, weight or unit cannot be read surely is counted and left out. Zero points are not
    in the history: a version with today's range has today's, any other those of the preset's fallback.
    """
    if table is None:
        return MetricHistory(catalogue)
    columns = Columns(TABLE, table)
    rows = table.select(
        metric=columns.required("metric_id"),
        first=iso_day(columns.required("valid_from")),
        last=iso_day(columns.text("valid_to")),
        male=columns.required("optimal_range_male"),
        female=columns.required("optimal_range_female"),
        weight=columns.required("metric_weight"),
        unit=columns.text("measurement_unit"),
    ).sort("metric", "first", nulls_last=True)
    found: dict[str, list[Version]] = {}
    unreadable = 0
    for row in rows.collect().iter_rows(named=True):
        code = codes.get(row["metric"])
        version = _version(row, catalogue[code], catalogue) if code else None
        if version is None:
            unreadable += 1
        else:
            found.setdefault(code, []).append(version)
    return MetricHistory(catalogue, {code: tuple(versions) for code, versions in found.items()}, unreadable)


def _version(row: Mapping, current: Biomarker, catalogue: BiomarkerCatalogue) -> Version | None:
    try:
        optimum = {sex: parse_range(_half(row[sex], current.code)) for sex in SEXES}
        weight = Decimal(row["weight"])
    except (ValueError, InvalidOperation):
        return None
    unit = row["unit"].strip()
    same_unit = not unit or (catalogue.units.resolve(unit, current.code) or unit) == current.unit
    if row["first"] is None or not same_unit or not _is_weight(weight):
        return None
    zero_points = current.zero_points if optimum == current.optimum else None
    weight = current.weight if weight == current.weight else weight.normalize()
    return Version(row["first"], row["last"], replace(current, optimum=optimum, weight=weight, zero_points=zero_points))


def _is_weight(weight: Decimal) -> bool:
    """A number that the column can hold, decimal(6,3), and more than nothing."""
    return weight.is_finite() and 0 < weight < 1000 and weight.normalize().as_tuple().exponent >= -3


def _half(text: str, code: str) -> str:
    halves = split_pressure_range(text)
    return halves[PRESSURE_CODES.index(code)] if halves and code in PRESSURE_CODES else text
