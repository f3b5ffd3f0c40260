"""The ledger: what was about to be sent, and what became of it. Committed before anything leaves this machine.

SQLite in WAL mode with synchronous FULL: NORMAL may forget commits when the power fails. A record is `verified` only
after it was read back and equals its image; whatever a crash leaves `inflight` is simply sent again, because an upsert
by external id may be repeated.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from ennu_lib.workspace import storage

INFLIGHT, VERIFIED, REJECTED, QUARANTINED = "inflight", "verified", "rejected", "quarantined"

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    object TEXT NOT NULL, external_id TEXT NOT NULL, fingerprint BLOB NOT NULL, state TEXT NOT NULL,
    hubspot_id TEXT, created INTEGER, code TEXT, PRIMARY KEY (object, external_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS portal (id TEXT NOT NULL);
"""


class Ledger:
    """One file per run. Used by one thread; the run's lock keeps other processes out."""

    def __init__(self, path: Path):
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)

    def belongs_to(self, portal: str) -> bool:
        """Whether this ledger is of portal `portal`; a new ledger is from now on."""
        known = self._db.execute("SELECT id FROM portal").fetchone()
        if known is None:
            self._db.execute("INSERT INTO portal VALUES (?)", (portal,))
            return True
        return known[0] == portal

    @property
    def portal(self) -> str:
        """The portal that this ledger belongs to."""
        return self._db.execute("SELECT id FROM portal").fetchone()[0]

    def plan(self, object_type: str, entries: Iterable[tuple[str, bytes]]) -> set[str]:
        """Enter external ids with their fingerprints; return those that still have to be dealt with.

        An entry whose image has changed since it was verified is planned again.
        """
        entries = list(entries)
        with _transaction(self._db):
            self._db.executemany(
                "INSERT INTO record (object, external_id, fingerprint, state) VALUES (?, ?, ?, 'planned') "
                "ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint, state = 'planned', code = NULL "
                "WHERE record.fingerprint <> excluded.fingerprint",
                [(object_type, external_id, mark) for external_id, mark in entries],
            )
        settled = self._db.execute(
            f"SELECT external_id FROM record WHERE object = ? AND state IN ('verified', 'quarantined') "
            f"AND external_id IN ({','.join('?' * len(entries))})",
            (object_type, *(external_id for external_id, _ in entries)),
        )
        return {external_id for external_id, _ in entries} - {row[0] for row in settled}

    def intend(self, object_type: str, external_ids: Iterable[str]) -> None:
        """Commit that these records are about to be sent."""
        self._set((INFLIGHT, None, None, None, object_type, external_id) for external_id in external_ids)

    def settle(
        self, object_type: str, outcomes: Iterable[tuple[str, str, str | None, bool | None, str | None]]
    ) -> None:
        """Commit what became of records: (external id, state, HubSpot id, newly created, code)."""
        self._set((state, hs, new, code, object_type, external_id) for external_id, state, hs, new, code in outcomes)

    def counts(self) -> pl.DataFrame:
        """Records by object and state, and how many of them were created by this ledger."""
        rows = self._db.execute(
            "SELECT object, state, count(*), total(created) FROM record GROUP BY 1, 2 ORDER BY 1, 2"
        )
        schema = {"object": pl.String, "state": pl.String, "records": pl.Int64, "created": pl.Int64}
        return pl.DataFrame([(*row[:3], int(row[3])) for row in rows], schema=schema, orient="row")

    def codes(self) -> pl.DataFrame:
        """Why records were rejected or quarantined: counts by object, state and code."""
        rows = self._db.execute(
            "SELECT object, state, coalesce(code, ''), count(*) FROM record WHERE state IN ('rejected', 'quarantined') "
            "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        ).fetchall()
        schema = {"object": pl.String, "state": pl.String, "code": pl.String, "records": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def verified_ids(self, object_type: str) -> pl.DataFrame:
        """`external_id` and `hubspot_id` of the verified records of an object."""
        rows = self._db.execute(
            "SELECT external_id, hubspot_id FROM record WHERE object = ? AND state = 'verified'", (object_type,)
        ).fetchall()
        return pl.DataFrame(rows, schema={"external_id": pl.String, "hubspot_id": pl.String}, orient="row")

    def unverified_ids(self, object_type: str) -> pl.DataFrame:
        """`external_id`, `state` and `code` of the records that did not get through."""
        rows = self._db.execute(
            "SELECT external_id, state, coalesce(code, '') FROM record WHERE object = ? AND state <> 'verified'",
            (object_type,),
        ).fetchall()
        schema = {"external_id": pl.String, "state": pl.String, "code": pl.String}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def forget(self, object_type: str, external_ids: Iterable[str]) -> None:
        """Take records out: they are no longer in the portal, and nothing is to be loaded for them."""
        with _transaction(self._db):
            self._db.executemany(
                "DELETE FROM record WHERE object = ? AND external_id = ?", [(object_type, i) for i in external_ids]
            )

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def _set(self, rows: Iterable[tuple]) -> None:
        with _transaction(self._db):
            self._db.executemany(
                "UPDATE record SET state = ?, hubspot_id = coalesce(?, hubspot_id), "
                "created = max(coalesce(created, 0), coalesce(?, 0)), code = ? "
                "WHERE object = ? AND external_id = ?",
                rows,
            )


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Raises StorageFull."""
    with storage("the ledger"), db:
        db.execute("BEGIN IMMEDIATE")
        yield
