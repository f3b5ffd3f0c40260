"""Rows of PostgreSQL and SQLite as Arrow batches, by ADBC, in the same snapshot as the SQLAlchemy connection.

PostgreSQL hands a snapshot from one connection to another by name. SQLite does not; there two transactions are begun
and kept only when nothing was committed between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as postgresql_adbc
import adbc_driver_sqlite.dbapi as sqlite_adbc
import polars as pl
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from ennu_lib.source.shapes import ColumnShape, Kind, TableShape
from ennu_lib.source.values import Unfit, typed

DIALECTS = {"postgresql": PGDialect(paramstyle="named"), "sqlite": SQLiteDialect(paramstyle="named")}
BATCH_SIZE = {"postgresql": "adbc.postgresql.batch_size_hint_bytes", "sqlite": "adbc.sqlite.query.batch_rows"}
BYTES_PER_ROW = 200
# What arrives as text or as the bytes themselves; anything else PostgreSQL is asked to write as text.
PLAIN_TEXT = ("VARCHAR", "TEXT", "CHAR")
PLAIN_BYTES = "BYTEA"
SINGLE = "REAL"
NUMERIC = (Kind.INTEGER, Kind.FLOAT)


def open_postgresql(url: sa.URL):
    """A connection to the database of `url`."""
    return postgresql_adbc.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))


def begin_postgresql(connection, snapshot: str, settings: tuple[str, ...]) -> None:
    """Begin a transaction in `snapshot`, ending the one before: what that had touched may be altered again."""
    connection.rollback()
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        for setting in settings:
            cursor.execute(setting)


def open_sqlite(url: sa.URL):
    """A connection to the file whose transaction has begun to read."""
    connection = sqlite_adbc.connect(url.database)
    with closing(connection.cursor()) as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master")
        cursor.fetchall()
    return connection


def read(connection, dialect: str, shape: TableShape, size: int) -> Iterator[pl.DataFrame]:
    """The rows of `shape` as frames of its Parquet types, about `size` rows each, in one streamed result.

    Raises Unfit when the rows have to be read one by one: ADBC cannot deliver them, whatever its reason.
    """
    table = shape.selectable()
    statement = sa.select(*(_selected(table, column, dialect) for column in shape.columns)).select_from(table)
    sql = str(statement.compile(dialect=DIALECTS[dialect], compile_kwargs={"literal_binds": True}))
    per_row = BYTES_PER_ROW if dialect == "postgresql" else 1
    try:
        with closing(connection.cursor()) as cursor:
            cursor.adbc_statement.set_options(**{BATCH_SIZE[dialect]: str(size * per_row)})
            cursor.execute(sql)
            for batch in cursor.fetch_record_batch():
                if batch.num_rows:
                    batch.validate(full=True)
                    yield typed(shape, _frame(batch, shape, dialect))
    except (adbc_driver_manager.Error, pa.ArrowException, OSError):
        raise Unfit from None


def _frame(batch: pa.RecordBatch, shape: TableShape, dialect: str) -> pl.LazyFrame:
    series = [pl.from_arrow(values).alias(c.name) for c, values in zip(shape.columns, batch.columns, strict=True)]
    for column, values in zip(shape.columns, series, strict=True):
        # A text 'nan' in a column of SQLite is no number, although it can be read as one.
        if dialect == "sqlite" and column.kind in NUMERIC and values.dtype in (pl.String, pl.Binary):
            raise Unfit
    return pl.LazyFrame(series)


def _selected(table: sa.TableClause, column: ColumnShape, dialect: str) -> sa.ColumnElement:
    """The expression that reads `column`: as it is in SQLite; in PostgreSQL as text what has no exact Arrow type."""
    value = sa.type_coerce(table.c[column.name], sa.types.NullType())
    if dialect == "sqlite" or _is_plain(column):
        return value
    return sa.cast(table.c[column.name], sa.Text)


def _is_plain(column: ColumnShape) -> bool:
    if column.kind is Kind.TEXT:
        return column.declared.split("(")[0] in PLAIN_TEXT
    if column.kind is Kind.BYTES:
        return column.declared == PLAIN_BYTES
    return column.kind in (Kind.INTEGER, Kind.BOOLEAN) or (column.kind is Kind.FLOAT and column.declared != SINGLE)


__all__ = ["begin_postgresql", "open_postgresql", "open_sqlite", "read"]
