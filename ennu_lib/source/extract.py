"""Copy every table once, in one consistent view, to Parquet in the workspace; resume where it was stopped.

A table that cannot be read is marked with its reason, and the rest goes on. Where the window closes or the connection
is lost, the snapshot ends with it, and the tables that are left come from a later one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from ennu_lib.clock import Clock, SystemClock
from ennu_lib.config import ReadingParams
from ennu_lib.errors import SourceUnreachable
from ennu_lib.keys import Keys
from ennu_lib.source.connect import reaching
from ennu_lib.source.extracted import FOLDER, Extracted, known, save
from ennu_lib.source.pace import Pace, WindowClosed
from ennu_lib.source.refusals import Unread, reason
from ennu_lib.source.shapes import TableShape
from ennu_lib.source.snapshot import Snapshot, snapshot
from ennu_lib.source.table_copy import copy_table, count_rows
from ennu_lib.workspace import Workspace

Progress = Callable[[int, int, str], None]
RETRY_SECONDS = 2.0
TIMES_LOST = 2
READ_ERRORS = (sa.exc.DBAPIError, UnicodeDecodeError)


def extract(
    engine: sa.Engine,
    shapes: Mapping[str, TableShape],
    workspace: Workspace,
    keys: Keys,
    *,
    counted_only: Iterable[str] = (),
    chunk_rows: int = 50_000,
    reading: ReadingParams | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
) -> dict[str, Extracted]:
    """Extract `shapes` to `source/<table>.parquet` and return what was read, by table.

    `counted_only` tables (credentials, sessions) are counted and never read. A table extracted before is kept, so a
    killed extraction resumes at the table it was in; its `snapshot` then differs. A table that could not be read has
    its reason in `unread` and is tried again next time. `reading` has the windows and the cap on the load.

    Raises SourceUnreachable when the server does not come back, OutsideWindow where `reading` says so.
    """
    work = _Extraction(
        engine, shapes, workspace, keys, frozenset(counted_only), chunk_rows, reading, clock or SystemClock(), progress
    )
    return work.run()


class _Lost(Exception):
    """The connection is gone."""


@dataclass
class _Extraction:
    engine: sa.Engine
    shapes: Mapping[str, TableShape]
    workspace: Workspace
    keys: Keys
    unread: frozenset[str]
    chunk_rows: int
    reading: ReadingParams | None
    clock: Clock
    progress: Progress | None
    done: dict[str, Extracted] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    seen: Counter = field(default_factory=Counter)
    losses: Counter = field(default_factory=Counter)
    counting: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reading = self.reading or ReadingParams()
        self.pace = Pace(self.reading, self.clock)

    def run(self) -> dict[str, Extracted]:
        for name in self.shapes:
            found = known(self.workspace, name)
            if found and not found.unread and (found.file is None) == (name in self.unread):
                self.done[name] = found
        while to_do := [name for name in self.shapes if name not in self.done]:
            self.pace.wait_until_open(self._waiting)
            try:
                with snapshot(self.engine, self.reading.lock_wait_seconds) as taken:
                    self._in_one_snapshot(taken, to_do)
            except WindowClosed:
                continue
            except _Lost:
                self._reconnect()
        return {name: self.done[name] for name in self.shapes}

    def _in_one_snapshot(self, taken: Snapshot, to_do: list[str]) -> None:
        moment = self.clock.now().isoformat(timespec="milliseconds")
        for name in to_do:
            self._attempt(taken, name, moment, self._count)
        for number, name in enumerate(name for name in to_do if name not in self.done):
            try:
                self._attempt(taken, name, moment, self._only_counted if name in self.unread else self._copy)
            except WindowClosed:
                if number == 0:
                    self._mark(name, moment, Unread.TOO_LONG)
                raise

    def _attempt(self, taken: Snapshot, name: str, moment: str, act: Callable[[Snapshot, str, str], None]) -> None:
        """Do one thing with one table; what the server has against it is noted, and only a lost connection is not."""
        if not taken.alive:
            raise _Lost
        try:
            with taken.table():
                act(taken, name, moment)
        except READ_ERRORS as error:
            why = reason(error)
            if why is not Unread.LOST:
                self._mark(name, moment, why)
                return
            self.losses[name] += 1
            if self.losses[name] >= TIMES_LOST:
                self._mark(name, moment, why)
            raise _Lost from None

    def _count(self, taken: Snapshot, name: str, _moment: str) -> None:
        began = self.clock.monotonic()
        self.totals[name] = count_rows(taken, self.shapes[name])
        self.counting[name] = self.clock.monotonic() - began

    def _only_counted(self, _taken: Snapshot, name: str, moment: str) -> None:
        self._keep(name, moment, rows=self.totals[name])

    def _copy(self, taken: Snapshot, name: str, moment: str) -> None:
        def took(rows: int, so_far: int) -> None:
            self._report(name, so_far)
            self.pace.took(rows)

        target = self.workspace.path(f"{FOLDER}/{name}")
        began = self.clock.monotonic()
        size = self.pace.rows(self.chunk_rows)
        digest, as_text = copy_table(taken, self.shapes[name], target, self.keys, size, took)
        if digest.rows != self.totals[name]:
            self._mark(name, moment, Unread.CHANGING)
            return
        self._keep(
            name,
            moment,
            rows=digest.rows,
            digest=digest.value(),
            file=f"{FOLDER}/{name}.parquet",
            bytes=target.stat().st_size,
            kept_as_text=tuple(sorted(as_text)),
            seconds=round(self.counting[name] + self.clock.monotonic() - began, 3),
        )

    def _mark(self, name: str, moment: str, why: Unread) -> None:
        self._keep(name, moment, rows=self.totals.get(name, 0), unread=str(why))

    def _keep(self, name: str, moment: str, **found) -> None:
        shape = self.shapes[name]
        if not found.get("file"):
            self.workspace.path(f"{FOLDER}/{name}").unlink(missing_ok=True)
        columns = {c.name: c.declared for c in shape.columns}
        kept = {"digest": "", "file": None, "bytes": 0, "kept_as_text": (), **found}
        self.done[name] = Extracted(table=name, key=shape.key, columns=columns, snapshot=moment, **kept)
        save(self.done[name], self.workspace)

    def _report(self, table: str, rows: int) -> None:
        """A table that is begun again, because of its values or of a new snapshot, counts once."""
        self.seen[table] = rows
        if self.progress:
            self.progress(self.seen.total(), sum(self.totals.values()), table)

    def _waiting(self, until: str) -> None:
        if self.progress:
            self.progress(self.seen.total(), max(sum(self.totals.values()), self.seen.total() + 1), until)

    def _reconnect(self) -> None:
        """Return when the server answers again. Raises SourceUnreachable when it does not in time."""
        give_up = self.clock.monotonic() + self.reading.reconnect_seconds
        while True:
            try:
                with reaching(self.engine), self.engine.connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
                return
            except SourceUnreachable:
                if self.clock.monotonic() >= give_up:
                    raise
                self.clock.sleep(RETRY_SECONDS)


__all__ = ["extract"]
