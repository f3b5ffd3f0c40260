"""Bulk loading into one of three databases, chosen by the SQLAlchemy URL."""

from __future__ import annotations

from ennu_lib.catalog import Catalogue
from ennu_lib.clinic.load_base import Loader, parse_url
from ennu_lib.clinic.load_mariadb import MariaDbLoader
from ennu_lib.clinic.load_postgresql import PostgresqlLoader
from ennu_lib.clinic.load_sqlite import SqliteLoader
from ennu_lib.errors import ConfigurationError

KINDS = {"sqlite": SqliteLoader, "mysql": MariaDbLoader, "mariadb": MariaDbLoader, "postgresql": PostgresqlLoader}


def open_loader(url: str, catalogue: Catalogue, replace: bool) -> Loader:
    """The loader for a URL of SQLite, MariaDB, MySQL or PostgreSQL.

    With `replace` the catalogue's tables are dropped first, and only those; without, a database that holds any of them
    is refused. Raises ConfigurationError, SourceUnreachable or SourceRefused.
    """
    parsed = parse_url(url)
    backend = parsed.get_backend_name()
    if backend not in KINDS:
        raise ConfigurationError(
            "clinic database", [f"'{backend}' cannot hold a clinic; use sqlite, mysql+pymysql or postgresql+psycopg"]
        )
    return KINDS[backend](parsed, catalogue, replace)
