"""The first day of a portal: the types, properties, associations and owners it is born with."""

from __future__ import annotations

import orjson

from ennu_lib.emulator import standard
from ennu_lib.emulator.model import HUBSPOT_DEFINED, Group, ObjectType, Property
from ennu_lib.emulator.registry import Registry

OWNERS = (("Ada", "Reyes"), ("Ben", "Osei"), ("Cleo", "Marsh"))
FIRST_OWNER = 70_000_001


def found(registry: Registry) -> None:
    """Fill an empty portal; does nothing to one that was founded before."""
    if registry.store.get("founded"):
        return
    with registry.store.transaction():
        for spec in standard.OBJECT_TYPES:
            _add_type(registry, spec)
        for first, second, forth, back, label in standard.ASSOCIATIONS:
            _add_association(registry, (first, second), (forth, back), label)
        for number, (first_name, last_name) in enumerate(OWNERS, start=FIRST_OWNER):
            body = {"firstName": first_name, "lastName": last_name, "email": f"{first_name.lower()}@ennu.example"}
            registry.store.execute("INSERT INTO owners VALUES (?, ?)", (number, orjson.dumps(body)))
        registry.store.put("founded", True)


def _add_type(registry: Registry, spec: standard.StandardType) -> None:
    kind = ObjectType(
        0, spec.type_id, spec.name, spec.name, spec.singular, spec.plural, spec.aliases,
        primary_display=spec.primary_display, defaults=list(spec.defaults), searchable=list(spec.searchable),
    )  # fmt: skip
    registry.add_type(kind)
    group = f"{spec.name.lower()}information"
    add_system_properties(registry, kind, group, f"{spec.singular} information")
    for item in standard.PROPERTIES.get(spec.type_id, ()):
        _add_property(registry, kind, item, group)


def add_system_properties(registry: Registry, kind: ObjectType, group: str, label: str) -> None:
    """What every record has: its id, its dates, where it came from, its owner; in a group of their own."""
    registry.save_group(kind, Group(group, label, 0))
    for item in standard.SYSTEM_PROPERTIES:
        _add_property(registry, kind, item, group)
    for name, title in ((kind.created_property, "Create Date"), (kind.modified_property, "Last Modified Date")):
        _add_property(registry, kind, standard.StandardProperty(name, title, "datetime", "date", (), True), group)


def _add_property(registry: Registry, kind: ObjectType, item: standard.StandardProperty, group: str) -> None:
    options = [
        {"label": value.replace("_", " ").capitalize(), "value": value, "displayOrder": order, "hidden": False}
        for order, value in enumerate(item.options)
    ]
    owner = item.name == "hubspot_owner_id"
    registry.save_property(
        kind,
        Property(
            item.name, item.label, item.type, item.field_type, group, options=options, hubspot_defined=True,
            read_only_value=item.read_only, calculated=item.read_only, form_field=not item.read_only,
            external_options=owner, referenced_object_type="OWNER" if owner else None,
        ),
    )  # fmt: skip


def _add_association(registry: Registry, pair: tuple[str, str], type_ids: tuple[int, int], label: str | None) -> None:
    ending = "" if label else "_UNLABELED"
    first, second = (registry.by_type_id(type_id).name for type_id in pair)
    names = (f"{first}_TO_{second}{ending}", f"{second}_TO_{first}{ending}")
    registry.add_pair(pair, type_ids, HUBSPOT_DEFINED, names, (label, label))
