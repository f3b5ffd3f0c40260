"""Change events: what stood in a cell, what stands there now, and which version of which rule made the change.

Events are private. They are enough to make `clean/` again from `source/`, with or without some of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from ennu_lib.quality.standard.rules import RULES
from ennu_lib.workspace import replacing

KEY = "__key"
EVENTS = {
    "table": pl.String,
    "key": pl.String,
    "column": pl.String,
    "rule": pl.String,
    "version": pl.Int32,
    "step": pl.Int8,
    "before": pl.String,
    "after": pl.String,
    "reason": pl.String,
}
# Rows, and bytes as the file has them before compression, in memory at a time.
PORTION, PORTION_BYTES = 250_000, 64_000_000
# Swapped fields are put right first, then each column by itself, then what needs several columns in standard form.
STEPS = (0, 1, 2)
NUMBER_AGAIN = frozenset(name for name, rule in RULES.items() if rule.numbers == "number")


def no_events() -> pl.DataFrame:
    """An empty table of events."""
    return pl.DataFrame(schema=EVENTS)


def events_of(table: str, column: str, rule: str, version: int, step: int, changed: pl.DataFrame) -> pl.DataFrame:
    """Events of one column from `changed`: key, before, after, reason."""
    return changed.select(
        pl.lit(table).alias("table"),
        pl.col("key").cast(pl.String),
        pl.lit(column).alias("column"),
        pl.lit(rule).alias("rule"),
        pl.lit(version, pl.Int32).alias("version"),
        pl.lit(step, pl.Int8).alias("step"),
        pl.col("before").cast(pl.String),
        pl.col("after").cast(pl.String),
        pl.col("reason").cast(pl.String),
    )


class ParquetStream:
    """Writes frames of one schema to a Parquet file one after the other, so that memory does not grow with the rows.

    A frame is written while the caller makes the next one. What stops the writing is raised at the next call.
    """

    def __init__(self, path: Path, schema: dict[str, pl.DataType] | None = None):
        self._path = path
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._thread = ThreadPoolExecutor(1, "parquet")
        self._writing: Future[None] | None = None
        self.rows = 0

    def write(self, frame: pl.DataFrame) -> None:
        """Append `frame`."""
        self._wait()
        self._writing = self._thread.submit(self._append, frame)
        self.rows += frame.height

    def close(self) -> None:
        """End the file; without any frame it holds the schema alone."""
        try:
            self._wait()
            if self._writer is None and self._schema is not None:
                self._append(pl.DataFrame(schema=self._schema))
        finally:
            self._thread.shutdown()
            if self._writer is not None:
                self._writer.close()

    def _append(self, frame: pl.DataFrame) -> None:
        arrow = frame.to_arrow()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, arrow.schema, compression="zstd")
        self._writer.write_table(arrow)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing, writing = None, self._writing
            writing.result()


def stream_to(target: Path, frames: Iterable[pl.DataFrame]) -> int:
    """Write frames to `target` as one Parquet file, whole or not at all; the number of rows."""
    with replacing(target) as temporary:
        stream = ParquetStream(temporary)
        try:
            for frame in frames:
                stream.write(frame)
        finally:
            stream.close()
    return stream.rows


def replayed(source: pl.LazyFrame, events: pl.LazyFrame, undone: Iterable[str] = ()) -> pl.LazyFrame:
    """The rows of `source` with the events of this table applied, but for those of the rules `undone`.

    An event is applied where the cell still holds what the event found there: when the rule before it in the same cell
    is undone, the later one has lost its ground and is left out too.
    """
    wanted = events.filter(~pl.col("rule").is_in(list(undone)))
    places = wanted.select("step", "column").unique().sort("step", "column").collect(engine="streaming")
    types = source.collect_schema()
    frame = source
    for step, column in places.iter_rows():
        if column not in types:
            continue
        mine = wanted.filter((pl.col("step") == step) & (pl.col("column") == column)).select(
            pl.col("key").alias(KEY), "before", "after", pl.lit(True).alias("__event")
        )
        text = pl.col(column).cast(pl.String)
        applies = pl.col("__event").fill_null(False) & text.eq_missing(pl.col("before"))
        frame = (
            frame.join(mine, on=KEY, how="left", maintain_order="left")
            .with_columns(pl.when(applies).then(pl.col("after")).otherwise(text).alias(column))
            .drop("before", "after", "__event")
        )
    return frame.with_columns(
        pl.col(column).cast(types[column])
        for column, rule in wanted.select("column", "rule").unique().sort("column", "rule").collect().iter_rows()
        if column in types and rule in NUMBER_AGAIN and types[column].is_numeric()
    )


def tables_of(events: pl.LazyFrame) -> list[str]:
    """Tables that have events, sorted."""
    return events.select(pl.col("table").unique().sort()).collect()["table"].to_list()


def rules_of(events: pl.LazyFrame) -> list[str]:
    """Rules that have events, sorted."""
    return events.select(pl.col("rule").unique().sort()).collect()["rule"].to_list()


def batches(path: Path) -> Iterator[pl.DataFrame]:
    """The rows of a Parquet file in portions, in their order; one empty portion for a file without rows.

    A portion has at most PORTION rows and about PORTION_BYTES bytes; the same file always gives the same portions.
    """
    parts = pq.ParquetFile(path).metadata
    size = sum(parts.row_group(number).total_byte_size for number in range(parts.num_row_groups))
    rows = min(PORTION, max(1, PORTION_BYTES * parts.num_rows // max(size, 1)))
    for first in range(0, max(parts.num_rows, 1), max(rows, 1)):
        yield pl.scan_parquet(path).slice(first, rows).collect()
