"""What every loader is and needs: the interface, the URL, and errors that name their cause.

A loader never lets a half-built database look complete: SQLite is built under another name and renamed, and on a
server the table `database_versions` is filled last, so that a database in which it is empty is an unfinished build.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import polars as pl
import psycopg
import pymysql
import sqlalchemy as sa
from sqlalchemy import exc

from ennu_lib.catalog import Catalogue, Table
from ennu_lib.errors import ConfigurationError, EnnuError, SourceRefused, SourceUnreachable, StorageFull

END_MARKER = "database_versions"
DRIVERS = {"mysql": "pymysql", "mariadb": "pymysql", "postgresql": "psycopg"}
REFUSED = ("access denied", "password authentication failed", "no password supplied", "authentication failed")
DISK_FULL = ("no space left", "disk is full", "disk full", "errno: 28")


class Loader(Protocol):
    """Where a clinic is written to."""

    def begin(self) -> None:
        """Create the empty tables."""

    def load(self, table: Table, frame: pl.DataFrame) -> None:
        """Add rows that have the catalogue's shape."""

    def finish(self) -> None:
        """Make the database complete and visible."""

    def abandon(self) -> None:
        """Leave nothing that looks complete."""


def parse_url(url: str) -> sa.URL:
    """The URL with the tested driver filled in where it names none; raises ConfigurationError for what is no URL."""
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise ConfigurationError(
            "clinic database", ["not a database URL; an example is sqlite:///clinic.sqlite"]
        ) from None
    driver = DRIVERS.get(parsed.drivername)
    return parsed.set(drivername=f"{parsed.drivername}+{driver}") if driver else parsed


def tables_in_the_way(catalogue: Catalogue, engine: sa.Engine) -> list[str]:
    """Tables of the catalogue that the database holds already."""
    return [name for name in sa.inspect(engine).get_table_names() if name in catalogue]


def refuse_to_overwrite(where: str, tables: list[str], unfinished: bool) -> None:
    """Raise ConfigurationError when the database holds tables of ours."""
    if tables:
        state = "an unfinished build" if unfinished else f"{len(tables)} tables of a clinic"
        raise ConfigurationError(where, [f"holds {state} already; build with replace to drop and rebuild those tables"])


def is_unfinished(engine: sa.Engine, tables: list[str]) -> bool:
    """True where a build into a server was interrupted before its end marker."""
    if END_MARKER not in tables:
        return bool(tables)
    marker = sa.table(END_MARKER)
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(marker)).scalar() == 0


@contextmanager
def telling_causes(url: sa.URL) -> Iterator[None]:
    """Turn a refused, lost or full database into our own errors, without the server's text."""
    try:
        yield
    except exc.NoSuchModuleError:
        raise SourceUnreachable(f"no driver for '{url.drivername}' is installed") from None
    except exc.DBAPIError as error:
        raise _own_error(url, error.orig) or error from None
    except (psycopg.Error, pymysql.MySQLError) as error:
        raise _own_error(url, error) or error from None


def _own_error(url: sa.URL, error: BaseException) -> EnnuError | None:
    """Our error for a driver's error; None for one that is a mistake of ours and not of the surroundings."""
    text = str(error).lower()
    if any(sign in text for sign in DISK_FULL):
        return StorageFull(f"no space left for the clinic database at {_where(url)}; free some or build elsewhere")
    if url.get_backend_name() == "sqlite":
        return SourceUnreachable(f"{_where(url)} is not an SQLite database, or is in use")
    if any(sign in text for sign in REFUSED):
        return SourceRefused(f"{_where(url)} refuses the user or the password of the clinic database's URL")
    if isinstance(error, psycopg.OperationalError | pymysql.OperationalError | pymysql.InterfaceError):
        return SourceUnreachable(f"{_where(url)} does not answer, or has no database of that name")
    return None


def _where(url: sa.URL) -> str:
    return url.database if url.get_backend_name() == "sqlite" else f"{url.host}:{url.port or 'default port'}"
