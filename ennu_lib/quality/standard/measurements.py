"""Laboratory rows: which metric they measure, their unit in UCUM, and their value in the metric's canonical unit.

Names, codes and units repeat, so each distinct one is resolved once; values are converted as columns.
"""

from __future__ import annotations

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.quality.standard.derived import (
    CANONICAL,
    CANONICAL_UNIT,
    COMPARATOR,
    FAULT,
    METRIC,
    MeasurementColumns,
)
from ennu_lib.quality.standard.row_rules import Tables

UNIT_RULE, UNIT_VERSION = "unit_of_metric", 1
NUMBER = r"^(?:[<>]=?)?-?[0-9]+(?:\.[0-9]+)?$"
COMPARATORS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
# Canonical values are written with so many decimals, as phase 04 writes them.
DECIMALS = 6
_RESOLVED = {
    METRIC: pl.String, "__ucum": pl.String, "__factor": pl.Float64, "__offset": pl.Float64,
    "__unit_fault": pl.String, "__low": pl.Float64, "__high": pl.Float64, CANONICAL_UNIT: pl.String,
}  # fmt: skip


class Measurements:
    """Standardizes the measurements of one table; what it has resolved once it knows."""

    def __init__(self, rule: MeasurementColumns, catalogue: BiomarkerCatalogue, tables: Tables):
        self.rule = rule
        self._catalogue = catalogue
        self._known: dict[tuple, dict] = {}
        self._by_number = _metric_numbers(rule, tables)

    def resolved(self, frame: pl.DataFrame) -> pl.DataFrame:
        """For every row: `std_metric_code`, the UCUM unit, factor and offset, plausible limits, and the unit's fault.

        The metric comes from lab code, then LOINC, then name, or from the number of the clinic's own metric table.
        """
        keys = frame.select(*self._names(frame), pl.col(self.rule.unit).cast(pl.String).alias("__unit"))
        distinct = keys.unique()
        rows = []
        for key in distinct.iter_rows():
            if key not in self._known:
                self._known[key] = self._unit_of(self._metric_of(*key[:3]), key[3])
            rows.append(self._known[key])
        table = pl.concat([distinct, pl.DataFrame(rows, schema=_RESOLVED)], how="horizontal")
        joined = keys.join(table, on=keys.columns, how="left", nulls_equal=True, maintain_order="left")
        return joined.drop(keys.columns)

    def canonical(self, frame: pl.DataFrame, resolved: pl.DataFrame | None = None) -> pl.DataFrame:
        """Add metric, canonical value and unit, comparator, and the first fault that makes the value useless."""
        wide = pl.concat([frame, self.resolved(frame) if resolved is None else resolved], how="horizontal")
        text = pl.col(self.rule.value).cast(pl.String)
        plain = text.str.strip_chars_start("<>=").cast(pl.Float64, strict=False)
        number = pl.when(text.str.contains(NUMBER)).then(plain)
        sign = pl.lit("eq")
        for comparator, word in COMPARATORS.items():
            sign = pl.when(text.str.starts_with(comparator)).then(pl.lit(word)).otherwise(sign)
        value = (number * pl.col("__factor") + pl.col("__offset")).round(DECIMALS)
        implausible = (value < pl.col("__low")) | (value > pl.col("__high"))
        fault = (
            pl.when(text.is_null())
            .then(pl.lit("NO_VALUE"))
            .when(number.is_null())
            .then(pl.lit("NON_NUMERIC"))
            .when(pl.col("__unit_fault").is_not_null())
            .then("__unit_fault")
            .when(implausible)
            .then(pl.lit("IMPLAUSIBLE"))
        )
        return wide.with_columns(
            value.alias(CANONICAL),
            pl.when(number.is_not_null()).then(sign).alias(COMPARATOR),
            fault.alias(FAULT),
        ).drop("__ucum", "__factor", "__offset", "__unit_fault", "__low", "__high")

    def _names(self, frame: pl.DataFrame) -> list[pl.Expr]:
        """Name, LOINC and lab code of each row; null for what the table does not have."""
        nothing = pl.lit(None, pl.String)
        if self.rule.metric_id:
            number = pl.col(self.rule.metric_id).cast(pl.String)
            name = number.replace_strict(self._by_number, default=None, return_dtype=pl.String)
            return [name.alias("__name"), nothing.alias("__loinc"), nothing.alias("__lab_code")]
        given = {"__name": self.rule.name, "__loinc": self.rule.loinc, "__lab_code": self.rule.lab_code}
        return [
            (pl.col(column).cast(pl.String) if column in frame.columns else nothing).alias(name)
            for name, column in given.items()
        ]

    def _metric_of(self, name: str | None, loinc: str | None, lab_code: str | None) -> str | None:
        found = self._catalogue.resolve(name, loinc, lab_code)
        return found and found.metric_code

    def _unit_of(self, code: str | None, unit: str | None) -> dict:
        """A unit that differs from the canonical one in spelling only is written as the canonical one."""
        row = dict.fromkeys(_RESOLVED) | {METRIC: code, "__ucum": unit}
        if not (unit or "").strip():
            return row | {"__ucum": None, "__unit_fault": "NO_UNIT"}
        if code is None:
            known = self._catalogue.units.resolve(unit, "")
            return row | {"__ucum": known or unit, "__unit_fault": "UNKNOWN_TEST"}
        biomarker = self._catalogue[code]
        ucum = self._catalogue.units.resolve(unit, code)
        limits = {"__low": biomarker.plausible.low, "__high": biomarker.plausible.high, CANONICAL_UNIT: biomarker.unit}
        row |= {name: float(v) if name != CANONICAL_UNIT and v is not None else v for name, v in limits.items()}
        try:
            conversion = biomarker.conversion_from(ucum or unit)
        except KeyError:
            return row | {"__ucum": ucum or unit, "__unit_fault": "UNIT_UNKNOWN"}
        if conversion is None:
            return row | {"__ucum": ucum or unit, "__unit_fault": "UNIT_NOT_CONVERTIBLE"}
        same = biomarker.unit if conversion.is_identity else ucum or unit
        return row | {"__ucum": same, "__factor": float(conversion.factor), "__offset": float(conversion.offset)}


def _metric_numbers(rule: MeasurementColumns, tables: Tables) -> dict[str, str]:
    metrics = tables(rule.metric_table) if rule.metric_table else None
    if metrics is None or not {"metric_id", "metric_code"} <= set(metrics.collect_schema()):
        return {}
    known = metrics.select(pl.col("metric_id").cast(pl.String), pl.col("metric_code").cast(pl.String))
    return dict(known.drop_nulls().collect().iter_rows())
