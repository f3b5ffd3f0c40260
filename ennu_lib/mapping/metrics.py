"""Give each laboratory row the biomarker it measures, and its value in that biomarker's canonical unit.

Names, codes and values repeat, so each distinct one is resolved once and joined back.
"""

from __future__ import annotations

from fractions import Fraction

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.catalog.reading import parse_number
from ennu_lib.mapping.spec import MetricColumns

DECIMALS = 6


def add_metric_columns(frame: pl.LazyFrame, columns: MetricColumns, catalogue: BiomarkerCatalogue) -> pl.LazyFrame:
    """Add `@metric_code`, the biomarker's own columns, `@value` (canonical, as text) and `@comparator`.

    A row whose test is no biomarker, or whose value cannot be converted, keeps nulls there: its value as reported
    is mapped all the same.
    """
    names = [columns.name, columns.loinc, columns.lab_code]
    named = frame.select(names).unique().collect(engine="streaming")
    resolved = named.with_columns(_metric_of(named, names, catalogue))
    frame = frame.join(resolved.lazy(), on=names, how="left", nulls_equal=True, maintain_order="left")
    readings = frame.select("@metric_code", columns.value, columns.unit).unique().collect(engine="streaming")
    values = readings.with_columns(*_canonical(readings, columns, catalogue))
    frame = frame.join(
        values.lazy(),
        on=["@metric_code", columns.value, columns.unit],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return frame.join(_biomarkers(catalogue).lazy(), on="@metric_code", how="left", maintain_order="left")


def _metric_of(named: pl.DataFrame, names: list[str], catalogue: BiomarkerCatalogue) -> pl.Series:
    found = [catalogue.resolve(*row) for row in named.select(names).iter_rows()]
    return pl.Series("@metric_code", [each and each.metric_code for each in found], dtype=pl.String)


def _canonical(readings: pl.DataFrame, columns: MetricColumns, catalogue: BiomarkerCatalogue) -> list[pl.Series]:
    found = [_read(*row, catalogue) for row in readings.select("@metric_code", columns.value, columns.unit).iter_rows()]
    return [
        pl.Series("@value", [value for value, _ in found], dtype=pl.String),
        pl.Series("@comparator", [comparator for _, comparator in found], dtype=pl.String),
    ]


def _read(code: str | None, text: str | None, unit: str | None, catalogue: BiomarkerCatalogue):
    number = parse_number(text or "")
    if number is None:
        return None, None
    comparator, value = number
    if code is None:
        return None, comparator
    biomarker = catalogue[code]
    try:
        conversion = biomarker.conversion_from(catalogue.units.resolve(unit or "", code) or unit or "")
    except KeyError:
        return None, comparator
    return (decimal_text(conversion(value)) if conversion else None), comparator


def decimal_text(value: Fraction) -> str:
    """A fraction as a decimal of at most six places, half away from zero, without trailing zeros."""
    scaled = abs(value) * 10**DECIMALS
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    head, tail = divmod(whole, 10**DECIMALS)
    text = f"{head}.{tail:0{DECIMALS}d}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 and whole else text


def _biomarkers(catalogue: BiomarkerCatalogue) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "@metric_code": [b.code for b in catalogue],
            "@metric_id": [str(b.metric_id) for b in catalogue],
            "@metric_name": [b.name for b in catalogue],
            "@metric_type": [b.category for b in catalogue],
            "@loinc": [b.loinc for b in catalogue],
            "@unit": [b.unit for b in catalogue],
        }
    )
