"""Bulk loading into PostgreSQL: COPY from CSV, foreign keys added and so verified at the end.

PostgreSQL has no date 0000-00-00; a legacy "no date" is stored as 0001-01-01, which other legacy systems use too.
"""

from __future__ import annotations

import polars as pl
import sqlalchemy as sa

from ennu_lib.catalog import Table
from ennu_lib.clinic.load_server import ServerLoader
from ennu_lib.clinic.load_text import NO_ZERO_DATES, as_csv

PIECE = 1 << 20


class PostgresqlLoader(ServerLoader):
    """COPY over psycopg."""

    def prepare_session(self, connection: sa.Connection) -> None:
        """Do not wait for the disk at every commit: an unfinished build is rebuilt, not recovered."""
        connection.exec_driver_sql("SET synchronous_commit = off")

    def create_tables(self, connection: sa.Connection) -> None:
        """Create all tables without their foreign keys."""
        for table in self._metadata.sorted_tables:
            connection.execute(sa.schema.CreateTable(table, include_foreign_key_constraints=[]))

    def copy(self, connection: sa.Connection, table: Table, frame: pl.DataFrame) -> None:
        """Bulk load one frame with COPY."""
        quote = connection.dialect.identifier_preparer.quote_identifier
        statement = f"COPY {quote(table.name)} FROM STDIN WITH (FORMAT csv, NULL 'NULL')"
        rendered = as_csv(table, frame, NO_ZERO_DATES, blob_prefix="\\x").getbuffer()
        driver = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for start in range(0, len(rendered), PIECE):
                copy.write(rendered[start : start + PIECE])

    def add_constraints(self, connection: sa.Connection) -> None:
        """Add the declared foreign keys; PostgreSQL verifies each one over all rows."""
        for table in self._metadata.sorted_tables:
            for constraint in table.foreign_key_constraints:
                connection.execute(sa.schema.AddConstraint(constraint))
