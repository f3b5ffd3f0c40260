"""Records of one object type in the state file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from ennu_lib.emulator.model import ObjectType, Property
from ennu_lib.emulator.store import Store


class Record(NamedTuple):
    """A stored record; times in milliseconds, `archived` the time it was archived."""

    id: int
    created: int
    updated: int
    archived: int | None
    body: bytes

    @classmethod
    def of(cls, number: int, created: int, updated: int, values: dict[str, str]) -> Record:
        """A record that is not archived."""
        return cls(number, created, updated, None, orjson.dumps(values))

    @property
    def values(self) -> dict[str, str]:
        """The property values that were written."""
        return orjson.loads(self.body)


def _ids(ids: Iterable[int]) -> str:
    return orjson.dumps(list(ids)).decode()


class Records:
    """Reads and writes of one type; the caller holds the transaction."""

    def __init__(self, store: Store, kind: ObjectType):
        self.store = store
        self.kind = kind
        self.table = f"records_{kind.number}"
        self.index = f"unique_{kind.number}"

    def fetch(self, ids: Iterable[int]) -> dict[int, Record]:
        """The records with these ids, archived ones too."""
        found = self.store.execute(
            f"SELECT id, created, updated, archived, body FROM {self.table} "
            "WHERE id IN (SELECT value FROM json_each(?))",
            (_ids(ids),),
        )
        return {row[0]: Record(*row) for row in found}

    def live_ids(self, ids: Iterable[int]) -> set[int]:
        """Which of these ids are records that are not archived."""
        found = self.store.execute(
            f"SELECT id FROM {self.table} WHERE id IN (SELECT value FROM json_each(?)) AND archived IS NULL",
            (_ids(ids),),
        )
        return {row[0] for row in found}

    def led_to(self, ids: Iterable[int]) -> dict[int, int]:
        """Which of these ids were merged, and into which record."""
        found = self.store.execute(
            "SELECT old, new FROM merged WHERE type = ? AND old IN (SELECT value FROM json_each(?))",
            (self.kind.number, _ids(ids)),
        )
        return dict(found.fetchall())

    def page(self, after: int, limit: int, archived: bool) -> list[Record]:
        """Records in the order of their ids, from `after` on."""
        state = "IS NOT NULL" if archived else "IS NULL"
        found = self.store.execute(
            f"SELECT id, created, updated, archived, body FROM {self.table} "
            f"WHERE id >= ? AND archived {state} ORDER BY id LIMIT ?",
            (after, limit),
        )
        return [Record(*row) for row in found]

    def holders(self, definition: Property, values: Iterable[str]) -> dict[str, int]:
        """Which record holds each of these values of a unique property."""
        found = self.store.execute(
            f"SELECT value, id FROM {self.index} WHERE property = ? AND value IN (SELECT value FROM json_each(?))",
            (definition.number, orjson.dumps(list(values)).decode()),
        )
        return dict(found.fetchall())

    def insert(self, rows: Sequence[tuple[int, int, int, bytes]]) -> None:
        """New records: id, created, updated, body."""
        self.store.executemany(f"INSERT INTO {self.table} (id, created, updated, body) VALUES (?, ?, ?, ?)", rows)
        self._count(live=len(rows))

    def update(self, rows: Sequence[tuple[int, bytes, int]]) -> None:
        """Changed records: updated, body, id."""
        self.store.executemany(f"UPDATE {self.table} SET updated = ?, body = ? WHERE id = ?", rows)

    def claim(self, rows: Sequence[tuple[int, str, int]]) -> None:
        """Unique values taken: property number, value, id."""
        self.store.executemany(f"INSERT INTO {self.index} VALUES (?, ?, ?)", rows)

    def release(self, rows: Sequence[tuple[int, str]]) -> None:
        """Unique values given up: property number, value."""
        self.store.executemany(f"DELETE FROM {self.index} WHERE property = ? AND value = ?", rows)

    def archive(self, records: Sequence[Record], at: int, keep_values: bool) -> None:
        """To the recycle bin; the unique values become free unless the portal keeps them."""
        self.store.executemany(
            f"UPDATE {self.table} SET archived = ? WHERE id = ?", [(at, record.id) for record in records]
        )
        self._count(live=-len(records), archived=len(records))
        if not keep_values:
            self.release(self.unique_values(records))

    def remove(self, records: Sequence[Record]) -> None:
        """For good."""
        self.release(self.unique_values(records))
        self.store.executemany(f"DELETE FROM {self.table} WHERE id = ?", [(record.id,) for record in records])
        archived = sum(record.archived is not None for record in records)
        self._count(live=archived - len(records), archived=-archived)

    def unique_values(self, records: Iterable[Record]) -> list[tuple[int, str]]:
        """Property number and value of every unique value that these records hold."""
        definitions = [*self.kind.identifying, *(d for d in self.kind.archived_properties.values() if d.identifies)]
        return [
            (definition.number, values[definition.name])
            for record in records
            for values in (record.values,)
            for definition in definitions
            if definition.name in values
        ]

    def keep_old_image(self, records: Sequence[Record], until: int, now: int) -> None:
        """What searches go on seeing until their index has caught up."""
        self.store.execute(f"DELETE FROM unindexed_{self.kind.number} WHERE until <= ?", (now,))
        self.store.executemany(
            f"INSERT INTO unindexed_{self.kind.number} VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET until = excluded.until",
            [(record.id, record.created, record.updated, record.body, until) for record in records],
        )

    def counts(self) -> tuple[int, int]:
        """Live and archived records."""
        return self.store.execute(
            "SELECT live, archived FROM object_types WHERE number = ?", (self.kind.number,)
        ).fetchone()

    def _count(self, live: int, archived: int = 0) -> None:
        self.store.execute(
            "UPDATE object_types SET live = live + ?, archived = archived + ? WHERE number = ?",
            (live, archived, self.kind.number),
        )


def number_of(text: Any) -> int | None:
    """A record id as a number; None when it is not one."""
    text = str(text)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
