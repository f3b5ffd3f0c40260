"""Copy one table of a snapshot to Parquet: many rows at once where that loses nothing, else row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ennu_lib.keys import Keys
from ennu_lib.source.ahead import ahead
from ennu_lib.source.digest import TableDigest
from ennu_lib.source.shapes import TableShape
from ennu_lib.source.snapshot import Snapshot
from ennu_lib.source.values import KEY, KeptAsText, Unfit, pageable, selected, to_frame, with_key
from ennu_lib.workspace import replacing

Took = Callable[[int, int], None]


def copy_table(
    snapshot: Snapshot, shape: TableShape, target: Path, keys: Keys, size: int, took: Took
) -> tuple[TableDigest, frozenset[str]]:
    """Write all rows of `shape` to `target`. Returns their digest and the columns that had to be kept as text.

    `size` is the rows read at once; `took` is told, after each portion, of its rows and of all rows so far. Raises
    SQLAlchemy's DBAPIError, or UnicodeDecodeError, when the database cannot deliver; nothing is at `target` then.
    """
    frames = snapshot.read(shape, size)
    if frames is not None:
        try:
            with ahead(frames) as coming:
                return _write(coming, shape, target, keys, took), frozenset()
        except Unfit:
            pass
    as_text: frozenset[str] = frozenset()
    while True:
        rows = (to_frame(shape, rows, as_text) for rows in _chunks(snapshot.connection, shape, size))
        try:
            return _write(rows, shape, target, keys, took, as_text), as_text
        except KeptAsText as found:
            as_text |= {found.column}


def count_rows(snapshot: Snapshot, shape: TableShape) -> int:
    """Rows of the table in the snapshot."""
    return snapshot.connection.execute(sa.select(sa.func.count()).select_from(shape.selectable())).scalar_one()


def _write(
    frames: Iterator[pl.DataFrame],
    shape: TableShape,
    target: Path,
    keys: Keys,
    took: Took,
    as_text: frozenset[str] = frozenset(),
) -> TableDigest:
    digest = TableDigest(keys)
    empty = with_key(shape, to_frame(shape, [], as_text), 0).to_arrow()
    with (
        replacing(target) as temporary,
        pq.ParquetWriter(temporary, empty.schema, **_writing(empty.schema)) as writer,
        _hashing(digest) as add,
    ):
        rows = 0
        for frame in frames:
            table = with_key(shape, frame, rows).to_arrow().cast(empty.schema)
            add(table.drop_columns(KEY))
            writer.write_table(table)
            rows += frame.height
            took(frame.height, rows)
    return digest


def _writing(schema: pa.Schema) -> dict:
    """How Parquet is written: without dictionaries and statistics, which cost most of the time and save no space.

    zstd finds repeated values by itself, and nothing here reads statistics.
    """
    whole_numbers = {field.name: "DELTA_BINARY_PACKED" for field in schema if pa.types.is_int64(field.type)}
    return {
        "compression": "zstd",
        "write_statistics": False,
        "use_dictionary": False,
        "column_encoding": whole_numbers or None,
    }


@contextmanager
def _hashing(digest: TableDigest) -> Iterator[Callable[[pa.Table], None]]:
    """Hash one table while the one before is written; at the end all are hashed."""
    with ThreadPoolExecutor(1) as worker:
        waiting = []

        def add(table: pa.Table) -> None:
            waiting.append(worker.submit(digest.add, table))
            if len(waiting) > 1:
                waiting.pop(0).result()

        yield add
        for last in waiting:
            last.result()


def _chunks(connection: sa.Connection, shape: TableShape, size: int) -> Iterator[Sequence[sa.Row]]:
    """By key where there is one, so that no statement runs long on a live server; else one streamed result."""
    if pageable(shape):
        yield from _by_key(connection, shape, size)
        return
    result = connection.execute(_select(shape, shape.selectable(), connection.dialect.name))
    try:
        while rows := result.fetchmany(size):
            yield rows
    finally:
        result.close()


def _by_key(connection: sa.Connection, shape: TableShape, size: int) -> Iterator[Sequence[sa.Row]]:
    table = shape.selectable()
    key = table.c[shape.key[0]]
    at = [c.name for c in shape.columns].index(shape.key[0])
    page = _select(shape, table, connection.dialect.name).order_by(key).limit(size)
    last = None
    while True:
        statement = page if last is None else page.where(key > sa.literal(last, sa.BigInteger))
        rows = connection.execute(statement).fetchall()
        if rows:
            yield rows
            last = rows[-1][at]
        if len(rows) < size:
            return


def _select(shape: TableShape, table: sa.TableClause, dialect: str) -> sa.Select:
    columns = (selected(table, column, dialect) for column in shape.columns)
    return sa.select(*columns).select_from(table).execution_options(stream_results=True)
