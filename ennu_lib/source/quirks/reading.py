"""Ask the server's catalogue how it stores its tables. No table is opened, and nobody's lock is waited for long."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from ennu_lib.source.connect import reaching
from ennu_lib.source.quirks import mysql, postgresql, sqlite
from ennu_lib.source.quirks.asking import Asked
from ennu_lib.source.quirks.kinds import Quirk, Quirks
from ennu_lib.source.quirks.names import name_quirks
from ennu_lib.source.shapes import TableShape

READERS = {"mysql": mysql.read, "mariadb": mysql.read, "postgresql": postgresql.read, "sqlite": sqlite.read}


def read_quirks(
    engine: sa.Engine, shapes: Mapping[str, TableShape], schema: str | None = None, lock_wait_seconds: int = 20
) -> Quirks:
    """What is unusual about the tables of `schema`, those that endanger the move first.

    `shapes` are the tables that the extraction reads. What this user may not ask is named in `untold` and stops
    nothing. Raises SourceUnreachable when the server does not answer.
    """
    found = name_quirks(shapes)
    reader = READERS.get(engine.dialect.name)
    if reader is None:
        return Quirks(found=tuple(found), untold=(f"how {engine.dialect.name} stores its tables",))
    with reaching(engine), engine.connect() as connection:
        asked = Asked(connection.execution_options(isolation_level="AUTOCOMMIT"))
        asked.wait_at_most(lock_wait_seconds)
        storage, stored = reader(asked, shapes, schema)
    order = {quirk: place for place, quirk in enumerate(Quirk)}
    everything = sorted([*stored, *found], key=lambda oddity: (order[oddity.quirk], oddity.table))
    return Quirks(storage, tuple(everything), tuple(asked.untold))
