"""Associations in the state file: one row per direction and label.

Two associated records always carry the unlabelled definition in both directions; labels come on top. Sending labels
replaces the labels that were there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.errors import bad_request
from ennu_lib.emulator.model import Definition, ObjectType
from ennu_lib.emulator.records import number_of

_INSERT = "INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM links WHERE from_type = ? AND from_id = ? AND to_type = ? AND to_id = ? AND definition = ?"


class Wish(NamedTuple):
    """One pair of records and the labels it shall have."""

    from_id: int
    to_id: int
    definitions: tuple[Definition, ...]


class Links:
    """Reads and writes of the associations from one type to another; the caller holds the transaction."""

    def __init__(self, portal: Portal, from_kind: ObjectType, to_kind: ObjectType):
        self.portal = portal
        self.store = portal.store
        self.from_kind = from_kind
        self.to_kind = to_kind

    def between(self, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], set[int]]:
        """The definitions that hold between the records of each pair.

        CROSS JOIN keeps SQLite from walking through all associations of the type and looking for each in the list.
        """
        found: dict[tuple[int, int], set[int]] = defaultdict(set)
        rows = self.store.execute(
            "SELECT l.from_id, l.to_id, l.definition FROM json_each(?) AS pair CROSS JOIN links AS l "
            "ON l.from_type = ? AND l.from_id = json_extract(pair.value, '$[0]') "
            "AND l.to_type = ? AND l.to_id = json_extract(pair.value, '$[1]')",
            (orjson.dumps(list(pairs)).decode(), self.from_kind.number, self.to_kind.number),
        )
        for from_id, to_id, definition in rows:
            found[from_id, to_id].add(definition)
        return found

    def counts(self, from_ids: Iterable[int]) -> Counter[tuple[int, int]]:
        """How many associations of each definition each record has, by record and definition."""
        rows = self.store.execute(
            "SELECT from_id, definition, COUNT(*) FROM links WHERE from_type = ? AND to_type = ? "
            "AND from_id IN (SELECT value FROM json_each(?)) GROUP BY from_id, definition",
            (self.from_kind.number, self.to_kind.number, orjson.dumps(list(set(from_ids))).decode()),
        )
        return Counter({(from_id, definition): count for from_id, definition, count in rows})

    def page(self, from_id: int, after: int, limit: int) -> dict[int, set[int]]:
        """To-id to definitions, of at most `limit` associated records from `after` on."""
        found: dict[int, set[int]] = defaultdict(set)
        rows = self.store.execute(
            "SELECT to_id, definition FROM links WHERE from_type = ?1 AND from_id = ?2 AND to_type = ?3 AND to_id IN "
            "(SELECT DISTINCT to_id FROM links WHERE from_type = ?1 AND from_id = ?2 AND to_type = ?3 "
            "AND to_id >= ?4 ORDER BY to_id LIMIT ?5) ORDER BY to_id",
            (self.from_kind.number, from_id, self.to_kind.number, after, limit),
        )
        for to_id, definition in rows:
            found[to_id].add(definition)
        return found

    def base(self) -> Definition:
        """The unlabelled definition of this direction. Raises a 400 when the two types are not associated."""
        definition = self.portal.registry.unlabelled(self.from_kind.type_id, self.to_kind.type_id)
        if definition is None:
            raise bad_request(
                f"No association definition exists between {self.from_kind.type_id} and {self.to_kind.type_id}"
            )
        return definition

    def write(self, wishes: Sequence[Wish], keep_labels: bool = False) -> None:
        """Give each pair exactly its labels, or add to them; rows that are right already are not touched."""
        base = self.base()
        self._take_primary_away(wishes)
        present = self.between((wish.from_id, wish.to_id) for wish in wishes)
        added, removed = [], []
        for wish in wishes:
            has = present[wish.from_id, wish.to_id]
            wanted = {base.number, *(definition.number for definition in wish.definitions)}
            added += [(wish, number) for number in wanted - has]
            removed += [] if keep_labels else [(wish, number) for number in has - wanted]
            present[wish.from_id, wish.to_id] = wanted | (has if keep_labels else set())
        self._delete(removed)
        self._insert(added)

    def remove(self, wishes: Sequence[Wish]) -> None:
        """Take labels away; without the unlabelled definition nothing remains of a pair."""
        base = self.base()
        present = self.between((wish.from_id, wish.to_id) for wish in wishes)
        gone = []
        for wish in wishes:
            has = present[wish.from_id, wish.to_id]
            numbers = {definition.number for definition in wish.definitions}
            gone += [(wish, number) for number in (has if base.number in numbers or not numbers else has & numbers)]
        self._delete(gone)

    def _take_primary_away(self, wishes: Sequence[Wish]) -> None:
        """A record that gets a new primary company loses the label on the one it had."""
        last = {
            wish.from_id: (wish.to_id, definition)
            for wish in wishes
            for definition in wish.definitions
            if definition.primary and definition.to_type == "0-2"
        }
        for from_id, (to_id, primary) in last.items():
            others = [other for other, has in self.page(from_id, 0, -1).items() if primary.number in has]
            self._delete([(Wish(from_id, other, ()), primary.number) for other in others if other != to_id])

    def _rows(self, pairs: Sequence[tuple[Wish, int]]) -> list[tuple[int, int, int, int, int]]:
        there, back = self.from_kind.number, self.to_kind.number
        definitions = self.portal.registry.definitions
        rows = [(there, wish.from_id, back, wish.to_id, number) for wish, number in pairs]
        rows += [(back, wish.to_id, there, wish.from_id, definitions[number].inverse) for wish, number in pairs]
        return rows

    def _insert(self, pairs: Sequence[tuple[Wish, int]]) -> None:
        self.store.executemany(_INSERT, self._rows(pairs))

    def _delete(self, pairs: Sequence[tuple[Wish, int]]) -> None:
        self.store.executemany(_DELETE, self._rows(pairs))

    def definition(self, spec: dict[str, Any]) -> Definition:
        """The definition that a category and a type id name in this direction. Raises a 400 when it has none."""
        category, type_id = spec.get("associationCategory"), spec.get("associationTypeId")
        for known in self.portal.registry.between(self.from_kind.type_id, self.to_kind.type_id):
            if known.category == category and known.type_id == number_of(type_id):
                return known
        raise bad_request(
            f"{category}:{type_id} is not a valid association type between {self.from_kind.type_id} and "
            f"{self.to_kind.type_id}",
            subCategory="crm.associations.INVALID_ASSOCIATION_TYPE",
        )


def unlink(portal: Portal, kind: ObjectType, record_ids: Iterable[int]) -> None:
    """Without any association of these records, seen from either end."""
    for record_id in record_ids:
        _drop(portal, [(kind.number, record_id, *row) for row in _of(portal, kind, record_id)])


def move_links(portal: Portal, kind: ObjectType, old: Sequence[int], new: int) -> None:
    """Give the associations of some records to another one; those among themselves vanish."""
    for record_id in old:
        rows = [(kind.number, record_id, *row) for row in _of(portal, kind, record_id)]
        _drop(portal, rows)
        kept = [row for row in rows if row[2] != kind.number or row[3] not in (*old, new)]
        moved = [(kind.number, new, *row[2:]) for row in kept]
        inverse = [_inverse(portal, row) for row in moved]
        portal.store.executemany(_INSERT, moved + inverse)


def _of(portal: Portal, kind: ObjectType, record_id: int) -> list[tuple[int, int, int]]:
    return portal.store.execute(
        "SELECT to_type, to_id, definition FROM links WHERE from_type = ? AND from_id = ?", (kind.number, record_id)
    ).fetchall()


def _inverse(portal: Portal, row: Sequence[int]) -> tuple[int, int, int, int, int]:
    from_type, from_id, to_type, to_id, definition = row
    return to_type, to_id, from_type, from_id, portal.registry.definitions[definition].inverse


def _drop(portal: Portal, rows: Sequence[Sequence[int]]) -> None:
    portal.store.executemany(_DELETE, [*rows, *(_inverse(portal, row) for row in rows)])
