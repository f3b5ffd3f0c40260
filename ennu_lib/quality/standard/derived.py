"""Columns that clean tables have besides those of the source: the metric and the canonical value of a measurement,
and the instant in UTC of a local time, with the zone it was read in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from ennu_lib.config import Strict
from ennu_lib.quality.standard.row_rules import Tables

METRIC, CANONICAL, COMPARATOR, CANONICAL_UNIT, FAULT = (
    "std_metric_code",
    "std_value",
    "std_comparator",
    "std_unit",
    "std_fault",
)
INSTANT, ZONE, CLOCK_CHANGE = "std_utc_{}", "std_zone_{}", "std_clock_change_{}"
MOMENT_FORM, UTC_FORM = "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"
SECONDS = len("YYYY-MM-DD HH:MM:SS")
GIVEN_ZONE = "__given_zone_{}"
_OFFSET = r"(?:\d|[AaPp]\.?[Mm]\.?) ?(Z|[+-]\d{2}:?\d{2}|UTC|[A-Z]{2,3}T)\s*$"


class MeasurementColumns(Strict):
    """A row that holds one measurement, recognised by names and codes or by the number of the clinic's metric table."""

    rule: Literal["measurement"]
    value: str
    unit: str
    name: str | None = None
    loinc: str | None = None
    lab_code: str | None = None
    metric_id: str | None = None
    metric_table: str | None = None


class Utc(Strict):
    """Local times of a row, and the column that holds their zone or the facility whose zone it is."""

    rule: Literal["utc"]
    moments: list[str]
    zone: str | None = None
    facility: str | None = None
    facilities: str | None = None


DerivedRule = Annotated[MeasurementColumns | Utc, Field(discriminator="rule")]


def columns_read(rule: DerivedRule) -> list[str]:
    """The columns of its own table that a derived column is made from."""
    found: list[str] = []
    for name, value in rule.model_dump(exclude_none=True).items():
        if name not in ("rule", "metric_table", "facilities"):
            found += value if isinstance(value, list) else [value]
    return found


def zone_of_facility(rule: Utc, tables: Tables) -> pl.DataFrame | None:
    """Facility number as text to its zone."""
    facilities = tables(rule.facilities) if rule.facilities else None
    if facilities is None or not {"facility_id", "time_zone"} <= set(facilities.collect_schema()):
        return None
    known = facilities.select(
        pl.col("facility_id").cast(pl.String).alias("__facility"), pl.col("time_zone").cast(pl.String).alias("__zone")
    )
    return known.drop_nulls().unique("__facility", keep="first", maintain_order=True).collect()


def given_zones(rule: Utc, columns: Iterable[str]) -> list[pl.Expr]:
    """The offset or zone that a moment was written with, before its standard form puts it into UTC.

    Of a table that is in standard form already, what an earlier run has kept.
    """
    found = []
    for column in (c for c in rule.moments if c in columns):
        given = pl.col(column).cast(pl.String, strict=False).str.extract(_OFFSET, 1)
        kept = pl.col(ZONE.format(column)) if ZONE.format(column) in columns else pl.lit(None, pl.String)
        zone = pl.when(given == "Z").then(pl.coalesce(kept, pl.lit("UTC"))).otherwise(given)
        found.append(zone.alias(GIVEN_ZONE.format(column)))
    return found


def add_instants(frame: pl.DataFrame, rule: Utc, zones: pl.DataFrame | None) -> pl.DataFrame:
    """Add `std_utc_<column>`, `std_zone_<column>` and `std_clock_change_<column>` for every local time of the rule.

    The hour that a clock change repeats is its first pass, the hour that it skips moves one hour on; both are marked
    (rule SCH-02). A time that had an offset is in UTC, and its zone is that offset (`given_zones`); without a known
    zone there is no instant.
    """
    if rule.zone:
        frame = frame.with_columns(pl.col(rule.zone).cast(pl.String).alias("__zone"))
    elif zones is not None and rule.facility in frame.columns:
        frame = frame.with_columns(pl.col(rule.facility).cast(pl.String).alias("__facility"))
        frame = frame.join(zones, on="__facility", how="left", maintain_order="left").drop("__facility")
    else:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("__zone"))
    known = [zone for zone in frame["__zone"].unique().drop_nulls().sort().to_list() if _is_zone(zone)]
    for column in rule.moments:
        frame = _add_instant(frame, column, known)
    return frame.drop("__zone", *(GIVEN_ZONE.format(column) for column in rule.moments), strict=False)


def _add_instant(frame: pl.DataFrame, column: str, zones: list[str]) -> pl.DataFrame:
    if column not in frame.columns:
        return frame
    text = pl.col(column).cast(pl.String)
    local = text.str.head(SECONDS).str.to_datetime(MOMENT_FORM, strict=False, time_unit="us")
    instant, change = pl.lit(None, pl.Datetime("us")), pl.lit(None, pl.String)
    for zone in zones:
        here = pl.col("__zone") == zone
        first = _in_utc(local, zone, "earliest", "null")
        second = _in_utc(local, zone, "latest", "null")
        moved = _in_utc(local + pl.duration(hours=1), zone, "earliest", "null")
        instant = pl.when(here).then(pl.coalesce(first, moved)).otherwise(instant)
        kind = pl.when(local.is_not_null() & first.is_null()).then(pl.lit("skipped"))
        change = pl.when(here).then(kind.when(first != second).then(pl.lit("repeated"))).otherwise(change)
    has_offset = text.str.ends_with("Z").fill_null(False)
    given = GIVEN_ZONE.format(column)
    offset = pl.coalesce(given, pl.lit("UTC")) if given in frame.columns else pl.lit("UTC")
    return frame.with_columns(
        pl.when(has_offset).then(text).otherwise(instant.dt.strftime(UTC_FORM)).alias(INSTANT.format(column)),
        pl.when(has_offset).then(offset).when(local.is_not_null()).then("__zone").alias(ZONE.format(column)),
        change.alias(CLOCK_CHANGE.format(column)),
    )


def _in_utc(local: pl.Expr, zone: str, ambiguous: str, non_existent: str) -> pl.Expr:
    placed = local.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent=non_existent)
    return placed.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _is_zone(name: str) -> bool:
    try:
        pl.Series([None], dtype=pl.Datetime("us")).dt.replace_time_zone(name)
    except pl.exceptions.ComputeError:
        return False
    return True
