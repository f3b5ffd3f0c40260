"""Associations in the state file: one row per direction and label.

Two associated records always carry the unlabelled definition in both directions; labels come on top. Sending labels
replaces the labels that were there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.errors import ApiError, bad_request
from ennu_lib.emulator.model import Definition, ObjectType
from ennu_lib.emulator.records import number_of


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

    def present(self, from_ids: Iterable[int]) -> dict[int, dict[int, set[int]]]:
        """From-id to to-id to the definitions that hold between them."""
        found: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
        rows = self.store.execute(
            "SELECT from_id, to_id, definition FROM links WHERE from_type = ? AND to_type = ? "
            "AND from_id IN (SELECT value FROM json_each(?))",
            (self.from_kind.number, self.to_kind.number, orjson.dumps(list(set(from_ids))).decode()),
        )
        for from_id, to_id, definition in rows:
            found[from_id][to_id].add(definition)
        return found

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
        present = self.present(wish.from_id for wish in wishes)
        for wish in wishes:
            if any(definition.primary for definition in wish.definitions):
                self._take_primary_away(wish, present)
        added, removed = [], []
        for wish in wishes:
            has = present[wish.from_id][wish.to_id]
            wanted = {base.number, *(definition.number for definition in wish.definitions)}
            added += [(wish, number) for number in wanted - has]
            removed += [] if keep_labels else [(wish, number) for number in has - wanted]
            present[wish.from_id][wish.to_id] = wanted | (has if keep_labels else set())
        self._delete(removed)
        self._insert(added)

    def remove(self, wishes: Sequence[Wish]) -> None:
        """Take labels away; without the unlabelled definition nothing remains of a pair."""
        base = self.base()
        present = self.present(wish.from_id for wish in wishes)
        gone = []
        for wish in wishes:
            has = present.get(wish.from_id, {}).get(wish.to_id, set())
            numbers = {definition.number for definition in wish.definitions}
            gone += [(wish, number) for number in (has if base.number in numbers or not numbers else has & numbers)]
        self._delete(gone)

    def _take_primary_away(self, wish: Wish, present: dict[int, dict[int, set[int]]]) -> None:
        primary = next(definition for definition in wish.definitions if definition.primary)
        if primary.to_type == "0-2":
            others = {to for to, has in present[wish.from_id].items() if primary.number in has and to != wish.to_id}
            self._delete([(Wish(wish.from_id, to_id, ()), primary.number) for to_id in others])
            for to_id in others:
                present[wish.from_id][to_id].discard(primary.number)

    def _rows(self, pairs: Sequence[tuple[Wish, int]]) -> list[tuple[int, int, int, int, int]]:
        there, back = self.from_kind.number, self.to_kind.number
        definitions = self.portal.registry.definitions
        rows = [(there, wish.from_id, back, wish.to_id, number) for wish, number in pairs]
        rows += [(back, wish.to_id, there, wish.from_id, definitions[number].inverse) for wish, number in pairs]
        return rows

    def _insert(self, pairs: Sequence[tuple[Wish, int]]) -> None:
        self.store.executemany("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?)", self._rows(pairs))

    def _delete(self, pairs: Sequence[tuple[Wish, int]]) -> None:
        self.store.executemany(
            "DELETE FROM links WHERE from_type = ? AND from_id = ? AND to_type = ? AND to_id = ? AND definition = ?",
            self._rows(pairs),
        )

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

    def over_cap(self, wishes: Sequence[Wish]) -> dict[int, ApiError]:
        """By position, the wishes that would give a record of either end more associations than it may have."""
        back = Links(self.portal, self.to_kind, self.from_kind)
        inverse = self.portal.registry.definitions
        reversed_wishes = [
            Wish(wish.to_id, wish.from_id, tuple(inverse[d.inverse] for d in wish.definitions)) for wish in wishes
        ]
        return back._over_cap_one_way(reversed_wishes) | self._over_cap_one_way(wishes)

    def _over_cap_one_way(self, wishes: Sequence[Wish]) -> dict[int, ApiError]:
        present, base = self.present(wish.from_id for wish in wishes), self.base()
        errors: dict[int, ApiError] = {}
        for position, wish in enumerate(wishes):
            others = present[wish.from_id]
            for definition in (base, *wish.definitions):
                limit = definition.max_to or self.portal.settings.associations_per_record
                holding = sum(definition.number in has for to_id, has in others.items() if to_id != wish.to_id)
                if holding >= limit:
                    errors[position] = over_cap(wish.from_id, limit)
            if position not in errors:
                others[wish.to_id] |= {base.number, *(definition.number for definition in wish.definitions)}
        return errors


def over_cap(record_id: int, limit: int) -> ApiError:
    """The refusal of one association too many."""
    return bad_request(
        f"Record {record_id} cannot be associated: it has reached its limit of {limit} associations",
        subCategory="crm.associations.ASSOCIATION_LIMIT_EXCEEDED",
        context={"id": [str(record_id)], "limit": [str(limit)]},
    )
