"""Brings a generated frame into the exact shape that the catalogue gives its table."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from ennu_lib.catalog import Column, Table

INTEGER_LIMITS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
FRAME_TYPES = {
    "integer": pl.Int64,
    "bigint": pl.Int64,
    "smallint": pl.Int64,
    "boolean": pl.Boolean,
    "decimal": pl.Float64,
    "float": pl.Float64,
    "varchar": pl.String,
    "char": pl.String,
    "enum": pl.String,
    "text": pl.String,
    "longtext": pl.String,
    "time": pl.String,
    "date": pl.Date,
    "datetime": pl.Datetime("us"),
    "blob": pl.Binary,
}


def conform(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """All columns of the catalogue, in its order and frame types; columns that the frame lacks are NULL.

    Decimals are rounded to their scale and text is cut to its column's length, as the legacy server does. Dates that
    come as text stay text, because only text can hold `0000-00-00`. Raises ValueError, naming the table and its
    columns, for columns that the catalogue does not know, NULL where it allows none, numbers out of
    range, and values outside an enumeration.
    """
    unknown = sorted(set(frame.columns) - set(table.column_names))
    if unknown:
        raise ValueError(f"{table.name}: generated columns that the catalogue does not have: {', '.join(unknown)}")
    shaped = frame.select(_shaped(column, frame.schema.get(column.name)) for column in table.columns)
    mistakes = [text for column in table.columns for text in _misfits(column, shaped[column.name])]
    if mistakes:
        raise ValueError(f"{table.name}: {'; '.join(mistakes)}")
    return shaped


def _misfits(column: Column, values: pl.Series) -> Iterator[str]:
    if not column.nullable and values.null_count():
        yield f"NULL generated in the NOT NULL column {column.name}"
    limit = _limit(column)
    if limit is not None and len(values) > values.null_count() and max(values.max(), -values.min()) > limit:
        yield f"numbers generated that do not fit {column.name}"
    if column.type.values and not values.drop_nulls().is_in(column.type.values).all():
        yield f"values generated that are not in the enumeration of {column.name}"


def _limit(column: Column) -> float | None:
    """The largest absolute value that every database can keep in the column."""
    if column.type.kind == "decimal":
        return 10 ** (column.type.precision - column.type.scale) - 0.5 * 10**-column.type.scale
    return INTEGER_LIMITS.get(column.type.kind)


def _shaped(column: Column, dtype: pl.DataType | None) -> pl.Expr:
    kind = column.type.kind
    target = FRAME_TYPES[kind]
    if dtype is None:
        return pl.lit(None, target).alias(column.name)
    value = pl.col(column.name)
    if kind in ("date", "datetime") and dtype == pl.String:
        return value
    if kind == "time" and dtype == pl.Time:
        return value.dt.to_string("%H:%M:%S")
    value = value if dtype == target else value.cast(target)
    if kind == "decimal":
        return value.round(column.type.scale)
    if column.type.length is not None:
        return value.str.slice(0, column.type.length)
    return value
