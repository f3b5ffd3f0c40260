"""From what a driver returns to typed columns, losing nothing.

Moments stay text exactly as the database writes them: '0000-00-00' is no date, '838:59:59' is no time of day, and
what either of them means is for remediation to decide, with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa

from ennu_lib.source.shapes import ColumnShape, Kind, TableShape

DTYPES = {
    Kind.INTEGER: pl.Int64,
    Kind.FLOAT: pl.Float64,
    Kind.BOOLEAN: pl.Boolean,
    Kind.TEXT: pl.String,
    Kind.MOMENT: pl.String,
    Kind.BYTES: pl.Binary,
    Kind.OTHER: pl.String,
}
KEY = "__key"
PRECISION = 38


class KeptAsText(Exception):
    """A column holds values that are not of its declared type; it has to be kept as text."""

    def __init__(self, column: str):
        super().__init__(column)
        self.column = column


def dtype_of(column: ColumnShape) -> pl.DataType:
    """The Parquet type of a column."""
    if column.kind is Kind.DECIMAL:
        return pl.Decimal(PRECISION, column.scale)
    return DTYPES[column.kind]()


def selected(table: sa.TableClause, column: ColumnShape, dialect: str) -> sa.ColumnElement:
    """The expression that reads `column`: moments and decimals as the text the database has for them.

    So are JSON, arrays and the like in PostgreSQL, whose driver would make Python objects of them.
    """
    value = table.c[column.name]
    if column.kind is Kind.OTHER and dialect == "postgresql":
        return sa.cast(value, sa.Text).label(column.name)
    if column.kind in (Kind.MOMENT, Kind.DECIMAL) and dialect != "sqlite":
        return sa.cast(value, sa.CHAR(64) if dialect in ("mysql", "mariadb") else sa.Text).label(column.name)
    return sa.type_coerce(value, sa.types.NullType()).label(column.name)


def to_frame(shape: TableShape, rows: Sequence[Sequence[Any]], as_text: frozenset[str], first: int) -> pl.DataFrame:
    """The rows as a frame whose first column is the row's key as text.

    `as_text` names columns known to hold foreign values; `first` is the number of the first row, used where the table
    has no key. Raises KeptAsText when a column turns out to hold values of another type.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(shape.columns)
    series = [_series(column, values, as_text) for column, values in zip(shape.columns, columns, strict=True)]
    frame = pl.DataFrame(series)
    return frame.select(_key(shape, first), pl.all())


def _series(column: ColumnShape, values: Sequence[Any], as_text: frozenset[str]) -> pl.Series:
    if column.name in as_text or column.kind in (Kind.TEXT, Kind.MOMENT, Kind.OTHER):
        return pl.Series(column.name, [_text(v) for v in values], dtype=pl.String)
    try:
        if column.kind is Kind.DECIMAL:
            texts = [None if v is None else str(v) for v in values]
            return pl.Series(column.name, texts, dtype=pl.String).cast(dtype_of(column))
        if column.kind is Kind.BOOLEAN:
            return pl.Series(column.name, [None if v is None else _bool(v) for v in values], dtype=pl.Boolean)
        if column.kind is Kind.BYTES:
            return pl.Series(column.name, [_bytes(v) for v in values], dtype=pl.Binary)
        return pl.Series(column.name, values, dtype=dtype_of(column), strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        raise KeptAsText(column.name) from None


def _key(shape: TableShape, first: int) -> pl.Expr:
    if shape.key:
        parts = [pl.col(name).cast(pl.String).fill_null("") for name in shape.key]
        return pl.concat_str(parts, separator="|").alias(KEY)
    return pl.format("row-{}", pl.int_range(first, pl.len() + first)).alias(KEY)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return str(value)


def _bool(value: Any) -> bool:
    if value in (0, 1):
        return bool(value)
    raise ValueError("not a truth value")


def _bytes(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else bytes(value)
