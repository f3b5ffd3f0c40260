"""What loading into MariaDB and into PostgreSQL have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

import polars as pl
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from ennu_lib.catalog import Catalogue, Table
from ennu_lib.clinic.ddl import metadata_of
from ennu_lib.clinic.load_base import END_MARKER, is_unfinished, refuse_to_overwrite, tables_in_the_way, telling_causes


class ServerLoader(ABC):
    """Loads over one connection; rows of the end marker are kept back until everything else is in."""

    def __init__(self, url: sa.URL, catalogue: Catalogue, replace: bool):
        self._url = url
        self._metadata = metadata_of(catalogue)
        self._held_back: list[tuple[Table, pl.DataFrame]] = []
        self._connection: sa.Connection | None = None
        with telling_causes(url):
            self._engine = sa.create_engine(url, poolclass=NullPool, connect_args=self.connect_args())
            ours = tables_in_the_way(catalogue, self._engine)
            if not replace:
                refuse_to_overwrite(f"{url.host}/{url.database}", ours, is_unfinished(self._engine, ours))

    def connect_args(self) -> dict:
        """Arguments of the driver's connect."""
        return {}

    def begin(self) -> None:
        """Drop the catalogue's tables and create them empty."""
        with telling_causes(self._url):
            self._connection = self._engine.connect()
            self.prepare_session(self._connection)
            self._metadata.drop_all(self._connection)
            self.create_tables(self._connection)
            self._commit()

    def load(self, table: Table, frame: pl.DataFrame) -> None:
        """Add rows that have the catalogue's shape."""
        if table.name == END_MARKER:
            self._held_back.append((table, frame))
            return
        with telling_causes(self._url):
            self.copy(self._connection, table, frame)
            self._commit()

    def finish(self) -> None:
        """Add the constraints, then the rows that mark the build as complete."""
        with telling_causes(self._url):
            self.add_constraints(self._connection)
            for table, frame in self._held_back:
                self.copy(self._connection, table, frame)
            self._commit()
            self._connection.close()

    def abandon(self) -> None:
        """Leave the tables without their end marker: the next build sees that this one was not finished."""
        if self._connection is not None:
            self._connection.close()

    def _commit(self) -> None:
        """Commit at the driver: SQLAlchemy does not know of what its cursors did."""
        self._connection.commit()
        self._connection.connection.driver_connection.commit()

    @abstractmethod
    def prepare_session(self, connection: sa.Connection) -> None:
        """Settings of the session under which a legacy clinic can be loaded."""

    @abstractmethod
    def create_tables(self, connection: sa.Connection) -> None:
        """Create all tables."""

    @abstractmethod
    def copy(self, connection: sa.Connection, table: Table, frame: pl.DataFrame) -> None:
        """Bulk load one frame."""

    @abstractmethod
    def add_constraints(self, connection: sa.Connection) -> None:
        """Add what was left out for the sake of speed."""
