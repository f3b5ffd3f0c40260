"""From extracted source tables to one frame of measurements: every row is kept, whether its test is a metric or not."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue, normalised_alias
from ennu_lib.errors import SourceChanged
from ennu_lib.scores.intake import iso_day
from ennu_lib.scores.metric_names import NAME_KEY, UNRESOLVED, Columns, Given, resolved
from ennu_lib.scores.source_params import MeasurementSources, TableSource

_PRESSURE = r"^\s*([0-9]{2,3})\s*/\s*([0-9]{2,3})(?:\s*mm\s?Hg)?\s*$"
_VALUE_THEN_UNIT = r"^\s*([<>=≤≥]*\s*[0-9]+(?:[.,][0-9]+)*)\s*([^\s0-9.,].*?)\s*$"


def measurements_from(
    tables: Mapping[str, pl.LazyFrame],
    sources: MeasurementSources,
    catalogue: BiomarkerCatalogue,
    *,
    extra_loinc: Mapping[str, str] | None = None,
    survivors: pl.LazyFrame | None = None,
) -> pl.LazyFrame:
    """Measurements for `score_all`, one row per value of whichever of the source tables are given.

    Beside the columns that scoring reads: `test_name` and `resolved_by` (lab_code, loinc, name, normalised_name,
    metric_id, column, unresolved). A row whose test is no metric stays, with a blank metric_code. `extra_loinc`: codes
    that the preset accepts besides those of the metric table. `survivors` (patient_id, survivor): measurements of
    merged patients move to the survivor. Raises SourceChanged when a table lacks a column that is indispensable.
    """
    given = Given(tables, sources, catalogue, extra_loinc or {})
    parts = [part for name in sources.tables if name in tables for part in _measurements_of(name, given)]
    if not parts:
        raise SourceChanged(f"none of the tables of measurements is there: {', '.join(sources.tables)}")
    measured = _with_pressures(pl.concat(parts), sources)
    return measured if survivors is None else _moved(measured, survivors)


def resolution_counts(measurements: pl.LazyFrame) -> pl.DataFrame:
    """Rows per source table and way of recognition: source_table, resolved_by, rows."""
    counted = measurements.group_by("source_table", "resolved_by").len("rows")
    return counted.sort("source_table", "resolved_by").collect(engine="streaming")


def unresolved_names(measurements: pl.LazyFrame) -> pl.DataFrame:
    """Test names that are no metric, the most frequent first: source_table, test_name, rows."""
    missed = measurements.filter(pl.col("resolved_by") == UNRESOLVED)
    counted = missed.group_by("source_table", "test_name").len("rows")
    return counted.sort("rows", "source_table", "test_name", descending=[True, False, False]).collect(
        engine="streaming"
    )


def _measurements_of(name: str, given: Given) -> list[pl.LazyFrame]:
    source, table = given.sources.tables[name], given.table(name)
    rows = table.frame.with_columns(
        __patient=table.required(source.patient),
        __id=table.required(source.id),
        __measured_on=_first_real_moment([table.text(column) for column in source.measured_on]),
        __entered_at=table.text(source.entered_at),
        __status=_status(table, source, given),
    )
    if source.value is not None:
        return [_named_rows(name, rows, table, given)]
    return [
        rows.filter(pl.col(c.column).is_not_null()).select(
            *_common(name, source),
            metric_code=pl.lit(c.metric),
            value=table.text(c.column),
            unit=pl.lit(c.unit),
            test_code=pl.lit(""),
            context=pl.lit(""),
            test_name=pl.lit(c.column),
            resolved_by=pl.lit("column"),
        )
        for c in source.columns
        if c.column in table.names
    ]


def _common(name: str, source: TableSource) -> list[pl.Expr]:
    return [
        pl.col("__patient").alias("patient_id"),
        pl.col("__measured_on").alias("measured_on"),
        pl.col("__entered_at").alias("entered_at"),
        pl.col("__status").alias("status"),
        pl.lit(name).alias("source_table"),
        pl.col("__id").alias("source_id"),
        pl.lit(source.rank, pl.Int64).alias("source_rank"),
    ]


def _first_real_moment(texts: list[pl.Expr]) -> pl.Expr:
    """The first text that is a date; without one the first text as it stands, for others to see what was there."""
    return pl.coalesce(*(pl.when(iso_day(text).is_not_null()).then(text) for text in texts), texts[0])


def _status(table: Columns, source: TableSource, given: Given) -> pl.Expr:
    """The stored status; `deleted` for a deleted row, `superseded` for a copy of a row that stands."""
    deleted = table.deleted(source.deleted)
    status = pl.when(deleted).then(pl.lit("deleted")).otherwise(table.text(source.status))
    copied = source.copied_from
    if copied is None or copied.table not in given.tables or copied.column not in table.names:
        return status
    original, rows = given.sources.tables[copied.table], given.table(copied.table)
    standing = rows.frame.filter(~rows.deleted(original.deleted)).select(id=rows.required(original.id))
    is_copy = table.text(copied.column).is_in(standing.collect(engine="streaming")["id"].implode())
    return pl.when(is_copy & ~deleted).then(pl.lit("superseded")).otherwise(status)


def _named_rows(name: str, rows: pl.LazyFrame, table: Columns, given: Given) -> pl.LazyFrame:
    """Rows of one value each, recognised by what the row calls its test."""
    source = given.sources.tables[name]
    keyed = rows.with_columns(
        __name=table.text(source.metric_id or source.name),
        __loinc=table.text(source.loinc),
        __test_code=table.text(source.test_code),
        __value=table.required(source.value),
        __unit=table.text(source.unit),
    )
    if source.unit_in_value:
        keyed = keyed.with_columns(_split_value(1, "__value"), _split_value(2, "__unit"))
    joined = keyed.join(resolved(keyed, source, given).lazy(), on=NAME_KEY, how="left", maintain_order="left")
    return _with_fasting(joined, source, table, given).select(
        *_common(name, source),
        metric_code=pl.col("__metric"),
        value=pl.col("__value"),
        unit=pl.col("__unit"),
        test_code=pl.col("__test_code"),
        context=pl.concat_str("__fasting", _calculated(given.sources), separator=";"),
        test_name=pl.col("__name"),
        resolved_by=pl.col("__by"),
    )


def _split_value(group: int, column: str) -> pl.Expr:
    """`33.5 in` as number and unit; any other text stays where it is."""
    return pl.coalesce(pl.col("__value").str.extract(_VALUE_THEN_UNIT, group), pl.col(column)).alias(column)


def _calculated(sources: MeasurementSources) -> pl.Expr:
    name = pl.col("__name").str.to_lowercase()
    words = [name.str.contains(word, literal=True) for word in sources.calculated.words]
    known = pl.any_horizontal(pl.col("__loinc").is_in(sources.calculated.loinc), *words)
    return pl.when(known).then(pl.lit("calculated")).otherwise(pl.lit(""))


def _with_fasting(rows: pl.LazyFrame, source: TableSource, table: Columns, given: Given) -> pl.LazyFrame:
    """`__fasting`: fasting, non_fasting or blank, from the specimens of the row's order."""
    specimens = given.sources.specimens
    if specimens is None or source.order not in table.names or specimens.table not in given.tables:
        return rows.with_columns(__fasting=pl.lit(""))
    known = given.table(specimens.table)
    said = known.required(specimens.fasting).str.strip_chars().str.to_uppercase()
    by_order = (
        known.frame.select(__order=known.required(specimens.order), said=said)
        .group_by("__order")
        .agg(
            __fasting=pl.when((pl.col("said") == specimens.when_fed).any())
            .then(pl.lit("non_fasting"))
            .when((pl.col("said") == specimens.when_fasting).any())
            .then(pl.lit("fasting"))
        )
    )
    ordered = rows.with_columns(__order=table.text(source.order))
    joined = ordered.join(by_order, on="__order", how="left", maintain_order="left")
    return joined.with_columns(pl.col("__fasting").fill_null(""))


