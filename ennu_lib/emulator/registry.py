"""The portal's definitions, read once and held in memory; every change goes to the state file as well."""

from __future__ import annotations

import orjson

from ennu_lib.emulator.errors import unknown_object_type
from ennu_lib.emulator.model import USER_DEFINED, Definition, Group, ObjectType, Property, stored
from ennu_lib.emulator.store import Store


class Registry:
    """Object types by any of their names, and association definitions by number and by pair."""

    def __init__(self, store: Store, portal_id: int):
        self.store = store
        self.portal_id = portal_id
        self.load()
        store.at_end_of_transaction = self._end_of_transaction

    def _end_of_transaction(self, committed: bool) -> None:
        """What was changed in memory and then rolled back in the file is read again."""
        if self.touched and not committed:
            self.load()
        self.touched = False

    def load(self) -> None:
        """Read every definition."""
        self.touched = False
        self.types: dict[int, ObjectType] = {}
        self.by_name: dict[str, ObjectType] = {}
        self.definitions: dict[int, Definition] = {}
        self.by_pair: dict[tuple[str, str], list[Definition]] = {}
        self._load_types()
        for number, body in self.store.execute("SELECT number, body FROM definitions ORDER BY number"):
            self._remember(Definition(**{**orjson.loads(body), "number": number}))

    def _load_types(self) -> None:
        for number, body in self.store.execute("SELECT number, body FROM object_types ORDER BY number").fetchall():
            kind = ObjectType(**{**orjson.loads(body), "number": number})
            self._name(kind)
            for property_number, text in self.store.execute(
                "SELECT number, body FROM properties WHERE type = ? ORDER BY number", (number,)
            ):
                found = Property(**{**orjson.loads(text), "number": property_number})
                (kind.archived_properties if found.archived else kind.properties)[found.name] = found
            for (text,) in self.store.execute("SELECT body FROM property_groups WHERE type = ?", (number,)):
                group = Group(**orjson.loads(text))
                kind.groups[group.name] = group

    def _name(self, kind: ObjectType) -> None:
        self.types[kind.number] = kind
        names = [kind.type_id, kind.fully_qualified_name, *kind.aliases]
        for name in names if not kind.archived else [kind.type_id]:
            self.by_name[name.lower()] = kind

    def _remember(self, definition: Definition) -> None:
        self.definitions[definition.number] = definition
        pair = self.by_pair.setdefault((definition.from_type, definition.to_type), [])
        pair[:] = [known for known in pair if known.number != definition.number] + [definition]

    def find(self, name: str) -> ObjectType:
        """The type that a path or a body names. Raises the recorded error when there is none."""
        kind = self.by_name.get(name.lower())
        if kind is None or kind.archived:
            raise unknown_object_type(name)
        return kind

    def by_type_id(self, type_id: str) -> ObjectType:
        """The type with this id."""
        return self.by_name[type_id]

    def add_type(self, kind: ObjectType) -> ObjectType:
        """Keep a new type, make its tables, and give it the properties that every type has."""
        cursor = self.store.execute("INSERT INTO object_types (body) VALUES ('{}')")
        kind.number = cursor.lastrowid or 0
        self.store.create_type_tables(kind.number)
        self.save_type(kind)
        return kind

    def save_type(self, kind: ObjectType) -> None:
        """Keep a changed type."""
        self.touched = True
        self.store.execute(
            "UPDATE object_types SET body = ? WHERE number = ?", (orjson.dumps(stored(kind)), kind.number)
        )
        for name in [name for name, known in self.by_name.items() if known.number == kind.number]:
            del self.by_name[name]
        self._name(kind)

    def remove_type(self, kind: ObjectType) -> None:
        """Forget a type with everything that belongs to it."""
        self.touched = True
        for table in ("properties", "property_groups"):
            self.store.execute(f"DELETE FROM {table} WHERE type = ?", (kind.number,))
        self.store.execute("DELETE FROM object_types WHERE number = ?", (kind.number,))
        self.store.drop_type_tables(kind.number)
        self.types.pop(kind.number)
        for name in [name for name, known in self.by_name.items() if known is kind]:
            del self.by_name[name]

    def save_property(self, kind: ObjectType, changed: Property) -> Property:
        """Keep a new or changed property of a type."""
        self.touched = True
        row = self.store.execute(
            "INSERT INTO properties (type, name, body) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (type, name) DO UPDATE SET body = ?3 RETURNING number",
            (kind.number, changed.name, orjson.dumps(stored(changed))),
        ).fetchall()[0]
        changed.number = row[0]
        for held, archived in ((kind.properties, False), (kind.archived_properties, True)):
            if changed.archived == archived:
                held[changed.name] = changed
            else:
                held.pop(changed.name, None)
        kind.properties = dict(sorted(kind.properties.items(), key=lambda item: item[1].number))
        kind.rules = kind.unique = None
        return changed

    def save_group(self, kind: ObjectType, group: Group) -> None:
        """Keep a new or changed property group of a type."""
        self.touched = True
        self.store.execute(
            "INSERT OR REPLACE INTO property_groups VALUES (?, ?, ?)",
            (kind.number, group.name, orjson.dumps(stored(group))),
        )
        kind.groups[group.name] = group

    def save_definition(self, definition: Definition) -> None:
        """Keep a new or changed association definition."""
        self.touched = True
        if not definition.number:
            definition.number = self.store.execute("INSERT INTO definitions (body) VALUES ('{}')").lastrowid or 0
            definition.inverse = definition.inverse or definition.number
        self.store.execute(
            "UPDATE definitions SET body = ? WHERE number = ?", (orjson.dumps(stored(definition)), definition.number)
        )
        self._remember(definition)

    def add_pair(
        self, pair: tuple[str, str], type_ids: tuple[int, int], category: str, names: tuple[str, str],
        labels: tuple[str | None, str | None] = (None, None), at: int | None = None,
    ) -> tuple[Definition, Definition]:  # fmt: skip
        """Both directions of an association type; one definition when the two directions share a type id."""
        forth = Definition(0, category, type_ids[0], *pair, names[0], labels[0], created_at=at, updated_at=at)
        self.save_definition(forth)
        if type_ids[0] == type_ids[1]:
            return forth, forth
        back = Definition(0, category, type_ids[1], *pair[::-1], names[1], labels[1], forth.number,
                          created_at=at, updated_at=at)  # fmt: skip
        self.save_definition(back)
        forth.inverse = back.number
        self.save_definition(forth)
        return forth, back

    def remove_definition(self, definition: Definition) -> None:
        """Forget one direction."""
        self.touched = True
        self.store.execute("DELETE FROM definitions WHERE number = ?", (definition.number,))
        self.definitions.pop(definition.number, None)
        pair = self.by_pair[definition.from_type, definition.to_type]
        pair[:] = [known for known in pair if known.number != definition.number]

    def between(self, from_type: str, to_type: str) -> list[Definition]:
        """The definitions of one direction, the unlabelled one first."""
        return sorted(self.by_pair.get((from_type, to_type), []), key=lambda d: (d.label is not None, d.number))

    def unlabelled(self, from_type: str, to_type: str) -> Definition | None:
        """The definition that says only that two records are associated."""
        return next((d for d in self.by_pair.get((from_type, to_type), []) if d.label is None), None)

    def next_association_type_id(self) -> int:
        """A type id that differs from portal to portal, as the real ones do."""
        return self.store.take("association_type_id", 1, 20 + self.portal_id % 37)

    def define_association(self, first: ObjectType, second: ObjectType, name: str | None, at: int) -> Definition:
        """The unlabelled association between two types, made when it is not there."""
        if known := self.unlabelled(first.type_id, second.type_id):
            return known
        forth_id = self.next_association_type_id()
        back_id = forth_id if first.type_id == second.type_id else self.next_association_type_id()
        names = (name or f"{first.name}_to_{second.name}".lower(), f"{second.name}_to_{first.name}".lower())
        return self.add_pair(
            (first.type_id, second.type_id), (forth_id, back_id), USER_DEFINED, names, (None, None), at
        )[0]
