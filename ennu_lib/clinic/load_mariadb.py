"""Bulk loading into MariaDB or MySQL: LOAD DATA LOCAL where the server allows it, else INSERT of many rows.

The session's sql_mode leaves out NO_ZERO_DATE and NO_ZERO_IN_DATE: legacy date columns hold 0000-00-00.
"""

from __future__ import annotations

import tempfile

import polars as pl
import sqlalchemy as sa

from ennu_lib.catalog import Table
from ennu_lib.clinic.load_server import ServerLoader
from ennu_lib.clinic.load_text import ZERO_TEXT, as_csv, dates_as_text
from ennu_lib.errors import DataLost

SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION foreign_key_checks = 0",
    "SET SESSION unique_checks = 0",
)


class MariaDbLoader(ServerLoader):
    """LOAD DATA over PyMySQL."""

    def connect_args(self) -> dict:
        """Let the client send local files, and talk in full UTF-8."""
        return {"local_infile": True, "charset": "utf8mb4"}

    def prepare_session(self, connection: sa.Connection) -> None:
        """Allow zero dates; leave foreign keys unchecked, the builder's declared ones hold by construction."""
        for statement in SESSION:
            connection.exec_driver_sql(statement)
        self._load = _load_file if self._may_send_files(connection) else _insert

    def _may_send_files(self, connection: sa.Connection) -> bool:
        return bool(connection.exec_driver_sql("SELECT @@local_infile").scalar())

    def create_tables(self, connection: sa.Connection) -> None:
        """Create all tables with their foreign keys."""
        self._metadata.create_all(connection)

    def copy(self, connection: sa.Connection, table: Table, frame: pl.DataFrame) -> None:
        """Bulk load one frame; raises DataLost when the server changed or refused a value."""
        cursor = connection.connection.driver_connection.cursor()
        loaded = self._load(cursor, table, frame)
        warnings = _warnings(cursor)
        if loaded != frame.height or warnings:
            raise DataLost(f"{table.name}: {loaded} of {frame.height} rows arrived, with {warnings} warnings")

    def add_constraints(self, connection: sa.Connection) -> None:
        """Nothing is left out here."""


def _load_file(cursor, table: Table, frame: pl.DataFrame) -> int:
    with tempfile.NamedTemporaryFile(prefix="clinic-", suffix=".csv") as file:
        file.write(as_csv(table, frame, ZERO_TEXT).getbuffer())
        file.flush()
        return cursor.execute(_load_statement(table), (file.name,))


def _load_statement(table: Table) -> str:
    blobs = {column.name for column in table.columns if column.type.kind == "blob"}
    targets = [f"@b{number}" if c.name in blobs else _quoted(c.name) for number, c in enumerate(table.columns)]
    decoded = [f"{_quoted(c.name)} = UNHEX(@b{number})" for number, c in enumerate(table.columns) if c.name in blobs]
    setting = f" SET {', '.join(decoded)}" if decoded else ""
    return (
        f"LOAD DATA LOCAL INFILE %s INTO TABLE {_quoted(table.name)} CHARACTER SET utf8mb4 "
        "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' "
        f"({', '.join(targets)}){setting}"
    )


def _insert(cursor, table: Table, frame: pl.DataFrame) -> int:
    names = ", ".join(_quoted(name) for name in table.column_names)
    places = ", ".join(["%s"] * len(table.columns))
    statement = f"INSERT INTO {_quoted(table.name)} ({names}) VALUES ({places})"
    return cursor.executemany(statement, dates_as_text(table, frame).rows())


def _warnings(cursor) -> int:
    cursor.execute("SHOW COUNT(*) WARNINGS")
    return cursor.fetchone()[0]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
