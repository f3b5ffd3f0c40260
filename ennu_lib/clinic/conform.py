"""Brings a generated frame into the exact shape that the catalogue gives its table."""

from __future__ import annotations

import polars as pl

from ennu_lib.catalog import Column, Table

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
    columns, for columns that the catalogue does not know and for NULL where it allows none.
    """
    unknown = sorted(set(frame.columns) - set(table.column_names))
    if unknown:
        raise ValueError(f"{table.name}: generated columns that the catalogue does not have: {', '.join(unknown)}")
    shaped = frame.select(_shaped(column, frame.schema.get(column.name)) for column in table.columns)
    blank = [column.name for column in table.columns if not column.nullable and shaped[column.name].null_count()]
    if blank:
        raise ValueError(f"{table.name}: NULL generated in NOT NULL columns: {', '.join(blank)}")
    return shaped


def _shaped(column: Column, dtype: pl.DataType | None) -> pl.Expr:
    kind = column.type.kind
    target = FRAME_TYPES[kind]
    if dtype is None:
        return pl.lit(None, target).alias(column.name)
    value = pl.col(column.name)
    if kind in ("date", "datetime") and dtype == pl.String:
        return value
    value = value if dtype == target else value.cast(target)
    if kind == "decimal":
        return value.round(column.type.scale)
    if column.type.length is not None:
        return value.str.slice(0, column.type.length)
    return value
