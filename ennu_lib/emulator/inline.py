"""Associations that come with a record: planned before it is created, made after; and shown when it is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.errors import ApiError, bad_request
from ennu_lib.emulator.inputs import Input
from ennu_lib.emulator.links import Links, Wish
from ennu_lib.emulator.model import Definition, ObjectType
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.settings import ASSOCIATION_PAGE


def plan_links(portal: Portal, kind: ObjectType, items: Sequence[Input]) -> None:
    """Find the type and the record of every association; an input with one that is not there gets an error."""
    for item in items:
        try:
            for wanted in item.associations:
                _plan(portal, kind, item, wanted)
        except ApiError as error:
            item.error = error


def _plan(portal: Portal, kind: ObjectType, item: Input, wanted: dict[str, Any]) -> None:
    text = str((wanted.get("to") or {}).get("id", ""))
    to_id = number_of(text)
    for spec in wanted.get("types") or []:
        definition = _definition(portal, kind, spec)
        to_kind = portal.registry.by_type_id(definition.to_type)
        if to_id is None or not portal.records(to_kind).live_ids([to_id]):
            raise bad_request(f"Object {text} of type {to_kind.type_id} does not exist", context={"id": [text]})
        item.targets.append((to_kind, to_id, definition))


def _definition(portal: Portal, kind: ObjectType, spec: dict[str, Any]) -> Definition:
    category, type_id = spec.get("associationCategory"), spec.get("associationTypeId")
    for definition in portal.registry.definitions.values():
        same = definition.category == category and definition.type_id == number_of(type_id)
        if same and definition.from_type == kind.type_id:
            return definition
    raise bad_request(
        f"{category}:{type_id} is not a valid association type for {kind.type_id}",
        subCategory="crm.associations.INVALID_ASSOCIATION_TYPE",
    )


def link_created(portal: Portal, kind: ObjectType, items: Sequence[Input]) -> None:
    """Make the planned associations of the records that were created."""
    by_type: dict[int, list[Wish]] = defaultdict(list)
    for item in items:
        for to_kind, to_id, definition in item.targets if item.new_id else ():
            by_type[to_kind.number].append(Wish(item.new_id, to_id, (definition,)))
    for number, wishes in by_type.items():
        Links(portal, kind, portal.registry.types[number]).write(wishes, keep_labels=True)


def associations_of(portal: Portal, kind: ObjectType, shapes: list[dict[str, Any]], wanted: Sequence[str]) -> None:
    """Add to record shapes the ids of what they are associated with, by type, at most 500 of each."""
    for name in wanted:
        other = portal.registry.find(name)
        links = Links(portal, kind, other)
        for shape in shapes:
            if targets := links.page(int(shape["id"]), 0, ASSOCIATION_PAGE):
                results = [
                    {"id": str(to_id), "type": portal.registry.definitions[number].name.lower()}
                    for to_id, numbers in sorted(targets.items())
                    for number in sorted(numbers)
                ]
                shape.setdefault("associations", {})[other.plural.lower()] = {"results": results}
