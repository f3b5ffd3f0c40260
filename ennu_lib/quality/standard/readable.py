"""Columns of a type that holds no text: bytes and lists. Rules leave them alone, and they stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

Tables = Callable[[str], pl.LazyFrame | None]


def readable(dtype: pl.DataType) -> bool:
    """Whether values of this type can be read as text."""
    return dtype not in (pl.Binary, pl.Object) and not dtype.is_nested()


def all_readable(columns: Iterable[str], schema: pl.Schema) -> bool:
    """Whether all columns are there and can be read as text."""
    return all(column in schema and readable(schema[column]) for column in columns)


def textual(frame: pl.LazyFrame) -> pl.LazyFrame:
    """`frame` with null for what cannot be read as text."""
    schema = frame.collect_schema()
    dark = [pl.lit(None, dtype=pl.String).alias(name) for name, dtype in schema.items() if not readable(dtype)]
    return frame.with_columns(dark) if dark else frame


def textual_tables(tables: Tables) -> Tables:
    """The same tables, with null for what cannot be read as text."""

    def table(name: str) -> pl.LazyFrame | None:
        frame = tables(name)
        return None if frame is None else textual(frame)

    return table
