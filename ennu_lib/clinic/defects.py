"""Plants the defects of a legacy database into generically filled tables and writes each one down.

Rates are shares of the cells (or rows) that can carry the defect, from `defects` in `params/clinic.yml`. A label names
the defect and, where it sits in one column, the column: `orphan:provider_id`; beside it stands what a perfect repair
would put there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from ennu_lib.catalog import Column, Table
from ennu_lib.clinic.chunk import Chunk

ZERO_DATE = date(1, 1, 1)
SENTINELS = (date(1753, 1, 1), date(1900, 1, 1), date(2079, 6, 6), date(9999, 12, 31))
PLACEHOLDERS = ("", "N/A", "unknown", "none", "-", "NULL", "see chart")
BROKEN_APOSTROPHE = " Patientâ€™s own words."
WHOLE_APOSTROPHE = " Patient’s own words."
NO_SUCH_KEY = 100_000_000
LONGEST_TEXT = 65_536
WRITTEN = ("sentence", "note", "xml")


@dataclass
class Planting:
    """One table into which defects are being planted."""

    chunk: Chunk
    table: Table
    columns: dict[str, pl.Series]
    rng: np.random.Generator
    true: dict[str, pl.Series] = field(init=False)

    def __post_init__(self) -> None:
        self.take_for_true()

    def take_for_true(self) -> None:
        """What stands in the columns now is what a perfect repair would put there."""
        self.true = {name: values.clone() for name, values in self.columns.items()}  # scatter works in place

    def positions(self, able: pl.Series, rate: float) -> np.ndarray:
        """Rows to carry a defect: each able row with probability `rate`."""
        return np.flatnonzero((self.rng.random(len(able), dtype=np.float32) < rate) & able.to_numpy())

    def put(
        self, column: str, positions: np.ndarray, values: pl.Series, defect: str, truth: pl.Series | None = None
    ) -> None:
        """Write values into a column and label the rows; `truth` where the perfect repair is not what stood there."""
        if len(positions):
            before = self.columns[column]
            self.columns[column] = before.scatter(positions, values.cast(before.dtype))
            if truth is None:
                truth = self.true[column].gather(positions)
            self.label(positions, f"{defect}:{column}", truth)

    def label(self, positions: np.ndarray, defect: str, truth: pl.Series | None = None) -> None:
        """Label rows by the key of their table."""
        keys = [self.columns[name].gather(positions) for name in self.table.row_key]
        text = keys[0] if len(keys) == 1 else pl.select(pl.concat_str(keys, separator="|")).to_series()
        self.chunk.labels.add(self.table.name, text, defect, truth)


def plant_defects(chunk: Chunk, table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the generic defects planted; the chunk's labels say which row carries which."""
    if frame.is_empty():
        return frame
    columns = {series.name: series for series in frame.get_columns()}
    planting = Planting(chunk, table, columns, chunk.rng(f"defects of {table.name}"))
    for name, plant in PLANTERS.items():
        if rate := chunk.params.defects.get(name):
            plant(planting, rate)
    return pl.DataFrame(list(planting.columns.values()))


def _by_column(suits: Callable[[Column], bool], plant: Callable[[Planting, Column, float], None]) -> Callable:
    def plant_all(planting: Planting, rate: float) -> None:
        for column in planting.table.columns:
            if suits(column) and column.name not in planting.table.row_key:
                plant(planting, column, rate)

    return plant_all


def _orphan(planting: Planting, column: Column, rate: float) -> None:
    at = planting.positions(planting.columns[column.name].is_not_null(), rate)
    missing = pl.Series(NO_SUCH_KEY + planting.rng.integers(0, NO_SUCH_KEY, len(at)))
    if column.type.is_text:
        missing = ("Z" + missing.cast(pl.String)).str.slice(0, column.type.length)
    planting.put(column.name, at, missing, "orphan")


def _zero_date(planting: Planting, column: Column, rate: float) -> None:
    at = planting.positions(planting.columns[column.name].is_null(), rate)
    planting.put(column.name, at, pl.Series([ZERO_DATE] * len(at), dtype=pl.Date), "zero_date")


def _sentinel_date(planting: Planting, column: Column, rate: float) -> None:
    at = planting.positions(planting.true[column.name].is_not_null(), rate)
    values = pl.Series(SENTINELS).gather(planting.rng.integers(0, len(SENTINELS), len(at)))
    planting.put(column.name, at, values, "sentinel_date")


