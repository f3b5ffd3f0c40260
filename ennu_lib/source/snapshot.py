"""One consistent view of the database for as long as it is open. It reads, and holds nothing that others wait for.

A reader's snapshot takes no row locks anywhere. What it does take in MariaDB and PostgreSQL is a lock on the *shape* of
a table, against ALTER and DROP, until its transaction ends, and whoever comes after such an ALTER waits with it. So
every table is read behind a savepoint: going back to it gives the table free while the snapshot stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import adbc_driver_manager
import polars as pl
import sqlalchemy as sa

from ennu_lib.source import arrow_bulk, mysql_bulk
from ennu_lib.source.connect import reaching
from ennu_lib.source.shapes import TableShape

MYSQL = ("mysql", "mariadb")
SAVEPOINT = "ennu_table"
ATTEMPTS_AT_ONE_MOMENT = 20


class Snapshot:
    """A connection that sees the database as it was at one moment, and a fast reader that sees the same moment."""

    def __init__(self, connection: sa.Connection, settings: tuple[str, ...]):
        self.connection = connection
        self.dialect = connection.dialect.name
        self._settings = settings
        self._arrow = None
        self._exported = ""

    @contextmanager
    def table(self) -> Iterator[None]:
        """What is read of one table inside gives it free at the end, also when that was an error."""
        if self.dialect not in (*MYSQL, "postgresql"):
            yield
            return
        self.connection.exec_driver_sql(f"SAVEPOINT {SAVEPOINT}")
        try:
            yield
        finally:
            if self.alive:
                with suppress(sa.exc.DBAPIError):
                    self.connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
            self._renew_arrow()

    def read(self, shape: TableShape, size: int) -> Iterator[pl.DataFrame] | None:
        """The rows of `shape` by the fast reader, None where there is none. Raises Unfit when they are not for it."""
        if self.dialect in MYSQL:
            return mysql_bulk.read(self.connection, shape, size)
        if self._arrow is None:
            return None
        return arrow_bulk.read(self._arrow, self.dialect, shape, size)

    @property
    def alive(self) -> bool:
        """Whether the connection is still there, as far as is known."""
        return not (self.connection.invalidated or self.connection.closed)

    def close(self) -> None:
        """End the transactions."""
        if self._arrow is not None:
            with suppress(adbc_driver_manager.Error):
                self._arrow.close()
        if self.alive:
            with suppress(Exception):
                self.connection.connection.rollback()

    def begin_postgresql(self) -> None:
        """Set up the transaction and hand its snapshot to the fast reader; some cannot export it."""
        try:
            self._set()
            self._exported = self.connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        except sa.exc.DBAPIError:
            self.connection.rollback()
            self._set()
            return
        self._renew_arrow()

    def begin_sqlite(self) -> None:
        """Begin to read on two connections, again and again until nobody has committed in between."""
        engine = self.connection.engine
        with engine.connect() as watcher:
            for _ in range(ATTEMPTS_AT_ONE_MOMENT):
                before = _data_version(watcher)
                self.connection.exec_driver_sql("BEGIN")
                self.connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
                arrow = arrow_bulk.open_sqlite(engine.url)
                if _data_version(watcher) == before:
                    self._arrow = arrow
                    return
                arrow.close()
                self.connection.exec_driver_sql("ROLLBACK")
        self.connection.exec_driver_sql("BEGIN")

    def _set(self) -> None:
        for statement in self._settings:
            self.connection.exec_driver_sql(statement)

    def _renew_arrow(self) -> None:
        """A transaction of its own for every table: as a savepoint does, it gives the table before free."""
        if not self._exported:
            return
        try:
            if self._arrow is None:
                self._arrow = arrow_bulk.open_postgresql(self.connection.engine.url)
            arrow_bulk.begin_postgresql(self._arrow, self._exported, self._settings)
        except adbc_driver_manager.Error:
            self._arrow = None


@contextmanager
def snapshot(engine: sa.Engine, lock_wait_seconds: int = 20) -> Iterator[Snapshot]:
    """The database as it is now. A table that others keep locked for longer than `lock_wait_seconds` is an error."""
    with reaching(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        taken = Snapshot(connection, _settings(engine.dialect.name, lock_wait_seconds))
        try:
            if engine.dialect.name == "postgresql":
                taken.begin_postgresql()
            elif engine.dialect.name == "sqlite":
                taken.begin_sqlite()
            else:
                taken._set()
            yield taken
        finally:
            taken.close()


def _settings(dialect: str, lock_wait_seconds: int) -> tuple[str, ...]:
    if dialect in MYSQL:
        return (
            f"SET SESSION lock_wait_timeout = {lock_wait_seconds}",
            # A capped or busy reader must not be hung up on.
            "SET SESSION net_write_timeout = 3600",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )
    if dialect == "postgresql":
        return (
            # A server has its own character set and spelling of dates; text is read here, so neither is left to it.
            "SET LOCAL client_encoding TO 'UTF8'",
            "SET LOCAL datestyle TO 'ISO'",
            "SET LOCAL intervalstyle TO 'postgres'",
            f"SET LOCAL lock_timeout = '{lock_wait_seconds}s'",
            "SET LOCAL statement_timeout = 0",
        )
    return ()


def _data_version(connection: sa.Connection) -> int:
    return connection.exec_driver_sql("PRAGMA data_version").scalar_one()