def _with_pressures(measured: pl.LazyFrame, sources: MeasurementSources) -> pl.LazyFrame:
    """A value such as 120/80 under the name of a blood pressure becomes a systolic and a diastolic row."""
    names = [normalised_alias(name) for name in sources.pressure_names]
    plain = pl.col("test_name").str.to_lowercase().str.replace_all(r"[^0-9a-z%+]+", " ").str.strip_chars()
    both = plain.is_in(names) & pl.col("value").str.contains(_PRESSURE)
    unit = pl.when(pl.col("unit") == "").then(pl.lit("mm[Hg]")).otherwise(pl.col("unit"))
    halves = [
        measured.filter(both).with_columns(
            metric_code=pl.lit(code),
            value=pl.col("value").str.extract(_PRESSURE, group),
            unit=unit,
            resolved_by=pl.lit("name"),
        )
        for group, code in ((1, "sbp"), (2, "dbp"))
    ]
    return pl.concat([measured.filter(~both), *halves])


def _moved(measured: pl.LazyFrame, survivors: pl.LazyFrame) -> pl.LazyFrame:
    moved_to = survivors.select(pl.col("patient_id").cast(pl.String), pl.col("survivor").cast(pl.String))
    joined = measured.join(moved_to, on="patient_id", how="left", maintain_order="left")
    return joined.with_columns(patient_id=pl.coalesce("survivor", "patient_id")).drop("survivor")