def _placeholder(planting: Planting, column: Column, rate: float) -> None:
    """Words that say nothing, but for those that say something in this column: `none` may be one of its codes."""
    at = planting.positions(planting.columns[column.name].is_null(), rate)
    words = [word for word in PLACEHOLDERS if word.lower() not in _codes(column)]
    values = pl.Series(words).gather(planting.rng.integers(0, len(words), len(at)))
    planting.put(column.name, at, values, "placeholder")


def _mixed_spelling(planting: Planting, column: Column, rate: float) -> None:
    at = planting.positions(planting.true[column.name].is_not_null(), rate)
    spelled = planting.columns[column.name].gather(at)
    other = [spelled.str.to_uppercase(), spelled.str.to_lowercase(), spelled + " "]
    kind = pl.Series("kind", planting.rng.integers(0, 3, len(at)))
    values = pl.select(pl.when(kind == 0).then(other[0]).when(kind == 1).then(other[1]).otherwise(other[2])).to_series()
    different = (values != spelled).to_numpy()
    planting.put(column.name, at[different], values.filter(pl.Series(different)), "mixed_spelling")


def _mojibake(planting: Planting, column: Column, rate: float) -> None:
    at = planting.positions(planting.true[column.name].is_not_null(), rate)
    text = planting.columns[column.name].gather(at)
    planting.put(column.name, at, text + BROKEN_APOSTROPHE, "mojibake", truth=text + WHOLE_APOSTROPHE)


def _overlong_text(planting: Planting, column: Column, rate: float) -> None:
    at = planting.positions(planting.true[column.name].is_not_null(), rate)
    texts = [value + " " for value in planting.columns[column.name].gather(at).to_list()]
    longer = [text * (LONGEST_TEXT // len(text) + 2) for text in texts]
    planting.put(column.name, at, pl.Series(longer, dtype=pl.String), "overlong_text")


def _duplicate_row(planting: Planting, rate: float) -> None:
    """Only a table without a primary key can hold a row twice: a row is replaced by a copy of the one before it."""
    if planting.table.primary_key:
        return
    rows = len(planting.columns[planting.table.named_key])
    at = planting.positions(pl.Series(np.arange(rows) > 0), rate)
    at = at[~np.isin(at - 1, at)]
    source = np.arange(rows)
    source[at] = at - 1
    planting.columns = {name: values.gather(source) for name, values in planting.columns.items()}
    planting.take_for_true()
    planting.label(at, "duplicate_row")


def _is_loose_reference(column: Column) -> bool:
    return column.references is not None and not column.declared and column.references[0] != column.table


def _is_optional_date(column: Column) -> bool:
    return column.type.kind in ("date", "datetime") and column.nullable


def _is_optional_text(column: Column) -> bool:
    return column.type.kind in ("varchar", "text") and column.nullable and not column.references


def _codes(column: Column) -> set[str]:
    """The words of a column's code list in small letters."""
    if not _is_code(column):
        return set()
    choices = column.content.removeprefix("choice:").split("|")
    return {choice.partition("=")[0].strip().lower() for choice in choices}


def _is_code(column: Column) -> bool:
    return column.type.kind == "varchar" and column.content.startswith("choice:")


def _is_written(column: Column) -> bool:
    return column.type.kind in ("text", "longtext") and column.content.partition(":")[0] in WRITTEN


# Rows are repeated first: a repeated row takes the place of another one, whose labels would name a key that is gone.
PLANTERS: dict[str, Callable[[Planting, float], None]] = {
    "duplicate_row": _duplicate_row,
    "orphan": _by_column(_is_loose_reference, _orphan),
    "zero_date": _by_column(_is_optional_date, _zero_date),
    "sentinel_date": _by_column(_is_optional_date, _sentinel_date),
    "placeholder": _by_column(_is_optional_text, _placeholder),
    "mixed_spelling": _by_column(_is_code, _mixed_spelling),
    "mojibake": _by_column(_is_written, _mojibake),
    "overlong_text": _by_column(_is_written, _overlong_text),
}

COLUMN_PLANTERS: dict[str, Callable[[Planting, Column, float], None]] = {
    "mixed_spelling": _mixed_spelling,
    "mojibake": _mojibake,
    "overlong_text": _overlong_text,
}
