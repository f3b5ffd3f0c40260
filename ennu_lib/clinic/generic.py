"""Fills a table from the catalogue's `content` column.

The columns of a row may depend on each other (`after:start_date+…`) and on rows of other tables (`via:encounter_id.…`).
A column is therefore made when it is first asked for; NULLs are put in last, so that what depends on a value that
ends as NULL still has something to go by.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from ennu_lib.catalog import Column, Table
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.content_makers import MAKERS, typed
from ennu_lib.clinic.content_spec import parse_content
from ennu_lib.clinic.text_values import Words


def fill_table(chunk: Chunk, table: Table, words: Words) -> pl.DataFrame:
    """Rows of `table` for this chunk, every column of the catalogue made by its content.

    A table with a NOT NULL reference to a table without rows gets no rows either.
    """
    rows = 0 if _lacks_parents(chunk, table) else chunk.rows_for(table.name)
    return _Filling(chunk, table, rows, words).frame()


def _lacks_parents(chunk: Chunk, table: Table) -> bool:
    return any(
        column.references[0] != table.name and not column.nullable and parent_rows(chunk, column).is_empty()
        for column in table.references
    )


def parent_rows(chunk: Chunk, column: Column) -> pl.DataFrame:
    """Rows that a reference of this chunk may point at: made in this chunk, or once for all."""
    name = column.references[0]
    frame = chunk.frames.get(name)
    return chunk.reference.get(name, pl.DataFrame()) if frame is None else frame


class _Filling:
    """One table under construction; it is a `content_makers.Filling`."""

    def __init__(self, chunk: Chunk, table: Table, rows: int, words: Words):
        self.chunk = chunk
        self.table = table
        self.rows = rows
        self.words = words
        self.rng = chunk.rng(table.name)
        self._values: dict[str, pl.Series] = {}
        self._parents: dict[str, np.ndarray] = {}

    def frame(self) -> pl.DataFrame:
        values = pl.DataFrame([self.values(column.name) for column in self.table.columns])
        blanks = [self._with_nulls(column) for column in self.table.columns if column.nullable]
        return values.with_columns(blanks)

    def _with_nulls(self, column: Column) -> pl.Expr:
        kept = self.rng.random(self.rows, dtype=np.float32) >= column.null_share
        return pl.when(pl.Series(kept)).then(pl.col(column.name)).alias(column.name)

    def values(self, name: str) -> pl.Series:
        """Values of a column before NULLs are put in."""
        if name not in self._values:
            column = self.table.column(name)
            content = parse_content(column.content)
            made = MAKERS[content.word](self, column, content)
            self._values[name] = typed(made, column).alias(name)
        return self._values[name]

    def parent_positions(self, name: str) -> np.ndarray | None:
        """Which row of the referenced table every row points at; None where that table has no rows."""
        self.values(name)
        return self._parents.get(name)

    def point(self, column: Column, choose: Callable[[int], np.ndarray]) -> pl.Series:
        """Values of a foreign key; `choose` turns the number of parents into positions among them."""
        parents = self.table.name if column.references[0] == self.table.name else None
        keys = self.values(column.references[1]) if parents else _column(parent_rows(self.chunk, column), column)
        if keys is None or not len(keys):
            return pl.Series([None] * self.rows, dtype=pl.Int64)
        positions = choose(len(keys))
        if not parents:
            self._parents[column.name] = positions
        return keys.gather(positions)

    def parent_values(self, key: str, name: str) -> pl.Series | None:
        """The column `name` of the rows that the foreign key `key` points at."""
        positions = self.parent_positions(key)
        if positions is None:
            return None
        return parent_rows(self.chunk, self.table.column(key))[name].gather(positions)


def _column(frame: pl.DataFrame, column: Column) -> pl.Series | None:
    return frame[column.references[1]] if column.references[1] in frame.columns else None
