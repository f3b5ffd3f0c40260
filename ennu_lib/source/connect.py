"""Connect to the Open Medical database, read only, with one consistent view of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event, exc

from ennu_lib.errors import ConfigurationError, SourceRefused, SourceUnreachable

DRIVERS = {"mysql": "pymysql", "mariadb": "pymysql", "postgresql": "psycopg"}
# MariaDB and MySQL: unknown user or wrong password; PostgreSQL: the two SQLSTATEs for the same.
REFUSED_MYSQL = {1044, 1045, 1698}
REFUSED_POSTGRES = ("password authentication failed", "no password supplied", "authentication failed")


def connect(url: str, password: str | None = None) -> sa.Engine:
    """An engine for `url` that has answered once.

    A URL without a driver gets the tested one (PyMySQL, psycopg). Raises ConfigurationError for a URL that is none,
    SourceRefused for a refused user or password, SourceUnreachable for anything that does not answer.
    """
    parsed = _parse(url)
    if password is not None:
        parsed = parsed.set(password=password)
    try:
        engine = sa.create_engine(parsed, poolclass=sa.NullPool, **_options(parsed))
    except (exc.NoSuchModuleError, ModuleNotFoundError):
        raise SourceUnreachable(
            f"no driver for {parsed.drivername!r} is installed; use sqlite, mysql+pymysql or postgresql+psycopg"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _leave_transactions_to_us)
    with reaching(engine), engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    return engine


@contextmanager
def reaching(engine: sa.Engine) -> Iterator[None]:
    """Turn a refused or lost connection into our own errors, without the server's text."""
    try:
        yield
    except exc.DBAPIError as error:
        where = _where(engine.url)
        if _refused(error):
            raise SourceRefused(
                f"{where} refuses the user or the password; check source.url and the secret that source.password names"
            ) from None
        if error.connection_invalidated or isinstance(error, exc.OperationalError):
            raise SourceUnreachable(
                f"{where} does not answer; check that the server runs and that host, port and database are right"
            ) from None
        raise


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise ConfigurationError(
            "source.url", ["not a database URL; write for example sqlite:///clinic.sqlite"]
        ) from None
    if "+" not in parsed.drivername and parsed.drivername in DRIVERS:
        parsed = parsed.set(drivername=f"{parsed.drivername}+{DRIVERS[parsed.drivername]}")
    if parsed.get_backend_name() == "sqlite":
        path = parsed.database or ""
        if not path or not Path(path).is_file():
            raise SourceUnreachable(
                "the SQLite file of source.url does not exist; check the path, or build the clinic first"
            )
    return parsed


def _options(url: sa.URL) -> dict:
    if url.get_backend_name() in ("mysql", "mariadb"):
        return {"connect_args": {"charset": "utf8mb4", "connect_timeout": 10}}
    if url.get_backend_name() == "postgresql":
        return {"connect_args": {"connect_timeout": 10, "client_encoding": "utf8"}}
    return {}


def _leave_transactions_to_us(connection, _record) -> None:
    connection.isolation_level = None
    connection.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")


def _refused(error: exc.DBAPIError) -> bool:
    original = error.orig
    if original is not None and original.args and original.args[0] in REFUSED_MYSQL:
        return True
    return any(text in str(original) for text in REFUSED_POSTGRES)


def _where(url: sa.URL) -> str:
    if url.get_backend_name() == "sqlite":
        return "the SQLite database"
    return f"the {url.get_backend_name()} server at {url.host or 'its socket'}:{url.port or 'default port'}"
