"""The state file: one SQLite database per portal, one table of records and one index of unique values per type.

Every request is one transaction. `synchronous=OFF` with a write-ahead log survives a killed process, which is what
a rehearsal does; it does not survive a power failure, and need not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from ennu_lib.errors import AlreadyRunning, UsageError

PAGE_CACHE_KIB = 65_536

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS object_types (number INTEGER PRIMARY KEY, body TEXT, live INTEGER DEFAULT 0,
    archived INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS properties (number INTEGER PRIMARY KEY, type INTEGER, name TEXT, body TEXT,
    UNIQUE (type, name));
CREATE TABLE IF NOT EXISTS property_groups (type INTEGER, name TEXT, body TEXT, PRIMARY KEY (type, name))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS definitions (number INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS links (from_type INTEGER, from_id INTEGER, to_type INTEGER, to_id INTEGER,
    definition INTEGER, PRIMARY KEY (from_type, from_id, to_type, to_id, definition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS merged (type INTEGER, old INTEGER, new INTEGER, PRIMARY KEY (type, old)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocked_emails (email TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS imports (id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS import_errors (id INTEGER PRIMARY KEY, import INTEGER, body TEXT);
"""

_TYPE_TABLES = """
CREATE TABLE IF NOT EXISTS records_{n} (id INTEGER PRIMARY KEY, created INTEGER, updated INTEGER, archived INTEGER,
    body BLOB);
CREATE TABLE IF NOT EXISTS unique_{n} (property INTEGER, value TEXT, id INTEGER, PRIMARY KEY (property, value))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unindexed_{n} (id INTEGER PRIMARY KEY, created INTEGER, updated INTEGER, body BLOB,
    until INTEGER);
CREATE INDEX IF NOT EXISTS unindexed_{n}_until ON unindexed_{n} (until);
"""


def _no_state_file(path: Path) -> UsageError:
    return UsageError(f"{path} cannot be opened as a portal's state file; name another file with --state")


class Store:
    """The connection that serves every request; searches open their own, read-only."""

    def __init__(self, path: Path | str):
        """Open or make the file. Raises UsageError when it is not one, AlreadyRunning when it is being served."""
        self.path = Path(path)
        self.guard = self._claim()
        try:
            self.connection = self._open()
            self.connection.executescript(_SCHEMA)
        except sqlite3.Error:
            raise _no_state_file(self.path) from None
        self.execute = self.connection.execute
        self.executemany = self.connection.executemany
        self.at_end_of_transaction: Callable[[bool], None] = lambda committed: None

    def _claim(self) -> sqlite3.Connection | None:
        """A lock for as long as this process lasts: two emulators on one file would not see each other's changes."""
        if str(self.path) == ":memory:":
            return None
        try:
            guard = sqlite3.connect(f"{self.path}.lock", isolation_level=None, timeout=0)
            guard.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as problem:
            if "locked" in str(problem):
                raise AlreadyRunning(f"another emulator serves {self.path}; stop it or name another file") from None
            raise _no_state_file(self.path) from None
        return guard

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", f"cache_size=-{PAGE_CACHE_KIB}", "temp_store=MEMORY",
                       "wal_autocheckpoint=4000"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def reader(self) -> sqlite3.Connection:
        """A second connection that cannot write, for one search in a thread of its own."""
        connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        connection.execute(f"PRAGMA cache_size=-{PAGE_CACHE_KIB // 4}")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block, or nothing of it. A transaction inside a transaction joins the outer one."""
        if self.connection.in_transaction:
            yield
            return
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            self.at_end_of_transaction(False)
            raise
        self.execute("COMMIT")
        self.at_end_of_transaction(True)

    def create_type_tables(self, number: int) -> None:
        """The tables of one object type."""
        for statement in _TYPE_TABLES.format(n=number).split(";"):
            self.execute(statement)

    def drop_type_tables(self, number: int) -> None:
        """Without the tables of one object type."""
        for table in ("records", "unique", "unindexed"):
            self.execute(f"DROP TABLE {table}_{number}")

    def get(self, name: str, default: Any = None) -> Any:
        """A value of the portal as a whole."""
        row = self.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return orjson.loads(row[0]) if row else default

    def put(self, name: str, value: Any) -> None:
        """Keep a value of the portal as a whole."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, orjson.dumps(value).decode()))

    def take(self, name: str, count: int = 1, start: int = 1) -> int:
        """The first of `count` numbers that nobody has had before."""
        first = self.get(name, start)
        self.put(name, first + count)
        return first

    def drop_everything(self) -> None:
        """Back to an empty file."""
        tables = self.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        with self.transaction():
            for (table,) in tables.fetchall():
                self.execute(f"DROP TABLE {table}")
        self.connection.executescript(_SCHEMA)

    def size(self) -> int:
        """Bytes of the file and its log."""
        files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Fold the log into the file and let it go; on a full disk the log stays and is read with the file."""
        with suppress(sqlite3.OperationalError):
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.connection.close()
        if self.guard:
            self.guard.close()


def last_known_time(path: Path | str) -> datetime | None:
    """The portal's time when its file was last kept, so that a virtual clock does not go back; None for a new file."""
    if not Path(path).exists():
        return None
    store = Store(path)
    try:
        kept = store.get("time")
    finally:
        store.close()
    return datetime.fromisoformat(kept) if kept else None
