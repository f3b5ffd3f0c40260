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


class Unfit(Exception):
    """Rows that cannot be decoded many at once: they have to be read one by one."""


def pageable(shape: TableShape) -> bool:
    """Keys of text are not paged: collations compare them in ways that differ from server to server."""
    kinds = {c.name: c.kind for c in shape.columns}
    return len(shape.key) == 1 and kinds[shape.key[0]] is Kind.INTEGER


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


def typed(shape: TableShape, raw: pl.LazyFrame) -> pl.DataFrame:
    """The columns of `raw` cast to the types of `shape`, as `to_frame` would make them from Python objects.

    Raises Unfit when a column holds what only `to_frame` can decide about.
    """
    found = raw.collect_schema()
    try:
        frame = raw.select(_cast(column, found[column.name]) for column in shape.columns).collect()
    except pl.exceptions.PolarsError:
        raise Unfit from None
    return frame


def with_key(shape: TableShape, frame: pl.DataFrame, first: int) -> pl.DataFrame:
    """`frame` with the row's key, as text, before its columns; `first` numbers the rows of a table without a key."""
    return frame.select(_key(shape, first), pl.all())


def to_frame(shape: TableShape, rows: Sequence[Sequence[Any]], as_text: frozenset[str]) -> pl.DataFrame:
    """The rows as a frame. `as_text` names columns known to hold foreign values.

    Raises KeptAsText when a column turns out to hold values of another type.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(shape.columns)
    series = [_series(column, values, as_text) for column, values in zip(shape.columns, columns, strict=True)]
    return pl.DataFrame(series)


# Which types a driver may deliver for a kind so that a cast gives what `to_frame` gives.
NUMBERS_AS_TEXT = (pl.String, pl.Binary)
CASTABLE = {
    Kind.INTEGER: (*NUMBERS_AS_TEXT, pl.Int64, pl.Int32, pl.Int16, pl.Null),
    Kind.FLOAT: (*NUMBERS_AS_TEXT, pl.Float64, pl.Int64, pl.Null),
    Kind.DECIMAL: (*NUMBERS_AS_TEXT, pl.Float64, pl.Int64, pl.Null),
    Kind.BOOLEAN: (pl.Boolean, pl.Int64, pl.Null),
    Kind.TEXT: (pl.String, pl.Binary, pl.Int64, pl.Null),
    Kind.MOMENT: (pl.String, pl.Binary, pl.Int64, pl.Null),
    Kind.OTHER: (pl.String, pl.Binary, pl.Int64, pl.Null),
    Kind.BYTES: (pl.Binary, pl.String, pl.Null),
}


def _cast(column: ColumnShape, found: pl.DataType) -> pl.Expr:
    if found not in CASTABLE[column.kind]:
        raise Unfit
    value = pl.col(column.name)
    if column.kind is Kind.BYTES:
        return value.cast(pl.Binary)
    if column.kind is Kind.BOOLEAN and found == pl.Int64:
        return value.replace_strict({0: False, 1: True, None: None}, return_dtype=pl.Boolean)
    if found == pl.Binary or (column.kind is Kind.DECIMAL and found == pl.Float64):
        value = value.cast(pl.String)
    return value.cast(dtype_of(column))


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
