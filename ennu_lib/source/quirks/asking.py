"""Questions to a catalogue that may be forbidden: then the answer is empty, and it is said what was not told."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

WAITING = {
    "mysql": "SET SESSION lock_wait_timeout = {}",
    "mariadb": "SET SESSION lock_wait_timeout = {}",
    "postgresql": "SET lock_timeout = '{}s'",
}


@dataclass
class Asked:
    """A connection without a transaction, and what it was refused so far."""

    connection: sa.Connection
    untold: list[str] = field(default_factory=list)

    def wait_at_most(self, seconds: int) -> None:
        """Give up a question after `seconds` when somebody keeps a table locked."""
        if statement := WAITING.get(self.connection.dialect.name):
            self.connection.exec_driver_sql(statement.format(seconds))

    def rows(self, what: str, sql: str, **values: object) -> list[tuple]:
        """The rows that answer `sql`. `what` is what is not told when the server refuses."""
        try:
            return [tuple(row) for row in self.connection.execute(sa.text(sql), values)]
        except (sa.exc.DBAPIError, UnicodeDecodeError) as error:
            if getattr(error, "connection_invalidated", False):
                raise
            self.untold.append(what)
            return []
