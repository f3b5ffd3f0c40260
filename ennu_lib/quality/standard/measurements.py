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
NUMBER = r"^([<>]=?)?(-?\d+(?:\.\d+)?)$"
COMPARATORS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
# Canonical values are written with so many decimals, as phase 04 writes them.
DECIMALS = 6
_UNIT_TYPES = {
    METRIC: pl.String, "__unit": pl.String, "__ucum": pl.String, "__factor": pl.Float64, "__offset": pl.Float64,
    "__unit_fault": pl.String, "__low": pl.Float64, "__high": pl.Float64, CANONICAL_UNIT: pl.String,
}  # fmt: skip


class Measurements:
    """Standardizes the measurements of one table; what it has resolved once it knows."""

    def __init__(self, rule: MeasurementColumns, catalogue: BiomarkerCatalogue, tables: Tables):
        self.rule = rule
        self._catalogue = catalogue
        self._named: dict[tuple, str | None] = {}
        self._units: dict[tuple, dict] = {}
        self._by_number = _metric_numbers(rule, tables)

    def with_metric(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add `std_metric_code`: lab code, then LOINC, then name; or the number of the clinic's own metric table."""
        given = self._names(frame)
        keyed = frame.with_columns(given)
        distinct = keyed.select("__name", "__loinc", "__lab_code").unique()
        for key in distinct.iter_rows():
            if key not in self._named:
                self._named[key] = self._metric_of(*key)
        resolved = distinct.with_columns(
            pl.Series(METRIC, [self._named[key] for key in distinct.iter_rows()], dtype=pl.String)
        )
        names = ["__name", "__loinc", "__lab_code"]
        return keyed.join(resolved, on=names, how="left", nulls_equal=True, maintain_order="left").drop(names)

    def units(self, frame: pl.DataFrame) -> pl.DataFrame:
        """For every row of `frame` (with its metric): UCUM unit, factor and offset, plausible limits, and the fault."""
        keys = frame.select(METRIC, pl.col(self.rule.unit).cast(pl.String).alias("__unit"))
        distinct = keys.unique()
        for key in distinct.iter_rows():
            if key not in self._units:
                self._units[key] = self._unit_of(*key)
        table = pl.DataFrame([self._units[key] for key in distinct.iter_rows()], schema=_UNIT_TYPES)
        return keys.join(table, on=[METRIC, "__unit"], how="left", nulls_equal=True, maintain_order="left")

    def canonical(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add canonical value, comparator, canonical unit, and the first fault that makes the value useless."""
        units = self.units(frame)
        text = pl.col(self.rule.value).cast(pl.String)
        number = text.str.extract(NUMBER, 2).cast(pl.Float64, strict=False)
        sign = text.str.extract(NUMBER, 1).replace_strict(COMPARATORS, default="eq")
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
        wide = pl.concat([frame, units.drop(METRIC, "__unit")], how="horizontal")
        return wide.with_columns(
            value.alias(CANONICAL),
            pl.when(number.is_not_null()).then(sign).alias(COMPARATOR),
            fault.alias(FAULT),
        ).drop("__ucum", "__factor", "__offset", "__unit_fault", "__low", "__high")

    def _names(self, frame: pl.DataFrame) -> list[pl.Expr]:
        if self.rule.metric_id:
            number = pl.col(self.rule.metric_id).cast(pl.String)
            name = number.replace_strict(self._by_number, default=None, return_dtype=pl.String)
            return [name.alias("__name"), *(pl.lit(None, pl.String).alias(n) for n in ("__loinc", "__lab_code"))]
        return [
            (pl.col(column).cast(pl.String) if column in frame.columns else pl.lit(None, pl.String)).alias(name)
            for name, column in (
                ("__name", self.rule.name),
                ("__loinc", self.rule.loinc),
                ("__lab_code", self.rule.lab_code),
            )
        ]

    def _metric_of(self, name: str | None, loinc: str | None, lab_code: str | None) -> str | None:
        found = self._catalogue.resolve(name, loinc, lab_code)
        return found and found.metric_code

    def _unit_of(self, code: str | None, unit: str | None) -> dict:
        """A unit that differs from the canonical one in spelling only is written as the canonical one."""
        row = dict.fromkeys(_UNIT_TYPES) | {METRIC: code, "__unit": unit, "__ucum": unit}
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
    if metrics is None:
        return {}
    known = metrics.select(pl.col("metric_id").cast(pl.String), pl.col("metric_code").cast(pl.String))
    return dict(known.drop_nulls().collect().iter_rows())
